//! `[io]` What git adds to a plan for people: who changed the files, and how the manifests changed. It
//! does not affect the plan. What git cannot tell is left out.

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

/// Longest manifest that is compared, in lines. Comparing longer ones with nothing in common takes
/// seconds, and nobody reads such a diff.
const MAX_COMPARED_LINES: usize = 5000;

/// Most diff lines of all manifests together; more are better read in the commit itself.
const MAX_DIFF_LINES: usize = 500;

/// Unchanged lines around a change, as in git.
const CONTEXT_LINES: usize = 3;

/// What git adds to a plan.
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

/// How a manifest changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestChange {
    /// Path relative to the project's root.
    pub file: String,
    /// A unified diff without header, escaped, secrets masked.
    pub diff: Vec<String>,
    /// Number of lines left out.
    pub left_out: usize,
}

impl Background {
    /// For a plan of what is on disk or at a revision, given the revision at which the state was last
    /// applied.
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
        let owners: BTreeSet<_> = plan
            .changes
            .iter()
            .map(|change| &change.key.owner)
            .collect();
        let declared = owners.into_iter().filter_map(|owner| {
            let place = project.declared.get(owner)?;
            Some((owner.address(), place.clone()))
        });
        Self {
            declared: declared.collect(),
            ..Self::told(plan, project, root, is_on_disk, last_applied).unwrap_or_default()
        }
    }

    fn told(
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

        let paths: Vec<_> = plan
            .changes
            .iter()
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
        let of_change = paths.iter().map(|path| {
            let path = path.as_deref()?;
            by_path.get(path).copied()
        });
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

    /// The revision at which the state was last recorded: the state's own word, or else the commit
    /// of its file.
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

/// The differences between manifests.
fn compare(before: &Sources, now: &Sources) -> Vec<ManifestChange> {
    let paths: BTreeSet<_> = [before, now].into_iter().flat_map(Sources::paths).collect();
    let mut room = MAX_DIFF_LINES;
    let changes = paths.into_iter().filter_map(|path| {
        let (before, now) = (before.get(path), now.get(path));
        if before.map(SourceText::text) == now.map(SourceText::text) {
            return None;
        }
        let lines = |text: Option<&SourceText>| text.map(SourceText::shown_lines);
        let (before, now) = (
            lines(before).unwrap_or_default(),
            lines(now).unwrap_or_default(),
        );
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
    let diff = diff
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .to_string();
    Some(diff.lines().map(str::to_owned).collect())
}
