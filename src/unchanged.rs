//! Between content and entries: files that are just as they count as purged are taken out of both
//! sides and counted, so that entries are made of the others only. Pure.
//!
//! All that a plan says of them is how many entries they are. So a plan of what is left, with those
//! counted, is the plan of everything: that is a law of the test suite.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::content::{ContentFile, SortedFiles};
use crate::desired::{Contents, Unchanged, site};
use crate::entry::Owner;
use crate::manifest::resource::{Project, Site};
use crate::state::extract::{self, Extract};
use crate::state::{Known, State};

/// What of both sides becomes entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// Everything: a selection is about any entry, and a run tells the status of each.
    Everything,
    /// What differs, and these files besides.
    Differences(Open),
}

/// By name of the site, the files whose last purge was not confirmed, is under way or is due: the same
/// content on both sides does not mean that there is nothing to do.
pub type Open = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// The open files of a state.
pub fn open_files(state: &State) -> Open {
    let unconfirmed = state
        .entries
        .iter()
        .filter(|(_, known)| known.attempt.is_some());
    let under_way = state
        .pending_operations
        .iter()
        .flat_map(|operation| &operation.entries);
    let keys = unconfirmed
        .map(|(key, _)| key)
        .chain(under_way.map(|(key, _)| key))
        .chain(state.due.keys());
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

/// Whether no two files of a site have a URL in common. Otherwise that must be told, so entries are
/// made of all of them.
pub fn are_apart(site: &Site, files: &[ContentFile]) -> bool {
    let paths = files.iter().map(|file| file.path.as_str());
    site::are_apart(site, paths, iter::empty())
}

/// Takes the files that count as `purged` just as they are out of the `wanted` ones, which are sorted
/// by path, but for the `open` ones. Gives the rest of those purged, and how many entries were taken
/// out.
pub fn split_unchanged(
    site: &Site,
    wanted: &mut Vec<ContentFile>,
    mut purged: impl SortedFiles,
    open: Option<&BTreeSet<Arc<str>>>,
) -> (Vec<ContentFile>, usize) {
    let is_open = |path: &str| open.is_some_and(|open| open.contains(path));
    let (mut rest, mut entries) = (Vec::new(), 0);
    wanted.retain(|file| {
        let path = file.path.as_bytes();
        while purged.peek().is_some_and(|(other, _)| other < path) {
            rest.extend(purged.take());
        }
        let Some((_, id)) = purged.peek().filter(|(other, _)| *other == path) else {
            return true;
        };
        match site::count(site, &file.path) {
            Some(count) if id == file.id && !is_open(&file.path) => {
                entries += count;
                purged.pass();
                false
            }
            Some(_) | None => {
                rest.extend(purged.take());
                true
            }
        }
    });
    rest.extend(iter::from_fn(|| purged.take()));
    (rest, entries)
}

/// Takes out of `contents` what the state confirms; what it knows of the other files becomes
/// entries again.
pub fn against_state(
    project: &Project,
    contents: &mut Contents,
    extract: Extract,
    detail: &Detail,
    now: DateTime<Utc>,
) -> (Known, Vec<Unchanged>) {
    let Extract {
        mut known,
        confirmed,
    } = extract;
    let mut unchanged = Vec::new();
    for site in &project.sites {
        let Some(confirmed) = confirmed.get(&site.name) else {
            continue;
        };
        let mut purged = confirmed.files();
        let wanted = &mut contents.entry(site.name.clone()).or_default().files;
        let rest = match detail {
            Detail::Differences(open) if is_compared(site, now) && are_apart(site, wanted) => {
                let (rest, entries) = split_unchanged(site, wanted, purged, open.get(&site.name));
                unchanged.push(Unchanged::new(site, entries));
                rest
            }
            Detail::Everything | Detail::Differences(_) => {
                iter::from_fn(|| purged.take()).collect()
            }
        };
        known.state.entries.extend(extract::entries(site, &rest));
    }
    (known, unchanged)
}
