//! `[io]` A project as it was at a revision: manifests and content read from git trees, nothing is
//! checked out.

use std::path::Path;

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{Cause, SiteContentError};
use crate::content::{ContentError, Listing, Rules, Selection};
use crate::desired::{Contents, Desired, SiteErrors, desired};
use crate::diagnostic::Diagnostic;
use crate::git::{GitError, Repository, Revision};
use crate::manifest::glob::Glob;
use crate::manifest::resource::Project;
use crate::manifest::yaml::MAX_FILE_BYTES;
use crate::manifest::{Parsed, ROOT_FILE, Reading, Source};
use crate::observed::{Revisions, Since};

/// Why a project's past cannot be told.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// Git could not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The manifests were not valid then.
    #[error("the manifests at `{revision}` have errors; the first is: {first}")]
    Manifests {
        /// As asked for.
        revision: String,
        /// The first error, with its place.
        first: String,
    },
    /// There were no manifests then.
    #[error("there is no `{ROOT_FILE}` at `{revision}`")]
    NoProject {
        /// As asked for.
        revision: String,
    },
    /// The content of a site cannot be told.
    #[error(transparent)]
    Content(#[from] SiteContentError),
    /// Files then had no URLs, or shared one.
    #[error("at `{revision}`")]
    Site {
        /// As asked for.
        revision: String,
        /// What was wrong.
        #[source]
        source: SiteErrors,
    },
    /// Content that is committed but not on disk, which is not to say that it was deleted.
    #[error("site `{site}`: the sparse checkout leaves out {count} of its files, first `{path}`")]
    Sparse {
        /// Name of the site.
        site: String,
        /// How many files.
        count: usize,
        /// The first of them, from the top of the repository.
        path: String,
    },
    /// Content that git knows nothing of, neither then nor now.
    #[error("site `{site}`: `{root}` is not in git at `{from}` nor at `{to}`")]
    NotInGit {
        /// Name of the site.
        site: String,
        /// Its content root, relative to the project.
        root: String,
        /// The base, as asked for.
        from: String,
        /// The other side, as asked for.
        to: String,
    },
}

impl HistoryError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Git(error) => error.hint(),
            Self::Content(error) => error.hint(),
            Self::Manifests { .. } | Self::NoProject { .. } | Self::Site { .. } => Some(
                "name a later revision, or plan against the state, without `--since`".to_owned(),
            ),
            Self::Sparse { .. } => Some(
                "compare with a commit instead of the files on disk, as in `--to HEAD`, or run \
                 `git sparse-checkout disable`"
                    .to_owned(),
            ),
            Self::NotInGit { .. } => Some(
                "a built site has no history: plan against the state, without `--since`".to_owned(),
            ),
        }
    }
}

/// A project at a revision.
#[derive(Debug)]
pub struct Past {
    /// What was asked for.
    pub revision: Revision,
    /// The manifests then; `None` where there was no project yet.
    pub project: Option<Project>,
    /// The content then.
    pub contents: Contents,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// The repository around a project, with the project's place in it.
#[derive(Debug)]
pub struct History {
    repository: Repository,
    /// Path of the project's root from the top, `/`-separated; empty for the top.
    prefix: String,
}

impl History {
    /// Finds the repository.
    ///
    /// # Errors
    /// [`GitError::NoRepository`] and others.
    pub fn open(root: &Path) -> Result<Self, GitError> {
        let repository = Repository::discover(root)?;
        let prefix = match repository.work_tree() {
            Some(_) => repository.relative(root)?,
            // In a bare repository, the project is at the top.
            None => String::new(),
        };
        Ok(Self { repository, prefix })
    }

