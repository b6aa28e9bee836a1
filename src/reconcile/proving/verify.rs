//! Asking what users get, without a purge: `purgit verify`.

use crate::diff::{Finding, compare};
use crate::entry::EntryKey;
use crate::reconcile::questions::{Aim, Served};
use crate::reconcile::{ReconcileError, Reconciler};
use crate::state::Record;
use crate::state::pending::Pending;
use crate::state::recorder::Leased;
use crate::verify::{Evidence, Verdict};
use crate::view::{Detail, StateView};
use crate::workspace::sides::Sides;

#[derive(Debug, Default)]
pub struct Verified {
    /// Sorted by key.
    pub entries: Vec<(EntryKey, Evidence)>,
    /// Purged entries that were not asked for: not in the sample, or without a URL.
    pub left_out: usize,
    /// Entries that do not count as purged, so there is nothing to prove yet.
    pub planned: usize,
    pub requests: usize,
    /// Whether something is stale, or required and not proven fresh.
    pub is_lacking: bool,
}

impl Reconciler<'_> {
    /// Asks for the selected entries that count as purged; for a sample, if everything is selected. Keeps
    /// the evidence; what is proven stale is planned from then on.
    pub async fn verify(&self, sides: &Sides) -> Result<Verified, ReconcileError> {
        let store = self.views.store().clone();
        let mut view = StateView::from(store.load()?);
        let now = self.clock.now();
        let both = sides.compare(self.project, &mut view, Detail::Everything, now)?;
        let (state, desired) = (view.state, &both.desired);
        let known = desired.entries.iter().map(|entry| &entry.key);
        let known = known.chain(state.entries.keys()).chain(state.proofs.keys());
        self.selection.check(known.map(EntryKey::address))?;
        let mut verified = Verified::default();
        let mut aims: Vec<Aim> = Vec::new();
        let pending = Pending::of(&state.pending_operations);
        compare(desired, &state, &pending, |compared| {
            if !self.selection.selects(&compared.key.address()) {
                return;
            }
            match compared.finding {
                Finding::Confirmed => aims.push((compared.key.clone(), compared.wanted.cloned())),
                // What was proven stale is asked for again: it may be fresh by now.
                Finding::Differs(_) if state.is_stale(compared.key) => {
                    aims.push((compared.key.clone(), compared.wanted.cloned()));
                }
                Finding::UnderWay | Finding::Differs(_) => verified.planned += 1,
                Finding::Undeclared => {}
            }
        });
        let gone = state.proofs.iter().filter(|(key, proof)| {
            proof.generation.is_none() && proof.is_due() && self.selection.selects(&key.address())
        });
        aims.extend(gone.map(|(key, _)| (key.clone(), None)));
        let found = aims.len();
        let served = Served::new(&desired.entries).with_variants(self.project);
        let served = served.with_past(self.past(sides, &aims));
        let questions = self.questions(aims, &served, &state, self.selection.is_all());
        let mut originals = self.originals(None);
        let (entries, requests) = self.ask(questions, &mut originals, false, None).await;
        verified.left_out = found - entries.len();
        verified.requests = requests;
        let is_required = |key: &EntryKey| self.settings(key).required;
        verified.is_lacking = entries
            .iter()
            .any(|(key, _, evidence)| match evidence.verdict {
                Verdict::Fresh => false,
                Verdict::Unknown => is_required(key),
                Verdict::Stale => true,
            });
        let holder = self.holder.clone();
        let leased = Leased::take(store.clone(), holder, self.lock_timeout).await?;
        let current = store.load()?.state;
        let proofs = entries
            .iter()
            // The evidence says nothing about what was purged meanwhile.
            .filter(|(key, _, _)| {
                current.entries.get(key) == state.entries.get(key)
                    && current.proofs.get(key) == state.proofs.get(key)
                    && current.pending_operations.of(key).is_none()
            })
            .map(|(key, generation, evidence)| {
                let proof = state.proof_with(key, generation.as_ref(), evidence);
                (key.clone(), proof)
            });
        let proofs: Vec<_> = proofs.collect();
        if !proofs.is_empty() {
            let recorder = leased.record(current, (self.new_id)());
            recorder.record(Record::Prove { entries: proofs }).await?;
            recorder.finish().await?;
        }
        let seen = entries
            .into_iter()
            .map(|(key, _, evidence)| (key, evidence));
        verified.entries = seen.collect();
        Ok(verified)
    }
}
