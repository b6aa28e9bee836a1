//! One document of a manifest: its kind, its name, and its `spec` as a draft.
//!
//! # How to add a kind
//! 1. Write `resource/<name>.rs` with a block, see [`crate::field`].
//! 2. Add its drafts to [`Drafts`] and the kind to [`KINDS`].
//! 3. Check what needs other manifests in [`super::resolve`].
//! 4. Run the tests: `UPDATE=1 cargo test` writes the schema.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::resource::{API_VERSION, Endpoint, Project, Purge, Site};
use crate::diagnostic::{did_you_mean, listed, shown};
use crate::field::{Block, Fields, Shape, Value, Wrong, block, field, mapping, wrong};
use crate::yaml::Node;
use crate::yaml::problem::{Problem, Problems, Span};

/// Longest `metadata.name`, in bytes: the limit of a DNS label, so that addresses stay readable.
pub const MAX_NAME_BYTES: usize = 63;

pub(super) const KINDS: &[ManifestKind] = &[
    ManifestKind {
        name: "Project",
        spec_optional: true,
        schema: Project::schema,
        read: |named, spec, drafts| drafts.projects.push(named.draft(spec)),
    },
    ManifestKind {
        name: "Endpoint",
        spec_optional: false,
        schema: Endpoint::schema,
        read: |named, spec, drafts| drafts.endpoints.push(named.draft(spec)),
    },
    ManifestKind {
        name: "Purge",
        spec_optional: false,
        schema: Purge::schema,
        read: |named, spec, drafts| drafts.purges.push(read_purge(named, spec)),
    },
    ManifestKind {
        name: "Site",
        spec_optional: false,
        schema: Site::schema,
        read: |named, spec, drafts| drafts.sites.push(named.draft(spec)),
    },
];

pub(super) struct ManifestKind {
    pub(super) name: &'static str,
    pub(super) spec_optional: bool,
    pub(super) schema: fn() -> Json,
    read: fn(Named, Option<Value<'_>>, &mut Drafts),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileSpan {
    pub(super) file: usize,
    pub(super) span: Span,
}

struct Named {
    name: Arc<str>,
    at: FileSpan,
}

/// A manifest before it is checked against the others.
#[derive(Debug)]
pub(super) struct Draft<B: Block> {
    pub(super) name: Arc<str>,
    pub(super) at: FileSpan,
    pub(super) spec: B::Draft,
}

#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) projects: Vec<Draft<Project>>,
    pub(super) endpoints: Vec<Draft<Endpoint>>,
    pub(super) purges: Vec<Draft<Purge>>,
    pub(super) sites: Vec<Draft<Site>>,
    /// Documents whose kind or name could not be read.
    pub(super) unreadable: usize,
}

block! {
    /// The name of the manifest.
    pub(super) struct Metadata(MetadataDraft) {
        /// Unique among the manifests of its kind: lower-case letters, digits, `-` and `.`.
        name: Arc<str> = field("name", name()),
    }
}

impl Named {
    fn draft<B: Block>(self, spec: Option<Value<'_>>) -> Draft<B> {
        let spec = spec.and_then(|spec| mapping(spec, B::draft));
        Draft {
            name: self.name,
            at: self.at,
            spec: spec.unwrap_or_default(),
        }
    }
}

pub(super) fn read(node: &Node<'_>, file: usize, problems: &Problems, drafts: &mut Drafts) {
    let document = Value::of_document(problems, node);
    let known = mapping(document, |fields| read_fields(fields, file, drafts));
    if known != Some(true) {
        drafts.unreadable += 1;
    }
}

fn read_fields(fields: &mut Fields<'_>, file: usize, drafts: &mut Drafts) -> bool {
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
    let spec = match kind.spec_optional {
        true => fields.optional("spec"),
        false => fields.required("spec"),
    };
    let named = metadata.and_then(|metadata| mapping(metadata, Metadata::draft)?.name);
    let (name, span) = match &named {
        Some(found) => (found.value.clone(), found.span),
        None => ("".into(), fields.span()),
    };
    let at = FileSpan { file, span };
    // Even without a name, read the spec to report its problems.
    let mut unnamed = Drafts::default();
    let drafts = match named {
        Some(_) => drafts,
        None => &mut unnamed,
    };
    (kind.read)(Named { name, at }, spec, drafts);
    named.is_some()
}

fn check_version(version: Value<'_>) {
    let Some(text) = version.text() else { return };
    if text != API_VERSION {
        let message = format!("unknown `apiVersion: {}`", shown(text));
        let hint = format!("this version of purgit reads `{API_VERSION}`");
        version.push::<()>(message, Some(hint));
    }
}

fn find_kind(value: Value<'_>) -> Option<&'static ManifestKind> {
    let text = value.text()?;
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == text) {
        return Some(kind);
    }
    let names = KINDS.iter().map(|kind| kind.name);
    let hint = did_you_mean(text, names.clone()).map_or_else(
        || format!("known kinds: {}", listed(names)),
        |guess| format!("did you mean `{guess}`?"),
    );
    value.push(format!("unknown `kind: {}`", shown(text)), Some(hint))
}

fn read_purge(named: Named, spec: Option<Value<'_>>) -> Draft<Purge> {
    let errors = |spec: Value<'_>| spec.problems.errors();
    let before = spec.map(errors);
    let draft: Draft<Purge> = named.draft(spec);
    let targets = draft.spec.targets.iter();
    if targets.into_iter().all(|found| found.value.is_empty())
        && let Some(spec) = spec.filter(|spec| before == Some(errors(*spec)))
    {
        let problem = Problem::warning(draft.at.span, "this manifest declares nothing to purge");
        let hint =
            "list URLs under `files` or `directories`, or use `tags`, `hosts` or `everything`";
        spec.problems.push(problem.hint(hint));
    }
    draft
}

/// An invalid name is reported but used, so that further problems are found.
fn name() -> Shape<Arc<str>> {
    let read = |value: Value<'_>| {
        let text = value.text()?;
        if let Err(wrong) = check_name(text) {
            value.refuse::<()>(wrong);
        }
        Some(text.into())
    };
    let schema = json!({
        "title": "name",
        "type": ["string", "number", "boolean"],
        "pattern": "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$",
        "maxLength": MAX_NAME_BYTES
    });
    Shape::new(move || schema.clone(), read, |name| json!(name))
}

fn check_name(text: &str) -> Result<(), Wrong> {
    const RULE: &str = "a name has lower-case letters, digits, `-` and `.`, and starts and ends with a letter or digit";
    let length = text.len();
    if length > MAX_NAME_BYTES {
        let message = format!("the name has {length} bytes, limit {MAX_NAME_BYTES}");
        return Err(wrong(message, ""));
    }
    if is_name(text) {
        return Ok(());
    }
    let odd = |c: char| !c.is_ascii_alphanumeric() && c != '.';
    let dashed = text.to_lowercase().replace(odd, "-");
    let meant = dashed.trim_matches(['-', '.']);
    let hint = match is_name(meant) {
        true => &format!("{RULE}, as in `{meant}`"),
        false => RULE,
    };
    Err(wrong(
        format!("`{}` is not a valid name", shown(text)),
        hint,
    ))
}

fn is_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    let inner = |b: &u8| edge(Some(b)) || matches!(b, b'-' | b'.');
    edge(bytes.first()) && edge(bytes.last()) && bytes.iter().all(inner)
}
