//! [io] The status document in a file of the project, as YAML.

use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{KIND, StatusDocument};
use crate::git::GitError;
use crate::state::replace::{self, OtherWriters};

/// Largest previous document that is read: about a million entries. Without it, only transition times
/// are lost.
pub const MAX_STATUS_BYTES: usize = 256 * 1024 * 1024;

const HEADER: &str =
    "# Written by purgit after every run. Do not edit: change the manifests instead.\n";

#[derive(Debug, Error)]
pub enum StatusError {
    /// The file is not a status document; it is left as it is.
    #[error("{0} is not a status that purgit wrote, and is not overwritten")]
    Foreign(PathBuf),
    #[error("cannot {action} the status at {place}")]
    Git {
        action: &'static str,
        place: String,
        #[source]
        source: GitError,
    },
    #[error("the status is a note on the applied commit, but there is no commit yet")]
    NoCommit,
    #[error("cannot write the status as YAML")]
    Yaml(#[source] serde_saphyr::ser::Error),
    #[error("cannot {action} {path}")]
    Io {
        action: &'static str,
        path: PathBuf,
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

pub trait StatusSink: fmt::Debug + Send + Sync {
    /// The previous document, for transition times. Content that is not a status is an error.
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError>;

    fn write(&self, document: &StatusDocument) -> Result<(), StatusError>;
}

#[derive(Debug, Clone)]
pub struct StatusFile {
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

/// The document in the file; `None` if there is none, or if it is ours but unreadable: then only
/// transition times are lost.
pub fn read(path: &Path) -> Result<Option<StatusDocument>, StatusError> {
    Ok(present(path)?.and_then(|text| parse(&text)))
}

pub(super) fn parse(text: &str) -> Option<StatusDocument> {
    if text.len() > MAX_STATUS_BYTES {
        return None;
    }
    // A node, an event and an alias need at least one byte each, so the size bounds them all.
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

/// Writes the whole document or nothing. A file with the same bytes is not touched.
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

pub fn to_yaml(document: &StatusDocument) -> Result<String, StatusError> {
    let options = serde_saphyr::ser_options! {
        // One line per message: a diff of folded text is hard to read.
        prefer_block_scalars: false,
    };
    let mut text = HEADER.to_owned();
    serde_saphyr::to_fmt_writer_with_options(&mut text, document, options)
        .map_err(StatusError::Yaml)?;
    Ok(text)
}

/// The text of the file, if it is ours or empty; `None` if there is no file.
fn present(path: &Path) -> Result<Option<String>, StatusError> {
    let mut bytes = Vec::new();
    // One byte more than is used, to notice that it is too large.
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

/// Looks only for the `kind`, so that a document with a merge conflict is ours too.
pub(super) fn is_ours(text: &str) -> bool {
    let kind = format!("kind: {KIND}");
    text.trim().is_empty() || text.lines().any(|line| line.trim_end() == kind)
}
