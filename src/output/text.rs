//! Plans and results for people, with ANSI styles; the printer strips them where they do not
//! belong. Colour only repeats what a word or sign says.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{PlanReport, count};
use crate::desired::Owner;
use crate::diff::{Change, Reason};
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
            "\n{} {} ({}, {}) in {}",
            paint(BOLD, "Plan:"),
            count(figures.purge, "entry") + " to purge",
            count(figures.files, "file"),
            count(figures.directories, "directory"),
            count(figures.requests, "request"),
        )?;
    }
    if figures.noop > 0 || figures.in_progress > 0 {
        write!(out, "{} as last purged", count(figures.noop, "entry"))?;
        if figures.in_progress > 0 {
            write!(out, ", {} under way", count(figures.in_progress, "entry"))?;
        }
        writeln!(out)?;
    }
    for quota in plan.quota.iter().filter(|quota| quota.planned > 0) {
        let total = count(quota.used + quota.planned, quota.kind.as_str());
        writeln!(
            out,
            "Quota: [{}] {total} of {} a day",
            quota.endpoint, quota.limit
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
        (Some(before), Some(after)) if before != after => format!(" ({before} -> {after})"),
        _ => String::new(),
    };
    format!(
        "  {} {:<9} {}  {}",
        paint(style, sign),
        change.key.kind.as_str(),
        change.key.url,
        paint(DIM, &format!("{}{generations}", change.reason.as_str())),
    )
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
                entry.key.url,
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
