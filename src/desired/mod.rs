//! Stage 2: what must be fresh, as entries with generations.
//!
//! Pure: resources and the content of each `Site` come in as values, sorted entries go out.

pub mod site;
pub mod url;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::content::{ContentId, Listing};
use crate::manifest::resource::{OnDelete, Project, Purge, Suspension};
use crate::unchanged::Unchanged;
pub use site::{SiteError, SiteErrors};
pub use url::{CdnUrl, HostPattern, Kind};

/// The manifest name under which `purgit purge URL…` files its entries; no manifest can have it.
pub const ONE_OFF: &str = "-";

/// Bytes of what stands before path or URL in an address, about, to allocate once.
const ADDRESS_FRONT_BYTES: usize = 48;

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

    /// The generation of a file: its content id.
    pub fn of_content(id: &ContentId) -> Self {
        Self(String::from_utf8_lossy(&id.digits()).into())
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
    /// A `Site` manifest, by name.
    Site(Arc<str>),
}

impl Owner {
    /// `purge/<name>`: the front of every address below this owner.
    pub fn address(&self) -> String {
        match self {
            Self::Purge(name) => format!("purge/{name}"),
            Self::Site(name) => format!("site/{name}"),
        }
    }
}

/// What identifies an entry, now and in the state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// The manifest that wants it.
    pub owner: Owner,
    /// Path of the file below the content root, for entries of a `Site`; several URLs may come of
    /// one file.
    pub path: Option<Arc<str>>,
    /// File or directory.
    pub kind: Kind,
    /// What to purge.
    pub url: CdnUrl,
    /// Name of the endpoint that serves it. Part of the identity: moved to another endpoint, an
    /// entry has not been purged there yet.
    pub endpoint: Arc<str>,
}

impl EntryKey {
    /// The stable name people use for it: `purge/<name>/<file|directory>/<url>` or
    /// `site/<name>/<path>`.
    pub fn address(&self) -> String {
        let path = self.path.as_deref().unwrap_or(self.url.as_str());
        let mut address = String::with_capacity(path.len() + ADDRESS_FRONT_BYTES);
        self.push_address(&mut address);
        address
    }

    /// Appends [`Self::address`].
    pub(crate) fn push_address(&self, out: &mut String) {
        let (word, name) = match &self.owner {
            Owner::Purge(name) => ("purge/", name),
            Owner::Site(name) => ("site/", name),
        };
        out.extend([word, name, "/"]);
        match &self.path {
            Some(path) => out.push_str(path),
            None => out.extend([self.kind.as_str(), "/", self.url.as_str()]),
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
    /// Owners that are suspended: their entries are neither planned nor forgotten. Sorted.
    pub suspended: Vec<Owner>,
    /// Owners whose entries are purged once more when they are gone, instead of forgotten. Sorted.
    pub deleting: Vec<Owner>,
    /// Entries of sites that are wanted just as they count as purged, and were only counted.
    pub unchanged: Vec<Unchanged>,
}

/// What is in the content root of each `Site`, by name of the site.
pub type Contents = BTreeMap<Arc<str>, Listing>;

/// The entries that the project's manifests want at `now` (which decides `suspendUntil` only).
/// A site that `contents` has nothing of is empty.
///
/// # Errors
/// Every file that no URL can be made of, and every URL that two files claim.
pub fn desired(
    project: &Project,
    contents: &Contents,
    now: DateTime<Utc>,
) -> Result<Desired, SiteErrors> {
    let mut desired = Desired::default();
    let mut errors = Vec::new();
    for purge in &project.purges {
        let owner = Owner::Purge(purge.name.clone());
        if holds(purge.suspension.as_ref(), now) {
            desired.suspended.push(owner);
        } else {
            desired.entries.extend(purge_entries(purge, &owner));
        }
    }
    for site in &project.sites {
        let owner = Owner::Site(site.name.clone());
        if holds(site.suspension.as_ref(), now) {
            desired.suspended.push(owner);
            continue;
        }
        match site.on_delete {
            OnDelete::Purge => desired.deleting.push(owner),
            OnDelete::Ignore => {}
        }
        let files = contents
            .get(&site.name)
            .map(|listing| listing.files.as_slice());
        site::entries(
            site,
            files.unwrap_or_default(),
            &mut desired.entries,
            &mut errors,
        );
    }
    if !errors.is_empty() {
        return Err(SiteErrors(errors));
    }
    desired.entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    desired.entries.dedup_by(|a, b| a.key == b.key);
    desired.suspended.sort_unstable();
    desired.deleting.sort_unstable();
    Ok(desired)
}

fn holds(suspension: Option<&Suspension>, now: DateTime<Utc>) -> bool {
    suspension.is_some_and(|suspension| suspension.holds_at(now))
}

fn purge_entries(purge: &Purge, owner: &Owner) -> impl Iterator<Item = Entry> {
    let generation = Generation::new(purge.revision.as_deref().unwrap_or(DECLARED));
    let files = purge.files.iter().map(|url| (Kind::File, url));
    let directories = purge.directories.iter().map(|url| (Kind::Directory, url));
    files.chain(directories).map(move |(kind, url)| Entry {
        key: EntryKey {
            owner: owner.clone(),
            path: None,
            kind,
            url: url.clone(),
            endpoint: purge.endpoint.clone(),
        },
        generation: generation.clone(),
    })
}
