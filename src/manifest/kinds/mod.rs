//! The kinds of manifest, one file each.
//!
//! # How to add a kind
//! 1. Write `kinds/<name>.rs` with a [`Kind`]: how its `spec` is read into a draft, and the schema
//!    of that `spec`. A draft holds what the file says; what needs other manifests is checked in
//!    [`super::resolve`].
//! 2. Add the draft's list to [`Drafts`] and the kind to [`KINDS`].
//! 3. Run the tests: the schema test tells what `UPDATE=1 cargo test` will add to `schemas/`.

pub(super) mod endpoint;
pub(super) mod project;
pub(super) mod purge;
pub(super) mod site;

use std::sync::Arc;

use serde_json::Value as Json;

use super::resource::API_VERSION;
use crate::diagnostic::{did_you_mean, listed, shown};
use crate::yaml::Node;
use crate::yaml::fields::Fields;
use crate::yaml::problem::{Problems, Span};
use crate::yaml::value::Value;

/// Every kind of manifest.
pub(super) const KINDS: &[&Kind] = &[&project::KIND, &endpoint::KIND, &purge::KIND, &site::KIND];

/// Longest `metadata.name`, in bytes: that of a DNS label, so that addresses stay readable.
pub const MAX_NAME_BYTES: usize = 63;

/// One kind of manifest.
pub(super) struct Kind {
    /// The value of `kind`.
    pub(super) name: &'static str,
    /// What it is for, in the schema.
    pub(super) description: &'static str,
    /// Whether `spec` may be left out.
    pub(super) spec_optional: bool,
    /// Reads `spec`, if any, into a draft.
    pub(super) read: fn(Head, Option<Value<'_>>, &mut Drafts),
    /// JSON schema (draft-07) of `spec`.
    pub(super) schema: fn() -> Json,
}

/// What stands around a `spec`.
pub(super) struct Head {
    pub(super) name: Arc<str>,
    pub(super) at: At,
}

/// A place in one of several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    /// Number of the file.
    pub(super) source: usize,
    pub(super) span: Span,
}

/// What a manifest says, before it is checked against the others.
#[derive(Debug)]
pub(super) struct Draft<T> {
    pub(super) name: Arc<str>,
    /// Where the name stands.
    pub(super) at: At,
    pub(super) spec: T,
}

impl Head {
    pub(super) fn draft<T>(self, spec: T) -> Draft<T> {
        Draft {
            name: self.name,
            at: self.at,
            spec,
        }
    }
}

/// All drafts of a project.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) projects: Vec<Draft<project::ProjectDraft>>,
    pub(super) endpoints: Vec<Draft<endpoint::EndpointDraft>>,
    pub(super) purges: Vec<Draft<purge::PurgeDraft>>,
    pub(super) sites: Vec<Draft<site::SiteDraft>>,
    /// Documents of which not even kind and name are known.
    pub(super) unreadable: usize,
}

/// Reads one document.
pub(super) fn read(node: &Node<'_>, source: usize, problems: &Problems, drafts: &mut Drafts) {
    let document = Value::of_document(problems, node);
    let known = document.mapping(|fields| read_fields(fields, source, drafts));
    if known != Some(true) {
        drafts.unreadable += 1;
    }
}

/// Whether kind and name are known.
fn read_fields(fields: &mut Fields<'_>, source: usize, drafts: &mut Drafts) -> bool {
    if let Some(version) = fields.required("apiVersion") {
        check_version(version);
    }
    let kind = fields.required("kind").and_then(find_kind);
    let metadata = fields.required("metadata");
    let Some(kind) = kind else {
        fields.optional("spec");
        fields.ignore_rest();
        return false;
    };
    let spec = if kind.spec_optional {
        fields.optional("spec")
    } else {
        fields.required("spec")
    };
    let named =
        metadata.and_then(|metadata| metadata.mapping(|fields| read_name(fields)).flatten());
    let known = named.is_some();
    // Without a name the spec is read all the same, for the problems in it.
    let (name, span) = named.unwrap_or_else(|| (Arc::from(""), fields.span()));
    let head = Head {
        name,
        at: At { source, span },
    };
    if known {
        (kind.read)(head, spec, drafts);
    } else {
        (kind.read)(head, spec, &mut Drafts::default());
    }
    known
}

fn check_version(version: Value<'_>) {
    let Some(text) = version.text() else { return };
    if text != API_VERSION {
        let message = format!("unknown `apiVersion: {}`", shown(text));
        let hint = format!("this version of purgit reads `{API_VERSION}`");
        version.push(version.problem(message).hint(hint));
    }
}

fn find_kind(value: Value<'_>) -> Option<&'static Kind> {
    let text = value.text()?;
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == text) {
        return Some(kind);
    }
    let names = KINDS.iter().map(|kind| kind.name);
    let hint = did_you_mean(text, names.clone()).map_or_else(
        || format!("known kinds: {}", listed(names)),
        |guess| format!("did you mean `{guess}`?"),
    );
    value.push(
        value
            .problem(format!("unknown `kind: {}`", shown(text)))
            .hint(hint),
    );
    None
}

fn read_name(fields: &mut Fields<'_>) -> Option<(Arc<str>, Span)> {
    let value = fields.required("name")?;
    let text = value.text()?;
    if text.len() > MAX_NAME_BYTES {
        let length = text.len();
        let message = format!("the name has {length} bytes, limit {MAX_NAME_BYTES}");
        value.push(value.problem(message));
    } else if !is_name(text) {
        let message = format!("`{}` is not a valid name", shown(text));
        let hint = suggestion(text).map_or_else(
            || NAME_RULE.to_owned(),
            |name| format!("{NAME_RULE}, as in `{name}`"),
        );
        value.push(value.problem(message).hint(hint));
    }
    Some((text.into(), value.span()))
}

const NAME_RULE: &str = "a name has lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit";

/// The same rule for the schema.
pub(super) const NAME_PATTERN: &str = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$";

fn is_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    let inner = |b: &u8| edge(Some(b)) || matches!(b, b'-' | b'.');
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)
}

/// The name that was probably meant.
fn suggestion(text: &str) -> Option<String> {
    let name: String = text
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let name = name.trim_matches(['-', '.']);
    is_name(name).then(|| name.to_owned())
}
