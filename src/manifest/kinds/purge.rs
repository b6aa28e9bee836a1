//! `kind: Purge`: URLs that are declared one by one.

use serde_json::{Value as Json, json};

use super::{Drafts, Head, Kind};
use crate::diagnostic::shown;
use crate::entry::{Target, TargetKind};
use crate::manifest::resource::Suspension;
use crate::url::UrlError;
use crate::yaml::fields::Fields;
use crate::yaml::problem::{Problem, Span};
use crate::yaml::value::Value;

pub(in crate::manifest) static KIND: Kind = Kind {
    name: "Purge",
    description: "URLs to purge, declared one by one.",
    spec_optional: false,
    read,
    schema,
};

/// `spec` of a `Purge`.
#[derive(Debug, Default)]
pub(in crate::manifest) struct PurgeDraft {
    pub(in crate::manifest) endpoint: Option<(String, Span)>,
    pub(in crate::manifest) revision: Option<String>,
    pub(in crate::manifest) targets: Targets,
    pub(in crate::manifest) suspension: Option<Suspension>,
}

/// Targets and, at the same index, their places.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Targets {
    pub(in crate::manifest) targets: Vec<Target>,
    pub(in crate::manifest) spans: Vec<Span>,
}

fn read(head: Head, spec: Option<Value<'_>>, drafts: &mut Drafts) {
    let mut draft = PurgeDraft::default();
    if let Some(spec) = spec {
        let before = spec.errors();
        spec.mapping(|fields| read_spec(fields, &mut draft));
        if draft.targets.targets.is_empty() && spec.errors() == before {
            spec.push(
                Problem::warning(head.at.span, "this manifest declares no URL")
                    .hint("list URLs under `files` or `directories`"),
            );
        }
    }
    drafts.purges.push(head.draft(draft));
}

fn read_spec(fields: &mut Fields<'_>, draft: &mut PurgeDraft) {
    if let Some(value) = fields.required("endpoint") {
        draft.endpoint = value.text().map(|name| (name.to_owned(), value.span()));
    }
    let revision = fields.optional("revision");
    draft.revision = revision.and_then(|value| value.text()).map(str::to_owned);
    if let Some(value) = fields.optional("files") {
        read_targets(value, TargetKind::File, &mut draft.targets);
    }
    if let Some(value) = fields.optional("directories") {
        read_targets(value, TargetKind::Directory, &mut draft.targets);
    }
    draft.suspension = read_suspension(fields);
}

fn read_targets(value: Value<'_>, kind: TargetKind, out: &mut Targets) {
    let Some(items) = value.items() else {
        return;
    };
    out.targets.reserve_exact(items.len());
    out.spans.reserve_exact(items.len());
    for item in items {
        let Some(text) = item.long_text() else {
            continue;
        };
        match Target::parse(kind, text) {
            Ok(target) => {
                out.targets.push(target);
                out.spans.push(item.span());
            }
            Err(error) => {
                if UrlError::may_hold_password(text) {
                    item.mask();
                }
                let problem = item.problem(error.to_string());
                item.push(problem.maybe_hint(error.hint(text).map(|hint| shown(&hint))));
            }
        }
    }
}

/// `suspend`, `suspendReason` and `suspendUntil`, which every kind with entries has.
pub(super) fn read_suspension(fields: &mut Fields<'_>) -> Option<Suspension> {
    let suspend = fields.optional("suspend");
    let suspended = suspend.and_then(|value| value.boolean());
    let reason = fields.optional("suspendReason");
    let until = fields.optional("suspendUntil");
    let suspension = Suspension {
        reason: reason.and_then(|value| value.text()).map(str::to_owned),
        until: until.and_then(|value| value.timestamp()),
    };
    if suspended == Some(true) {
        return Some(suspension);
    }
    let asked_wrongly = suspend.is_some() && suspended.is_none();
    if !asked_wrongly {
        for (name, value) in [("suspendReason", reason), ("suspendUntil", until)] {
            if let Some(value) = value {
                let message = format!("`{name}` has no effect without `suspend: true`");
                value.push(Problem::warning(value.span(), message));
            }
        }
    }
    None
}

fn schema() -> Json {
    let urls = |what: &str, pattern: &str, example: &str| {
        json!({
            "description": what,
            "type": "array",
            "items": { "type": "string", "pattern": pattern, "examples": [example] }
        })
    };
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["endpoint"],
        "properties": {
            "endpoint": {
                "description": "Name of the Endpoint that serves the URLs.",
                "type": ["string", "number"]
            },
            "revision": {
                "description": "Change it to purge the same URLs again: a date, a version, a commit.",
                "type": ["string", "number", "boolean"],
                "minLength": 1
            },
            "files": urls(
                "Absolute URLs; exactly these are purged.",
                "^[hH][tT][tT][pP][sS]?://[^#\\\\]+$",
                "https://www.example.com/pictures/city.png"
            ),
            "directories": urls(
                "Absolute URLs that end in `/`; everything below them is purged.",
                "^[hH][tT][tT][pP][sS]?://[^#?\\\\]+/$",
                "https://www.example.com/pictures/"
            )
        }
    });
    if let (Some(all), Json::Object(more)) =
        (schema["properties"].as_object_mut(), suspension_schema())
    {
        all.extend(more);
    }
    schema
}

/// The schema of what [`read_suspension`] reads.
pub(super) fn suspension_schema() -> Json {
    json!({
        "suspend": {
            "description": "While true, the URLs are neither purged nor forgotten.",
            "type": "boolean",
            "default": false
        },
        "suspendReason": {
            "description": "Why it is suspended, for people.",
            "type": ["string", "number", "boolean"],
            "minLength": 1
        },
        "suspendUntil": {
            "description": "When the suspension ends by itself: a date, or an RFC 3339 time.",
            "type": "string",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"
        }
    })
}
