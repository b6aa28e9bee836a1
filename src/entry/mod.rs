//! An entry: one thing that a manifest wants fresh. Its key says what it is, its generation says
//! which version.

mod target;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::content::ContentId;
pub use target::{MAX_TAG_BYTES, Tag, Target, TargetError, TargetKind};

/// Replaces the name in the address of [`Owner::OneOff`]; no manifest can have it.
pub(crate) const ONE_OFF: &str = "-";

const ADDRESS_FRONT_BYTES: usize = 48;

/// The text of [`Generation::Declared`].
const DECLARED: &str = "declared";

/// Prefix of a `revision` that could otherwise be read as something else.
const REVISION: &str = "revision:";

/// An entry changed if and only if its generation differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// The manifest has no `revision`: purged once, when it is declared.
    Declared,
    /// A content id, or a `revision` as it is written.
    Token(Arc<str>),
}

impl Generation {
    /// The generation of a manifest with that `revision`, which may be `declared` too.
    pub fn of_revision(revision: &str) -> Self {
        let is_plain = revision != DECLARED && !revision.starts_with(REVISION);
        Self::Token(match is_plain {
            true => revision.into(),
            false => format!("{REVISION}{revision}").into(),
        })
    }

    pub fn of_content(id: &ContentId) -> Self {
        Self::Token(String::from_utf8_lossy(&id.digits()).into())
    }

    pub fn recorded(text: &str) -> Self {
        match text {
            DECLARED => Self::Declared,
            token => Self::Token(token.into()),
        }
    }

    /// Its written form; different generations have different texts.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Declared => DECLARED,
            Self::Token(token) => token,
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Generation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Generation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::recorded(&text))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The command line: `purgit purge`.
    OneOff,
    Purge(Arc<str>),
    Site(Arc<str>),
}

impl Owner {
    /// `purge/<name>` or `site/<name>`: the start of every address of this owner.
    pub fn address(&self) -> String {
        let (word, name) = self.words();
        format!("{word}/{name}")
    }

    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::OneOff => ("purge", ONE_OFF),
            Self::Purge(name) => ("purge", name),
            Self::Site(name) => ("site", name),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    pub owner: Owner,
    /// Path of the file below the content root, for entries of a `Site`.
    pub path: Option<Arc<str>>,
    pub target: Target,
    /// Part of the identity: after a move to another endpoint, an entry is not purged there yet.
    pub endpoint: Arc<str>,
}

impl EntryKey {
    /// The stable name for people: `purge/<name>/<kind>/<target>`, without target for everything,
    /// or `site/<name>/<path>`.
    pub fn address(&self) -> String {
        let path = self.path.as_deref().unwrap_or(self.target.as_str());
        let mut address = String::with_capacity(path.len() + ADDRESS_FRONT_BYTES);
        self.push_address(&mut address);
        address
    }

    pub(crate) fn push_address(&self, out: &mut String) {
        let (word, name) = self.owner.words();
        out.extend([word, "/", name, "/"]);
        if let Some(path) = &self.path {
            out.push_str(path);
            return;
        }
        out.push_str(self.target.kind().as_str());
        if self.target != Target::Everything {
            out.extend(["/", self.target.as_str()]);
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: EntryKey,
    pub generation: Generation,
}
