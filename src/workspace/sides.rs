//! `[io]` Both sides of a comparison: what is wanted, and its base. Listing needs no state; with a
//! state, both sides become entries.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};

use super::caches::Caches;
use super::history::{CompareOptions, Compared, History, HistoryError, Past};
use super::{WorkspaceError, disk};
use crate::cache::CacheFolder;
use crate::content::ContentFile;
use crate::desired::{Contents, Desired, Served, desired, site};
use crate::entry::{EntryKey, Generation, Owner};
use crate::manifest::resource::{Project, Site, Weigh};
use crate::manifest::{self, ROOT_FILE};
use crate::observed::Since;
use crate::plan::broaden;
use crate::plan::looked::Looked;
use crate::state::State;
use crate::view::{Detail, StateView, open_files};

/// The value of `--since` that takes the revision from the state.
pub const LAST_APPLIED: &str = "last-applied";

/// Bytes of a digest shown as a revision: enough to tell two revisions apart.
const REVISION_BYTES: usize = 8;

#[derive(Debug)]
pub struct Sides {
    kind: Kind,
    /// Caches facts about git; `None` in a bare repository.
    folder: Option<CacheFolder>,
    /// The project's root; empty if unknown.
    root: PathBuf,
    pub notes: Vec<String>,
}

#[derive(Debug)]
enum Kind {
    /// Compares content on disk with the state.
    State(Contents),
    /// Compares content on disk with a revision.
    WorkTree {
        history: Box<History>,
        base: Base,
        contents: Contents,
    },
    /// Compares two revisions.
    Revisions {
        history: Box<History>,
        base: Base,
        end: Box<Past>,
    },
}

#[derive(Debug)]
enum Base {
    Revision(Box<Past>),
    /// The last revision whose changes are all recorded in the state.
    LastApplied,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BothSides {
    pub desired: Desired,
    /// The base; `None` is the state.
    pub since: Option<Since>,
    /// What the edges answered, if asked.
    pub looked: Option<Arc<Looked>>,
    pub notes: Vec<String>,
}

/// Compares with the state.
impl From<Desired> for BothSides {
    fn from(desired: Desired) -> Self {
        Self {
            desired,
            ..Self::default()
        }
    }
}

impl From<Contents> for Sides {
    fn from(contents: Contents) -> Self {
        Self {
            kind: Kind::State(contents),
            folder: None,
            root: PathBuf::new(),
            notes: Vec::new(),
        }
    }
}

impl Sides {
    /// The content on disk; `None` if two revisions are compared.
    pub fn contents(&self) -> Option<&Contents> {
        match &self.kind {
            Kind::State(contents) | Kind::WorkTree { contents, .. } => Some(contents),
            Kind::Revisions { .. } => None,
        }
    }

    /// Whether the wanted content is on disk.
    pub fn is_on_disk(&self) -> bool {
        self.contents().is_some()
    }

    /// Content on disk, compared with the state.
    pub fn on_disk(
        project: &Project,
        root: &Path,
        caches: &mut Caches,
        now: DateTime<Utc>,
    ) -> Result<Self, WorkspaceError> {
        let (contents, notes) = disk::contents(project, root, caches, now)?;
        Ok(Self {
            kind: Kind::State(contents),
            folder: Some(CacheFolder::new(root)),
            root: root.to_owned(),
            notes,
        })
    }

