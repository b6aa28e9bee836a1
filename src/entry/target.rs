//! What one purge removes from a cache: a file, a directory, a tag, a host, or everything.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::url::{CdnUrl, HostPattern, UrlError};
use crate::word_enum::word_enum;

/// Longest tag, in bytes: the longest that a CDN documents (Cloudflare and Fastly, 1,024).
pub const MAX_TAG_BYTES: usize = 1024;

word_enum! {
    serde
    /// The kinds of target, in the order in which they are listed everywhere.
    pub enum TargetKind {
        /// Exactly one URL.
        File = "file",
        /// Everything whose path starts with the URL's path; it ends in `/`.
        Directory = "directory",
        /// Everything that the origin marked with the tag (surrogate key).
        Tag = "tag",
        /// Everything of one host.
        Host = "host",
        /// All that the endpoint serves.
        Everything = "everything",
    }
}

impl TargetKind {
    /// The field of a `Purge` and of a plan's step that lists such targets.
    pub const fn field(self) -> &'static str {
        match self {
            Self::File => "files",
            Self::Directory => "directories",
            Self::Tag => "tags",
            Self::Host => "hosts",
            Self::Everything => "everything",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    File(CdnUrl),
    /// Everything below this URL.
    Directory(CdnUrl),
    Tag(Tag),
    Host(Arc<str>),
    Everything,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TargetError {
    #[error(transparent)]
    Url(#[from] UrlError),
    #[error("a tag must not be empty")]
    EmptyTag,
    #[error("the tag has {0} bytes, limit {MAX_TAG_BYTES}")]
    LongTag(usize),
    /// The character separates tags in headers, or headers cannot contain it.
    #[error("a tag has printable ASCII characters only, without spaces and commas")]
    TagCharacter,
    #[error("a host is purged by its whole name, without `*`")]
    Wildcard,
    #[error("`everything` has no text")]
    Surplus,
}

impl TargetError {
    /// What to write instead, if the text shows it.
    pub fn hint(&self, text: &str) -> Option<String> {
        match self {
            Self::Url(error) => error.hint(text),
            Self::EmptyTag
            | Self::LongTag(_)
            | Self::TagCharacter
            | Self::Wildcard
            | Self::Surplus => None,
        }
    }
}

impl Tag {
    pub fn parse(text: &str) -> Result<Self, TargetError> {
        if text.is_empty() {
            Err(TargetError::EmptyTag)
        } else if text.len() > MAX_TAG_BYTES {
            Err(TargetError::LongTag(text.len()))
        } else if text.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
            Ok(Self(text.into()))
        } else {
            Err(TargetError::TagCharacter)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Target {
    pub fn parse(kind: TargetKind, text: &str) -> Result<Self, TargetError> {
        Ok(match kind {
            TargetKind::File => Self::File(CdnUrl::parse(text)?),
            TargetKind::Directory => Self::Directory(CdnUrl::directory(text)?),
            TargetKind::Tag => Self::Tag(Tag::parse(text)?),
            TargetKind::Host => {
                if text.contains('*') {
                    return Err(TargetError::Wildcard);
                }
                Self::Host(HostPattern::parse(text)?.to_string().into())
            }
            TargetKind::Everything if text.is_empty() => Self::Everything,
            TargetKind::Everything => return Err(TargetError::Surplus),
        })
    }

    /// Parses a target that purgit itself wrote; see [`CdnUrl::recorded`].
    pub fn recorded(kind: TargetKind, text: &str) -> Result<Self, TargetError> {
        Ok(match kind {
            TargetKind::File => Self::File(CdnUrl::recorded(text)?),
            TargetKind::Directory => Self::Directory(CdnUrl::recorded_directory(text)?),
            TargetKind::Tag | TargetKind::Host | TargetKind::Everything => {
                return Self::parse(kind, text);
            }
        })
    }

    pub const fn kind(&self) -> TargetKind {
        match self {
            Self::File(_) => TargetKind::File,
            Self::Directory(_) => TargetKind::Directory,
            Self::Tag(_) => TargetKind::Tag,
            Self::Host(_) => TargetKind::Host,
            Self::Everything => TargetKind::Everything,
        }
    }

    pub const fn url(&self) -> Option<&CdnUrl> {
        match self {
            Self::File(url) | Self::Directory(url) => Some(url),
            Self::Tag(_) | Self::Host(_) | Self::Everything => None,
        }
    }

    pub fn host(&self) -> Option<&str> {
        match self {
            Self::File(url) | Self::Directory(url) => Some(url.host()),
            Self::Host(host) => Some(host),
            Self::Tag(_) | Self::Everything => None,
        }
    }

    /// Its text; empty for everything.
    pub fn as_str(&self) -> &str {
        match self {
            Self::File(url) | Self::Directory(url) => url.as_str(),
            Self::Tag(tag) => tag.as_str(),
            Self::Host(host) => host,
            Self::Everything => "",
        }
    }
}

impl fmt::Display for Target {
    /// For people: the text, or `everything`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Everything => TargetKind::Everything.as_str(),
            Self::File(_) | Self::Directory(_) | Self::Tag(_) | Self::Host(_) => self.as_str(),
        })
    }
}
