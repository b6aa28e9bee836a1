//! How a state moves on: intents, acceptances and outcomes, and the rule that only a confirmed
//! success advances a generation. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Attempt, Observed, Outcome, PendingOperation, State};
use crate::entry::{EntryKey, Generation, Owner, Target};
use crate::operation::Task;

/// Said of a purge that a newer one took the place of.
const OVERTAKEN: &str = "overtaken by a newer purge before it was confirmed";

/// How one URL of an operation ended, or how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemOutcome {
    /// What was purged.
    pub target: Target,
    /// How it ended; [`Outcome::InProgress`] and [`Outcome::Submitted`] leave it pending.
    pub outcome: Outcome,
    /// What the CDN or the transport said.
    pub message: Option<String>,
}

impl State {
    /// Notes an intent. Older operations on the same entries are overtaken by it; how those would
    /// have ended is unknown from then on, whatever becomes of the intent.
    pub fn intend(&mut self, operation: PendingOperation) {
        let keys: HashSet<&EntryKey> = operation.entries.iter().map(|(key, _)| key).collect();
        let mut overtaken = Vec::new();
        for older in &mut self.pending_operations {
            let is_kept = |(key, _): &(EntryKey, _)| !keys.contains(key);
            if !older.entries.iter().all(is_kept) {
                let (kept, gone) = older.entries.drain(..).partition(is_kept);
                older.entries = kept;
                overtaken.extend(gone);
            }
        }
        for (key, generation) in overtaken {
            let (outcome, at) = (Outcome::Unknown, operation.intended_at);
            self.conclude(key, generation, outcome, Some(OVERTAKEN), at);
        }
        self.pending_operations
            .retain(|older| !older.entries.is_empty());
        self.pending_operations.push(operation);
    }

    /// Takes back an intent of which the CDN did nothing.
    pub fn withdraw(&mut self, id: &str) {
        self.pending_operations.retain(|op| op.id != id);
    }

    /// Notes that the CDN took an intent.
    pub fn accept(
        &mut self,
        id: &str,
        task: &Task,
        correlation_id: Option<&str>,
        at: DateTime<Utc>,
    ) {
        if let Some(operation) = self.pending_operations.iter_mut().find(|op| op.id == id) {
            operation.task = Some(task.clone());
            operation.accepted_at = Some(at);
            operation.correlation_id = correlation_id.map(str::to_owned);
        }
    }

    /// Notes that the CDN answered a question about a task with "not yet", and what to ask about
    /// next, where that is something else.
    pub fn asked(&mut self, id: &str, task: Option<Task>, at: DateTime<Utc>) {
        if let Some(operation) = self.pending_operations.iter_mut().find(|op| op.id == id) {
            if task.is_some() {
                operation.task = task;
            }
            operation.asked_at = Some(at);
        }
    }

    /// Notes how URLs of an operation ended. Those still running stay pending; the operation goes
    /// when nothing of it is.
    pub fn settle(&mut self, id: &str, items: &[ItemOutcome], at: DateTime<Utc>) {
        let Some(position) = self.pending_operations.iter().position(|op| op.id == id) else {
            return;
        };
        let by_url: HashMap<&Target, &ItemOutcome> =
            items.iter().map(|item| (&item.target, item)).collect();
        let entries = std::mem::take(&mut self.pending_operations[position].entries);
        let mut left = Vec::new();
        for (key, generation) in entries {
            let item = by_url.get(&key.target).copied();
            match item {
                Some(item) if !is_pending(item.outcome) => {
                    self.conclude(key, generation, item.outcome, item.message.as_deref(), at);
                }
                _ => left.push((key, generation)),
            }
        }
        if left.is_empty() {
            self.pending_operations.remove(position);
        } else {
            self.pending_operations[position].entries = left;
        }
    }

    /// Notes that entries of a plan were not attempted.
    pub fn skip(
        &mut self,
        entries: impl IntoIterator<Item = (EntryKey, Option<Generation>)>,
        message: &str,
        at: DateTime<Utc>,
    ) {
        for (key, generation) in entries {
            self.conclude(key, generation, Outcome::Skipped, Some(message), at);
        }
    }

