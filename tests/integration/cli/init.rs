//! `purgit init`

use crate::common::Environment;

#[test]
fn what_it_writes_is_valid_and_commented() {
    let env = Environment::new();
    let output = env.run("init").code(0).stdout_is_empty();
    insta::assert_snapshot!(output.scrubbed(), @r"
    exit: 0
    --- stdout
    --- stderr
    wrote `purgit.yaml`
    wrote `purges/example.yaml`
    wrote `schemas/purgit.v1alpha1.json`
    hint: fill in the ids and hosts, then run `purgit validate` and `purgit plan`
    ");
    assert!(env.read("purgit.yaml").contains("# "));
    // It is what an editor finds there.
    let named = env.read("purgit.yaml");
    assert!(named.starts_with("# yaml-language-server: $schema=./schemas/purgit.v1alpha1.json\n"));
    let schema = env.run("schema").code(0).stdout;
    assert_eq!(env.read("schemas/purgit.v1alpha1.json"), schema);
    env.run("validate")
        .code(0)
        .stderr_is_empty()
        .stdout_has("Valid: 1 endpoint, 1 purge, 0 sites and 2 targets in 2 files");
    env.run("plan --detailed-exitcode").code(2);
}

#[test]
fn quiet_it_says_nothing() {
    let env = Environment::new();
    env.run("init -q")
        .code(0)
        .stdout_is_empty()
        .stderr_is_empty();
    env.run("validate").code(0);
}

#[test]
fn it_never_overwrites() {
    let env = Environment::new();
    env.run("init").code(0);
    env.edit("purgit.yaml", "name: www", "name: mine");
    env.write("purges/example.yaml", "# mine\n");
    let before = env.files();
    env.run("init")
        .code(1)
        .stderr_has("`purgit.yaml` is there already");
    assert_eq!(env.files(), before);

    std::fs::remove_file(env.root().join("purgit.yaml")).unwrap();
    env.run("init")
        .code(0)
        .stderr_has("`purges/example.yaml` is there already; it is left as it is");
    assert_eq!(env.read("purges/example.yaml"), "# mine\n");
}

#[test]
fn it_says_why_it_cannot_write() {
    let env = Environment::new();
    env.write("purges", "a file where a folder is wanted");
    env.run("init")
        .code(1)
        .stderr_has("cannot write `purges/example.yaml`");
}
