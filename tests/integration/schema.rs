//! The schema of plans: the committed copy is what `purgit schema plan` prints, and what `plan` and
//! `apply` print is valid by it. The manifests' schema is tested with the reader, in `manifest`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Where other programs find it.
const COMMITTED: &str = "schemas/plan.v1.json";

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
fn the_committed_schema_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let current = printed("", &["schema", "plan"]);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "run `UPDATE=1 cargo test` to rewrite `{COMMITTED}`"
    );
}

#[test]
fn plans_are_valid() {
    let validator = jsonschema::draft7::new(&json("", &["schema", "plan"])).unwrap();
    let cases: [(&str, &[&str]); 3] = [
        ("examples/minimal", &[]),
        ("examples/many-endpoints", &[]),
        ("examples/many-endpoints", &["--exclude", "purge/*"]),
    ];
    for (folder, more) in cases {
        let arguments = [&["plan", "--format", "json"], more].concat();
        let mut plan = json(folder, &arguments);
        let problems: Vec<_> = validator
            .iter_errors(&plan)
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{folder}: {problems:?}");
        assert_eq!(plan["format_version"], "1.0");
        // A reader of a later minor version meets fields it does not know; a missing one is an error.
        plan["new_field"] = Value::Bool(true);
        assert!(validator.is_valid(&plan));
        plan.as_object_mut().unwrap().remove("plan_id");
        assert!(!validator.is_valid(&plan));
    }
}
