//! Stage 2: what must be fresh, as entries with generations.
//!
//! Pure: resources (and later the content of a `Site`) come in as values, sorted entries go out.

pub mod url;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::manifest::resource::Project;
pub use url::{CdnUrl, HostPattern, Kind};

/// The manifest name under which `purgit purge URL…` files its entries; no manifest can have it.
pub const ONE_OFF: &str = "-";

/// The generation of an entry whose manifest declares no `revision`.
pub const DECLARED: &str = "declared";

/// The token of an entry: a content id, or the manifest's `revision`. An entry changed if and only
/// if its generation differs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub Arc<str>);

impl Generation {
    /// A generation from its token.
    pub fn new(token: impl Into<Arc<str>>) -> Self {
        Self(token.into())
    }

    /// The token itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which manifest wants an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A `Purge` manifest, by name; [`ONE_OFF`] for the command line.
    Purge(Arc<str>),
}

impl Owner {
    /// `purge/<name>`: the front of every address below this owner.
    pub fn address(&self) -> String {
        match self {
            Self::Purge(name) => format!("purge/{name}"),
        }
    }
}

/// What identifies an entry, now and in the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The manifest that wants it.
    pub owner: Owner,
    /// File or directory.
    pub kind: Kind,
    /// What to purge.
    pub url: CdnUrl,
    /// Name of the endpoint that serves it. Part of the identity: moved to another endpoint, an
    /// entry has not been purged there yet.
    pub endpoint: Arc<str>,
}

impl EntryKey {
    /// The stable name people use for it: `purge/<name>/<file|directory>/<url>`.
    pub fn address(&self) -> String {
        match &self.owner {
            Owner::Purge(name) => format!("purge/{name}/{}/{}", self.kind, self.url),
        }
    }
}

/// An entry that must be fresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its identity.
    pub key: EntryKey,
    /// The generation that must have been purged.
    pub generation: Generation,
}

/// All that is wanted now, and what is left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Sorted by key, each key once.
    pub entries: Vec<Entry>,
    /// Owners that are suspended: their entries are neither planned nor forgotten.
    pub suspended: Vec<Owner>,
}

/// The entries that the project's manifests want at `now` (which decides `suspendUntil` only).
pub fn desired(project: &Project, now: DateTime<Utc>) -> Desired {
    let mut desired = Desired::default();
    for purge in &project.purges {
        let owner = Owner::Purge(purge.name.clone());
        if purge
            .suspension
            .as_ref()
            .is_some_and(|suspension| suspension.holds_at(now))
        {
            desired.suspended.push(owner);
            continue;
        }
        let generation = Generation::new(purge.revision.as_deref().unwrap_or(DECLARED));
        let files = purge.files.iter().map(|url| (Kind::File, url));
        let directories = purge.directories.iter().map(|url| (Kind::Directory, url));
        desired
            .entries
            .extend(files.chain(directories).map(|(kind, url)| Entry {
                key: EntryKey {
                    owner: owner.clone(),
                    kind,
                    url: url.clone(),
                    endpoint: purge.endpoint.clone(),
                },
                generation: generation.clone(),
            }));
    }
    desired.entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    desired.entries.dedup_by(|a, b| a.key == b.key);
    desired.suspended.sort_unstable();
    desired
}
