//! Asking what users get, without a purge: `purgit verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tokio::time::Instant;

use super::originals::Originals;
use super::questions::{Aim, Served};
use super::{ReconcileError, Reconciler};
use crate::diff::{Finding, compare};
use crate::entry::{EntryKey, Generation};
use crate::state::pending::Pending;
use crate::state::recorder::Leased;
use crate::state::{Record, State};
use crate::verify::ask::Asking;
use crate::verify::{Evidence, Proof, Question, Settings, Verdict, sample};
use crate::view::{Detail, StateView};
use crate::workspace::sides::Sides;

/// What the edges serve.
#[derive(Debug, Default)]
pub struct Verified {
    /// What was asked for, sorted by key.
    pub entries: Vec<(EntryKey, Evidence)>,
    /// Entries that are purged and were not asked for: of a sample, or without a URL.
    pub left_out: usize,
    /// Entries that do not count as purged, so that nothing is to be proven of them yet.
    pub planned: usize,
    /// Requests sent.
    pub requests: usize,
    /// Whether something is not proven fresh that must be.
    pub is_lacking: bool,
}

impl Reconciler<'_> {
    /// Asks for what is selected and counts as purged: all of it, or a sample where everything is
    /// selected. Keeps the evidence; what is proven stale is planned from then on.
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
                // What was proven stale is asked for again: it may have come right by itself.
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
            // What was purged meanwhile was not asked for.
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

    /// What these entries had before, by git.
    pub(super) fn past(
        &self,
        sides: &Sides,
        aims: &[Aim],
    ) -> BTreeMap<EntryKey, BTreeSet<Generation>> {
        sides.past(self.project, aims.iter().map(|(key, _)| key))
    }

    pub(super) fn settings(&self, key: &EntryKey) -> Settings {
        let endpoint = self.project.endpoints.get(&key.endpoint);
        endpoint
            .and_then(|endpoint| endpoint.verify.clone())
            .unwrap_or_default()
    }

    /// The questions about these entries, of each endpoint perhaps only as many as its sample has.
    pub(super) fn questions(
        &self,
        aims: Vec<Aim>,
        served: &Served<'_>,
        state: &State,
        is_sampled: bool,
    ) -> Vec<(Aim, Vec<Question>)> {
        let mut by_endpoint: BTreeMap<Arc<str>, Vec<(Aim, Vec<Question>)>> = BTreeMap::new();
        for (key, generation) in aims {
            let questions = served.questions(&key, generation.as_ref(), state);
            if !questions.is_empty() {
                let of_endpoint = by_endpoint.entry(key.endpoint.clone()).or_default();
                of_endpoint.push(((key, generation), questions));
            }
        }
        let seed = format!("{}:{}", state.lineage, state.serial);
        let is_needed = |(aim, _): &(Aim, Vec<Question>)| {
            aim.0.target.kind() != crate::entry::TargetKind::File
                || state.proofs.get(&aim.0).is_some_and(Proof::is_due)
        };
        let sampled = by_endpoint.into_values().flat_map(|entries| {
            let most = match (is_sampled, entries.first()) {
                (true, Some(((key, _), _))) => self.settings(key).sample,
                (false, _) | (true, None) => usize::MAX,
            };
            sample(entries, most, &seed, |((key, _), _)| key, is_needed)
        });
        sampled.collect()
    }

    /// Asks, and sums up by entry what decides.
    pub(super) async fn ask(
        &self,
        entries: Vec<(Aim, Vec<Question>)>,
        originals: &mut Originals<'_>,
        wait: bool,
        deadline: Option<Instant>,
    ) -> (Vec<(EntryKey, Option<Generation>, Evidence)>, usize) {
        let settings: BTreeMap<_, _> = entries
            .iter()
            .map(|((key, _), _)| (key.endpoint.clone(), self.settings(key)))
            .collect();
        let questions: Vec<_> = entries
            .iter()
            .flat_map(|(_, questions)| questions)
            .map(|question| (&settings[&question.key.endpoint], question.clone()))
            .collect();
        let stop = self.waiting.cancel.child_token();
        let asking = Asking {
            fetch: self.fetch,
            clock: self.clock,
            cancel: &stop,
            wait,
            deadline,
        };
        let hurried = async {
            self.waiting.hurry.cancelled().await;
            stop.cancel();
            pending::<Infallible>().await
        };
        let asked = tokio::select! {
            asked = asking.ask(&questions, originals) => asked,
            never = hurried => match never {},
        };
        let mut evidence = asked.evidence.into_iter();
        let seen = entries
            .into_iter()
            .filter_map(|((key, generation), questions)| {
                let own = whole(&mut evidence, questions.len())?;
                Some((key, generation, Evidence::deciding(own)?))
            });
        let mut seen: Vec<_> = seen.collect();
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        (seen, asked.requests)
    }
}

/// The next so many; none of them where one is missing, but they are taken all the same.
fn whole<T>(items: &mut impl Iterator<Item = Option<T>>, count: usize) -> Option<Vec<T>> {
    let taken: Vec<_> = items.take(count).collect();
    taken.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_of_one_entry_is_not_made_up_for_by_the_next() {
        let mut items = [None, Some(1), Some(2), Some(3)].into_iter();
        assert_eq!(whole(&mut items, 2), None);
        assert_eq!(whole(&mut items, 2), Some(vec![2, 3]));
    }
}