    /// Turns intents that were never seen accepted into entries of unknown outcome, which the next
    /// plan purges again.
    pub fn resolve_doubt(&mut self, at: DateTime<Utc>) {
        let (doubtful, clear): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending_operations)
            .into_iter()
            .partition(|op| op.task.is_none());
        self.pending_operations = clear;
        for operation in doubtful {
            let message = "the run that sent it ended before an answer was recorded";
            for (key, generation) in operation.entries {
                self.conclude(key, generation, Outcome::Unknown, Some(message), at);
            }
        }
    }

    /// Drops operations of endpoints that are not declared any more.
    pub fn abandon(&mut self, endpoints: &[Arc<str>]) {
        self.pending_operations
            .retain(|operation| !endpoints.contains(&operation.endpoint));
    }

    /// Takes entries as purged at those generations without a purge. Returns how many were not
    /// taken so already.
    pub fn adopt(
        &mut self,
        entries: impl IntoIterator<Item = (EntryKey, Generation)>,
        at: DateTime<Utc>,
    ) -> usize {
        let mut adopted = 0;
        let mut keys: HashSet<EntryKey> = HashSet::new();
        for (key, generation) in entries {
            keys.insert(key.clone());
            let observed = self.entries.entry(key).or_default();
            if observed.generation.as_ref() != Some(&generation) || observed.attempt.is_some() {
                let generation = Some(generation);
                *observed = Observed {
                    generation,
                    confirmed_at: Some(at),
                    attempt: None,
                };
                adopted += 1;
            }
        }
        for intent in self
            .pending_operations
            .iter_mut()
            .filter(|op| op.task.is_none())
        {
            intent
                .entries
                .retain(|(doubtful, _)| !keys.contains(doubtful));
        }
        self.pending_operations
            .retain(|operation| !operation.entries.is_empty());
        adopted
    }

    /// Drops what no manifest declares any more.
    pub fn forget<'a>(&mut self, keys: impl IntoIterator<Item = &'a EntryKey>) {
        for key in keys {
            self.entries.remove(key);
        }
    }

    /// Number of entries under way by outcome: [`Outcome::InProgress`] for accepted tasks.
    pub fn pending_entries(&self) -> usize {
        self.pending_operations
            .iter()
            .filter(|operation| operation.task.is_some())
            .map(|operation| operation.entries.len())
            .sum()
    }

    fn conclude(
        &mut self,
        key: EntryKey,
        generation: Option<Generation>,
        outcome: Outcome,
        message: Option<&str>,
        at: DateTime<Utc>,
    ) {
        if key.owner == Owner::OneOff {
            // Nothing declares a one-off, so nothing would ever ask about its record again.
            return;
        }
        let attempt = |outcome| Attempt {
            generation: generation.clone(),
            outcome,
            at,
            message: message.map(str::to_owned),
        };
        match outcome {
            Outcome::Succeeded if generation.is_none() => {
                self.entries.remove(&key);
            }
            Outcome::Succeeded => {
                let confirmed = Observed {
                    generation,
                    confirmed_at: Some(at),
                    attempt: None,
                };
                self.entries.insert(key, confirmed);
            }
            Outcome::Failed | Outcome::Unknown => {
                self.entries.entry(key).or_default().attempt = Some(attempt(outcome));
            }
            Outcome::Skipped => {
                // An earlier failure must stay known: it is why the entry is planned again.
                let observed = self.entries.entry(key).or_default();
                observed.attempt.get_or_insert_with(|| attempt(outcome));
            }
            Outcome::Submitted | Outcome::InProgress | Outcome::Superseded => {}
        }
    }
}

/// Whether an outcome leaves its URL with the CDN.
pub fn is_pending(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Submitted | Outcome::InProgress => true,
        Outcome::Succeeded
        | Outcome::Failed
        | Outcome::Skipped
        | Outcome::Unknown
        | Outcome::Superseded => false,
    }
}

/// Counts outcomes.
pub fn tally(outcomes: impl IntoIterator<Item = Outcome>) -> BTreeMap<Outcome, usize> {
    let mut counts = BTreeMap::new();
    for outcome in outcomes {
        *counts.entry(outcome).or_insert(0) += 1;
    }
    counts
}
