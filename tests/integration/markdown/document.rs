//! Plan documents as they might be saved, and what a reader of Markdown makes of them.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use purgit::output::json::read;
use purgit::output::json::v1::PlanDocument;
use serde_json::{Value, json};

/// A plan with so many changes, of texts that `text` makes of a number: `[front]` of it says where it
/// stands.
pub(super) fn value(changes: usize, text: impl Fn(usize) -> String) -> Value {
    let text = &text;
    let list: Vec<_> = (0..changes)
        .map(|at| {
            json!({
                "address": format!("site/{}/{}", text(at / 7), text(at)), "endpoint": text(at / 500),
                "kind": "file", "target": text(at), "url": null,
                "before": if at % 2 == 0 { json!(text(at)) } else { Value::Null },
                "after": if at % 3 == 0 { Value::Null } else { json!(text(at + 1)) },
                "reason": if at % 3 == 0 { "content_deleted" } else { "content_changed" },
                "commit": text(at % 40),
            })
        })
        .collect();
    let steps: Vec<_> = (0..changes.div_ceil(100))
        .map(|at| {
            json!({
                "endpoint": text(at / 5), "files": [], "directories": [], "tags": [], "hosts": [],
                "everything": false,
            })
        })
        .collect();
    let numbered =
        |count: usize, make: &dyn Fn(usize) -> Value| (0..count).map(make).collect::<Vec<_>>();
    let some = changes.min(30);
    json!({
        "format_version": "1.0", "plan_id": text(0), "tool_version": text(1), "timestamp": text(2),
        "base": {
            "state": null, "manifests_digest": text(3), "commit": text(4),
            "git": { "from": text(5), "to": text(6), "dirty": false },
        },
        "applyable": true, "complete": true,
        "summary": {
            "purge": changes, "noop": 7, "in_progress": 2, "files": changes, "directories": 1,
            "tags": 0, "hosts": 0, "everything": 0, "requests": steps.len(),
        },
        "changes": list,
        "steps": steps,
        "quota": numbered(some, &|at| json!({
            "endpoint": text(at), "kind": "file", "used": 1, "planned": changes, "limit": 2000,
        })),
        "checks": numbered(some, &|at| json!({
            "name": text(at), "endpoint": text(at), "status": "passed", "detail": text(at),
        })),
        "diagnostics": numbered(some, &|at| json!({ "severity": "warning", "message": text(at) })),
        "manifests": numbered(some, &|at| json!({
            "address": format!("site/{}", text(at)), "file": text(at), "line": at,
        })),
        "commits": numbered(some, &|at| json!({ "id": text(at), "subject": text(at) })),
        "manifest_changes": numbered(some, &|at| json!({
            "file": text(at), "diff": [format!("-{}", text(at)), format!("+{}", text(at)), text(at)],
            "left_out": at,
        })),
    })
}

/// As it is read from a file.
pub(super) fn document(value: &Value) -> PlanDocument {
    read::read(value.to_string().as_bytes()).unwrap()
}

/// The same plan, refused.
pub(super) fn refused(mut value: Value) -> Value {
    value["applyable"] = json!(false);
    for check in value["checks"].as_array_mut().unwrap() {
        check["status"] = json!("failed");
    }
    value
}

/// What stands where in rendered Markdown.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Text that is no code, which alone can be a mention, a reference or a command.
    pub(super) prose: String,
    /// Code spans, and blocks with their language.
    pub(super) spans: Vec<String>,
    pub(super) blocks: Vec<(String, String)>,
    /// Pieces of HTML.
    pub(super) html: Vec<String>,
    /// Cells of each row of a table.
    pub(super) rows: Vec<usize>,
    /// What there is besides, by name.
    pub(super) others: Vec<String>,
}

/// As GitHub reads it, with everything it knows.
pub(super) fn read_as_github_does(markdown: &str) -> Seen {
    let mut options = Options::default();
    let known = &mut options.extension;
    known.table = true;
    known.autolink = true;
    known.strikethrough = true;
    known.tasklist = true;
    known.alerts = true;
    known.footnotes = true;
    known.math_dollars = true;
    known.math_code = true;
    options.render.r#unsafe = true;
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options);
    let mut seen = Seen::default();
    for node in root.descendants() {
        match &node.data().value {
            NodeValue::Text(text) => seen.prose += text,
            NodeValue::Code(code) => seen.spans.push(code.literal.clone()),
            NodeValue::CodeBlock(block) => {
                seen.blocks
                    .push((block.info.clone(), block.literal.clone()));
            }
            NodeValue::HtmlBlock(html) => seen.html.push(html.literal.clone()),
            NodeValue::HtmlInline(html) => seen.html.push(html.clone()),
            NodeValue::TableRow(_) => seen.rows.push(node.children().count()),
            NodeValue::SoftBreak => seen.prose.push(' '),
            NodeValue::Document
            | NodeValue::Paragraph
            | NodeValue::Heading(_)
            | NodeValue::Strong
            | NodeValue::Emph
            | NodeValue::Table(_)
            | NodeValue::TableCell
            | NodeValue::Alert(_)
            | NodeValue::List(_)
            | NodeValue::Item(_) => {}
            other => seen.others.push(format!("{other:?}")),
        }
    }
    seen
}
