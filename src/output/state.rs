//! What the state records about entries, for people and for programs.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::page::{BOLD, DIM, Page, YELLOW};
use super::text::style;
use super::verify;
use crate::entry::{EntryKey, Generation, TargetKind};
use crate::state::{Attempt, Due, Observed, Outcome, PendingOperation, State};
use crate::verify::Evidence;

/// The JSON of `state list` and `state show`, format 1.x.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StateDocument<'a> {
    /// Version of this format.
    pub format_version: &'static str,
    /// Number of the last record.
    pub serial: u64,
    /// Id that the state got when it was created.
    pub lineage: &'a str,
    /// In order of their keys.
    pub entries: Vec<Recorded<'a>>,
}

/// Everything recorded about an entry.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recorded<'a> {
    /// Its address; several URLs of one file have the same.
    pub address: String,
    /// Name of the endpoint.
    pub endpoint: &'a str,
    /// What is purged.
    pub kind: TargetKind,
    /// Its text.
    pub target: &'a str,
    /// The outcome; null if it is only due.
    pub outcome: Option<Outcome>,
    /// The generation last confirmed.
    #[schemars(with = "Option<String>")]
    pub generation: Option<&'a Generation>,
    /// When it was confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// A purge that was not confirmed.
    pub attempt: Option<&'a Attempt>,
    /// A purge that a run was about to send.
    pub due: Option<RecordedDue<'a>>,
    /// A request that was or may have been sent.
    pub operation: Option<RecordedOperation<'a>>,
    /// What its edge served when it was asked last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<&'a Evidence>,
}

/// A purge that a run was about to send.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordedDue<'a> {
    /// What would be confirmed; null for a deletion.
    #[schemars(with = "Option<String>")]
    generation: Option<&'a Generation>,
    /// Whether a check was forced for it.
    forced: bool,
    /// When that was recorded.
    at: DateTime<Utc>,
}

/// A request that was or may have been sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordedOperation<'a> {
    /// Id of the operation.
    id: &'a str,
    /// What would be confirmed; null for a deletion.
    #[schemars(with = "Option<String>")]
    generation: Option<&'a Generation>,
    /// Id of the CDN's task; null if it was never seen accepted.
    task_id: Option<&'a str>,
    /// When it was recorded, before it was sent.
    intended_at: DateTime<Utc>,
    /// When the CDN accepted it.
    accepted_at: Option<DateTime<Utc>>,
    /// When the CDN was last asked about it.
    asked_at: Option<DateTime<Utc>>,
    /// The CDN's id of the request, for its support.
    correlation_id: Option<&'a str>,
    /// How often it was sent.
    sends: u32,
}

/// What the state knows about the selected addresses.
pub fn recorded(state: &State, selects: impl Fn(&str) -> bool) -> StateDocument<'_> {
    let under_way = state.pending_operations.iter();
    let under_way = under_way.flat_map(|operation| operation.entries.iter().map(|(key, _)| key));
    let keys: BTreeSet<_> = state
        .entries
        .keys()
        .chain(state.due.keys())
        .chain(under_way)
        .collect();
    let entries = keys.into_iter().filter_map(|key| {
        let address = key.address();
        let (observed, due) = (state.entries.get(key), state.due.get(key));
        let operation = state.pending_operations.of(key);
        let proof = state.proofs.get(key);
        selects(&address).then(|| Recorded {
            evidence: proof.and_then(|proof| proof.evidence.as_ref()),
            ..Recorded::of(key, address, observed, due, operation)
        })
    });
    StateDocument {
        format_version: "1.0",
        serial: state.serial,
        lineage: &state.lineage,
        entries: entries.collect(),
    }
}

impl<'a> Recorded<'a> {
    pub(super) fn of(
        key: &'a EntryKey,
        address: String,
        observed: Option<&'a Observed>,
        due: Option<&'a Due>,
        operation: Option<&'a PendingOperation>,
    ) -> Self {
        let attempt = observed.and_then(|observed| observed.attempt.as_ref());
        let generation = observed.and_then(|observed| observed.generation.as_ref());
        let outcome = match (operation, attempt) {
            (Some(operation), _) => Some(match operation {
                PendingOperation { task: None, .. } => Outcome::Unknown,
                PendingOperation { asked_at: None, .. } => Outcome::Submitted,
                PendingOperation { .. } => Outcome::InProgress,
            }),
            (None, Some(attempt)) => Some(attempt.outcome),
            (None, None) => generation.map(|_| Outcome::Succeeded),
        };
        Self {
            address,
            endpoint: &key.endpoint,
            kind: key.target.kind(),
            target: key.target.as_str(),
            outcome,
            generation,
            confirmed_at: observed.and_then(|observed| observed.confirmed_at),
            attempt,
            due: due.map(RecordedDue::of),
            operation: operation.map(|operation| RecordedOperation::of(operation, key)),
            evidence: None,
        }
    }
}

