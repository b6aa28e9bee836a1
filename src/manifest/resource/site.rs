//! `kind: Site`: a content directory mapped to URLs.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::suspension::{Suspension, suspension};
use crate::content::{Rules, Selection};
use crate::diagnostic::shown;
use crate::field::{
    Fields, Shape, Wrong, block, boolean, field, given, list, long, nested, one_of, parsed, path,
    relative_folder, text, wrong,
};
use crate::url::CdnUrl;
use crate::word_enum::word_enum;
use crate::yaml::problem::Problem;

block! {
    /// A content directory mapped to URLs; changed files are purged.
    pub struct Site(SiteDraft) {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Name of the Endpoint that serves the site.
        endpoint: Arc<str> = field("endpoint", text()),
        /// The URL of the content root; ends in `/`.
        base_url: CdnUrl = field("baseUrl", base_url()),
        /// The files.
        content: SiteContent = field("content", nested().via(SiteContent::compiled, Clone::clone)),
        /// Name of the file that is also served for its folder: `a/<index>` also means `a/`.
        index: Option<String> = field("index", parsed("file name", index)).optional()
            .or(Some("index.html".to_owned())),
        /// Whether `a/<index>` also means `a`, which redirects.
        redirect: bool = field("redirect", boolean()).or(false),
        /// Extensions that URLs may omit: with `.html`, `a.html` also means `a`.
        strip_extensions: Vec<String> = field("stripExtensions", list(extension())).or(Vec::new()),
        /// Whether the URL of a deleted file is purged or forgotten.
        on_delete: OnDelete = field("onDelete", one_of(OnDelete::WORDS)).or(OnDelete::Purge),
        /// Set while it is suspended.
        suspension: Option<Suspension> = suspension(),
    }
}

word_enum! {
    /// What happens to the URL of a deleted file.
    #[derive(Default)]
    pub enum OnDelete {
        /// It is purged, so that the edge learns about the deletion.
        #[default]
        Purge = "purge",
        /// It is forgotten.
        Ignore = "ignore",
    }
}

block! {
    /// `spec.content` of a `Site`.
    pub struct SiteContent(SiteContentDraft, check_globs) {
        /// Folder relative to the project's root; `.` for the root itself.
        root: PathBuf = field("root", path(relative_folder).with("examples", json!(["public"]))),
        /// Globs below the root; `**` crosses folders. An empty list means everything.
        include: Vec<String> = field("include", list(text().with("title", "glob"))).or(Vec::new()),
        /// Globs of files to leave out.
        exclude: Vec<String> = field("exclude", list(text().with("title", "glob"))).or(Vec::new()),
        /// Whether to respect `.gitignore` files below the root.
        gitignore: bool = field("gitignore", boolean()).or(false),
        /// Whether files and folders that start with `.` are content.
        hidden: bool = field("hidden", boolean()).or(false),
        /// The compiled globs.
        selection: Selection = given(),
    }
}

impl SiteContent {
    /// The globs as written.
    pub fn rules(&self) -> Rules {
        Rules {
            include: self.include.clone(),
            exclude: self.exclude.clone(),
            gitignore: self.gitignore,
            hidden: self.hidden,
        }
    }

    fn compiled(self) -> Option<Self> {
        let selection = Selection::compile(&self.rules()).ok()?;
        Some(Self { selection, ..self })
    }
}

/// Reports each invalid glob at its place.
fn check_globs(draft: &SiteContentDraft, fields: &Fields<'_>) {
    for list in [&draft.include, &draft.exclude].into_iter().flatten() {
        for (glob, span) in list.value.iter().zip(&list.items) {
            let rules = Rules {
                include: vec![glob.clone()],
                ..Rules::default()
            };
            for problem in Selection::compile(&rules).err().into_iter().flatten() {
                fields
                    .problems()
                    .push(Problem::error(*span, shown(&problem.to_string())));
            }
        }
    }
}

fn base_url() -> Shape<CdnUrl> {
    let parse = |text: &str| {
        // There are no lists in a site's hints.
        let hint = |hint: String| shown(&hint.replace(", or list it under `files`", ""));
        CdnUrl::directory(text)
            .map_err(|error| Wrong(error.to_string(), error.hint(text).map(hint)))
    };
    long("URL", parse)
        .pattern("^[hH][tT][tT][pP][sS]?://[^#?\\\\]+/$")
        .with("examples", json!(["https://www.example.com/docs/"]))
}

fn index(text: &str) -> Result<String, Wrong> {
    if !matches!(text, "." | "..") && !text.contains('/') {
        return Ok(text.to_owned());
    }
    let message = format!("`{}` is not the name of a file", shown(text));
    Err(wrong(
        message,
        "write a name such as `index.html`, without a folder",
    ))
}

fn extension() -> Shape<String> {
    let parse = |text: &str| {
        if text.len() > 1 && text.starts_with('.') && !text.contains('/') {
            return Ok(text.to_owned());
        }
        let message = format!("`{}` is not an extension", shown(text));
        Err(wrong(message, "write it with its dot, as in `.html`"))
    };
    parsed("extension", parse).pattern("^[.][^/]+$")
}
