//! Reading a plan document back: what `plan --format json`, `--json-into` and `--out` wrote.

use serde::Deserialize;
use thiserror::Error;

use super::v1::PlanDocument;

/// Largest document that is read, in bytes: some 500,000 changes, more than anybody reviews.
pub const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// The major version that can be read.
const MAJOR: &str = "1";

/// Why a text cannot be read as a plan.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error("it is larger than {} MiB", MAX_DOCUMENT_BYTES / (1024 * 1024))]
    TooLarge,
    #[error("it is not the JSON of a plan")]
    Syntax(#[source] serde_json::Error),
    #[error("its `format_version` is `{0}`, and this purgit reads {MAJOR}.x")]
    Version(String),
}

impl ReadError {
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::TooLarge => "make a smaller plan with `--target`",
            Self::Syntax(_) => "`purgit plan --json-into FILE` writes one",
            Self::Version(_) => "use a purgit of the version that wrote it",
        }
    }
}

/// Reads a plan document, of any minor version.
///
/// # Errors
/// See [`ReadError`].
pub fn read(text: &[u8]) -> Result<PlanDocument, ReadError> {
    #[derive(Deserialize)]
    struct Head {
        format_version: String,
    }
    if text.len() as u64 > MAX_DOCUMENT_BYTES {
        return Err(ReadError::TooLarge);
    }
    // Some editors and shells write a byte order mark.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    // Another major version may differ in everything else.
    let head: Head = serde_json::from_slice(text).map_err(ReadError::Syntax)?;
    match head.format_version.split_once('.') {
        Some((MAJOR, _)) => serde_json::from_slice(text).map_err(ReadError::Syntax),
        Some(_) | None => Err(ReadError::Version(head.format_version)),
    }
}
