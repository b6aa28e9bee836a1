//! `kind: Project`: where manifests are, where state and status go, and the limits of a plan.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::endpoint::Endpoint;
use super::places::{self, StatePlace, StatusPlace};
use super::purge::Purge;
use super::site::Site;
use crate::diagnostic::Place;
use crate::entry::Owner;
use crate::field::{
    Block as _, Fields, Shape, block, field, given, list_of, nested, parsed, whole,
};
use crate::manifest::glob::Glob;
use crate::yaml::problem::Problem;

/// Globs that find manifests unless `spec.manifests` sets others.
pub const DEFAULT_MANIFESTS: [&str; 1] = ["purges/**/*.yaml"];

/// Most globs in `spec.manifests`: each one is tried on every path.
pub const MAX_GLOBS: usize = 100;

/// Highest threshold that can be set, to switch it off. Ten million URLs are more than any quota.
const MAX_THRESHOLD: u64 = 10_000_000;

block! {
    /// The project: where its manifests are, where state and status go, and its safety thresholds.
    /// There is one, in `purgit.yaml`.
    pub struct Project(ProjectDraft, check_places): Default {
        /// `metadata.name`.
        name: Arc<str> = given(),
        /// Globs that find further manifests below the project's root. `*` stays within a folder, `**` does not.
        manifests: Vec<String> = field("manifests", globs())
            .or(DEFAULT_MANIFESTS.map(str::to_owned).to_vec()).undigested(),
        /// Where purgit stores what it has purged.
        state: StatePlace = field("state", places::state()).or(StatePlace::default()).undigested(),
        /// Where purgit writes the status back.
        status: StatusPlace = field("status", places::status()).or(StatusPlace::default()).undigested(),
        /// Thresholds above which a plan refuses itself, unless it is forced.
        safety: Safety = field("safety", nested()).or(Safety::default()),
        /// By name.
        endpoints: BTreeMap<Arc<str>, Endpoint> = given(),
        /// Sorted by name; names are unique.
        purges: Vec<Purge> = given(),
        /// Sorted by name; names are unique.
        sites: Vec<Site> = given(),
        /// Where the name of each `Purge` and `Site` is declared.
        declared: BTreeMap<Owner, Place> = given(),
    }
}

block! {
    /// Thresholds above which a plan refuses itself.
    #[derive(PartialEq, Eq)]
    pub struct Safety(SafetyDraft): Default {
        /// Percent of an endpoint's entries that may change or disappear.
        max_change_percent: u32 = field("maxChangePercent", whole(0..=100)).or(30),
        /// URLs in one plan, files and directories together, per endpoint.
        max_urls: usize = field("maxUrls", whole(0..=MAX_THRESHOLD)).or(2000),
        /// Directories in one plan, per endpoint.
        max_directories: usize = field("maxDirectories", whole(0..=MAX_THRESHOLD)).or(50),
    }
}

fn globs() -> Shape<Vec<String>> {
    let glob = parsed("glob", |text| Ok(Glob::parse(text)?.text().to_owned()));
    list_of(glob, 0..=MAX_GLOBS, "combine them with `{a,b}` or `**`")
}

fn check_places(draft: &ProjectDraft, fields: &Fields<'_>) {
    let project = Project::over(draft.clone(), Project::default());
    let spans = [
        draft.status.as_ref().map(|found| found.span),
        draft.state.as_ref().map(|found| found.span),
    ];
    let message = match (&project.state, &project.status) {
        (StatePlace::File(state), StatusPlace::File(status)) if state == status => {
            "state and status cannot be the same file"
        }
        (StatePlace::Git(state), StatusPlace::Git(status)) if state.name == status.name => {
            "state and status cannot be the same ref"
        }
        (StatePlace::File(_) | StatePlace::Git(_), _) => return,
    };
    if let Some(span) = spans.into_iter().flatten().next() {
        fields.problems().push(Problem::error(span, message));
    }
}
