//! Plan documents read back.

use purgit::output::json::read::{self, MAX_DOCUMENT_BYTES, ReadError};
use serde_json::{Value, json};

use crate::common::World;

fn document() -> Value {
    let world = World::new();
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    world.run("plan --format json").json()
}

fn reread(document: &Value) -> Result<Value, ReadError> {
    let read = read::read(document.to_string().as_bytes())?;
    Ok(serde_json::to_value(&read).unwrap())
}

#[test]
fn what_is_written_is_read() {
    let plan = document();
    assert_eq!(reread(&plan).unwrap(), plan);
    let with_mark = format!("\u{feff}{plan}");
    assert!(read::read(with_mark.as_bytes()).is_ok());

    let mut newer = plan.clone();
    newer["format_version"] = json!("1.99");
    newer["new_field"] = json!(true);
    let mut known = reread(&newer).unwrap();
    known["format_version"] = json!("1.0");
    assert_eq!(known, plan, "a minor version only adds fields");

    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let applied = world.run("apply --format json").json();
    assert_eq!(reread(&applied).unwrap(), applied, "with its result");
}

#[test]
fn what_is_no_plan_is_refused() {
    let message = |text: &str| purgit::error::chain(&read::read(text.as_bytes()).unwrap_err());
    let mut plan = document();
    for version in ["2.0", "0.9", "1", "10.0", ""] {
        plan["format_version"] = json!(version);
        let error = message(&plan.to_string());
        let expected = format!("its `format_version` is `{version}`, and this purgit reads 1.x");
        assert_eq!(error, expected);
    }
    // Another major version may look like nothing we know.
    assert!(message(r#"{ "format_version": "2.0", "plan": 7 }"#).contains("`2.0`"));
    plan["format_version"] = json!("1.0");
    let whole = plan.to_string();
    plan.as_object_mut().unwrap().remove("changes");
    for (text, expected) in [
        ("", "EOF"),
        ("Plan: 3 entries", "expected value at line 1"),
        ("[]", "line 1"),
        ("{}", "missing field `format_version`"),
        (&plan.to_string(), "missing field `changes`"),
        (&whole[..whole.len() / 2], "EOF"),
        (
            &whole.replacen('{', r#"{"plan_id":"x","#, 1),
            "duplicate field `plan_id`",
        ),
        (&format!("{whole}{whole}"), "trailing characters"),
        (&"[".repeat(100_000), "line 1"),
    ] {
        let error = message(text);
        assert!(
            error.starts_with("it is not the JSON of a plan: "),
            "{error}"
        );
        assert!(error.contains(expected), "{error}");
    }
    assert!(read::read(b"\xff\xfe{\0}\0").is_err(), "UTF-16");
}

#[test]
fn what_is_too_large_is_not_looked_at() {
    let blank = vec![b' '; usize::try_from(MAX_DOCUMENT_BYTES).unwrap() + 1];
    assert!(matches!(read::read(&blank), Err(ReadError::TooLarge)));
    let blank = &blank[1..];
    assert!(matches!(read::read(blank), Err(ReadError::Syntax(_))));
}
