//! `kind: Purge`: targets that are listed one by one.

use std::sync::Arc;

use serde_json::json;

use super::suspension::{Suspension, suspension};
use crate::diagnostic::shown;
use crate::entry::{Target, TargetKind};
use crate::field::{
    Fields, Found, Member, Need, Row, Shape, Show, Wrong, block, boolean, field, given, group,
    list, long, text, wrong,
};

block! {
    /// Targets to purge, listed one by one.
    #[derive(PartialEq, Eq)]
    pub struct Purge(PurgeDraft) {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Name of the Endpoint that serves the targets.
        endpoint: Arc<str> = field("endpoint", text()),
        /// Change it to purge the same targets again: a date, a version, a commit.
        revision: Option<String> = field("revision", text()).optional(),
        /// What to purge, kind by kind, as declared.
        targets: Vec<Target> = targets(),
        /// Set while it is suspended.
        suspension: Option<Suspension> = suspension(),
    }
}

/// The lists of targets, and `everything`.
fn targets() -> Member<Vec<Target>> {
    let rows = || TargetKind::ALL.map(row).into();
    let show = |targets: &Vec<Target>, show: Show<'_>| {
        let mut targets: Vec<_> = targets.iter().collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            show(target.kind().field(), json!(target.as_str()));
        }
    };
    group(rows, |fields| Some(find_targets(fields)), show)
}

fn row(kind: TargetKind) -> Row {
    let about = match kind {
        TargetKind::File => "Absolute URLs; exactly these are purged.",
        TargetKind::Directory => "Absolute URLs that end in `/`; everything below them is purged.",
        TargetKind::Tag => {
            "Cache tags (surrogate keys); all that the origin marked with them is purged."
        }
        TargetKind::Host => "Hosts that the endpoint serves; everything of them is purged.",
        TargetKind::Everything => "Whether all that the endpoint serves is purged.",
    };
    let mut schema = match kind == TargetKind::Everything {
        true => boolean().with("default", false).schema(),
        false => list(target(kind)).schema(),
    };
    schema["description"] = json!(about);
    Row {
        key: kind.field(),
        need: Need::Optional,
        schema,
    }
}

fn target(kind: TargetKind) -> Shape<Target> {
    let parse = move |text: &str| {
        if kind == TargetKind::Host && text.contains('@') {
            return Err(wrong("a host has neither user name nor password", ""));
        }
        Target::parse(kind, text)
            .map_err(|error| Wrong(error.to_string(), error.hint(text).map(|hint| shown(&hint))))
    };
    let (title, pattern, example) = match kind {
        TargetKind::File => (
            "URL",
            "^[hH][tT][tT][pP][sS]?://[^#\\\\]+$",
            "https://www.example.com/a.png",
        ),
        TargetKind::Directory => (
            "URL",
            "^[hH][tT][tT][pP][sS]?://[^#?\\\\]+/$",
            "https://www.example.com/a/",
        ),
        TargetKind::Tag => ("tag", "^[!-+\\--~]+$", "product-17"),
        TargetKind::Host | TargetKind::Everything => {
            ("host", "^[^*/:@?# ]+$|^\\[", "www.example.com")
        }
    };
    long(title, parse)
        .pattern(pattern)
        .with("examples", json!([example]))
}

fn find_targets(fields: &mut Fields<'_>) -> Found<Vec<Target>> {
    let mut all = Found {
        value: Vec::new(),
        span: fields.span(),
        items: Vec::new(),
    };
    for kind in TargetKind::ALL {
        let Some(value) = fields.optional(kind.field()) else {
            continue;
        };
        if kind == TargetKind::Everything {
            let found = boolean().read(value).filter(|found| found.value);
            all.items.extend(found.as_ref().map(|found| found.span));
            all.value.extend(found.map(|_| Target::Everything));
        } else if let Some(mut found) = list(target(kind)).read(value) {
            all.value.append(&mut found.value);
            all.items.append(&mut found.items);
        }
    }
    all
}
