//! `[io]` What git adds to a plan for people: the commits that changed the files, and the changes of
//! manifests. It does not affect the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use similar::TextDiff;

use super::{History, HistoryError};
use crate::content::{ContentId, slashed};
use crate::diagnostic::{Place, SourceText, Sources};
use crate::entry::{Generation, Owner};
use crate::git::{Held, LastChange, Revision};
use crate::manifest;
use crate::manifest::resource::{Project, Site};
use crate::plan::Plan;

/// Longest manifest that is compared, in lines: comparing longer ones takes seconds, and nobody reads
/// such a diff.
const MAX_COMPARED_LINES: usize = 5000;

/// Most diff lines of all manifests together; more are better read in the commit.
const MAX_DIFF_LINES: usize = 500;

/// Unchanged lines around a change, as in git.
const CONTEXT_LINES: usize = 3;

#[derive(Debug, Default)]
pub struct Background {
    /// The places of the manifests that declare the changes, by address.
    pub declared: Vec<(String, Place)>,
    /// The wanted commit, or the one checked out if manifests and content match it exactly.
    pub commit: Option<String>,
    /// Commits that changed files, latest first.
    pub commits: Vec<LastChange>,
    /// Per change of the plan: index of the commit that changed its file.
    pub of_change: Vec<Option<usize>>,
    /// Manifests that changed, by path.
    pub manifests: Vec<ManifestChange>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestChange {
    /// Path relative to the project's root.
    pub file: String,
    /// A unified diff without header, escaped, secrets masked.
    pub diff: Vec<String>,
    pub left_out: usize,
}

impl Background {
    /// `last_applied` is the revision at which the state was last applied.
    pub fn of(
        plan: &Plan,
        project: &Project,
        root: &Path,
        is_on_disk: bool,
        last_applied: Option<&str>,
    ) -> Self {
        if plan.is_empty() {
            return Self::default();
        }
        let owners = plan.changes.iter().map(|change| &change.key.owner);
        let owners: BTreeSet<_> = owners.collect();
        let declared = owners.into_iter().filter_map(|owner| {
            let place = project.declared.get(owner)?;
            Some((owner.address(), place.clone()))
        });
        Self {
            declared: declared.collect(),
            ..Self::from_git(plan, project, root, is_on_disk, last_applied).unwrap_or_default()
        }
    }

    fn from_git(
        plan: &Plan,
        project: &Project,
        root: &Path,
        is_on_disk: bool,
        last_applied: Option<&str>,
    ) -> Option<Self> {
        let history = History::open(root).ok()?;
        let repository = &history.repository;
        let git = plan.base.git.as_ref();
        let to = git.map_or("HEAD", |git| git.to.as_str());
        let to = repository.resolve(to).ok()?;
        let since = git.and_then(|git| repository.resolve(&git.from).ok());

        let paths = plan.changes.iter();
        let paths: Vec<_> = paths
            .map(|change| history.path_of(project, &change.key))
            .collect();
        let files = plan.changes.iter().zip(&paths);
        let files = files.filter_map(|(change, path)| {
            let held = change.after.as_ref().map(Generation::as_str);
            let held: Option<ContentId> = held.map(str::parse).transpose().ok()?;
            Some((path.clone()?, Held::Content(held)))
        });
        let commits = repository
            .last_changes(&to, since.as_ref(), files.collect())
            .unwrap_or_default();
        let by_path: BTreeMap<_, _> = commits
            .iter()
            .enumerate()
            .flat_map(|(at, commit)| commit.files.iter().map(move |path| (path.as_str(), at)))
            .collect();
        let paths = paths.iter();
        let of_change = paths.map(|path| by_path.get(path.as_deref()?).copied());
        let before = since.or_else(|| history.recorded_at(project, &to, last_applied));
        let manifests = before.and_then(|before| {
            let before = history.manifests(&before).ok()?;
            let now = match is_on_disk {
                true => manifest::load(root).ok(),
                false => history.manifests(&to).ok()?,
            };
            let before = before.map(|parsed| parsed.sources).unwrap_or_default();
            Some(compare(&before, &now?.sources))
        });
        // Uncommitted content belongs to no commit.
        let is_dirty = is_on_disk && history.differs(project, plan).unwrap_or(true);
        Some(Self {
            of_change: of_change.collect(),
            commit: to.commit.map(|commit| commit.id).filter(|_| !is_dirty),
            manifests: manifests.unwrap_or_default(),
            commits,
            declared: Vec::new(),
        })
    }
}

impl History {
    /// Whether manifests, or sites that the plan changes, differ on disk from the commit.
    fn differs(&self, project: &Project, plan: &Plan) -> Result<bool, HistoryError> {
        let is_changed = |site: &&Site| {
            let mut changes = plan.changes.iter();
            changes
                .any(|change| matches!(&change.key.owner, Owner::Site(name) if *name == site.name))
        };
        let sites = project.sites.iter().filter(is_changed);
        let roots: Vec<_> = sites
            .map(|site| self.below(&slashed(&site.content.root)))
            .collect();
        let roots: Vec<_> = roots.iter().map(String::as_str).collect();
        Ok(self.manifests_dirty(project)? || self.repository.is_dirty(&roots)?)
    }

    /// The revision at which the state was last recorded: the state's own, or the commit of its file.
    fn recorded_at(
        &self,
        project: &Project,
        to: &Revision,
        last_applied: Option<&str>,
    ) -> Option<Revision> {
        if let Some(revision) = last_applied {
            return self.repository.resolve(revision).ok();
        }
        let file = self.below(&slashed(project.state.file()?));
        let file = BTreeMap::from([(file, Held::Anything)]);
        let changes = self.repository.last_changes(to, None, file).ok()?;
        self.repository.resolve(&changes.first()?.id).ok()
    }
}

fn compare(before: &Sources, now: &Sources) -> Vec<ManifestChange> {
    let paths: BTreeSet<_> = [before, now].into_iter().flat_map(Sources::paths).collect();
    let mut room = MAX_DIFF_LINES;
    let changes = paths.into_iter().filter_map(|path| {
        let (before, now) = (before.get(path), now.get(path));
        if before.map(SourceText::text) == now.map(SourceText::text) {
            return None;
        }
        let lines = |text: &SourceText| text.shown_lines();
        let before = before.map(lines).unwrap_or_default();
        let now = now.map(lines).unwrap_or_default();
        let mut diff = unified(&before, &now);
        let left_out = match &mut diff {
            Some(lines) => lines.split_off(lines.len().min(room)).len(),
            None => before.len().max(now.len()),
        };
        let diff = diff.unwrap_or_default();
        room -= diff.len();
        Some(ManifestChange {
            file: path.to_owned(),
            diff,
            left_out,
        })
    });
    changes.collect()
}

/// A unified diff; `None` if there is too much to compare.
fn unified(before: &[String], now: &[String]) -> Option<Vec<String>> {
    if before.len().max(now.len()) > MAX_COMPARED_LINES {
        return None;
    }
    let [before, now] =
        [before, now].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    let diff = TextDiff::from_slices(&before, &now);
    let mut diff = diff.unified_diff();
    let diff = diff.context_radius(CONTEXT_LINES).to_string();
    Some(diff.lines().map(str::to_owned).collect())
}
