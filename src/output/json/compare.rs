//! How a plan differs from a saved one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::v1::PlanDocument;

/// Most lines about one part of a plan; with more differences it is simply another plan.
const MAX_LINES: usize = 5;

/// Fields that may differ: time, version, options (which decide the rest), costs, what git and the
/// edges said, and the outcome.
const NOT_COMPARED: [&str; 10] = [
    "format_version",
    "tool_version",
    "timestamp",
    "arguments",
    "commits",
    "costs",
    "edges",
    "manifest_changes",
    "manifests",
    "result",
];

/// One sentence per difference between a saved plan and the plan now. `has_turned` says whether the use
/// of an endpoint's quota may have changed without the plan, e.g. because a new day began at the CDN.
pub fn differences(
    saved: &PlanDocument,
    now: &PlanDocument,
    has_turned: impl Fn(&str, &str) -> bool,
) -> Vec<String> {
    let (mut saved, mut now) = (tree(saved), tree(now));
    for plan in [&mut saved, &mut now] {
        forget_turned(plan, &has_turned);
    }
    if saved == now {
        return Vec::new();
    }
    let mut found = Vec::new();
    base(&saved["base"], &now["base"], &mut found);
    let changed = rows(&saved, &now, &CHANGES);
    // Other changes imply these differences.
    if changed.is_empty() {
        found.extend(folded(rows(&saved, &now, &QUOTA)));
        found.extend(folded(rows(&saved, &now, &CHECKS)));
        for part in ["changes", "adopted", "steps", "diagnostics"] {
            if found.is_empty() && saved[part] != now[part] {
                found.push(format!("`{part}` differ"));
            }
        }
        for part in ["applyable", "complete", "summary"] {
            leaves(part, &saved[part], &now[part], &mut found);
        }
    }
    found.extend(folded(changed));
    let is_other = subject(&saved) != subject(&now);
    let (before, after) = (&saved["plan_id"], &now["plan_id"]);
    if (before == after) == is_other {
        found.push("the saved plan was edited: its id is not that of its content".to_owned());
    }
    leaves("plan_id", before, after, &mut found);
    if found.is_empty() {
        found.push("the saved plan was edited".to_owned());
    }
    found
}

fn tree(plan: &PlanDocument) -> Value {
    // Only maps with odd keys fail to serialise; documents have none.
    let mut tree = serde_json::to_value(plan).unwrap_or_default();
    if let Some(fields) = tree.as_object_mut() {
        fields.retain(|name, _| !NOT_COMPARED.contains(&&**name));
    }
    let forget = |part: &mut Value| {
        if let Some(fields) = part.as_object_mut() {
            fields.retain(|name, _| !["commit", "evidence"].contains(&&**name));
        }
    };
    for change in tree["changes"].as_array_mut().into_iter().flatten() {
        forget(change);
        // Only whether it is deferred matters, not until when.
        change["deferred"] = (!change["deferred_until"].is_null()).into();
        change["deferred_until"] = Value::Null;
    }
    for quota in tree["quota"].as_array_mut().into_iter().flatten() {
        quota["turns_at"] = Value::Null;
    }
    forget(&mut tree["base"]);
    tree
}

fn forget_turned(plan: &mut Value, has_turned: impl Fn(&str, &str) -> bool) {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let mut turned = Vec::new();
    for quota in plan["quota"].as_array_mut().into_iter().flatten() {
        let endpoint = text(quota, "endpoint");
        if has_turned(&endpoint, &text(quota, "kind")) {
            quota["used"] = Value::Null;
            quota["left"] = Value::Null;
            turned.push(endpoint);
        }
    }
    for check in plan["checks"].as_array_mut().into_iter().flatten() {
        if check["name"] == "quota" && turned.contains(&text(check, "endpoint")) {
            check["detail"] = Value::Null;
        }
    }
}

/// The fields that a plan id covers.
fn subject(plan: &Value) -> Value {
    let mut subject = plan.clone();
    for part in ["plan_id", "applyable", "summary", "checks", "diagnostics"] {
        subject[part] = Value::Null;
    }
    if subject["base"]["state"].is_object() {
        subject["base"]["state"]["serial"] = Value::Null;
    }
    for quota in subject["quota"].as_array_mut().into_iter().flatten() {
        for field in ["used", "left", "reserve", "deferred"] {
            quota[field] = Value::Null;
        }
    }
    subject
}

