//! The recipes for CI systems: every call of `purgit` can be typed, files are valid by the systems' own
//! schemas, and what they run does what they say.

/// The scripts run in `bash` and `sh` and use `git`, as the runners' images have them.
#[cfg(unix)]
mod github;
#[cfg(unix)]
mod others;
#[cfg(unix)]
mod runner;

use std::fs;
use std::path::Path;

use clap::Parser as _;
use purgit::cli::args::Cli;
use serde_json::Value;

use super::scripts::{Invocation, invocations, typed};

/// What the recipes have a project say.
const SPEC: &str = "\
spec:
  state: { git: { ref: refs/purgit/state, remote: origin } }
  status: { gitNote: true }
";

/// A file of the repository.
fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap()
}

/// Every text of a document: scripts are among them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

/// What is called in scripts, without calls whose arguments are put together as they run.
fn verbs(path: &str, scripts: &[&str]) -> Vec<String> {
    let calls = scripts.iter().flat_map(|script| invocations(script));
    let calls = calls.filter(|Invocation(words)| words[1] != "$@");
    calls
        .map(|Invocation(words)| {
            if let Err(error) = Cli::try_parse_from(typed(&words)) {
                panic!("{path}: {words:?}: {error}");
            }
            words[1].clone()
        })
        .collect()
}

#[test]
fn calls_can_be_typed() {
    let in_yaml = |path: &str| verbs(path, &texts(&yaml(path)));
    assert_eq!(
        in_yaml("examples/github-actions/plan.yml"),
        ["validate", "plan", "comment"]
    );
    assert_eq!(
        in_yaml("examples/github-actions/apply.yml"),
        ["plan", "comment", "apply"]
    );
    assert_eq!(
        in_yaml("examples/github-actions/resume.yml"),
        ["history", "apply"]
    );
    assert_eq!(
        in_yaml("examples/merge-by-history/.github/workflows/purge.yaml"),
        ["apply", "plan"]
    );
    assert_eq!(
        in_yaml("examples/gitlab-ci/.gitlab-ci.yml"),
        [
            "history", "apply", "plan", "comment", "apply", "validate", "plan", "comment"
        ]
    );
    let azure = "examples/azure-pipelines/azure-pipelines.yml";
    assert_eq!(in_yaml(azure), ["validate", "plan", "apply"]);
    for path in ["examples/jenkins/Jenkinsfile", "examples/gitee/purge.sh"] {
        assert_eq!(verbs(path, &[&text(path)]), ["validate", "plan", "apply"]);
    }
}

#[test]
fn files_are_valid_by_the_systems_schemas() {
    let cases = [
        (
            "github-workflows",
            &[
                "examples/github-actions/plan.yml",
                "examples/github-actions/apply.yml",
                "examples/github-actions/resume.yml",
                "examples/merge-by-history/.github/workflows/purge.yaml",
            ][..],
            "/jobs",
        ),
        (
            "github-actions",
            &[".github/actions/purgit/action.yml"],
            "/runs",
        ),
        (
            "gitlab-ci",
            &["examples/gitlab-ci/.gitlab-ci.yml"],
            "/plan/script",
        ),
        (
            "azure-pipelines",
            &["examples/azure-pipelines/azure-pipelines.yml"],
            "/steps",
        ),
    ];
    for (schema, files, part) in cases {
        let schema = text(&format!("tests/fixtures/ci-schemas/{schema}.json"));
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let validator = jsonschema::draft7::new(&schema).unwrap();
        for path in files {
            let mut document = yaml(path);
            let problems: Vec<_> = validator
                .iter_errors(&document)
                .map(|e| e.to_string())
                .collect();
            assert!(problems.is_empty(), "{path}: {problems:?}");
            *document.pointer_mut(part).unwrap() = Value::from(7);
            assert!(!validator.is_valid(&document), "{path} with nonsense");
        }
    }
}

#[test]
fn pull_requests_see_no_secrets() {
    let plan = text("examples/github-actions/plan.yml");
    assert!(!plan.contains("secrets."), "{plan}");
    let plan = yaml("examples/github-actions/plan.yml");
    assert!(plan["on"]["pull_request"].is_object(), "{plan}");
    assert_eq!(plan["permissions"]["contents"], "read");
    let apply = yaml("examples/github-actions/apply.yml");
    let resume = yaml("examples/github-actions/resume.yml");
    for job in [&apply["jobs"]["apply"], &resume["jobs"]["resume"]] {
        assert_eq!(job["environment"], "production");
    }
    // What `resume.yml` looks for is what `apply.yml` runs for.
    let paths = &apply["on"]["push"]["paths"];
    assert_eq!(*paths, serde_json::json!(["purgit.yaml", "purges/**"]));
    let looks = "git log -1 --first-parent --format=%H -- purgit.yaml purges)";
    assert!(resume.to_string().contains(looks), "{resume}");
}

/// Each says what the tests have their project say.
#[test]
fn the_state_is_on_a_ref() {
    for (path, comment) in [
        ("examples/github-actions/apply.yml", "#"),
        ("examples/gitlab-ci/.gitlab-ci.yml", "#"),
        ("examples/azure-pipelines/azure-pipelines.yml", "#"),
        ("examples/jenkins/Jenkinsfile", "//"),
        ("examples/gitee/purge.sh", "#"),
    ] {
        let lines = SPEC.lines().map(|line| format!("{comment}     {line}\n"));
        assert!(text(path).contains(&lines.collect::<String>()), "{path}");
    }
}

#[test]
fn the_hook_is_for_the_manifests() {
    let own = &yaml(".pre-commit-hooks.yaml")[0];
    let config = yaml("examples/pre-commit/.pre-commit-config.yaml");
    let local = &config["repos"][0]["hooks"][0];
    for field in ["id", "entry", "files", "language", "pass_filenames"] {
        assert_eq!(own[field], local[field], "{field}");
    }
    assert_eq!(
        verbs("the hook", &[own["entry"].as_str().unwrap()]),
        ["validate"]
    );
}
