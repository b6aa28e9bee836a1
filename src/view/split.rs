//! Files that are just as they count as purged are only counted; entries are made of the others. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::content::{ContentFile, SortedFiles};
use crate::desired::site;
use crate::entry::Owner;
use crate::manifest::resource::Site;
use crate::state::State;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything: a selection, or a list, is about any entry.
    Everything,
    /// What differs, and what is open.
    Differences,
}

/// By name of the site, the files whose last purge was not confirmed, not proven, is under way or is due: the same
/// content on both sides does not mean that there is nothing to do.
pub type Open = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

pub fn open_files(state: &State) -> Open {
    let unconfirmed = state
        .entries
        .iter()
        .filter(|(_, known)| known.attempt.is_some());
    let under_way = state
        .pending_operations
        .iter()
        .flat_map(|operation| &operation.entries);
    let unproven = state.proofs.iter().filter(|(_, proof)| proof.is_due());
    let keys = unconfirmed
        .map(|(key, _)| key)
        .chain(under_way.map(|(key, _)| key))
        .chain(state.due.keys())
        .chain(unproven.map(|(key, _)| key));
    let mut open = Open::new();
    for key in keys {
        if let (Owner::Site(site), Some(path)) = (&key.owner, &key.path) {
            open.entry(site.clone()).or_default().insert(path.clone());
        }
    }
    open
}

/// Whether a site is compared at all: what is suspended is not.
pub fn is_compared(site: &Site, now: DateTime<Utc>) -> bool {
    let suspension = site.suspension.as_ref();
    !suspension.is_some_and(|suspension| suspension.holds_at(now))
}

/// Whether no two files of a site have a URL in common. Where they do, entries are made of all files,
/// so that it is found.
pub fn are_apart(site: &Site, files: &[ContentFile]) -> bool {
    let paths = files.iter().map(|file| file.path.as_str());
    site::are_apart(site, paths, iter::empty())
}

/// Two sides of a site without what is the same on both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    pub wanted: Vec<ContentFile>,
    /// Files that count as purged.
    pub purged: Vec<ContentFile>,
    /// How many entries the files are that are the same on both sides, and not open.
    pub unchanged: usize,
}

/// Leaves the unchanged files out of both sides, which are sorted by path.
pub fn split_unchanged(
    site: &Site,
    wanted: &[ContentFile],
    mut purged: impl SortedFiles,
    open: Option<&BTreeSet<Arc<str>>>,
) -> Split {
    let is_open = |path: &str| open.is_some_and(|open| open.contains(path));
    let mut split = Split::default();
    for file in wanted {
        let path = file.path.as_bytes();
        while purged.peek().is_some_and(|(other, _)| other < path) {
            split.purged.extend(purged.next());
        }
        if let Some((_, id)) = purged.peek().filter(|(other, _)| *other == path) {
            if id == file.id
                && !is_open(&file.path)
                && let Some(count) = site::count(site, &file.path)
            {
                split.unchanged += count;
                purged.pass();
                continue;
            }
            split.purged.extend(purged.next());
        }
        split.wanted.push(file.clone());
    }
    split.purged.extend(purged);
    split
}