fn base(saved: &Value, now: &Value, found: &mut Vec<String>) {
    let (before, after) = (&saved["state"], &now["state"]);
    let serials = format!("serial {}, now {}", before["serial"], after["serial"]);
    let moved = match (before.is_null(), after.is_null()) {
        _ if before == after => None,
        (true, _) => Some("there was none, and now there is one".to_owned()),
        (_, true) => Some("there is none any more".to_owned()),
        _ if before["lineage"] != after["lineage"] => {
            Some(format!("it is another one ({serials})"))
        }
        _ if before["digest"] == after["digest"] => {
            Some(format!("it moved, with the same entries ({serials})"))
        }
        _ => Some(format!("it moved, and its entries changed ({serials})")),
    };
    found.extend(moved.map(|how| format!("state: {how}")));
    let digests = [&saved["manifests_digest"], &now["manifests_digest"]];
    if digests[0] != digests[1] {
        let [before, after] = digests.map(shown);
        found.push(format!("the manifests changed: {before}, now {after}"));
    }
    let (before, after) = (&saved["git"], &now["git"]);
    if before.is_null() || after.is_null() {
        leaves("base.git", before, after, found);
    } else {
        for (field, what) in [
            ("from", "git: the base revision"),
            ("to", "git: the revision wanted"),
            ("dirty", "git: uncommitted changes"),
        ] {
            if before[field] != after[field] {
                let [before, after] = [&before[field], &after[field]].map(shown);
                found.push(format!("{what}: {before}, now {after}"));
            }
        }
    }
}

/// A list in a plan document.
struct Rows {
    list: &'static str,
    key: &'static [&'static str],
    name: fn(&Value) -> String,
}

const CHANGES: Rows = Rows {
    list: "changes",
    key: &["address", "endpoint", "kind", "target"],
    name: |row| match [&row["address"], &row["target"]].map(shown) {
        [address, target] if address.ends_with(&target) => format!("`{address}`"),
        [address, target] => format!("`{address}` ({target})"),
    },
};

const QUOTA: Rows = Rows {
    list: "quota",
    key: &["endpoint", "kind"],
    name: |row| {
        format!(
            "[{}] quota of `{}`",
            shown(&row["endpoint"]),
            shown(&row["kind"])
        )
    },
};

const CHECKS: Rows = Rows {
    list: "checks",
    key: &["endpoint", "name"],
    name: |row| format!("[{}] `{}`", shown(&row["endpoint"]), shown(&row["name"])),
};

/// One line for each row that only one side has, and for each field that differs.
fn rows(saved: &Value, now: &Value, rows: &Rows) -> Vec<String> {
    let by_key = |plan: &Value| -> BTreeMap<Vec<String>, Value> {
        let list = plan[rows.list].as_array().cloned().unwrap_or_default();
        let keyed = list.into_iter().map(|row| {
            let key = rows.key.iter().map(|field| row[*field].to_string());
            (key.collect(), row)
        });
        keyed.collect()
    };
    let (saved, now) = (by_key(saved), by_key(now));
    let mut found = Vec::new();
    for (key, before) in &saved {
        let name = (rows.name)(before);
        match now.get(key) {
            None => found.push(format!("{name}: not in the plan any more")),
            Some(after) => {
                let fields = before.as_object().into_iter().flatten();
                let differs =
                    |(field, before): &(&String, &Value)| **before != after[field.as_str()];
                let differing = fields.filter(differs).map(|(field, before)| {
                    let [before, after] = [before, &after[field.as_str()]].map(shown);
                    format!("{name}: {field} {before}, now {after}")
                });
                found.extend(differing);
            }
        }
    }
    let added = now.iter().filter(|(key, _)| !saved.contains_key(*key));
    found.extend(added.map(|(_, row)| match row["reason"].as_str() {
        Some(reason) => format!("{}: new in the plan ({reason})", (rows.name)(row)),
        None => format!("{}: new in the plan", (rows.name)(row)),
    }));
    found
}

/// The first lines, and how many more there are.
fn folded(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MAX_LINES {
        let more = lines.len() - (MAX_LINES - 1);
        lines.truncate(MAX_LINES - 1);
        lines.push(format!("… and {more} more such differences"));
    }
    lines
}

/// One line for each value that differs.
fn leaves(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before.as_object(), after.as_object()) {
        _ if before == after => {}
        (Some(fields), Some(_)) => {
            for (field, value) in fields {
                leaves(
                    &format!("{path}.{field}"),
                    value,
                    &after[field.as_str()],
                    found,
                );
            }
        }
        _ => found.push(format!("`{path}`: {}, now {}", shown(before), shown(after))),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}
