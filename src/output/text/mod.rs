//! Plans and results for people.

mod explained;
mod plan;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use anstyle::Style;

use super::layout::Layout;
use super::page::{BOLD, GREEN, Page, RED, YELLOW};
use super::{count, number};
use crate::execute::Execution;
use crate::reconcile::Reconciled;
use crate::state::Outcome;
use crate::state::transition::tally;
use crate::status::causes::{MAX_EXAMPLES, causes};
pub use explained::explained;
pub use plan::plan;

/// What `apply` did: what did not succeed, grouped by cause, then the figures.
pub fn applied(reconciled: &Reconciled, took: Option<Duration>, layout: Layout) -> Page {
    let mut page = layout.page();
    let Some(execution) = &reconciled.execution else {
        return page;
    };
    let entries = execution.entries.iter();
    let open = entries.filter(|entry| entry.outcome != Outcome::Succeeded);
    let mut by_endpoint: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for entry in open {
        let case = (entry.outcome, entry.message.as_deref(), &entry.key.target);
        by_endpoint
            .entry(&entry.key.endpoint)
            .or_default()
            .push(case);
    }
    for (endpoint, entries) in by_endpoint {
        for cause in causes(entries) {
            let examples: Vec<_> = cause.examples.iter().map(ToString::to_string).collect();
            let examples = examples.join(", ");
            let message = cause
                .message
                .map(|text| format!(": {text}"))
                .unwrap_or_default();
            page.paint(style(cause.outcome), cause.outcome);
            if cause.count == 1 {
                page.line(format_args!(" {examples}{message}"));
                continue;
            }
            let such_as = if cause.count > MAX_EXAMPLES {
                "for example "
            } else {
                ""
            };
            let entries = count(cause.count, "entry");
            page.line(format_args!(
                " [{endpoint}] {entries}{message}; {such_as}{examples}"
            ));
        }
    }
    let counts = tally(execution.entries.iter().map(|entry| entry.outcome));
    let parts: Vec<_> = counts
        .iter()
        .map(|(outcome, entries)| format!("{} {outcome}", number(entries)))
        .collect();
    page.paint(BOLD, "Applied:");
    if parts.is_empty() {
        page.line(" nothing was to be done");
    } else {
        let requests = count(execution.requests, "request");
        page.add(format_args!(" {} in {requests}", parts.join(", ")));
        if execution.repeated > 0 {
            let twice = count(execution.repeated, "target");
            page.add(format_args!("; {twice} may have been purged twice"));
        }
        if let Some(took) = took {
            page.add(format_args!(", {}", duration(took)));
        }
        page.end();
    }
    if let Some(asked) = execution.origin {
        page.paint(BOLD, "Origin:");
        page.add(format_args!(" {} ready, ", number(asked.ready)));
        let held = format!("{} held", number(asked.held));
        match asked.held {
            0 => page.add(held),
            _ => page.paint(YELLOW, held),
        };
        page.add(format_args!(" in {}", count(asked.requests, "request")));
        if asked.ungated > 0 {
            let ungated = count(asked.ungated, "entry");
            page.add(format_args!("; {ungated} cannot be checked"));
        }
        page.end();
    }
    if let Some(verified) = execution.verified {
        super::verify::verified(&mut page, verified);
    }
    page
}

/// A duration for people: `0.4 s`, `12 s`, `3 min 20 s`.
fn duration(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60.. => format!("{} min {} s", number(seconds / 60), seconds % 60),
    }
}

/// Remedies for what did not succeed, each once.
pub fn hints(execution: &Execution) -> Vec<&str> {
    let entries = execution.entries.iter();
    let open = entries.filter(|entry| entry.outcome != Outcome::Succeeded);
    let of_entries = open.filter_map(|entry| entry.hint.as_deref());
    let failures = execution.failures.iter();
    let of_failures = failures.filter_map(|(_, failure)| failure.hint.as_deref());
    let mut seen = HashSet::new();
    let mut hints: Vec<_> = of_entries.chain(of_failures).collect();
    hints.retain(|hint| seen.insert(*hint));
    hints
}

pub(super) const fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Succeeded => GREEN,
        Outcome::Failed | Outcome::Unknown => RED,
        Outcome::Submitted
        | Outcome::InProgress
        | Outcome::Skipped
        | Outcome::Deferred
        | Outcome::Held
        | Outcome::Superseded => YELLOW,
    }
}
