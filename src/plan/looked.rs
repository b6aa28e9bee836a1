//! What the edges said before a plan was made: purged entries that are proven stale are planned, and unknown
//! entries that are proven fresh are adopted. Pure.

use std::collections::BTreeSet;

use crate::entry::{EntryKey, Generation, TargetKind};
use crate::state::{Record, State};
use crate::verify::{Evidence, Proof, Tally, Verdict};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Sorted by key.
    pub seen: Vec<Seen>,
    pub requests: usize,
    pub is_sampled: bool,
    /// Entries that were not asked for: not in the sample, too many, or without a URL.
    pub left_out: usize,
}

/// One entry and the answer that decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub key: EntryKey,
    /// The generation wanted; `None` if its content is gone.
    pub generation: Option<Generation>,
    pub before: Before,
    pub evidence: Evidence,
}

/// What was known about an entry before its edge was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Before {
    Purged,
    /// It was proven stale.
    Stale,
    New,
}

impl Seen {
    /// Whether it counts as purged from now on, without a purge. Fresh files prove nothing about the rest
    /// of their directory.
    pub fn is_adopted(&self) -> bool {
        self.evidence.verdict == Verdict::Fresh
            && match self.before {
                Before::Purged => false,
                Before::Stale => true,
                Before::New => {
                    self.generation.is_some() && self.key.target.kind() == TargetKind::File
                }
            }
    }

    fn proof(&self, state: &State) -> (EntryKey, Proof) {
        let proof = state.proof_with(&self.key, self.generation.as_ref(), &self.evidence);
        (self.key.clone(), proof)
    }

    /// The generation to record as purged: it is proven, or history says so, and the state does not know.
    fn taken(&self, state: &State) -> Option<(EntryKey, Generation)> {
        let generation = self.generation.as_ref()?;
        let known = state.entries.get(&self.key);
        let is_known = known.is_some_and(|known| known.generation.as_ref() == Some(generation));
        let is_taken = match self.before {
            Before::New => self.is_adopted(),
            Before::Purged => !is_known && self.evidence.verdict == Verdict::Stale,
            Before::Stale => false,
        };
        is_taken.then(|| (self.key.clone(), generation.clone()))
    }
}

impl Looked {
    pub fn tally(&self) -> Tally {
        let mut tally = Tally {
            requests: self.requests,
            ..Tally::default()
        };
        for seen in &self.seen {
            tally.add(seen.evidence.verdict);
        }
        tally
    }

    /// Entries that count as purged from now on only because edges were proven to serve them.
    pub fn adopted(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|seen| seen.is_adopted())
    }

    pub fn of(&self, key: &EntryKey) -> Option<&Seen> {
        let at = self.seen.binary_search_by(|seen| seen.key.cmp(key));
        Some(&self.seen[at.ok()?])
    }

    /// Drops entries that changed between two states: the answers say nothing about them any more.
    pub fn retain_unmoved(&mut self, before: &State, now: &State) {
        if before.serial == now.serial {
            return;
        }
        let is_unmoved = |key: &EntryKey| {
            before.entries.get(key) == now.entries.get(key)
                && before.proofs.get(key) == now.proofs.get(key)
                && now.pending_operations.of(key).is_none()
        };
        let all = self.seen.len();
        self.seen.retain(|seen| is_unmoved(&seen.key));
        self.left_out += all - self.seen.len();
    }

    /// The answers as records for a state.
    pub fn records(&self, state: &State) -> Vec<Record> {
        let taken: Vec<_> = self
            .seen
            .iter()
            .filter_map(|seen| seen.taken(state))
            .collect();
        let known: BTreeSet<_> = taken.iter().map(|(key, _)| key).collect();
        let is_known = |seen: &&Seen| seen.before != Before::New || known.contains(&seen.key);
        // An answer that proves nothing is recorded only if it replaces another one.
        let is_telling = |seen: &&Seen| {
            seen.evidence.verdict != Verdict::Unknown || state.proofs.contains_key(&seen.key)
        };
        let proofs = self.seen.iter().filter(is_known).filter(is_telling);
        let proofs: Vec<_> = proofs.map(|seen| seen.proof(state)).collect();
        let mut records = Vec::new();
        let times = self.seen.iter().map(|seen| seen.evidence.at);
        let at = times.max().unwrap_or_default();
        if !taken.is_empty() {
            records.push(Record::Adopt { at, entries: taken });
        }
        if !proofs.is_empty() {
            records.push(Record::Prove { entries: proofs });
        }
        records
    }

    /// The state with the answers applied, under its old serial: nothing is recorded.
    #[must_use]
    pub fn applied(&self, state: &State) -> State {
        let mut applied = state.clone();
        applied.extend(self.records(state));
        applied.serial = state.serial;
        applied
    }
}