    /// The project as it was at a revision.
    ///
    /// # Errors
    /// An unknown revision, manifests that were not valid, content that cannot be told.
    pub fn at(&self, revision: &str) -> Result<Past, HistoryError> {
        let revision = self.repository.resolve(revision)?;
        let mut past = Past {
            project: None,
            contents: Contents::new(),
            notes: Vec::new(),
            revision,
        };
        let Some(parsed) = self.manifests(&past.revision)? else {
            return Ok(past);
        };
        let Some(project) = parsed.project else {
            let error = parsed.problems.iter().find(|problem| problem.is_error());
            let first = error.map(described).unwrap_or_default();
            return Err(HistoryError::Manifests {
                revision: past.revision.name,
                first,
            });
        };
        for site in &project.sites {
            let prefix = self.below(&site.content.root.to_string_lossy());
            let tree = &past.revision.tree;
            let listing = match self
                .repository
                .list_tree(tree, &prefix, &site.content.selection)
            {
                Ok(listing) => listing,
                Err(GitError::Content(ContentError::RootMissing { .. })) => Listing::default(),
                Err(error) => {
                    let source = Cause::from(error);
                    return Err(SiteContentError {
                        site: site.name.clone(),
                        source,
                    }
                    .into());
                }
            };
            let notes = listing
                .notes
                .iter()
                .map(|note| format!("site `{}`: {note}", site.name));
            past.notes.extend(notes);
            past.contents.insert(site.name.clone(), listing);
        }
        past.project = Some(project);
        Ok(past)
    }

    /// The base side of a plan from `past` to `to` (`None` for the work tree, as listed in
    /// `contents`).
    ///
    /// # Errors
    /// Files without URLs then, or content that git knows nothing of.
    pub fn since(
        &self,
        past: &Past,
        to: Option<&Past>,
        project: &Project,
        contents: &Contents,
        now: DateTime<Utc>,
    ) -> Result<Since, HistoryError> {
        let head = match to {
            Some(_) => None,
            None if self.is_head(past)? => None,
            None => Some(self.at_head()?),
        };
        let end = to.or(head.as_ref()).unwrap_or(past);
        Self::refuse_unversioned(past, end, project)?;
        let dirty = match to {
            Some(_) => false,
            None => differs(&end.contents, contents) || self.manifests_dirty(project)?,
        };
        let base = match &past.project {
            Some(then) => {
                desired(then, &past.contents, now).map_err(|source| HistoryError::Site {
                    revision: past.revision.name.clone(),
                    source,
                })?
            }
            None => Desired::default(),
        };
        let id = |past: &Past| {
            past.revision
                .commit
                .as_ref()
                .map(|commit| commit.id.clone())
                .unwrap_or_default()
        };
        Ok(Since {
            base,
            revisions: Revisions {
                from: id(past),
                to: id(end),
                dirty,
            },
        })
    }

