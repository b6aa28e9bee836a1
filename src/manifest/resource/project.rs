//! `kind: Project`: where manifests are, where state and status go, and what a plan may do unforced.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::purge::Purge;
use super::site::Site;
use crate::diagnostic::Place;
use crate::entry::Owner;
use crate::field::{
    Block as _, Fields, Shape, Wrong, block, field, given, list_of, nested, parsed, path,
    relative_path, whole, wrong,
};
use crate::manifest::glob::Glob;
use crate::yaml::problem::Problem;

/// The manifest that marks a project's root and holds its `Project`.
pub const ROOT_FILE: &str = "purgit.yaml";

/// Globs that find manifests unless `spec.manifests` says otherwise.
pub const DEFAULT_MANIFESTS: [&str; 1] = ["purges/**/*.yaml"];

/// State file unless `spec.state` says otherwise.
pub const DEFAULT_STATE_FILE: &str = ".purgit/state.json";

/// Status file unless `spec.status` says otherwise.
pub const DEFAULT_STATUS_FILE: &str = "purgit.status.yaml";

/// Most globs in `spec.manifests`: each is tried on every path.
pub const MAX_GLOBS: usize = 100;

/// Highest threshold that can be set, for who wants none. Ten million URLs are more than any quota.
const MAX_THRESHOLD: u64 = 10_000_000;

block! {
    /// The project: where its manifests are, where state and status go, and its safety thresholds.
    /// Stands in `purgit.yaml`, once.
    pub struct Project(ProjectDraft, check_files): Default {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Globs that find further manifests below the project's root. `*` stays within a folder, `**` does not.
        manifests: Vec<String> = field("manifests", globs())
            .or(DEFAULT_MANIFESTS.map(str::to_owned).to_vec()).undigested(),
        /// Where purgit keeps what it has purged.
        state_file: PathBuf = field("state", file()).or(DEFAULT_STATE_FILE.into()).undigested(),
        /// Where purgit writes the status back.
        status_file: PathBuf = field("status", file()).or(DEFAULT_STATUS_FILE.into()).undigested(),
        /// Thresholds over which a plan refuses itself, unless it is forced.
        safety: Safety = field("safety", nested()).or(Safety::default()),
        /// By name.
        endpoints: BTreeMap<Arc<str>, Endpoint> = given(),
        /// Sorted by name, names unique.
        purges: Vec<Purge> = given(),
        /// Sorted by name, names unique.
        sites: Vec<Site> = given(),
        /// Where the name of each `Purge` and `Site` stands.
        declared: BTreeMap<Owner, Place> = given(),
    }
}

block! {
    /// Thresholds over which a plan refuses itself.
    #[derive(PartialEq, Eq)]
    pub struct Safety(SafetyDraft): Default {
        /// Percent of an endpoint's entries that may change or go.
        max_change_percent: u32 = field("maxChangePercent", whole(0..=100)).or(30),
        /// URLs in one plan, files and directories together, per endpoint.
        max_urls: usize = field("maxUrls", whole(0..=MAX_THRESHOLD)).or(2000),
        /// Directories in one plan, per endpoint.
        max_directories: usize = field("maxDirectories", whole(0..=MAX_THRESHOLD)).or(50),
    }
}

block! {
    /// A file that purgit writes.
    struct OwnFile(OwnFileDraft) {
        /// A path relative to the project's root.
        file: PathBuf = field("file", path(own_file)),
    }
}

fn globs() -> Shape<Vec<String>> {
    let glob = parsed("glob", |text| Ok(Glob::parse(text)?.text().to_owned()));
    list_of(glob, 0..=MAX_GLOBS, "combine them with `{a,b}` or `**`")
}

fn file() -> Shape<PathBuf> {
    let at = |file: &PathBuf| OwnFile { file: file.clone() };
    nested::<OwnFile>().via(|own| Some(own.file), at)
}

/// A path that holds neither manifests nor what belongs to git.
fn own_file(text: &str) -> Result<PathBuf, Wrong> {
    let path = relative_path(text)?;
    if path.as_os_str() == ROOT_FILE {
        return Err(wrong(format!("`{ROOT_FILE}` would be overwritten"), ""));
    }
    // Some file systems take `.GIT` for the same folder.
    if path.iter().any(|part| part.eq_ignore_ascii_case(".git")) {
        let hint = format!("choose a file elsewhere, such as `{DEFAULT_STATE_FILE}`");
        return Err(wrong(
            "the path leads into `.git`, which belongs to git",
            &hint,
        ));
    }
    Ok(path)
}

fn check_files(draft: &ProjectDraft, fields: &Fields<'_>) {
    let project = Project::over(draft.clone(), Project::default());
    let found = draft.status_file.as_ref().or(draft.state_file.as_ref());
    if let Some(found) = found.filter(|_| project.state_file == project.status_file) {
        let message = "state and status cannot be the same file";
        fields.problems().push(Problem::error(found.span, message));
    }
}
