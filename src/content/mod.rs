//! What is on disk or in a git tree: path → content id.
//!
//! One walk serves both, so the same [`Selection`] and the same rules for symbolic links apply to a
//! folder and a tree. It knows nothing about git, URLs or manifests.
//!
//! # What is listed
//! - Regular files, by `/`-separated path below the root, case kept, in byte order.
//! - Hidden files (a component starts with `.`) only on request; `.git` and [`OwnFiles`] never.
//! - Symbolic links as their targets, as a web server would serve them, if inside the root. Links out
//!   of the root, absolute links (their meaning depends on the machine), broken links and circular
//!   links are left out with a [`Note`].
//! - Sockets, pipes and devices are left out with a [`Note`].
//! - A name that is not UTF-8 is an error that shows the name.

pub mod disk;
mod globs;
mod hash;
mod id;
pub(crate) mod ignores;
pub(crate) mod links;
pub mod names;
mod own;
mod selection;
mod sorted;
pub(crate) mod source;
mod stat_cache;
pub(crate) mod walk;

use std::error::Error;
use std::fmt;

use thiserror::Error;

pub use globs::GlobProblem;
pub use hash::{blob_id, read_blob_id};
pub use id::{ContentId, ParseIdError};
pub(crate) use own::slashed;
pub use own::{OwnFiles, TEMPORARY};
pub use selection::{Rules, Selection};
pub use sorted::SortedFiles;
pub use stat_cache::StatCache;

/// Names that an error message lists before it only counts. The error holds all of them.
const NAMES_SHOWN: usize = 10;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentFile {
    /// `/`-separated, relative to the content root.
    pub path: String,
    pub id: ContentId,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Sorted by path, each path once.
    pub files: Vec<ContentFile>,
    /// What was left out although it was selected, sorted by path.
    pub notes: Vec<Note>,
    pub stats: Stats,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files seen, selected or not.
    pub walked: usize,
    pub hashed: usize,
    pub from_cache: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    /// Relative to the content root; bytes that are not UTF-8 are escaped.
    pub path: String,
    pub reason: NoteReason,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteReason {
    LinkLeavesRoot { target: String },
    LinkBroken { target: String },
    LinkLoop { target: String },
    Special { what: &'static str },
    Submodule,
    NotUtf8,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            NoteReason::LinkLeavesRoot { target } => {
                write!(f, "`{path}` is a link out of the content root (`{target}`)")
            }
            NoteReason::LinkBroken { target } => {
                write!(f, "`{path}` is a broken link (`{target}`)")
            }
            NoteReason::LinkLoop { target } => {
                write!(f, "`{path}` is a circular link (`{target}`)")
            }
            NoteReason::Special { what } => write!(f, "`{path}` is a {what}, not a file"),
            NoteReason::Submodule => write!(f, "`{path}` is a submodule"),
            NoteReason::NotUtf8 => write!(
                f,
                "the name `{path}` is not UTF-8, so no URL can be made of it"
            ),
        }
    }
}

#[derive(Debug, Error)]
pub enum ContentError {
    #[error("there is no content folder `{root}`")]
    RootMissing { root: String },
    #[error("the content root `{root}` is not a folder")]
    RootNotFolder { root: String },
    #[error("the content root `{root}` leads out of the project")]
    RootOutside { root: String },
    #[error("not UTF-8, so no URL can be made of it: {}", shown(.names))]
    NotUtf8 { names: Vec<String> },
    #[error("submodules are not part of the tree: {}", shown(.paths))]
    Submodules { paths: Vec<String> },
    #[error("cannot read `{path}`")]
    Unreadable {
        path: String,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("`{path}` is being written, {attempts} attempts to read it failed")]
    Busy { path: String, attempts: usize },
    #[error("links to folders lead to more than {limit} paths, last `{path}`")]
    TooManyLinked { path: String, limit: usize },
}

impl ContentError {
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::RootMissing { .. } => Some("build the site first, or correct `content.root`"),
            Self::RootNotFolder { .. } => Some("`content.root` must name a folder"),
            Self::RootOutside { .. } => Some(
                "`content.root` must name a folder of the project, and may link to another one",
            ),
            Self::NotUtf8 { .. } => Some("rename it, or leave it out with `content.exclude`"),
            Self::Submodules { .. } => Some(
                "leave it out with `content.exclude`, or plan against the state, without `--since`",
            ),
            Self::Unreadable { .. } => {
                Some("make it readable, or leave it out with `content.exclude`")
            }
            Self::Busy { .. } => Some("try again when it is complete"),
            Self::TooManyLinked { .. } => {
                Some("leave the link out with `content.exclude`, or replace it by a folder")
            }
        }
    }

    pub(crate) fn unreadable(
        path: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self::Unreadable {
            path: path.into(),
            source: source.into(),
        }
    }
}

fn shown(names: &[String]) -> String {
    let first = names.iter().take(NAMES_SHOWN);
    let first: Vec<_> = first.map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
