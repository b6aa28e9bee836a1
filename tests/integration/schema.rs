//! The schemas of what is printed: the committed copies are what `purgit schema` prints, and what the
//! commands print is valid by them. The manifests' schema is tested with the reader, in `manifest`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Each document with where other programs find its schema.
const COMMITTED: [(&str, &str); 7] = [
    ("plan", "schemas/plan.v1.json"),
    ("status", "schemas/status.v1alpha1.json"),
    ("history", "schemas/history.v1.json"),
    ("doctor", "schemas/doctor.v1.json"),
    ("state", "schemas/state.v1.json"),
    ("explain", "schemas/explain.v1.json"),
    ("verify", "schemas/verify.v1.json"),
];

fn printed(folder: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_purgit"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
        .env_clear()
        .args(arguments)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn json(folder: &str, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(folder, arguments)).unwrap()
}

#[test]
fn the_committed_schemas_are_up_to_date() {
    for (document, committed) in COMMITTED {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(committed);
        let current = printed("", &["schema", document]);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &current).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == current,
            "run `UPDATE=1 cargo test` to rewrite `{committed}`"
        );
    }
}

/// Checks a document against its schema, which must be able to refuse one.
#[track_caller]
pub(crate) fn assert_valid(name: &str, document: &Value, required: &str) {
    let validator = jsonschema::draft7::new(&json("", &["schema", name])).unwrap();
    let problems: Vec<_> = validator
        .iter_errors(document)
        .map(|e| e.to_string())
        .collect();
    assert!(problems.is_empty(), "{name}: {problems:?}\n{document}");
    let mut other = document.clone();
    other["new_field"] = Value::Bool(true);
    assert!(
        validator.is_valid(&other),
        "a later minor version adds fields"
    );
    other.as_object_mut().unwrap().remove(required);
    assert!(!validator.is_valid(&other), "without `{required}`");
}

#[test]
fn plans_are_valid() {
    let cases: [(&str, &[&str]); 3] = [
        ("examples/minimal", &[]),
        ("examples/many-endpoints", &[]),
        ("examples/many-endpoints", &["--exclude", "purge/*"]),
    ];
    for (folder, more) in cases {
        let arguments = [&["plan", "--format", "json"], more].concat();
        let plan = json(folder, &arguments);
        assert_eq!(plan["format_version"], "1.0");
        assert_valid("plan", &plan, "plan_id");
    }
}

#[cfg(unix)]
#[test]
fn each_line_of_a_watch_is_a_plan() {
    let world = crate::common::World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let process = world.start("watch --format json");
    process.wait_for_stdout("\n");
    process.signal("TERM");
    let output = process.finish().code(143);
    let line: Value = serde_json::from_str(output.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(line["result"]["exit_code"], 0, "{line}");
    assert_valid("plan", &line, "plan_id");
}
