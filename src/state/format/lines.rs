//! The lines of a state file. Frozen: a change that an older purgit would misread needs a new
//! `STATE_VERSION`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation, Target, TargetKind};
use crate::operation::Task;
use crate::state::{Attempt, Due, HistoryRecord, Observed, Origin, Outcome, PendingOperation};

/// A text, borrowed from the file unless it has escapes.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

fn target(target: &Target) -> Option<Text<'_>> {
    (*target != Target::Everything).then(|| Text::of(target.as_str()))
}

fn generation(generation: Option<&Generation>) -> Option<Text<'_>> {
    generation.map(Generation::as_str).map(Text::of)
}

/// One entry. Unchanged lines are copied as they are, so the fields up to `target` must come first
/// and in this order.
#[derive(Serialize, Deserialize)]
pub(super) struct EntryLine<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) endpoint: Cow<'a, str>,
    pub(super) kind: TargetKind,
    /// `url` in version 1.
    #[serde(
        borrow,
        default,
        alias = "url",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) target: Option<Text<'a>>,
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
            target: target(&key.target),
            generation: generation(observed.generation.as_ref()),
            confirmed_at: observed.confirmed_at,
            attempt: observed.attempt.as_ref().map(AttemptPart::new),
        }
    }
}

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
            generation: generation(attempt.generation.as_ref()),
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

#[derive(Serialize, Deserialize)]
pub(super) struct DueLine<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) endpoint: Cow<'a, str>,
    pub(super) kind: TargetKind,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) generation: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) forced: bool,
    pub(super) at: DateTime<Utc>,
}

impl<'a> DueLine<'a> {
    pub(super) fn new(key: &'a EntryKey, due: &'a Due) -> Self {
        Self {
            address: Cow::Owned(key.address()),
            endpoint: Cow::Borrowed(&key.endpoint),
            kind: key.target.kind(),
            target: target(&key.target),
            generation: generation(due.generation.as_ref()),
            forced: due.forced,
            at: due.at,
        }
    }
}

/// A pending operation. In a snapshot its entries follow, one per line.
#[derive(Serialize, Deserialize)]
pub(super) struct OperationBlock<'a> {
    #[serde(borrow)]
    pub(super) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) endpoint: Cow<'a, str>,
    pub(super) intended_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) task: Option<Cow<'a, Task>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accepted_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) asked_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) sends: u32,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) directories: Vec<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) entries: Vec<Item<'a>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl<'a> OperationBlock<'a> {
    pub(super) fn head(operation: &'a PendingOperation) -> Self {
        Self {
            id: Cow::Borrowed(&operation.id),
            endpoint: Cow::Borrowed(&operation.endpoint),
            intended_at: operation.intended_at,
            task: operation.task.as_ref().map(Cow::Borrowed),
            accepted_at: operation.accepted_at,
            asked_at: operation.asked_at,
            correlation_id: operation.correlation_id.clone(),
            sends: operation.sends,
            directories: operation
                .directories
                .iter()
                .map(|directory| Text::of(directory.as_str()))
                .collect(),
            entries: Vec::new(),
        }
    }

    pub(super) fn new(operation: &'a PendingOperation) -> Self {
        let entries = operation.entries.iter();
        let item = |(key, generation): &'a (EntryKey, Option<Generation>)| {
            Item::of(operation, key, generation.as_ref())
        };
        Self {
            entries: entries.map(item).collect(),
            ..Self::head(operation)
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    pub(super) address: Cow<'a, str>,
    /// Left out if it equals the operation's endpoint.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<Text<'a>>,
    pub(super) kind: TargetKind,
    /// `url` in version 1.
    #[serde(
        borrow,
        default,
        alias = "url",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) target: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) generation: Option<Text<'a>>,
}

impl<'a> Item<'a> {
    pub(super) fn new(key: &'a EntryKey, generation: Option<&'a Generation>) -> Self {
        Self {
            address: Cow::Owned(key.address()),
            endpoint: Some(Text::of(&key.endpoint)),
            kind: key.target.kind(),
            target: target(&key.target),
            generation: self::generation(generation),
        }
    }

    pub(super) fn of(
        operation: &PendingOperation,
        key: &'a EntryKey,
        generation: Option<&'a Generation>,
    ) -> Self {
        let mut item = Self::new(key, generation);
        if key.endpoint == operation.endpoint {
            item.endpoint = None;
        }
        item
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct HistoryLine {
    at: DateTime<Utc>,
    plan_id: String,
    outcomes: BTreeMap<String, usize>,
    requests: usize,
    exit_code: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ci: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_url: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    entries: BTreeMap<String, Vec<String>>,
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
            command: record.command.clone(),
            milliseconds: record.duration.map(milliseconds),
            by: record.origin.by.clone(),
            commit: record.origin.commit.clone(),
            ci: record.origin.ci.clone(),
            run_url: record.origin.url.clone(),
            entries: record
                .entries
                .iter()
                .map(|(outcome, addresses)| (outcome.as_str().to_owned(), addresses.clone()))
                .collect(),
        }
    }

    pub(super) fn into_record(self) -> HistoryRecord {
        let mut outcomes: BTreeMap<Outcome, usize> = BTreeMap::new();
        for (word, count) in self.outcomes {
            let sum = outcomes.entry(outcome(&word)).or_default();
            *sum = sum.saturating_add(count);
        }
        let mut entries: BTreeMap<Outcome, Vec<String>> = BTreeMap::new();
        for (word, addresses) in self.entries {
            entries.entry(outcome(&word)).or_default().extend(addresses);
        }
        HistoryRecord {
            at: self.at,
            plan_id: self.plan_id,
            outcomes,
            requests: self.requests,
            exit_code: self.exit_code,
            command: self.command,
            duration: self.milliseconds.map(Duration::from_millis),
            origin: Origin {
                by: self.by,
                commit: self.commit,
                ci: self.ci,
                url: self.run_url,
            },
            entries,
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Parses an outcome. A word that only a newer purgit knows becomes `Unknown`.
pub(super) fn outcome(word: &str) -> Outcome {
    let known = Outcome::WORDS.iter().find(|(known, _)| *known == word);
    known.map_or(Outcome::Unknown, |(_, outcome)| *outcome)
}
