//! `purgit init`

use purgit::provider::REGISTRY;

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
    hint: it is for `azure-china-cdn`; `purgit init --help` names the other CDNs for `--provider`
    hint: fill in the ids and hosts, then run `purgit validate` and `purgit plan`
    hint: `purgit apply` reads `AZURE_CDN_KEY_ID`, `AZURE_CDN_KEY_VALUE` from the environment
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

/// The text with the lines from `from` on, up to the first that is none, made no comments.
fn uncommented(text: &str, from: &str) -> String {
    let (before, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no `{from}` in {text}"));
    let indent = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    let mut out = format!("{before}{}", from.strip_prefix("# ").unwrap());
    let mut is_comment = true;
    for (number, line) in rest.split_inclusive('\n').enumerate() {
        let bare = line
            .strip_prefix(indent)
            .and_then(|line| line.strip_prefix("# "));
        is_comment &= number == 0 || bare.is_some();
        match bare {
            Some(bare) if is_comment => out.extend([indent, bare]),
            Some(_) | None => out.push_str(line),
        }
    }
    out
}

#[test]
fn every_cdn_has_a_template_that_is_valid_and_says_which_variables_to_set() {
    for kind in REGISTRY {
        let name = kind.name;
        let mut env = Environment::new();
        let said = env.run(&format!("init --provider {name}")).code(0);
        let project = env.read("purgit.yaml");
        let block = project.split(&format!("\n  {}:\n", kind.field)).nth(1);
        assert!(
            block.is_some_and(|block| block.contains("# fill in")),
            "{project}"
        );
        env.run("validate")
            .code(0)
            .stderr_is_empty()
            .stdout_has("1 endpoint, 1 purge");
        let plan = env.run("plan --detailed-exitcode").code(2);
        let variables: Vec<_> = project.split("{ env: ").skip(1).collect();
        for variable in variables.iter().map(|rest| rest.split(' ').next().unwrap()) {
            for said in [&said, &plan] {
                assert!(said.stderr.contains(&format!("`{variable}`")), "{said}");
            }
            env.set(variable, "not-a-real-key");
        }
        assert_eq!(variables.is_empty(), !plan.stderr.contains("hint: set "));
        env.run("plan").code(0).stderr_is_empty();

        // What stands there as a comment is as valid.
        let usual = env.run("plan --format json").code(0).json();
        env.write("purgit.yaml", &uncommented(&project, "# limits:"));
        env.run("validate").code(0).stderr_is_empty();
        let limited = env.run("plan --format json").code(0).json();
        assert_eq!(
            (&limited["steps"], &limited["quota"]),
            (&usual["steps"], &usual["quota"])
        );
        let git = project.replace("  state: { file:", "  # state: { file:");
        env.write("purgit.yaml", &uncommented(&git, "# state: { git:"));
        env.run("validate").code(0).stderr_is_empty();
        env.write("purgit.yaml", &project);
        let example = env.read("purges/example.yaml");
        env.write("purges/example.yaml", &uncommented(&example, "# ---\n"));
        env.write("public/index.html", "hello");
        env.run("validate")
            .code(0)
            .stderr_is_empty()
            .stdout_has("1 purge, 1 site");
        env.run("plan --all")
            .code(0)
            .stdout_has("https://www.example.com/docs/");
    }
}

#[test]
fn a_cdn_that_there_is_not_is_answered_with_those_that_are() {
    let env = Environment::new();
    let names: Vec<_> = REGISTRY.iter().map(|kind| kind.name).collect();
    env.run("init --provider cloudflair")
        .code(64)
        .stderr_has("invalid value 'cloudflair' for '--provider <NAME>'")
        .stderr_has(&format!("[possible values: {}]", names.join(", ")))
        .stderr_has("a similar value exists: 'cloudflare'");
    assert!(env.files().is_empty());
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
        .stderr_has("`purgit.yaml` exists already");
    assert_eq!(env.files(), before);

    std::fs::remove_file(env.root().join("purgit.yaml")).unwrap();
    env.run("init")
        .code(0)
        .stderr_has("`purges/example.yaml` exists already and was not changed");
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
