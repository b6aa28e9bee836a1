//! How a state changes: due purges, intents, acceptances and outcomes, and the rule that only a
//! confirmed success advances a generation. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Aim, Attempt, Due, Observed, Outcome, PendingOperation, State};
use crate::entry::{EntryKey, Generation, Owner, Target};
use crate::operation::Task;

const OVERTAKEN: &str = "overtaken by a newer purge before it was confirmed";

/// How one target of an operation ended, or its progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOutcome {
    pub target: Target,
    /// [`Outcome::InProgress`] and [`Outcome::Submitted`] keep it pending.
    pub outcome: Outcome,
    pub message: Option<String>,
}

impl State {
    /// Records what a run is about to do. A later record for the same entry replaces an earlier one,
    /// but a purge that was forced to the same generation stays forced.
    pub fn note_due(
        &mut self,
        entries: impl IntoIterator<Item = Aim>,
        forced: bool,
        at: DateTime<Utc>,
    ) {
        for (key, generation) in entries {
            let was_forced = |earlier: &Due| earlier.forced && earlier.generation == generation;
            let forced = forced || self.due.get(&key).is_some_and(was_forced);
            let due = Due {
                generation,
                forced,
                at,
            };
            self.due.insert(key, due);
        }
    }

    /// Records an intent; replaces an earlier one with the same id. It overtakes older operations on the
    /// same entries: their outcome is unknown, even if the intent fails.
    pub fn intend(&mut self, operation: PendingOperation) {
        let at = operation.intended_at;
        for (key, generation) in self.pending_operations.insert(operation) {
            self.miss(key, generation, Outcome::Unknown, Some(OVERTAKEN), at);
        }
    }

    pub fn withdraw(&mut self, id: &str) {
        self.pending_operations.remove(id);
    }

    pub fn accept(
        &mut self,
        id: &str,
        task: Task,
        correlation_id: Option<String>,
        at: DateTime<Utc>,
    ) {
        self.pending_operations.update(id, |operation| {
            operation.task = Some(task);
            operation.accepted_at = Some(at);
            operation.correlation_id = correlation_id;
        });
    }

    /// Records that the CDN answered "not yet", and the task to poll next if it changed.
    pub fn asked(&mut self, id: &str, task: Option<Task>, at: DateTime<Utc>) {
        self.pending_operations.update(id, |operation| {
            if task.is_some() {
                operation.task = task;
            }
            operation.asked_at = Some(at);
        });
    }

    /// Records how targets of an operation ended. Targets still running stay pending.
    pub fn settle(&mut self, id: &str, items: &[ItemOutcome], at: DateTime<Utc>) {
        let Some(operation) = self.pending_operations.get(id) else {
            return;
        };
        let intended_at = operation.intended_at;
        let ended: HashMap<&Target, &ItemOutcome> = items
            .iter()
            .filter(|item| !is_pending(item.outcome))
            .map(|item| (&item.target, item))
            .collect();
        let is_ended = |key: &EntryKey| ended.contains_key(&key.target);
        for (key, generation) in self.pending_operations.take(id, is_ended) {
            let item = ended[&key.target];
            if item.outcome == Outcome::Succeeded {
                self.confirm(key, generation, intended_at, at);
            } else {
                self.miss(key, generation, item.outcome, item.message.as_deref(), at);
            }
        }
    }

    /// Records that entries of a plan were skipped, deferred or held.
    pub fn not_attempted(
        &mut self,
        entries: impl IntoIterator<Item = Aim>,
        outcome: Outcome,
        message: &str,
        at: DateTime<Utc>,
    ) {
        for (key, generation) in entries {
            self.miss(key, generation, outcome, Some(message), at);
        }
    }

    /// Gives intents that were never accepted an unknown outcome: the next plan purges them again.
    pub fn resolve_doubt(&mut self, at: DateTime<Utc>) {
        let message = "the run that sent it ended before an answer was recorded";
        for operation in self.pending_operations.remove_all(|one| one.task.is_none()) {
            for (key, generation) in operation.entries {
                self.miss(key, generation, Outcome::Unknown, Some(message), at);
            }
        }
    }

    /// Drops operations of endpoints that are no longer declared.
    pub fn abandon(&mut self, endpoints: &[Arc<str>]) {
        let is_gone = |one: &PendingOperation| endpoints.contains(&one.endpoint);
        self.pending_operations.remove_all(is_gone);
    }

