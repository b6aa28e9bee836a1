//! How far the entries of each manifest are: one pass over what is wanted and what is known, which
//! keeps only what is not as declared.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::entry::View;
use super::{EntryCounts, Listed};
use crate::desired::Desired;
use crate::entry::{Entry, EntryKey, Generation, Owner};
use crate::manifest::resource::Project;
use crate::state::pending::Pending;
use crate::state::{Observed, State};

/// Bytes of a digest shown as a revision: enough to tell two revisions apart.
const REVISION_BYTES: usize = 8;

/// How far the entries of one manifest are.
#[derive(Default)]
pub(super) struct EntryViews<'a> {
    pub(super) counts: EntryCounts,
    /// Those that are not as declared, or all of them.
    pub(super) views: Vec<View<'a>>,
    /// Any was submitted at the generation wanted.
    pub(super) attempted: bool,
    /// Any was ever tried, at whatever generation.
    pub(super) tried: bool,
    /// One word for the generations wanted; none where entries were only counted.
    pub(super) revision: Option<String>,
    /// Name of the endpoint of the first; empty without any.
    pub(super) endpoint: &'a str,
}

impl<'a> EntryViews<'a> {
    fn add(&mut self, view: View<'a>, listed: Listed) {
        self.counts.add(view.outcome);
        self.attempted |= view.was_attempted();
        self.tried |= view.tried;
        match listed {
            Listed::NotAsDeclared if view.confirmed => {}
            Listed::NotAsDeclared | Listed::Everything => self.views.push(view),
        }
    }

    /// Those that are not as declared.
    pub(super) fn open(&self) -> impl Iterator<Item = &View<'a>> {
        self.views.iter().filter(|view| !view.confirmed)
    }
}

/// By manifest; those without any entry are left out.
pub(super) fn by_owner<'a>(
    project: &Project,
    desired: &'a Desired,
    state: &'a State,
    listed: Listed,
) -> BTreeMap<&'a Owner, EntryViews<'a>> {
    let mut walk = Walk {
        pending: Pending::of(&state.pending_operations),
        listed,
        found: Vec::new(),
    };
    // What is gone is purged once more if its site says so, and if there is still whom to ask.
    let is_deleted = |key: &EntryKey| {
        desired.deleting.binary_search(&key.owner).is_ok()
            && project.endpoints.contains_key(&key.endpoint)
    };
    let mut known = state.entries.iter().peekable();
    for entry in &desired.entries {
        let mut observed = None;
        while let Some(&(key, found)) = known.peek() {
            match key.cmp(&entry.key) {
                Ordering::Greater => break,
                Ordering::Equal => observed = Some(found),
                Ordering::Less if is_deleted(key) => walk.add(key, None, Some(found)),
                Ordering::Less => {}
            }
            known.next();
        }
        walk.add(&entry.key, Some(&entry.generation), observed);
    }
    for (key, found) in known.filter(|(key, _)| is_deleted(key)) {
        walk.add(key, None, Some(found));
    }
    let mut found: BTreeMap<_, _> = walk.found.into_iter().collect();
    for entries in desired.entries.chunk_by(|a, b| a.key.owner == b.key.owner) {
        // A chunk is never empty.
        if let Some(first) = entries.first()
            && let Some(views) = found.get_mut(&first.key.owner)
        {
            views.revision = match desired.revisions.get(&first.key.owner) {
                Some(known) => Some(known.clone()),
                None => revision(entries),
            };
        }
    }
    for same in desired.unchanged.iter().filter(|same| same.entries > 0) {
        let views = found.entry(&same.owner).or_default();
        views.counts.total += same.entries;
        views.counts.succeeded += same.entries;
        views.attempted = true;
        views.tried = true;
        views.revision = desired.revisions.get(&same.owner).cloned();
    }
    found
}

/// A pass over entries in order, so that those of one owner come one after the other.
struct Walk<'a> {
    pending: Pending<'a>,
    listed: Listed,
    found: Vec<(&'a Owner, EntryViews<'a>)>,
}

impl<'a> Walk<'a> {
    fn add(
        &mut self,
        key: &'a EntryKey,
        wanted: Option<&'a Generation>,
        observed: Option<&'a Observed>,
    ) {
        let view = View::of(key, wanted, observed, &self.pending);
        match self.found.last_mut() {
            Some((owner, views)) if **owner == key.owner => views.add(view, self.listed),
            Some(_) | None => {
                let mut views = EntryViews {
                    endpoint: &key.endpoint,
                    ..EntryViews::default()
                };
                views.add(view, self.listed);
                self.found.push((&key.owner, views));
            }
        }
    }
}

/// One word for the generations of a manifest: theirs, if all have the same, or a digest over
/// them; `None` without entries.
fn revision(entries: &[Entry]) -> Option<String> {
    let first = &entries.first()?.generation;
    if entries.iter().all(|entry| entry.generation == *first) {
        return Some(first.to_string());
    }
    let mut hash = Sha256::new();
    let mut address = String::new();
    for entry in entries {
        address.clear();
        entry.key.push_address(&mut address);
        for part in [
            address.as_str(),
            entry.key.target.as_str(),
            entry.generation.as_str(),
        ] {
            // The length in front keeps neighbours apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    Some(format!("sha256:{}", hex::encode(&digest[..REVISION_BYTES])))
}
