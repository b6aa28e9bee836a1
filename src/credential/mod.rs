//! Where credentials come from (a reference in a manifest) and what they are once resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

pub mod reference;
pub mod source;
pub mod system;

use crate::secret::Secret;

/// Largest credential, in bytes. The largest tokens, with many claims, stay below 16 KiB.
pub const MAX_CREDENTIAL_BYTES: u64 = 64 * 1024;

/// A place to read a credential from; never the credential itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialRef {
    /// `{ env: NAME }`: an environment variable.
    Env(String),
    /// `{ file: PATH }`: a file's text without its last line end, relative to the project root.
    File(PathBuf),
    /// `{ command: [PROGRAM, ARGUMENT…] }`: what a program prints, without its last line end.
    Command(Vec<String>),
}

impl CredentialRef {
    /// The environment variable that it is read from, if it is.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            Self::File(_) | Self::Command(_) => None,
        }
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Command(words) => write!(f, "command `{}`", words.join(" ")),
        }
    }
}

/// Resolved credentials of one endpoint, by the manifest's names for them.
#[derive(Debug, Clone, Default)]
pub struct Credentials(BTreeMap<&'static str, Secret>);

impl Credentials {
    pub fn new(values: impl IntoIterator<Item = (&'static str, Secret)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// The credential of that name; empty when the provider never declared it.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.values()
    }
}
