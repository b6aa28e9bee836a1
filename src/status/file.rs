//! [io] The status document in a file of the project, as YAML.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{KIND, StatusDocument};
use crate::git::GitError;
use crate::state::replace::{self, OtherWriters};

/// Largest previous document read, in bytes: about a million entries. A larger one only costs the
/// transition times.
pub const MAX_STATUS_BYTES: usize = 256 * 1024 * 1024;

/// The first line: who opens the file should know that edits do not last.
const HEADER: &str =
    "# Written by purgit after every run. Do not edit: change the manifests instead.\n";

/// Why a status cannot be read or written.
#[derive(Debug, Error)]
pub enum StatusError {
    /// Something else is in that file; it is left as it is.
    #[error("{0} is not a status that purgit wrote, and is not overwritten")]
    Foreign(PathBuf),
    /// Git cannot keep the status.
    #[error("cannot {action} the status at {place}")]
    Git {
        /// `read` or `write`.
        action: &'static str,
        /// The ref.
        place: String,
        /// Why not.
        #[source]
        source: GitError,
    },
    /// There is no commit to write a note on.
    #[error("the status is a note on the applied commit, but there is no commit yet")]
    NoCommit,
    /// The document cannot be written as YAML.
    #[error("cannot write the status as YAML")]
    Yaml(#[source] serde_saphyr::ser::Error),
    /// The file system failed.
    #[error("cannot {action} {path}")]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's own error.
        #[source]
        source: io::Error,
    },
}

impl StatusError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign(path) if path.starts_with("refs") => Some(
                "delete the ref, or name another one in `spec.status` of the `Project`".to_owned(),
            ),
            Self::Git {
                source: GitError::NoRepository { .. },
                ..
            } => Some("run `git init` here, or keep the status in a `file`".to_owned()),
            Self::Git { source, .. } => source.hint(),
            Self::NoCommit => Some("commit first, or keep the status in a `file`".to_owned()),
            Self::Foreign(_) => Some(
                "move the file away, or name another one in `spec.status.file` of the `Project`"
                    .to_owned(),
            ),
            Self::Yaml(_) | Self::Io { .. } => None,
        }
    }
}

/// Where the status goes.
pub trait StatusSink: fmt::Debug + Send + Sync {
    /// What was written last, for transition times.
    ///
    /// # Errors
    /// When what is there is not a status.
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError>;

    /// Writes.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, document: &StatusDocument) -> Result<(), StatusError>;
}

/// A status file as the place where a run's status goes.
#[derive(Debug, Clone)]
pub struct StatusFile {
    /// The file.
    pub path: PathBuf,
}

impl StatusSink for StatusFile {
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError> {
        read(&self.path)
    }

    fn write(&self, document: &StatusDocument) -> Result<(), StatusError> {
        write(&self.path, document)
    }
}

/// The document in the file; `None` where there is none, or ours but unreadable: then only its
/// transition times are lost.
///
/// # Errors
/// [`StatusError::Foreign`] or [`StatusError::Io`].
pub fn read(path: &Path) -> Result<Option<StatusDocument>, StatusError> {
    Ok(present(path)?.and_then(|text| parse(&text)))
}

/// The document in a text of ours; `None` where it is unreadable.
pub(super) fn parse(text: &str) -> Option<StatusDocument> {
    if text.len() > MAX_STATUS_BYTES {
        return None;
    }
    // A node, an event and an alias take at least a byte each, so the size limits them all.
    let bytes = text.len();
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: bytes,
            max_events: bytes.saturating_mul(2),
            max_total_scalar_bytes: bytes,
            max_aliases: 0,
        },
    };
    serde_saphyr::from_str_with_options(text, options).ok()
}

/// Writes the document, as a whole or not at all. A file that has these bytes already is not
/// touched.
///
/// # Errors
/// [`StatusError::Foreign`], [`StatusError::Yaml`] or [`StatusError::Io`]; the file is then as it
/// was.
pub fn write(path: &Path, document: &StatusDocument) -> Result<(), StatusError> {
    let text = to_yaml(document)?;
    let failed = |source| StatusError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let target = replace::target(path).map_err(failed)?;
    replace::remove_leftovers(&target, OtherWriters::Some);
    if present(path)?.is_some_and(|present| present == text) {
        return Ok(());
    }
    replace::create_folder(replace::folder(&target)).map_err(failed)?;
    replace::replace(&target, text.as_bytes(), || Ok::<(), io::Error>(())).map_err(failed)
}

/// The document as it is written, with the line that says who wrote it.
///
/// # Errors
/// [`StatusError::Yaml`].
pub fn to_yaml(document: &StatusDocument) -> Result<String, StatusError> {
    let options = serde_saphyr::ser_options! {
        // One line a message: a diff of folded text is hard to read.
        prefer_block_scalars: false,
    };
    let mut text = HEADER.to_owned();
    serde_saphyr::to_fmt_writer_with_options(&mut text, document, options)
        .map_err(StatusError::Yaml)?;
    Ok(text)
}

/// The text in the file, if it is ours or empty; `None` where there is none.
fn present(path: &Path) -> Result<Option<String>, StatusError> {
    let mut bytes = Vec::new();
    // One more than is used, to tell that it is too large.
    let limit = u64::try_from(MAX_STATUS_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let found = replace::open_regular(path).and_then(|found| {
        let Some((file, _)) = found else {
            return Ok(false);
        };
        file.take(limit).read_to_end(&mut bytes).map(|_| true)
    });
    let found = found.map_err(|source| StatusError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })?;
    if !found {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match is_ours(&text) {
        true => Ok(Some(text)),
        false => Err(StatusError::Foreign(path.to_owned())),
    }
}

/// By its line and not by its meaning, so that a document with a merge conflict is ours too.
pub(super) fn is_ours(text: &str) -> bool {
    let kind = format!("kind: {KIND}");
    text.trim().is_empty() || text.lines().any(|line| line.trim_end() == kind)
}
