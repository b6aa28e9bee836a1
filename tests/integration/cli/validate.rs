//! `purgit validate`

use serde_json::json;

use crate::common::{Environment, World};
use crate::site::fixture::site;

/// Two manifests with three mistakes.
fn broken() -> Environment {
    let env = Environment::new();
    env.run("init").code(0);
    env.edit("purges/example.yaml", "endpoint: www", "endpoint: wwv");
    env.edit("purges/example.yaml", "revision:", "revison:");
    env.edit("purgit.yaml", "maxUrls: 2000", "maxUrls: many");
    env
}

#[test]
fn it_needs_neither_network_nor_credentials_and_leaves_nothing_behind() {
    let mut world = World::new();
    world.unset("AZURE_CDN_KEY_ID");
    world.unset("AZURE_CDN_KEY_VALUE");
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    let before = world.files();
    world
        .run("validate")
        .code(0)
        .stderr_is_empty()
        .stdout_has("Valid: 1 endpoint, 1 purge, 0 sites and 2 targets in 2 files\n");
    assert_eq!(world.files(), before);
    assert_eq!(world.cdn.requests().len(), 0);
}

/// `.ci/run` asks the program that `cargo install` builds, whose dependencies have fewer features.
#[test]
fn patterns_may_have_classes_of_unicode() {
    let env = Environment::new();
    let manifest = include_str!("../../fixtures/patterns/purgit.yaml");
    env.write("purgit.yaml", manifest);
    env.run("validate").code(0).stdout_has("Valid: 1 endpoint");
}

#[test]
fn all_problems_are_reported_at_once_with_their_place() {
    broken()
        .run("validate")
        .code(1)
        .stdout_is_empty()
        .stderr_has("purgit.yaml:13:14")
        .stderr_has("purges/example.yaml:5:13")
        .stderr_has("did you mean `www`")
        .stderr_has("purges/example.yaml:6:3")
        .stderr_has("did you mean `revision`")
        .stderr_has("error: the manifests have 3 errors");
}

#[test]
fn other_commands_refuse_broken_manifests_alike() {
    let env = broken();
    for line in ["plan", "apply", "status", "purge https://www.example.com/a"] {
        env.run(line)
            .code(1)
            .stdout_is_empty()
            .stderr_has("did you mean `revision`")
            .stderr_has("error: the manifests have 3 errors");
        assert!(!env.exists(".purgit"), "{line}");
    }
}

#[test]
fn json_holds_what_people_see() {
    let env = broken();
    let output = env.run("validate --format json").code(1).stderr_is_empty();
    let report = output.json();
    assert_eq!(report["format_version"], "1.0");
    assert_eq!(report["valid"], false);
    assert_eq!(report["counts"]["errors"], 3);
    let diagnostics = report["diagnostics"].as_array().unwrap();
    assert_eq!(diagnostics.len(), 3, "{report:#}");
    for diagnostic in diagnostics {
        assert_eq!(diagnostic["severity"], "error", "{diagnostic:#}");
        assert!(diagnostic["message"].is_string(), "{diagnostic:#}");
    }

    let valid = Environment::new();
    valid.run("init").code(0);
    let report = valid.run("validate --format json").code(0).json();
    assert_eq!(report["valid"], true);
    assert_eq!(report["diagnostics"], json!([]));
}

#[test]
fn github_gets_annotations_below_the_repository() {
    let env = broken();
    env.run("validate --format github")
        .code(1)
        .stderr_is_empty()
        .stdout_has("::error file=purges/example.yaml,line=5,")
        .stdout_has("::error file=purgit.yaml,line=13,");
    env.run_in("purges", "validate --format github")
        .code(1)
        .stdout_has("::error file=purges/example.yaml,line=5,");
}

#[test]
fn a_warning_does_not_make_a_manifest_invalid() {
    let world = World::new();
    world.purge("empty", &[], &[], "1");
    world
        .run("validate")
        .code(0)
        .stdout_has("Valid:")
        .stderr_has("this manifest declares nothing to purge");
}

#[test]
fn content_that_cannot_become_urls_is_a_problem_of_its_site() {
    let world = World::new();
    world.write("purges/docs.yaml", &site("stripExtensions: [\".html\"]"));
    world
        .run("validate")
        .code(0)
        .stderr_has("warning: site `docs`: there is no content folder `./public`")
        .stderr_has("--> purges/docs.yaml:3:19");
    world.write("public/a.html", "1");
    world
        .run("validate")
        .code(0)
        .stdout_has("Valid: 1 endpoint, 0 purges, 1 site and 0 targets in 2 files\n");
    world.write("public/a", "2");
    world
        .run("validate")
        .code(1)
        .stdout_is_empty()
        .stderr_has("`a` and `a.html` both map to https://www.example.com/a")
        .stderr_has("--> purges/docs.yaml:3:19")
        .stderr_has("hint: rename a file");
    let report = world.run("validate --format json").code(1).json();
    assert_eq!(report["valid"], false);
    assert_eq!(report["counts"]["errors"], 1);
    assert_eq!(report["diagnostics"][0]["file"], "purges/docs.yaml");
}