    /// Content on disk, compared with a revision.
    pub fn since(
        project: &Project,
        root: &Path,
        since: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, WorkspaceError> {
        let history = Box::new(History::open(root).map_err(HistoryError::from)?);
        let (base, note) = Base::named(&history, since)?;
        history.refuse_sparse(project)?;
        let (contents, notes) = disk::contents(project, root, &mut Caches::new(root), now)?;
        Ok(Self {
            kind: Kind::WorkTree {
                history,
                base,
                contents,
            },
            folder: Some(CacheFolder::new(root)),
            root: root.to_owned(),
            notes: note.into_iter().chain(notes).collect(),
        })
    }

    /// Two revisions, and the project at the second one. Needs no work tree and no manifests on disk.
    pub fn between(root: &Path, since: &str, to: &str) -> Result<(Project, Self), WorkspaceError> {
        let history = Box::new(History::open(root).map_err(HistoryError::from)?);
        let (base, note) = Base::named(&history, since)?;
        let end = Box::new(history.at(to)?);
        let Some(project) = end.project.clone() else {
            let revision = end.revision.name.clone();
            return Err(HistoryError::NoProject { revision }.into());
        };
        // State and status are on disk for any revision.
        let project = manifest::placed(project, root).map_err(|problems| {
            let messages = problems.into_iter().map(|problem| problem.message);
            WorkspaceError::Misplaced(messages.collect::<Vec<_>>().join("; "))
        })?;
        let sides = Self {
            folder: history.has_work_tree().then(|| CacheFolder::new(root)),
            kind: Kind::Revisions { history, base, end },
            root: root.to_owned(),
            notes: note.into_iter().collect(),
        };
        Ok((project, sides))
    }

    /// Both sides as entries. Unpacks these entries in the view.
    pub fn compare(
        &self,
        project: &Project,
        view: &mut StateView,
        detail: Detail,
        now: DateTime<Utc>,
    ) -> Result<BothSides, WorkspaceError> {
        let open = open_files(&view.state);
        let options = CompareOptions {
            detail,
            open: &open,
            folder: self.folder.as_ref(),
            now,
        };
        let compared = match &self.kind {
            Kind::State(contents) => {
                let (left, unchanged) = view.split(project, contents, detail, now);
                let mut desired = Desired {
                    unchanged,
                    ..desired(project, &left, now)?
                };
                self.list(project, &mut desired, &view.state, None, now)?;
                return Ok(desired.into());
            }
            Kind::WorkTree {
                history,
                base,
                contents,
            } => base.with(history, view, |past| {
                history.work_tree(past, project, contents, &options)
            })?,
            Kind::Revisions { history, base, end } => {
                base.with(history, view, |past| history.between(past, end, &options))?
            }
        };
        let Compared {
            contents,
            unchanged,
            since,
            notes,
        } = compared;
        let mut desired = Desired {
            unchanged,
            ..desired(project, &contents, now)?
        };
        self.list(project, &mut desired, &view.state, Some(&since.base), now)?;
        let entries = desired.entries.iter().chain(&since.base.entries);
        view.unpack(project, entries.map(|entry| &entry.key));
        Ok(BothSides {
            desired,
            since: Some(since),
            looked: None,
            notes,
        })
    }

    /// Lists every URL of the endpoints whose quota may be too small for the changes.
    fn list(
        &self,
        project: &Project,
        desired: &mut Desired,
        state: &State,
        base: Option<&Desired>,
        now: DateTime<Utc>,
    ) -> Result<(), WorkspaceError> {
        let base = base.into_iter().flat_map(|base| &base.entries);
        let known = state.entries.keys().chain(base.map(|entry| &entry.key));
        for name in broaden::to_list(project, desired, known, state, now) {
            let mut served = Vec::new();
            for site in project.sites.iter().filter(|site| site.endpoint == name) {
                served.extend(self.served(project, site)?);
            }
            desired.served.insert(name, served);
        }
        Ok(())
    }

    fn served(&self, project: &Project, site: &Site) -> Result<Vec<Served>, WorkspaceError> {
        let endpoint = project.endpoints.get(&site.endpoint);
        let is_weighed = endpoint.is_some_and(|one| one.broaden.weigh == Weigh::Bytes);
        let listed;
        let files = match &self.kind {
            Kind::State(contents) | Kind::WorkTree { contents, .. } => contents
                .get(&site.name)
                .map_or(&[][..], |listing| &listing.files),
            Kind::Revisions { history, end, .. } => {
                listed = history.files(site, end)?;
                &listed
            }
        };
        let weight = |file: &ContentFile| match &self.kind {
            _ if !is_weighed => 1,
            Kind::State(_) | Kind::WorkTree { .. } => {
                let path = self.root.join(&site.content.root).join(&file.path);
                path.metadata().map_or(1, |metadata| metadata.len())
            }
            Kind::Revisions { history, .. } => history.size(&file.id),
        };
        let urls_of = |file: &ContentFile| {
            let bytes = weight(file);
            // Files without a URL are reported elsewhere.
            let urls = site::urls(site, &file.path).unwrap_or_default().into_iter();
            urls.map(move |url| Served { url, bytes })
        };
        Ok(files.iter().flat_map(urls_of).collect())
    }

    /// A short revision per site: equal listings give equal revisions.
    pub fn revisions(&self) -> BTreeMap<Owner, String> {
        let listed = |contents: &Contents| {
            let sites = contents.iter();
            let sites = sites.filter_map(|(site, listing)| {
                Some((Owner::Site(site.clone()), revision(&listing.files)?))
            });
            sites.collect()
        };
        match &self.kind {
            Kind::State(contents) | Kind::WorkTree { contents, .. } => listed(contents),
            Kind::Revisions { end, .. } => {
                let commit = end.revision.commit.as_ref();
                let sites = end.project.iter().flat_map(|project| &project.sites);
                let sites = sites.filter_map(|site| {
                    let revision = format!("git:{}", commit?.id);
                    Some((Owner::Site(site.name.clone()), revision))
                });
                sites.collect()
            }
        }
    }

    /// Whether two comparisons with the state have the same content on disk.
    pub fn is_same_content(&self, other: &Self) -> bool {
        let (Kind::State(one), Kind::State(other)) = (&self.kind, &other.kind) else {
            return false;
        };
        let files =
            |contents| Contents::iter(contents).map(|(site, listing)| (site, &listing.files));
        files(one).eq(files(other))
    }

    /// The commit that is checked out, if manifests and content on disk match it exactly.
    pub fn clean_commit(&self, project: &Project, root: &Path) -> Option<String> {
        let Kind::State(contents) = &self.kind else {
            return None;
        };
        let history = History::open(root).ok()?;
        history.clean_commit(project, contents).ok()?
    }

    /// The generations that entries had before, if they are in git.
    pub fn past<'k>(
        &self,
        project: &Project,
        keys: impl Iterator<Item = &'k EntryKey>,
    ) -> BTreeMap<EntryKey, BTreeSet<Generation>> {
        let opened;
        let (history, to) = match &self.kind {
            Kind::Revisions { history, end, .. } => (&**history, Ok(end.revision.clone())),
            Kind::WorkTree { history, .. } => (&**history, history.head()),
            Kind::State(_) => {
                let Ok(history) = History::open(&self.root) else {
                    return BTreeMap::new();
                };
                opened = history;
                (&opened, opened.head())
            }
        };
        // Without history, older bytes are not recognised; nothing else is lost.
        let found = to.map(|to| history.generations(project, &to, keys));
        found.ok().and_then(Result::ok).unwrap_or_default()
    }
}

impl Base {
    /// The base with this name, and notes about it for the user.
    fn named(history: &History, since: &str) -> Result<(Self, Option<String>), HistoryError> {
        if since == LAST_APPLIED {
            return Ok((Self::LastApplied, None));
        }
        let past = Box::new(history.at(since)?);
        let is_empty = past.project.is_none() && past.revision.commit.is_some();
        let note = format!("there is no `{ROOT_FILE}` at `{since}`: everything counts as added");
        Ok((Self::Revision(past), is_empty.then_some(note)))
    }

    fn with<T>(
        &self,
        history: &History,
        view: &StateView,
        act: impl FnOnce(&Past) -> Result<T, HistoryError>,
    ) -> Result<T, HistoryError> {
        match self {
            Self::Revision(past) => act(past),
            Self::LastApplied => {
                let applied = view.state.last_applied.as_ref();
                act(&history.at(applied.ok_or(HistoryError::NeverApplied)?)?)
            }
        }
    }
}

/// `None` without files.
fn revision(files: &[ContentFile]) -> Option<String> {
    let mut hash = Sha256::new();
    for file in files {
        // A path contains no zero byte.
        hash.update(file.path.as_bytes());
        hash.update([0]);
        hash.update(file.id.as_bytes());
    }
    let digest = hash.finalize();
    let revision = format!("sha256:{}", hex::encode(&digest[..REVISION_BYTES]));
    (!files.is_empty()).then_some(revision)
}
