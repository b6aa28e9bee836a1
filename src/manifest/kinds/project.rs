//! `kind: Project`: where manifests are, where state and status go, and what a plan may do unforced.

use std::path::PathBuf;

use globset::GlobBuilder;
use serde_json::{Value as Json, json};

use super::{Drafts, Head, Kind};
use crate::manifest::ROOT_FILE;
use crate::manifest::resource::Safety;
use crate::yaml::fields::Fields;
use crate::yaml::value::{Value, relative_path};

/// Globs that find manifests unless `spec.manifests` says otherwise.
pub const DEFAULT_MANIFESTS: &[&str] = &["purges/**/*.yaml"];

/// State file unless `spec.state` says otherwise.
pub const DEFAULT_STATE_FILE: &str = ".purgit/state.json";

/// Status file unless `spec.status` says otherwise.
pub const DEFAULT_STATUS_FILE: &str = "purgit.status.yaml";

/// Most globs in `spec.manifests`: each is tried on every path.
pub const MAX_GLOBS: usize = 100;

/// Highest threshold that can be set. Ten million URLs are more than any quota; who wants no
/// threshold takes this one.
const MAX_THRESHOLD: u64 = 10_000_000;

pub(in crate::manifest) static KIND: Kind = Kind {
    name: "Project",
    description: "The project: where its manifests are, where state and status go, and its safety thresholds. Stands in `purgit.yaml`, once.",
    spec_optional: true,
    read,
    schema,
};

/// `spec` of a `Project`, defaults filled in.
#[derive(Debug, Clone)]
pub(in crate::manifest) struct ProjectDraft {
    pub(in crate::manifest) manifests: Vec<String>,
    pub(in crate::manifest) state_file: PathBuf,
    pub(in crate::manifest) status_file: PathBuf,
    pub(in crate::manifest) safety: Safety,
}

impl Default for ProjectDraft {
    fn default() -> Self {
        Self {
            manifests: DEFAULT_MANIFESTS
                .iter()
                .map(|&glob| glob.to_owned())
                .collect(),
            state_file: DEFAULT_STATE_FILE.into(),
            status_file: DEFAULT_STATUS_FILE.into(),
            safety: Safety::default(),
        }
    }
}

fn read(head: Head, spec: Option<Value<'_>>, drafts: &mut Drafts) {
    let mut draft = ProjectDraft::default();
    if let Some(spec) = spec {
        spec.mapping(|fields| read_spec(fields, &mut draft));
    }
    drafts.projects.push(head.draft(draft));
}

fn read_spec(fields: &mut Fields<'_>, draft: &mut ProjectDraft) {
    if let Some(globs) = fields.optional("manifests").and_then(read_globs) {
        draft.manifests = globs;
    }
    let state = fields.optional("state");
    if let Some(path) = state.and_then(read_file) {
        draft.state_file = path;
    }
    let status = fields.optional("status");
    if let Some(path) = status.and_then(read_file) {
        draft.status_file = path;
    }
    if draft.state_file == draft.status_file
        && let Some(value) = status.or(state)
    {
        value.push(value.problem("state and status cannot be the same file"));
    }
    if let Some(safety) = fields.optional("safety") {
        safety.mapping(|fields| read_safety(fields, &mut draft.safety));
    }
}

fn read_file(value: Value<'_>) -> Option<PathBuf> {
    value.mapping(|fields| {
        let file = fields.required("file")?;
        let path = file.relative_path()?;
        if path.as_os_str() == ROOT_FILE {
            file.push(file.problem(format!("`{ROOT_FILE}` would be overwritten")));
            return None;
        }
        Some(path)
    })?
}

fn read_globs(value: Value<'_>) -> Option<Vec<String>> {
    let items = value.items()?;
    if items.len() > MAX_GLOBS {
        let message = format!("{} globs are too many, limit {MAX_GLOBS}", items.len());
        value.push(
            value
                .problem(message)
                .hint("combine them with `{a,b}` or `**`"),
        );
        return None;
    }
    // Every item is looked at, so that every problem is reported.
    let globs: Vec<_> = items.map(read_glob).collect();
    globs.into_iter().collect()
}

fn read_glob(value: Value<'_>) -> Option<String> {
    let text = value.text()?;
    let glob = text.trim_start_matches("./");
    if let Err(why) = relative_path(glob) {
        value.push(value.problem(format!("the glob {why}")));
        return None;
    }
    match GlobBuilder::new(glob).literal_separator(true).build() {
        Ok(_) => Some(glob.to_owned()),
        Err(error) => {
            let message = format!("not a valid glob: {}", error.kind());
            value.push(value.problem(message));
            None
        }
    }
}

fn read_safety(fields: &mut Fields<'_>, safety: &mut Safety) {
    let percent = fields.optional("maxChangePercent");
    if let Some(percent) = percent.and_then(|value| value.unsigned(0..=100)) {
        safety.max_change_percent = u32::try_from(percent).unwrap_or(100);
    }
    for (name, slot) in [
        ("maxUrls", &mut safety.max_urls),
        ("maxDirectories", &mut safety.max_directories),
    ] {
        let value = fields.optional(name);
        if let Some(limit) = value.and_then(|value| value.unsigned(0..=MAX_THRESHOLD)) {
            *slot = usize::try_from(limit).unwrap_or(usize::MAX);
        }
    }
}

fn schema() -> Json {
    let safety = Safety::default();
    let file = |what: &str, default: &str| {
        json!({
            "description": what,
            "type": "object",
            "additionalProperties": false,
            "required": ["file"],
            "properties": {
                "file": {
                    "description": format!("{what} A path relative to the project's root."),
                    "type": "string",
                    "minLength": 1,
                    "default": default
                }
            }
        })
    };
    let threshold = |what: &str, most: u64, default: usize| json!({ "description": what, "type": "integer", "minimum": 0, "maximum": most, "default": default });
    json!({
        "description": "All fields are optional.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "manifests": {
                "description": "Globs that find further manifests below the project's root. `*` stays within a folder, `**` does not.",
                "type": "array",
                "maxItems": MAX_GLOBS,
                "items": { "type": "string", "minLength": 1 },
                "default": DEFAULT_MANIFESTS
            },
            "state": file("Where purgit keeps what it has purged.", DEFAULT_STATE_FILE),
            "status": file("Where purgit writes the status back.", DEFAULT_STATUS_FILE),
            "safety": {
                "description": "Thresholds over which a plan refuses itself, unless it is forced.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "maxChangePercent": threshold("Percent of an endpoint's entries that may change or go.", 100, safety.max_change_percent as usize),
                    "maxUrls": threshold("URLs in one plan, per endpoint.", MAX_THRESHOLD, safety.max_urls),
                    "maxDirectories": threshold("Directories in one plan, per endpoint.", MAX_THRESHOLD, safety.max_directories)
                }
            }
        }
    })
}
