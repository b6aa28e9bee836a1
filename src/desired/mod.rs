//! Stage 2: what must be fresh, as entries with generations.
//!
//! Pure: takes resources and the content of each `Site`, returns sorted entries.

pub mod site;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::content::Listing;
use crate::entry::{Entry, EntryKey, Generation, Owner};
use crate::manifest::resource::{OnDelete, Project, Purge, Site, Suspension};
use crate::url::CdnUrl;
pub use site::{SiteError, SiteErrors};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// Sorted by key, each key once.
    pub entries: Vec<Entry>,
    /// Suspended owners, sorted: their entries are neither planned nor forgotten.
    pub suspended: Vec<Owner>,
    /// Owners whose entries are purged, not forgotten, when they are gone. Sorted.
    pub deleting: Vec<Owner>,
    /// Entries of sites that equal what was purged; only counted.
    pub unchanged: Vec<Unchanged>,
    /// By endpoint, all URLs of its sites, even unchanged or suspended ones. Only for endpoints whose
    /// quota may be too small for the changes.
    pub served: BTreeMap<Arc<str>, Vec<Served>>,
    /// A short revision per owner, if known without entries.
    pub revisions: BTreeMap<Owner, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    pub url: CdnUrl,
    /// Size of its file; 1 if sizes do not matter.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchanged {
    pub owner: Owner,
    pub endpoint: Arc<str>,
    pub entries: usize,
}

impl Unchanged {
    pub fn new(site: &Site, entries: usize) -> Self {
        Self {
            owner: Owner::Site(site.name.clone()),
            endpoint: site.endpoint.clone(),
            entries,
        }
    }
}

pub type Contents = BTreeMap<Arc<str>, Listing>;

/// The entries that the project's manifests want at `now` (which only decides `suspendUntil`). A
/// site without `contents` is empty. Errors are files without a URL, and URLs that two files claim.
pub fn desired(
    project: &Project,
    contents: &Contents,
    now: DateTime<Utc>,
) -> Result<Desired, SiteErrors> {
    let mut desired = Desired {
        suspended: suspended(project, now),
        ..Desired::default()
    };
    let mut errors = Vec::new();
    for purge in &project.purges {
        let owner = Owner::Purge(purge.name.clone());
        if desired.suspended.binary_search(&owner).is_err() {
            desired.entries.extend(purge_entries(purge, &owner));
        }
    }
    for site in &project.sites {
        let owner = Owner::Site(site.name.clone());
        if desired.suspended.binary_search(&owner).is_ok() {
            continue;
        }
        match site.on_delete {
            OnDelete::Purge => desired.deleting.push(owner),
            OnDelete::Ignore => {}
        }
        let listing = contents.get(&site.name);
        let files = listing.map_or(&[][..], |listing| &listing.files);
        site::entries(site, files, &mut desired.entries, &mut errors);
    }
    if !errors.is_empty() {
        return Err(SiteErrors(errors));
    }
    desired.entries.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    desired.entries.dedup_by(|a, b| a.key == b.key);
    desired.deleting.sort_unstable();
    Ok(desired)
}

pub fn suspended(project: &Project, now: DateTime<Utc>) -> Vec<Owner> {
    let purges = project.purges.iter();
    let purges = purges
        .filter(|purge| holds(purge.suspension.as_ref(), now))
        .map(|purge| Owner::Purge(purge.name.clone()));
    let sites = project.sites.iter();
    let sites = sites
        .filter(|site| holds(site.suspension.as_ref(), now))
        .map(|site| Owner::Site(site.name.clone()));
    let mut suspended: Vec<_> = purges.chain(sites).collect();
    suspended.sort_unstable();
    suspended
}

fn holds(suspension: Option<&Suspension>, now: DateTime<Utc>) -> bool {
    suspension.is_some_and(|suspension| suspension.holds_at(now))
}

fn purge_entries(purge: &Purge, owner: &Owner) -> impl Iterator<Item = Entry> {
    let revision = purge.revision.as_deref();
    let generation = revision.map_or(Generation::Declared, Generation::of_revision);
    purge.targets.iter().map(move |target| Entry {
        key: EntryKey {
            owner: owner.clone(),
            path: None,
            target: target.clone(),
            endpoint: purge.endpoint.clone(),
        },
        generation: generation.clone(),
    })
}
