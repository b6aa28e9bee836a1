//! Where credentials come from (a reference in a manifest) and what they are once resolved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

mod aws;
pub mod header;
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
    /// The access key that the AWS command line would use: id, secret and an optional session token, one per
    /// line.
    Aws {
        /// The profile; `None` uses the first key found.
        profile: Option<String>,
        /// Where keys are exchanged, unless something else sets the region.
        region: String,
    },
}

impl CredentialRef {
    /// The names of the lines, if it stands for several credentials.
    pub(crate) const fn parts(&self) -> Option<[&'static str; 3]> {
        match self {
            Self::Env(_) | Self::File(_) | Self::Command(_) => None,
            Self::Aws { .. } => Some(["accessKeyId", "secretAccessKey", "sessionToken"]),
        }
    }

    /// The environment variable it is read from, if any.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Env(name) => Some(name),
            Self::File(_) | Self::Command(_) | Self::Aws { .. } => None,
        }
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Command(words) => write!(f, "command `{}`", words.join(" ")),
            Self::Aws {
                profile: Some(name),
                ..
            } => write!(f, "AWS profile `{name}`"),
            Self::Aws { profile: None, .. } => f.write_str("AWS credentials of this machine"),
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

    /// The credential with that name; empty if the provider did not declare it.
    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", Secret::expose)
    }

    /// Removes and returns the credentials with these names.
    pub(crate) fn take<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        let names = names.into_iter();
        Self(names.filter_map(|name| self.0.remove_entry(name)).collect())
    }

    /// Whether another reading gave the same values.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let texts = |of: &Self| -> Vec<_> {
            let secrets = of.0.iter();
            secrets
                .map(|(name, secret)| (*name, secret.expose().to_owned()))
                .collect()
        };
        texts(self) == texts(other)
    }

    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.0.values()
    }
}
