//! A saved plan and the plan now: every difference is found, and named.

use purgit::output::json::compare::differences;
use purgit::output::json::read::read;
use serde_json::{Value, json};

/// A plan with everything in it.
fn plan() -> Value {
    let change = |path: &str, after: &str| {
        json!({
            "address": format!("site/docs/{path}"), "endpoint": "www", "kind": "file",
            "target": format!("https://www.example.com/{path}"),
            "url": format!("https://www.example.com/{path}"),
            "before": "1", "after": after, "reason": "content_changed",
        })
    };
    json!({
        "format_version": "1.0",
        "plan_id": "sha256:aa",
        "tool_version": "1.2.3",
        "timestamp": "2026-11-20T08:00:00Z",
        "base": {
            "state": { "lineage": "l", "serial": 4, "digest": "sha256:dd" },
            "git": { "from": "f00", "to": "ba5", "dirty": false },
            "manifests_digest": "sha256:ee",
        },
        "applyable": true,
        "complete": true,
        "summary": {
            "purge": 2, "noop": 1, "in_progress": 0, "files": 2, "directories": 0, "tags": 0,
            "hosts": 0, "everything": 0, "requests": 1,
        },
        "changes": [change("a", "2"), change("b", "2")],
        "steps": [{
            "endpoint": "www", "files": ["https://www.example.com/a", "https://www.example.com/b"],
            "directories": [], "tags": [], "hosts": [], "everything": false,
        }],
        "quota": [{ "endpoint": "www", "kind": "file", "used": 7, "planned": 2, "limit": 2000 }],
        "checks": [
            { "name": "max-urls", "endpoint": "www", "status": "passed", "detail": "2 URLs" },
            { "name": "quota", "endpoint": "www", "status": "passed", "detail": "7 used" },
        ],
        "diagnostics": [{ "severity": "info", "message": "good to know" }],
    })
}

fn compare(saved: &Value, now: &Value, has_turned: bool) -> Vec<String> {
    let [saved, now] = [saved, now].map(|plan| read(plan.to_string().as_bytes()).unwrap());
    differences(&saved, &now, |endpoint, kind| {
        has_turned && (endpoint, kind) == ("www", "file")
    })
}

/// What is said of a plan that was saved so, and is now so.
fn found(save: impl FnOnce(&mut Value), become_now: impl FnOnce(&mut Value)) -> Vec<String> {
    let (mut saved, mut now) = (plan(), plan());
    save(&mut saved);
    become_now(&mut now);
    compare(&saved, &now, false)
}

/// Pointers to every value that has no values below it.
fn leaves(path: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(&format!("{path}/{name}"), value, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), value, out);
            }
        }
        _ => out.push(path.to_owned()),
    }
}

#[test]
fn whatever_is_edited_is_found() {
    let mut paths = Vec::new();
    leaves("", &plan(), &mut paths);
    assert!(paths.len() > 55, "{paths:?}");
    for path in paths {
        let edit = |plan: &mut Value| {
            let leaf = plan.pointer_mut(&path).unwrap();
            *leaf = match &*leaf {
                Value::Bool(value) => json!(!value),
                Value::Number(number) => json!(number.as_u64().unwrap() + 1),
                Value::Array(_) => json!(["https://www.example.com/"]),
                Value::String(_) if path == "/format_version" => json!("1.9"),
                Value::String(_) => json!("edited"),
                Value::Null | Value::Object(_) => unreachable!(),
            };
        };
        let free = ["/format_version", "/tool_version", "/timestamp"];
        let found = found(edit, |_| ());
        assert_eq!(
            found.is_empty(),
            free.contains(&&*path),
            "{path}: {found:?}"
        );
    }
}

#[test]
fn what_is_left_out_or_repeated_is_found() {
    for list in ["changes", "steps", "quota", "checks", "diagnostics"] {
        let rows = |plan: &mut Value| plan[list].as_array().unwrap().clone();
        let less = found(|plan| plan[list] = json!(rows(plan)[1..]), |_| ());
        assert!(!less.is_empty(), "{list}");
        let twice = |plan: &mut Value| plan[list] = json!([rows(plan), rows(plan)].concat());
        assert!(!found(twice, |_| ()).is_empty(), "{list}");
        let backwards = |plan: &mut Value| {
            let list = plan[list].as_array_mut().unwrap();
            list.reverse();
            list.len() > 1
        };
        let mut saved = plan();
        if backwards(&mut saved) {
            assert!(!compare(&saved, &plan(), false).is_empty(), "{list}");
        }
    }
}

