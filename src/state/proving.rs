//! How proofs change a state. Pure.

use chrono::{DateTime, Utc};

use super::{Outcome, State};
use crate::entry::{EntryKey, Generation, Owner};
use crate::verify::{Evidence, Proof, Verdict};

/// Above this, the oldest proofs that are not stale are dropped: 40 samples of the default size.
pub(super) const MAX_PROOFS: usize = 2000;

impl State {
    /// Records proofs. An entry that is stale at its confirmed generation is planned again: its purge
    /// counts as failed. A proof that the URL is gone settles a deletion.
    pub fn prove(&mut self, proofs: impl IntoIterator<Item = (EntryKey, Proof)>) {
        for (key, proof) in proofs {
            let known = self.entries.get(&key);
            let counts = known.and_then(|known| known.generation.as_ref());
            // If a purge is pending or another generation is confirmed, this answer is outdated.
            let is_current = counts == proof.generation.as_ref()
                && known.is_none_or(|known| known.attempt.is_none())
                && self.pending_operations.of(&key).is_none();
            let was_stale = self.is_stale(&key);
            match (&proof.evidence, proof.verdict()) {
                // A proven verdict stays until another one is proven.
                (_, Some(Verdict::Unknown)) if was_stale => continue,
                (_, Some(Verdict::Fresh)) if proof.generation.is_none() => {
                    if was_stale {
                        self.entries.remove(&key);
                    }
                    self.proofs.remove(&key);
                    continue;
                }
                (Some(evidence), Some(Verdict::Stale)) if is_current => {
                    let (why, at) = (stale(&proof, &evidence.why), evidence.at);
                    let generation = proof.generation.clone();
                    self.miss(key.clone(), generation, Outcome::Failed, Some(&why), at);
                }
                (None | Some(_), _) => {}
            }
            if proof.verdict() == Some(Verdict::Fresh)
                && was_stale
                && let Some(known) = self.entries.get_mut(&key)
            {
                // It became fresh without another purge.
                known.attempt = None;
            }
            if key.owner != Owner::OneOff {
                self.proofs.insert(key, proof);
            }
        }
        self.shorten_proofs();
    }

    /// Drops the oldest proofs that are not stale, fresh ones first.
    fn shorten_proofs(&mut self) {
        let surplus = self.proofs.len().saturating_sub(MAX_PROOFS);
        if surplus == 0 {
            return;
        }
        let answered = self.proofs.iter().filter_map(|(key, proof)| {
            let evidence = proof.evidence.as_ref()?;
            let is_unknown = evidence.verdict == Verdict::Unknown;
            (evidence.verdict != Verdict::Stale).then(|| (is_unknown, evidence.at, key.clone()))
        });
        let mut answered: Vec<_> = answered.collect();
        answered.sort();
        for (.., key) in answered.into_iter().take(surplus) {
            self.proofs.remove(&key);
        }
    }

    /// Whether the last attempt of an entry failed because the edge was proven stale.
    pub fn is_stale(&self, key: &EntryKey) -> bool {
        let known = self.entries.get(key);
        let attempt = known.and_then(|known| known.attempt.as_ref());
        let proof = self.proofs.get(key);
        attempt.zip(proof).is_some_and(|(attempt, proof)| {
            proof.verdict() == Some(Verdict::Stale)
                && attempt.outcome == Outcome::Failed
                && attempt.generation == proof.generation
        })
    }

    /// Whether purging an entry again would not help: it stayed stale at this generation every time.
    pub fn is_given_up(&self, key: &EntryKey, wanted: Option<&Generation>) -> bool {
        let proof = self.proofs.get(key);
        let proof = proof.filter(|proof| proof.generation.as_ref() == wanted);
        self.is_stale(key) && proof.is_some_and(Proof::is_given_up)
    }

    pub fn proof_with(
        &self,
        key: &EntryKey,
        generation: Option<&Generation>,
        evidence: &Evidence,
    ) -> Proof {
        let known = self.proofs.get(key);
        let same = known.filter(|known| known.generation.as_ref() == generation);
        let expected = || Proof::expecting(known, generation.cloned(), None);
        let mut proof = same.cloned().unwrap_or_else(expected);
        if evidence.verdict == Verdict::Fresh {
            proof.repeats = 0;
        }
        proof.evidence = Some(evidence.clone());
        proof
    }

    /// Resets the proof after a confirmed purge: earlier answers say nothing about it.
    pub(super) fn unprove(
        &mut self,
        key: &EntryKey,
        generation: Option<&Generation>,
        sent_after: DateTime<Utc>,
    ) {
        if let Some(proof) = self.proofs.get_mut(key) {
            *proof = Proof {
                since: Some(sent_after),
                ..Proof::expecting(Some(proof), generation.cloned(), None)
            };
        }
    }
}

pub fn stale(proof: &Proof, why: &str) -> String {
    let evidence = proof.evidence.as_ref();
    let edge = evidence.and_then(|evidence| evidence.edge.as_deref());
    let url = evidence.and_then(|evidence| evidence.url.as_deref());
    let given_up = match proof.is_given_up() {
        true => format!(
            "; purged {} times and still stale: `apply` purges it again, `watch` does not",
            proof.repeats.saturating_add(1)
        ),
        false => String::new(),
    };
    let at = edge.map_or_else(|| "the edge".to_owned(), |edge| format!("the edge {edge}"));
    let of = url.map(|url| format!(" of {url}")).unwrap_or_default();
    format!("stale at {at}{of}: {why}{given_up}")
}
