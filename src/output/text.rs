//! Plans and results for people.

use std::collections::{BTreeMap, HashSet};

use anstyle::Style;

use super::page::{BOLD, DIM, GREEN, Page, RED, YELLOW};
use super::{PlanReport, count};
use crate::diff::{Change, Reason};
use crate::entry::{Generation, Owner};
use crate::execute::Execution;
use crate::plan::{CheckStatus, NoteSeverity};
use crate::reconcile::Reconciled;
use crate::state::Outcome;
use crate::state::transition::tally;
use crate::status::causes::{MAX_EXAMPLES, causes};

/// The plan.
pub fn plan(report: PlanReport<'_>) -> Page {
    let mut page = Page::default();
    let plan = report.plan;
    let mut heading: Option<(&Owner, &str)> = None;
    for change in &plan.changes {
        let its = (&change.key.owner, &*change.key.endpoint);
        if heading != Some(its) {
            if heading.is_some() {
                page.end();
            }
            page.paint(BOLD, its.0.address());
            page.line(format_args!(" on {}", its.1));
            heading = Some(its);
        }
        line(&mut page, change);
    }
    figures(&mut page, report);
    for endpoint in plan.quota.chunk_by(|a, b| a.endpoint == b.endpoint) {
        let name = endpoint.first().map_or("", |quota| &quota.endpoint);
        let steps = plan.steps.iter();
        let steps = steps.filter(|step| &*step.endpoint == name).count();
        let forecast = endpoint.iter().map(|quota| {
            let total = count(
                usize::try_from(quota.used + quota.planned).unwrap_or(usize::MAX),
                &quota.kind,
            );
            format!("{total} of {}", quota.limit)
        });
        let forecast: Vec<_> = forecast.collect();
        page.line(format_args!(
            "Steps: [{name}] {}; quota of the day: {}",
            count(steps, "request"),
            forecast.join(", ")
        ));
    }
    if !plan.checks.is_empty() {
        page.line("Checks:");
    }
    for check in &plan.checks {
        let style = match check.status {
            CheckStatus::Passed => GREEN,
            CheckStatus::Failed => RED,
            CheckStatus::Forced => YELLOW,
        };
        page.add("  ").paint(style, check.status.as_str());
        page.line(format_args!(
            " {:<18} {}",
            check.name.as_str(),
            check.detail
        ));
    }
    for note in &plan.diagnostics {
        let severity = match note.severity {
            NoteSeverity::Info => "Note",
            NoteSeverity::Warning => "Warning",
        };
        page.line(format_args!("{severity}: {}", note.message));
    }
    page.paint(DIM, format_args!("Plan id: {}", plan.id)).end();
    page
}

fn figures(page: &mut Page, report: PlanReport<'_>) {
    let figures = report.summary();
    if report.plan.is_empty() {
        page.paint(BOLD, "No changes:").line(" nothing to purge");
    } else {
        page.end();
        page.paint(BOLD, "Plan:").line(format_args!(
            " {} to purge ({}, {})",
            count(figures.purge, "entry"),
            count(figures.files, "file"),
            count(figures.directories, "directory"),
        ));
    }
    if figures.noop > 0 || figures.in_progress > 0 {
        page.add(count(figures.noop, "entry"))
            .add(" as last purged");
        if figures.in_progress > 0 {
            page.add(format_args!(
                ", {} under way",
                count(figures.in_progress, "entry")
            ));
        }
        page.end();
    }
}

fn line(page: &mut Page, change: &Change) {
    let (sign, style) = match change.reason {
        Reason::Added => ("+", GREEN),
        Reason::ContentChanged | Reason::RevisionChanged | Reason::Forced => ("~", YELLOW),
        Reason::ContentDeleted => ("-", RED),
        Reason::PreviousFailed | Reason::PreviousUnknown => ("!", YELLOW),
    };
    let generations = match (&change.before, &change.after) {
        (Some(before), Some(after)) if before != after => {
            format!(" ({} -> {})", shortened(before), shortened(after))
        }
        _ => String::new(),
    };
    let target = &change.key.target;
    page.add("  ").paint(style, sign);
    page.add(format_args!(" {:<9} {target}  ", target.kind().as_str()));
    page.paint(DIM, format_args!("{}{generations}", change.reason.as_str()));
    page.end();
}

/// Digits of a content id, which is a git blob id.
const CONTENT_ID_DIGITS: usize = 40;

/// Digits of a content id that people are shown, as git shows its own.
const SHORT_ID_DIGITS: usize = 10;

/// A generation as people recognise it: content ids are cut short, revisions are not.
fn shortened(generation: &Generation) -> &str {
    let token = generation.as_str();
    let is_id = token.len() == CONTENT_ID_DIGITS && token.bytes().all(|b| b.is_ascii_hexdigit());
    if is_id {
        &token[..SHORT_ID_DIGITS]
    } else {
        token
    }
}

/// What `apply` did: what did not succeed by cause, then the figures.
pub fn applied(reconciled: &Reconciled) -> Page {
    let mut page = Page::default();
    let Some(execution) = &reconciled.execution else {
        return page;
    };
    let entries = execution.entries.iter();
    let open = entries.filter(|entry| entry.outcome != Outcome::Succeeded);
    let mut by_endpoint: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for entry in open {
        let said = (entry.outcome, entry.message.as_deref(), &entry.key.target);
        by_endpoint
            .entry(&entry.key.endpoint)
            .or_default()
            .push(said);
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
        .map(|(outcome, number)| format!("{number} {outcome}"))
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
        page.end();
    }
    page
}

/// What the user can do about what did not succeed, each remedy once.
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

/// Of an outcome that some entry has.
pub(super) const fn style(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Succeeded => GREEN,
        Outcome::Failed | Outcome::Unknown => RED,
        Outcome::Submitted
        | Outcome::InProgress
        | Outcome::Skipped
        | Outcome::Deferred
        | Outcome::Superseded => YELLOW,
    }
}