/// Gives a plan another id, as everything does that its id is over.
fn other(plan: &mut Value) {
    plan["plan_id"] = json!("sha256:bb");
}

#[test]
fn each_mismatch_is_named() {
    const ID: &str = "`plan_id`: sha256:aa, now sha256:bb";
    let of = |become_now: &dyn Fn(&mut Value)| {
        let mut found = found(|_| (), |plan| (become_now(plan), other(plan)).1);
        assert_eq!(found.pop().unwrap(), ID);
        found
    };
    assert_eq!(
        of(&|plan| plan["base"]["state"] =
            json!({ "lineage": "l", "serial": 5, "digest": "sha256:00" })),
        ["state: it moved, and its entries changed (serial 4, now 5)"]
    );
    assert_eq!(
        of(&|plan| plan["base"]["state"] =
            json!({ "lineage": "m", "serial": 1, "digest": "sha256:00" })),
        ["state: it is another one (serial 4, now 1)"]
    );
    assert_eq!(
        of(&|plan| plan["base"]["state"] = Value::Null),
        ["state: there is none any more"]
    );
    assert_eq!(
        of(&|plan| plan["base"]["manifests_digest"] = json!("sha256:ff")),
        ["the manifests changed: sha256:ee, now sha256:ff"]
    );
    assert_eq!(
        of(&|plan| plan["base"]["git"] = json!({ "from": "0ff", "to": "c0d", "dirty": true })),
        [
            "git: the base revision: f00, now 0ff",
            "git: the revision wanted: ba5, now c0d",
            "git: uncommitted changes: false, now true",
        ]
    );
    assert_eq!(
        of(&|plan| {
            plan["changes"][0]["after"] = json!("3");
            let mut new = plan["changes"][1].take();
            new["address"] = json!("site/docs/c");
            plan["changes"][1] = new;
        }),
        [
            "`site/docs/a` (https://www.example.com/a): after 2, now 3",
            "`site/docs/b` (https://www.example.com/b): not in the plan any more",
            "`site/docs/c` (https://www.example.com/b): new in the plan (content_changed)",
        ]
    );
    // What the requests purge is told by the changes.
    assert_eq!(of(&|plan| plan["steps"] = json!([])), ["`steps` differ"]);
}

#[test]
fn the_same_entries_in_a_state_that_moved_are_another_base() {
    assert_eq!(
        found(|_| (), |plan| plan["base"]["state"]["serial"] = json!(5)),
        ["state: it moved, with the same entries (serial 4, now 5)"]
    );
}

#[test]
fn a_check_that_fails_now_is_named() {
    let fail = |plan: &mut Value| {
        plan["checks"][0]["status"] = json!("failed");
        plan["applyable"] = json!(false);
    };
    assert_eq!(
        found(|_| (), fail),
        [
            "[www] `max-urls`: status passed, now failed",
            "`applyable`: true, now false",
        ]
    );
}

#[test]
fn an_id_that_does_not_fit_is_an_edit() {
    let edited = "the saved plan was edited: its id is not that of its content";
    assert_eq!(
        found(other, |_| ()),
        [edited, "`plan_id`: sha256:bb, now sha256:aa"]
    );
    let hide = |plan: &mut Value| plan["changes"][1]["target"] = json!("https://www.example.com/x");
    assert_eq!(found(hide, |_| ()).pop().unwrap(), edited);
}

#[test]
fn a_new_day_of_the_cdn_is_no_difference() {
    let mut now = plan();
    now["quota"][0]["used"] = json!(0);
    now["checks"][1]["detail"] = json!("none used");
    assert_eq!(
        compare(&plan(), &now, false),
        [
            "[www] quota of `file`: used 7, now 0",
            "[www] `quota`: detail 7 used, now none used",
        ]
    );
    assert!(compare(&plan(), &now, true).is_empty());
    // Whatever the day, what is planned counts.
    now["quota"][0]["planned"] = json!(3);
    assert!(!compare(&plan(), &now, true).is_empty());
}

#[test]
fn many_differences_are_folded() {
    let many = |plan: &mut Value| {
        let first = plan["changes"][0].clone();
        let changes = (0..1000).map(|number| {
            let mut change = first.clone();
            change["address"] = json!(format!("site/docs/{number:04}"));
            change
        });
        plan["changes"] = changes.collect();
        other(plan);
    };
    let found = found(|_| (), many);
    assert_eq!(found.len(), 6, "{found:?}");
    assert_eq!(found[4], "… and 998 more such differences");
}
