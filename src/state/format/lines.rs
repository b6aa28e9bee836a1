//! What the lines of a state file look like. Frozen: a change here that an older purgit would
//! misread needs a new `STATE_VERSION`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation, TargetKind};
use crate::operation::Task;
use crate::state::{Attempt, HistoryRecord, Observed, Outcome, PendingOperation};

/// A text that is borrowed from the file where it has no escapes.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Text<'a> {
    fn of(generation: &'a Generation) -> Self {
        Self(Cow::Borrowed(generation.as_str()))
    }
}

/// One entry.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryLine<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) endpoint: Cow<'a, str>,
    pub(super) kind: TargetKind,
    #[serde(borrow)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) generation: Option<Text<'a>>,
    #[serde(default)]
    pub(super) confirmed_at: Option<DateTime<Utc>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<AttemptPart<'a>>,
}

impl<'a> EntryLine<'a> {
    pub(super) fn new(key: &'a EntryKey, observed: &'a Observed) -> Self {
        Self {
            address: Cow::Owned(key.address()),
            endpoint: Cow::Borrowed(&key.endpoint),
            kind: key.target.kind(),
            url: Cow::Borrowed(key.target.as_str()),
            generation: observed.generation.as_ref().map(Text::of),
            confirmed_at: observed.confirmed_at,
            attempt: observed.attempt.as_ref().map(AttemptPart::new),
        }
    }
}

/// The unconfirmed attempt of an entry.
#[derive(Serialize, Deserialize)]
pub(super) struct AttemptPart<'a> {
    #[serde(borrow, default)]
    pub(super) generation: Option<Text<'a>>,
    #[serde(borrow)]
    outcome: Cow<'a, str>,
    at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl<'a> AttemptPart<'a> {
    fn new(attempt: &'a Attempt) -> Self {
        Self {
            generation: attempt.generation.as_ref().map(Text::of),
            outcome: Cow::Borrowed(attempt.outcome.as_str()),
            at: attempt.at,
            message: attempt.message.clone(),
        }
    }

    pub(super) fn into_attempt(self, generation: Option<Generation>) -> Attempt {
        Attempt {
            generation,
            outcome: outcome(&self.outcome),
            at: self.at,
            message: self.message,
        }
    }
}

/// A pending operation without its entries, which follow a line each.
#[derive(Serialize)]
pub(super) struct OperationHead<'a> {
    id: &'a str,
    endpoint: &'a str,
    intended_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<TaskPart>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
}

impl<'a> OperationHead<'a> {
    pub(super) fn new(operation: &'a PendingOperation) -> Self {
        Self {
            id: &operation.id,
            endpoint: &operation.endpoint,
            intended_at: operation.intended_at,
            task: operation.task.as_ref().map(TaskPart::new),
            accepted_at: operation.accepted_at,
            asked_at: operation.asked_at,
            correlation_id: operation.correlation_id.as_deref(),
        }
    }
}

/// A pending operation as it is read.
#[derive(Deserialize)]
pub(super) struct OperationBlock<'a> {
    pub(super) id: String,
    #[serde(borrow)]
    pub(super) endpoint: Cow<'a, str>,
    pub(super) intended_at: DateTime<Utc>,
    #[serde(default)]
    pub(super) task: Option<TaskPart>,
    #[serde(default)]
    pub(super) accepted_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) asked_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) correlation_id: Option<String>,
    #[serde(borrow)]
    pub(super) entries: Vec<OperationItem<'a>>,
}

/// The CDN's task of a pending operation.
#[derive(Serialize, Deserialize)]
pub(super) struct TaskPart {
    id: String,
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    details: serde_json::Value,
}

impl TaskPart {
    fn new(task: &Task) -> Self {
        Self {
            id: task.id.clone(),
            details: task.details.clone(),
        }
    }

    pub(super) fn into_task(self) -> Task {
        Task {
            id: self.id,
            details: self.details,
        }
    }
}

/// One entry of a pending operation.
#[derive(Serialize, Deserialize)]
pub(super) struct OperationItem<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    /// Only where it is not the operation's.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<Text<'a>>,
    pub(super) kind: TargetKind,
    #[serde(borrow)]
    pub(super) url: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) generation: Option<Text<'a>>,
}

impl<'a> OperationItem<'a> {
    pub(super) fn new(
        key: &'a EntryKey,
        generation: Option<&'a Generation>,
        endpoint: &str,
    ) -> Self {
        let own = (*key.endpoint != *endpoint).then_some(&*key.endpoint);
        Self {
            address: Cow::Owned(key.address()),
            endpoint: own.map(|endpoint| Text(Cow::Borrowed(endpoint))),
            kind: key.target.kind(),
            url: Cow::Borrowed(key.target.as_str()),
            generation: generation.map(Text::of),
        }
    }
}

/// One run of the history.
#[derive(Serialize, Deserialize)]
pub(super) struct HistoryLine {
    at: DateTime<Utc>,
    plan_id: String,
    outcomes: BTreeMap<String, usize>,
    requests: usize,
    exit_code: u8,
}

impl HistoryLine {
    pub(super) fn new(record: &HistoryRecord) -> Self {
        let outcomes = record.outcomes.iter();
        Self {
            at: record.at,
            plan_id: record.plan_id.clone(),
            outcomes: outcomes
                .map(|(outcome, count)| (outcome.as_str().to_owned(), *count))
                .collect(),
            requests: record.requests,
            exit_code: record.exit_code,
        }
    }

    pub(super) fn into_record(self) -> HistoryRecord {
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for (word, count) in self.outcomes {
            let sum = outcomes.entry(outcome(&word)).or_default();
            *sum = sum.saturating_add(count);
        }
        HistoryRecord {
            at: self.at,
            plan_id: self.plan_id,
            outcomes,
            requests: self.requests,
            exit_code: self.exit_code,
        }
    }
}

/// The outcome of that word; a newer purgit's word is one that nobody can tell the meaning of.
fn outcome(word: &str) -> Outcome {
    match word {
        "Submitted" => Outcome::Submitted,
        "InProgress" => Outcome::InProgress,
        "Succeeded" => Outcome::Succeeded,
        "Failed" => Outcome::Failed,
        "Skipped" => Outcome::Skipped,
        "Superseded" => Outcome::Superseded,
        _ => Outcome::Unknown,
    }
}