    /// Marks entries as purged at these generations without a purge. Returns how many changed.
    pub fn adopt(
        &mut self,
        entries: impl IntoIterator<Item = (EntryKey, Generation)>,
        at: DateTime<Utc>,
    ) -> usize {
        let mut adopted = 0;
        for (key, generation) in entries {
            self.due.remove(&key);
            self.proofs.remove(&key);
            let intent = self.pending_operations.of(&key);
            if let Some(intent) = intent.filter(|intent| intent.task.is_none()) {
                let id = intent.id.clone();
                self.pending_operations.take(&id, |other| *other == key);
            }
            let observed = self.entries.entry(key).or_default();
            if observed.generation.as_ref() != Some(&generation) || observed.attempt.is_some() {
                *observed = Observed::confirmed(generation, at);
                adopted += 1;
            }
        }
        adopted
    }

    /// Drops entries that no manifest declares any more.
    pub fn forget<'a>(&mut self, keys: impl IntoIterator<Item = &'a EntryKey>) {
        for key in keys {
            self.entries.remove(key);
            self.due.remove(key);
            self.proofs.remove(key);
        }
    }

    fn confirm(
        &mut self,
        key: EntryKey,
        generation: Option<Generation>,
        intended_at: DateTime<Utc>,
        at: DateTime<Utc>,
    ) {
        self.unprove(&key, generation.as_ref(), intended_at);
        let is_done = |due: &Due| intended_at >= due.at || due.generation == generation;
        let was_due = self.due.get(&key).is_some_and(is_done);
        if was_due {
            self.due.remove(&key);
        }
        // A later generation that still waits to be sent may be at the edge by now.
        let is_waiting = |attempt: &Attempt| {
            matches!(key.owner, Owner::Site(_))
                && is_unsent(attempt.outcome)
                && attempt.at > intended_at
                && attempt.generation != generation
        };
        let known = self.entries.get_mut(&key);
        let attempt = known.and_then(|known| known.attempt.take_if(|attempt| is_waiting(attempt)));
        let mut observed = match generation {
            // No manifest declares a one-off purge, so nothing would read its record again.
            _ if key.owner == Owner::OneOff => return,
            // A comparison with history would find the deletion again.
            None if was_due => Observed::gone(at),
            None if attempt.is_none() => {
                self.entries.remove(&key);
                return;
            }
            None => Observed::default(),
            Some(generation) => Observed::confirmed(generation, at),
        };
        observed.attempt = attempt;
        self.entries.insert(key, observed);
    }

    pub(super) fn miss(
        &mut self,
        key: EntryKey,
        generation: Option<Generation>,
        outcome: Outcome,
        message: Option<&str>,
        at: DateTime<Utc>,
    ) {
        if key.owner == Owner::OneOff {
            // The due record already says everything.
            return;
        }
        let keeps = match outcome {
            Outcome::Failed | Outcome::Unknown => false,
            // Keep an earlier failure: it is the reason why the entry is planned again.
            Outcome::Skipped | Outcome::Deferred | Outcome::Held => true,
            Outcome::Submitted | Outcome::InProgress | Outcome::Succeeded | Outcome::Superseded => {
                return;
            }
        };
        let observed = self.entries.entry(key).or_default();
        let earlier = observed.attempt.as_ref().map(|attempt| attempt.outcome);
        if earlier.is_none_or(is_unsent) || !keeps {
            observed.attempt = Some(Attempt {
                generation,
                outcome,
                at,
                message: message.map(str::to_owned),
            });
        }
    }
}

impl Observed {
    /// Whether this is a confirmed deletion, kept because a comparison with history would find it again.
    /// The next comparison with the state drops it.
    pub fn is_gone(&self) -> bool {
        self.generation.is_none() && self.confirmed_at.is_some() && self.attempt.is_none()
    }

    fn gone(at: DateTime<Utc>) -> Self {
        Self {
            confirmed_at: Some(at),
            ..Self::default()
        }
    }

    fn confirmed(generation: Generation, at: DateTime<Utc>) -> Self {
        Self {
            generation: Some(generation),
            confirmed_at: Some(at),
            attempt: None,
        }
    }
}

/// Whether the CDN is still working on the target.
pub fn is_pending(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Submitted | Outcome::InProgress => true,
        Outcome::Succeeded
        | Outcome::Failed
        | Outcome::Skipped
        | Outcome::Deferred
        | Outcome::Held
        | Outcome::Unknown
        | Outcome::Superseded => false,
    }
}

/// Whether nothing was sent yet.
fn is_unsent(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Skipped | Outcome::Deferred | Outcome::Held => true,
        Outcome::Submitted
        | Outcome::InProgress
        | Outcome::Succeeded
        | Outcome::Failed
        | Outcome::Unknown
        | Outcome::Superseded => false,
    }
}

pub fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
}
