//! Counts the files that are unchanged since they were purged; only the others become entries. Pure.

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
    /// All entries: for a selection or a list.
    Everything,
    /// Only entries that differ or are open.
    Differences,
}

/// Per site, the open files: their last purge is not confirmed, not proven, pending or due. They need
/// entries even if their content is unchanged.
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

pub fn is_compared(site: &Site, now: DateTime<Utc>) -> bool {
    let suspension = site.suspension.as_ref();
    !suspension.is_some_and(|suspension| suspension.holds_at(now))
}

/// Whether no two files of a site share a URL. If some do, all files become entries, so that the
/// conflict is found.
pub fn are_apart(site: &Site, files: &[ContentFile]) -> bool {
    let paths = files.iter().map(|file| file.path.as_str());
    site::are_apart(site, paths, iter::empty())
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    pub wanted: Vec<ContentFile>,
    pub purged: Vec<ContentFile>,
    /// Number of entries of files that are unchanged and not open.
    pub unchanged: usize,
}

/// Removes the unchanged files from both sides, which are sorted by path.
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