    /// Refuses a work tree in which files of a site are missing only because the checkout is sparse.
    ///
    /// # Errors
    /// [`HistoryError::Sparse`].
    pub fn refuse_sparse(&self, project: &Project) -> Result<(), HistoryError> {
        for site in &project.sites {
            let root = self.below(&site.content.root.to_string_lossy());
            let mut missing = self.repository.not_checked_out(&root)?;
            let below = |path: &str| {
                path.get(root.len()..)
                    .map(|path| path.trim_matches('/').to_owned())
            };
            missing.retain(|path| {
                below(path).is_some_and(|path| site.content.selection.selects(&path))
            });
            if let Some(path) = missing.first() {
                return Err(HistoryError::Sparse {
                    site: site.name.to_string(),
                    count: missing.len(),
                    path: path.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether a base is what is checked out.
    fn is_head(&self, past: &Past) -> Result<bool, HistoryError> {
        Ok(self.repository.head()?.commit == past.revision.commit)
    }

    /// What is committed, as far as it can be read; manifests that are not valid there only make
    /// the work tree dirty.
    fn at_head(&self) -> Result<Past, HistoryError> {
        match self.at("HEAD") {
            Err(HistoryError::Manifests { .. }) => Ok(Past {
                revision: self.repository.head()?,
                project: None,
                contents: Contents::new(),
                notes: Vec::new(),
            }),
            other => other,
        }
    }

    /// Content that was never committed has no history: every file would seem new each time, or
    /// none would.
    fn refuse_unversioned(from: &Past, to: &Past, project: &Project) -> Result<(), HistoryError> {
        for site in &project.sites {
            let has_files = |past: &Past| {
                past.contents
                    .get(&site.name)
                    .is_some_and(|listing| !listing.files.is_empty())
            };
            let is_new = to
                .project
                .as_ref()
                .is_none_or(|then| !then.sites.iter().any(|other| other.name == site.name));
            if !has_files(from) && !has_files(to) && !is_new && from.revision.commit.is_some() {
                return Err(HistoryError::NotInGit {
                    site: site.name.to_string(),
                    root: site.content.root.display().to_string(),
                    from: from.revision.name.clone(),
                    to: to.revision.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether manifests in the work tree differ from what is committed.
    fn manifests_dirty(&self, project: &Project) -> Result<bool, HistoryError> {
        let mut paths = vec![self.below(ROOT_FILE)];
        paths.extend(
            project
                .manifests
                .iter()
                .map(|glob| self.below(literal_front(glob))),
        );
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        Ok(self.repository.is_dirty(&paths)?)
    }

    fn manifests(&self, revision: &Revision) -> Result<Option<Parsed>, HistoryError> {
        let tree = &revision.tree;
        let root_file = self.below(ROOT_FILE);
        let Some(bytes) = self
            .repository
            .read_file(tree, &root_file, MAX_FILE_BYTES)?
        else {
            return Ok(None);
        };
        let mut reading = Reading::default();
        reading.add(Source::new(ROOT_FILE, bytes));
        let layout = reading.layout();
        let globs: Vec<_> = layout
            .manifests
            .iter()
            .filter_map(|text| Glob::new(text))
            .collect();
        let rules = Rules {
            include: layout.manifests.clone(),
            hidden: true,
            ..Rules::default()
        };
        let Ok(selection) = Selection::compile(&rules) else {
            return Ok(Some(reading.finish()));
        };
        let prefix = self.prefix.as_str();
        let files = match self
            .repository
            .read_files(tree, prefix, &selection, MAX_FILE_BYTES)
        {
            Err(GitError::Content(ContentError::RootMissing { .. })) => Vec::new(),
            files => files?,
        };
        for (path, bytes) in files {
            let file = Path::new(&path);
            let ours = [&layout.state_file, &layout.status_file];
            let wanted = globs.iter().any(|glob| glob.matches(file));
            if wanted && path != ROOT_FILE && !ours.iter().any(|own| own.as_path() == file) {
                reading.add(Source::new(path, bytes));
            }
        }
        Ok(Some(reading.finish()))
    }

    /// A path of the project as a path from the top.
    fn below(&self, path: &str) -> String {
        match (self.prefix.as_str(), path) {
            ("", path) => path.to_owned(),
            (prefix, "") => prefix.to_owned(),
            (prefix, path) => format!("{prefix}/{path}"),
        }
    }
}

/// Whether two sides hold other files; what was left out does not matter.
fn differs(one: &Contents, other: &Contents) -> bool {
    one.len() != other.len()
        || one
            .iter()
            .zip(other)
            .any(|((a, x), (b, y))| a != b || x.files != y.files)
}

/// The folders in front of the first wildcard of a glob.
fn literal_front(glob: &str) -> &str {
    let end = glob.find(['*', '?', '[', '{']).unwrap_or(glob.len());
    glob[..end].rfind('/').map_or("", |slash| &glob[..slash])
}

/// A problem in one line, with its place.
fn described(problem: &Diagnostic) -> String {
    match &problem.place {
        Some(place) => {
            format!(
                "{}:{}:{}: {}",
                place.file, place.line, place.column, problem.message
            )
        }
        None => problem.message.clone(),
    }
}
