//! What a watch prints: each message once, however often it is found.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::cli::Printer;
use crate::execute::{Event, Observer};
use crate::output::{count, minute, number};
use crate::reconcile::{Reconciled, Verdict};
use crate::state::Outcome;
use crate::state::transition::tally;

/// The last message of each topic is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Manifests,
    Notes,
    Content,
    Files,
    /// Too many files came back to purge them again.
    Returned,
    Lock,
    Run,
    /// A refused plan, by id.
    Refusal,
    Status,
    Endpoint,
    /// Why requests to an endpoint are retried.
    Retry,
    /// What waits for quota.
    Deferred,
    /// What can be done about unfinished entries.
    Remedy,
}

/// Remembers what was printed. Observes runs and prints what a person must know.
#[derive(Debug)]
pub(super) struct Announcer {
    printer: Printer,
    last: Mutex<BTreeMap<Topic, String>>,
}

impl Announcer {
    pub(super) fn new(printer: Printer) -> Self {
        Self {
            printer,
            last: Mutex::default(),
        }
    }

    /// Whether the text differs from the topic's last message; remembers it.
    pub(super) fn is_new(&self, topic: Topic, text: &str) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.get(&topic).is_some_and(|before| before == text) {
            return false;
        }
        last.insert(topic, text.to_owned());
        true
    }

    /// The last message of the topic.
    pub(super) fn last(&self, topic: Topic) -> Option<String> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.get(&topic).cloned()
    }

    /// Clears the topic; returns whether it had a message.
    pub(super) fn settle(&self, topic: Topic) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.remove(&topic).is_some()
    }
}

impl Observer for Announcer {
    fn event(&self, event: Event) {
        tracing::debug!(?event);
        match event {
            Event::Halted { endpoint, failure } => {
                let text = format!("[{endpoint}] {failure}");
                if self.is_new(Topic::Endpoint, &text) {
                    self.printer.warning(&text);
                    if let Some(hint) = &failure.hint {
                        self.printer.hint(hint);
                    }
                }
            }
            Event::Retrying {
                endpoint, reason, ..
            } => {
                let text = format!("[{endpoint}] trying again: {reason}");
                if self.is_new(Topic::Retry, &text) {
                    self.printer.note(&text);
                }
            }
            Event::Waiting { endpoint, why, .. } => {
                let text = format!("[{endpoint}] waiting for the origin, which {why}");
                if self.is_new(Topic::Retry, &text) {
                    self.printer.note(&text);
                }
            }
            Event::Submitting { .. }
            | Event::Accepted { .. }
            | Event::Resumed { .. }
            | Event::Settled { .. }
            | Event::ClockSkew { .. }
            | Event::Proving { .. } => {}
        }
    }
}

/// Targets of a run to name; the rest are counted.
const NAMED: usize = 3;

/// Until when a run waits for quota, if it had nothing else to do.
pub(super) fn idle_until(reconciled: &Reconciled) -> Option<DateTime<Utc>> {
    let mut entries = reconciled.execution.iter().flat_map(|run| &run.entries);
    let is_idle = entries.all(|entry| entry.outcome == Outcome::Deferred);
    reconciled.waits_until().filter(|_| is_idle)
}

/// A run in one line; `None` if it did nothing.
pub(super) fn line(reconciled: &Reconciled, took: Duration) -> Option<String> {
    let execution = reconciled.execution.as_ref()?;
    if execution.entries.is_empty() {
        return None;
    }
    let changes = reconciled.plan.changes.len();
    if let Some(until) = idle_until(reconciled) {
        let waiting = count(changes, "change");
        return Some(format!("{waiting} deferred until {}", minute(until)));
    }
    let cause = match changes {
        0 => "asked again".to_owned(),
        changes => count(changes, "change"),
    };
    let outcome = if reconciled.verdict() == Verdict::Done && changes > 0 {
        let steps = reconciled.plan.steps.iter();
        let items: Vec<_> = steps.flat_map(|step| &step.items).collect();
        let named = items.iter().take(NAMED);
        let named: Vec<_> = named.map(|item| item.target.to_string()).collect();
        let mut purged = format!("purged {}", named.join(", "));
        if items.len() > NAMED {
            purged.push_str(&format!(" and {} more", number(items.len() - NAMED)));
        }
        purged
    } else {
        let counts = tally(execution.entries.iter().map(|entry| entry.outcome));
        let parts: Vec<_> = counts
            .iter()
            .map(|(outcome, entries)| format!("{} {outcome}", number(entries)))
            .collect();
        parts.join(", ")
    };
    let waiting = reconciled.waits_until().map(minute);
    let until = waiting.map_or_else(String::new, |until| format!(" until {until}"));
    Some(format!(
        "{cause}: {outcome}{until} in {:.1} s",
        took.as_secs_f64()
    ))
}
