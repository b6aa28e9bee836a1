//! Plans and results for people, with ANSI styles; the printer strips them where they do not
//! belong. Colour only repeats what a word or sign says.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{PlanReport, count};
use crate::diff::{Change, Reason};
use crate::entry::{Generation, Owner};
use crate::plan::{CheckStatus, NoteSeverity};
use crate::reconcile::Reconciled;
use crate::state::Outcome;
use crate::state::transition::tally;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The plan, ending in a line end.
pub fn plan(report: PlanReport<'_>) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_plan(&mut out, report);
    out
}

fn write_plan(out: &mut String, report: PlanReport<'_>) -> std::fmt::Result {
    let plan = report.plan;
    let figures = report.summary();
    let mut owner: Option<(&Owner, &str)> = None;
    for change in &plan.changes {
        let heading = (&change.key.owner, &*change.key.endpoint);
        if owner != Some(heading) {
            let name = paint(BOLD, &change.key.owner.address());
            writeln!(
                out,
                "{}{name} on {}",
                if owner.is_some() { "\n" } else { "" },
                heading.1
            )?;
            owner = Some(heading);
        }
        writeln!(out, "{}", line(change))?;
    }
    if plan.is_empty() {
        writeln!(out, "{} nothing to purge", paint(BOLD, "No changes:"))?;
    } else {
        writeln!(
            out,
            "\n{} {} to purge ({}, {})",
            paint(BOLD, "Plan:"),
            count(figures.purge, "entry"),
            count(figures.files, "file"),
            count(figures.directories, "directory"),
        )?;
    }
    if figures.noop > 0 || figures.in_progress > 0 {
        write!(out, "{} as last purged", count(figures.noop, "entry"))?;
        if figures.in_progress > 0 {
            write!(out, ", {} under way", count(figures.in_progress, "entry"))?;
        }
        writeln!(out)?;
    }
    for endpoint in plan.quota.chunk_by(|a, b| a.endpoint == b.endpoint) {
        let name = endpoint.first().map_or("", |quota| &quota.endpoint);
        let steps = plan
            .steps
            .iter()
            .filter(|step| &*step.endpoint == name)
            .count();
        let forecast = endpoint.iter().map(|quota| {
            let total = count(quota.used + quota.planned, quota.kind.as_str());
            format!("{total} of {}", quota.limit)
        });
        let forecast: Vec<_> = forecast.collect();
        let steps = count(steps, "request");
        writeln!(
            out,
            "Steps: [{name}] {steps}; quota of the day: {}",
            forecast.join(", ")
        )?;
    }
    if !plan.checks.is_empty() {
        writeln!(out, "Checks:")?;
    }
    for check in &plan.checks {
        let style = match check.status {
            CheckStatus::Passed => GREEN,
            CheckStatus::Failed => RED,
            CheckStatus::Forced => YELLOW,
        };
        let status = paint(style, check.status.as_str());
        writeln!(
            out,
            "  {status} {:<18} {}",
            check.name.as_str(),
            check.detail
        )?;
    }
    for note in &plan.diagnostics {
        let severity = match note.severity {
            NoteSeverity::Info => "Note",
            NoteSeverity::Warning => "Warning",
        };
        writeln!(out, "{severity}: {}", note.message)?;
    }
    writeln!(out, "{}", paint(DIM, &format!("Plan id: {}", plan.id)))
}

fn line(change: &Change) -> String {
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
    format!(
        "  {} {:<9} {}  {}",
        paint(style, sign),
        change.key.target.kind().as_str(),
        change.key.target,
        paint(DIM, &format!("{}{generations}", change.reason.as_str())),
    )
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

/// What `apply` did, ending in a line end.
pub fn applied(reconciled: &Reconciled) -> String {
    let mut out = String::new();
    if let Some(execution) = &reconciled.execution {
        for entry in &execution.entries {
            let style = match entry.outcome {
                Outcome::Succeeded => continue,
                Outcome::Failed | Outcome::Unknown => RED,
                Outcome::Submitted
                | Outcome::InProgress
                | Outcome::Skipped
                | Outcome::Superseded => YELLOW,
            };
            let word = paint(style, entry.outcome.as_str());
            let message = entry.message.as_deref().map(|text| format!(": {text}"));
            let _ = writeln!(
                out,
                "{word} {}{}",
                entry.key.target,
                message.unwrap_or_default()
            );
        }
        let counts = tally(execution.entries.iter().map(|entry| entry.outcome));
        let parts: Vec<_> = counts
            .iter()
            .map(|(outcome, number)| format!("{number} {outcome}"))
            .collect();
        if parts.is_empty() {
            let _ = writeln!(out, "{} nothing was to be done", paint(BOLD, "Applied:"));
        } else {
            let requests = count(execution.requests, "request");
            let _ = writeln!(
                out,
                "{} {} in {requests}",
                paint(BOLD, "Applied:"),
                parts.join(", ")
            );
        }
    }
    out
}
