//! `kind: Purge`: targets that are declared one by one.

use std::sync::Arc;

use serde_json::json;

use super::suspension::{Suspension, suspension};
use crate::diagnostic::shown;
use crate::entry::{MAX_TAG_BYTES, Target, TargetKind};
use crate::field::{
    Fields, Found, Member, Need, Row, Shape, Wrong, block, boolean, field, given, group, list,
    parsed, text, url,
};
use crate::url::UrlError;

block! {
    /// Targets to purge, declared one by one.
    #[derive(PartialEq, Eq)]
    pub struct Purge(PurgeDraft) {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Name of the Endpoint that serves the targets.
        endpoint: Arc<str> = field("endpoint", parsed("text", |name| Ok(name.into()))),
        /// Change it to purge the same targets again: a date, a version, a commit.
        revision: Option<String> = field("revision", text()).optional(),
        /// What to purge: kind by kind, as declared.
        targets: Vec<Target> = targets(),
        /// Set while it is suspended.
        suspension: Option<Suspension> = suspension(),
    }
}

/// The lists of targets, and `everything`.
fn targets() -> Member<Vec<Target>> {
    let rows = || TargetKind::ALL.map(row).into();
    let show = |targets: &Vec<Target>, show: crate::field::Show<'_>| {
        let mut targets: Vec<_> = targets.iter().collect();
        targets.sort_unstable();
        targets.dedup();
        for target in targets {
            show(target.kind().field(), json!(target.as_str()));
        }
    };
    group(rows, find_targets, show)
}

fn row(kind: TargetKind) -> Row {
    let (about, form) = match kind {
        TargetKind::File => (
            "Absolute URLs; exactly these are purged.",
            list(target(kind)).form(),
        ),
        TargetKind::Directory => (
            "Absolute URLs that end in `/`; everything below them is purged.",
            list(target(kind)).form(),
        ),
        TargetKind::Tag => (
            "Cache tags (surrogate keys); everything that the origin marked with them is purged.",
            list(target(kind)).form(),
        ),
        TargetKind::Host => (
            "Hosts that the endpoint serves; everything of them is purged.",
            list(target(kind)).form(),
        ),
        TargetKind::Everything => (
            "Whether all that the endpoint serves is purged.",
            boolean().form(),
        ),
    };
    Row {
        key: kind.field(),
        about: about.to_owned(),
        need: Need::Optional,
        default: None,
        form,
    }
}

fn target(kind: TargetKind) -> Shape<Target> {
    let parse = move |text: &str| {
        Target::parse(kind, text).map_err(|error| Wrong {
            message: error.to_string(),
            hint: error.hint(text).map(|hint| shown(&hint)),
            secret: UrlError::may_hold_password(text),
        })
    };
    match kind {
        TargetKind::File => url(parse)
            .pattern("^[hH][tT][tT][pP][sS]?://[^#\\\\]+$")
            .with(
                "examples",
                json!(["https://www.example.com/pictures/city.png"]),
            ),
        TargetKind::Directory => url(parse)
            .pattern("^[hH][tT][tT][pP][sS]?://[^#?\\\\]+/$")
            .with("examples", json!(["https://www.example.com/pictures/"])),
        TargetKind::Tag => parsed("tag", parse)
            .with("pattern", json!("^[!-+\\--~]+$"))
            .with("maxLength", json!(MAX_TAG_BYTES)),
        TargetKind::Host | TargetKind::Everything => parsed("host", parse)
            .pattern("^[^*/:@?# ]+$|^\\[")
            .with("examples", json!(["www.example.com"])),
    }
}

fn find_targets(fields: &mut Fields<'_>) -> Option<Found<Vec<Target>>> {
    let mut all = Found {
        value: Vec::new(),
        span: fields.span(),
        items: Vec::new(),
    };
    for kind in TargetKind::ALL {
        let Some(value) = fields.optional(kind.field()) else {
            continue;
        };
        let found = match kind {
            TargetKind::File | TargetKind::Directory | TargetKind::Tag | TargetKind::Host => {
                list(target(kind)).read(value)
            }
            TargetKind::Everything => {
                boolean()
                    .read(value)
                    .filter(|all| all.value)
                    .map(|all| Found {
                        value: vec![Target::Everything],
                        span: all.span,
                        items: vec![all.span],
                    })
            }
        };
        let Some(found) = found else { continue };
        if all.value.is_empty() {
            (all.value, all.items) = (found.value, found.items);
        } else {
            all.value.extend(found.value);
            all.items.extend(found.items);
        }
    }
    Some(all)
}