impl<'a> RecordedDue<'a> {
    fn of(due: &'a Due) -> Self {
        Self {
            generation: due.generation.as_ref(),
            forced: due.forced,
            at: due.at,
        }
    }
}

impl<'a> RecordedOperation<'a> {
    fn of(operation: &'a PendingOperation, key: &EntryKey) -> Self {
        let mut entries = operation.entries.iter();
        let entry = entries.find(|(entry, _)| entry == key);
        Self {
            id: &operation.id,
            generation: entry.and_then(|(_, generation)| generation.as_ref()),
            task_id: operation.task.as_ref().map(|task| &*task.id),
            intended_at: operation.intended_at,
            accepted_at: operation.accepted_at,
            asked_at: operation.asked_at,
            correlation_id: operation.correlation_id.as_deref(),
            sends: operation.sends,
        }
    }
}

fn head(page: &mut Page, entry: &Recorded<'_>) {
    page.add(&entry.address);
    if !entry.address.ends_with(entry.target) {
        // Several URLs of one file share its address.
        page.add(format_args!("  {}", entry.target));
    }
}

/// One line per entry.
pub fn list(document: &StateDocument<'_>) -> Page {
    let mut page = Page::default();
    for entry in &document.entries {
        let (word, style) = match entry.outcome {
            Some(outcome) => (outcome.as_str(), style(outcome)),
            None => ("Due", YELLOW),
        };
        page.paint(style, format_args!("{word:<10}")).add(" ");
        head(&mut page, entry);
        if let Some(generation) = entry.generation {
            page.paint(DIM, format_args!("  {generation}"));
        }
        page.end();
    }
    page
}

/// Everything recorded, one line per fact.
pub fn show(document: &StateDocument<'_>) -> Page {
    let mut page = Page::default();
    for (number, entry) in document.entries.iter().enumerate() {
        if number > 0 {
            page.end();
        }
        page.paint(BOLD, &entry.address)
            .line(format_args!(" on {}", entry.endpoint));
        let mut line = |name: &str, text: &str| {
            if !text.is_empty() {
                page.line(format_args!("  {name:<12} {text}"));
            }
        };
        line(entry.kind.as_str(), entry.target);
        line("outcome", entry.outcome.map_or("Due", Outcome::as_str));
        line("confirmed", &confirmed(entry));
        if let Some(Attempt {
            generation,
            outcome,
            at,
            message,
        }) = entry.attempt
        {
            let message = message.iter().map(|message| format!(": {message}"));
            let at = format!(
                "{outcome} {}, {}",
                described(generation.as_ref()),
                time(*at)
            );
            line(
                "last attempt",
                &message.fold(at, |at, message| at + &message),
            );
        }
        if let Some(due) = &entry.due {
            let forced = if due.forced { ", forced" } else { "" };
            let since = time(due.at);
            line(
                "due",
                &format!("{}, since {since}{forced}", described(due.generation)),
            );
        }
        if let Some(operation) = &entry.operation {
            let sends = super::count(operation.sends as usize, "time");
            let begun = time(operation.intended_at);
            line(
                "under way",
                &format!(
                    "{}, begun {begun}, sent {sends}",
                    described(operation.generation)
                ),
            );
            let at = |at: Option<DateTime<Utc>>| at.map(time).unwrap_or_default();
            line("accepted", &at(operation.accepted_at));
            line("asked", &at(operation.asked_at));
            line("task", operation.task_id.unwrap_or_default());
            line("correlation", operation.correlation_id.unwrap_or_default());
            line("operation", operation.id);
        }
        if let Some(evidence) = entry.evidence {
            page.add("  edge         ");
            verify::fact(&mut page, evidence);
        }
    }
    page
}

fn confirmed(entry: &Recorded<'_>) -> String {
    let Some(generation) = entry.generation else {
        return "never".to_owned();
    };
    match entry.confirmed_at {
        Some(at) => format!("generation {generation}, {}", time(at)),
        None => format!("generation {generation}"),
    }
}

fn described(generation: Option<&Generation>) -> String {
    match generation {
        Some(generation) => format!("generation {generation}"),
        None => "deletion".to_owned(),
    }
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
