//! A status for people.

use super::layout::Layout;
use super::page::{BOLD, GREEN, Page, RED, YELLOW};
use super::text::style;
use super::verify::details;
use super::{count, number};
use crate::state::Outcome;
use crate::status::{CauseStatus, Condition, ConditionStatus, EntryStatus, StatusDocument};

/// About how many entries of a manifest are listed on a terminal.
const LISTED: usize = 20;

pub fn text(document: &StatusDocument, layout: Layout) -> Page {
    let mut page = layout.page();
    page.paint(BOLD, &document.metadata.name).end();
    conditions(&mut page, &document.conditions);
    if let Some(run) = &document.last_run {
        let since = run.ended_at.format("%Y-%m-%d %H:%M:%SZ");
        let (result, code) = (run.result, run.exit_code);
        page.line(format_args!(
            "  Last run: {result:?}, exit code {code}, since {since}"
        ));
    }
    for manifest in &document.manifests {
        page.end();
        let address = format!("{}/{}", manifest.kind.to_lowercase(), manifest.name);
        page.paint(BOLD, address)
            .line(format_args!(" on {}", manifest.endpoint));
        conditions(&mut page, &manifest.conditions);
        let counts = &manifest.entries;
        let total = count(counts.total, "entry");
        let succeeded = number(counts.succeeded);
        page.line(format_args!("  {succeeded} of {total} as declared"));
        layout.list(&mut page, &manifest.outcomes, LISTED, "  ", entry);
        for one in &manifest.causes {
            cause(&mut page, one);
        }
    }
    page
}

fn conditions(page: &mut Page, conditions: &[Condition]) {
    for condition in conditions {
        let style = match condition.status {
            ConditionStatus::True => GREEN,
            ConditionStatus::False => RED,
            ConditionStatus::Unknown => YELLOW,
        };
        page.add(format_args!("  {}: ", condition.kind));
        page.paint(style, condition.status.as_str());
        page.line(format_args!(
            " ({}) {}",
            condition.reason, condition.message
        ));
    }
}

fn entry(page: &mut Page, entry: &EntryStatus) {
    word(page, entry.outcome);
    page.add(format_args!(" {}", entry.address));
    if !entry.address.ends_with(&*entry.target) {
        // Several URLs of one file share its address.
        page.add(format_args!("  {}", entry.target));
    }
    if entry.generation.is_none() {
        page.add("  its content is gone");
    }
    if let Some(task) = &entry.task_id {
        page.add(format_args!("  task {task}"));
    }
    if let Some(message) = &entry.message {
        page.add(format_args!("  {message}"));
    }
    if let Some(evidence) = &entry.evidence {
        page.add(details(evidence));
    }
    page.end();
}

fn word(page: &mut Page, outcome: Option<Outcome>) {
    let (word, style) = match outcome {
        Some(outcome) => (outcome.as_str(), style(outcome)),
        None => ("Planned", YELLOW),
    };
    page.add("  ").paint(style, format_args!("{word:<10}"));
}

fn cause(page: &mut Page, cause: &CauseStatus) {
    word(page, cause.outcome);
    page.add(format_args!(" {}", count(cause.count, "entry")));
    if let Some(message) = &cause.message {
        page.add(format_args!(": {message}"));
    }
    page.end();
    for address in &cause.examples {
        page.line(format_args!("             {address}"));
    }
    match cause.count.saturating_sub(cause.examples.len()) {
        0 => {}
        more => page.line(format_args!(
            "             … {} more: `--all`",
            number(more)
        )),
    }
}
