//! The progress of each manifest's entries: one pass, with the diff's own comparison, that keeps only
//! entries that are not as declared.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::causes::causes;
use super::entry::View;
use super::{CauseStatus, EntryCounts, EntryStatus, Listed, MAX_CAUSES, MAX_OUTCOMES};
use crate::desired::Desired;
use crate::diff::compare;
use crate::entry::{Entry, Owner};
use crate::manifest::resource::Project;
use crate::state::State;
use crate::state::pending::Pending;

/// Bytes of a digest that are shown as a revision: enough to tell two revisions apart.
const REVISION_BYTES: usize = 8;

#[derive(Default)]
pub(super) struct EntryViews<'a> {
    pub(super) counts: EntryCounts,
    /// Entries that are not as declared, or all of them.
    pub(super) views: Vec<View<'a>>,
    /// Any entry was submitted at the wanted generation.
    pub(super) attempted: bool,
    /// Any entry was ever tried, at any generation.
    pub(super) tried: bool,
    /// A short revision for the wanted generations; `None` if entries were only counted.
    pub(super) revision: Option<String>,
    /// Entries that stayed stale after repeated purges.
    pub(super) given_up: usize,
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

    fn is_cut(&self, listed: Listed) -> bool {
        listed == Listed::NotAsDeclared && self.views.len() > MAX_OUTCOMES
    }

    pub(super) fn outcomes(&self, listed: Listed) -> Vec<EntryStatus> {
        match self.is_cut(listed) {
            true => Vec::new(),
            false => self.views.iter().map(View::status).collect(),
        }
    }

    /// Why entries are not as declared, if they are not listed.
    pub(super) fn causes(&self, listed: Listed) -> Vec<CauseStatus> {
        let cut = self.views.iter().filter(|_| self.is_cut(listed));
        let causes = causes(cut.map(|view| (view.outcome, view.message, view.key)));
        let causes = causes.into_iter().take(MAX_CAUSES);
        causes
            .map(|cause| CauseStatus {
                outcome: cause.outcome,
                message: cause.message.map(Into::into),
                count: cause.count,
                examples: cause
                    .examples
                    .iter()
                    .map(|key| key.address().into())
                    .collect(),
            })
            .collect()
    }

    pub(super) fn open(&self) -> impl Iterator<Item = &View<'a>> {
        self.views.iter().filter(|view| !view.confirmed)
    }
}

/// By manifest; those without entries are left out.
pub(super) fn by_owner<'a>(
    project: &Project,
    desired: &'a Desired,
    state: &'a State,
    listed: Listed,
) -> BTreeMap<&'a Owner, EntryViews<'a>> {
    let pending = Pending::of(&state.pending_operations);
    let mut found: BTreeMap<&Owner, EntryViews<'_>> = BTreeMap::new();
    compare(desired, state, &pending, |compared| {
        let key = compared.key;
        // Deleted entries of an endpoint that is gone too cannot be purged.
        let is_served = compared.wanted.is_some() || project.endpoints.contains_key(&key.endpoint);
        if let Some(mut view) = View::of(&compared, &pending).filter(|_| is_served) {
            let proof = state.proofs.get(key);
            view.evidence = proof.and_then(|proof| proof.evidence.as_ref());
            let views = found.entry(&key.owner).or_default();
            views.endpoint = &key.endpoint;
            views.given_up += usize::from(state.is_given_up(key, compared.wanted));
            views.add(view, listed);
        }
    });
    for entries in desired.entries.chunk_by(|a, b| a.key.owner == b.key.owner) {
        // A chunk is never empty.
        let owner = entries.first().map(|first| &first.key.owner);
        if let Some(owner) = owner
            && let Some(views) = found.get_mut(owner)
        {
            views.revision = match desired.revisions.get(owner) {
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

/// A short revision for a manifest's entries: their generation if they share one, or a digest;
/// `None` without entries.
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
            // The length prefix separates neighbours.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    Some(format!("sha256:{}", hex::encode(&digest[..REVISION_BYTES])))
}
