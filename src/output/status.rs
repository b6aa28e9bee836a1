//! A status for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::count;
use crate::state::Outcome;
use crate::status::{Condition, ConditionStatus, EntryOutcome, StatusDocument};

const BOLD: Style = Style::new().bold();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const RED: Style = AnsiColor::Red.on_default();

/// The status, ending in a line end.
pub fn text(document: &StatusDocument) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, document);
    out
}

fn write(out: &mut String, document: &StatusDocument) -> std::fmt::Result {
    writeln!(out, "{BOLD}{}{BOLD:#}", document.metadata.name)?;
    conditions(out, &document.conditions)?;
    if let Some(run) = &document.last_run {
        let at = run.ended_at.format("%Y-%m-%d %H:%M:%SZ");
        writeln!(
            out,
            "  Last run: {:?}, exit code {}, at {at}",
            run.result, run.exit_code
        )?;
    }
    for manifest in &document.manifests {
        let address = format!("{}/{}", manifest.kind.to_lowercase(), manifest.name);
        let counts = &manifest.entries;
        writeln!(out, "\n{BOLD}{address}{BOLD:#} on {}", manifest.endpoint)?;
        conditions(out, &manifest.conditions)?;
        let total = count(counts.total, "entry");
        writeln!(out, "  {} of {total} as declared", counts.succeeded)?;
        for outcome in &manifest.outcomes {
            entry(out, &address, outcome)?;
        }
    }
    Ok(())
}

fn conditions(out: &mut String, conditions: &[Condition]) -> std::fmt::Result {
    for condition in conditions {
        let style = match condition.status {
            ConditionStatus::True => GREEN,
            ConditionStatus::False => RED,
            ConditionStatus::Unknown => YELLOW,
        };
        let status = condition.status.as_str();
        let (kind, reason) = (&condition.kind, &condition.reason);
        writeln!(
            out,
            "  {kind}: {style}{status}{style:#} ({reason}) {}",
            condition.message
        )?;
    }
    Ok(())
}

fn entry(out: &mut String, owner: &str, entry: &EntryOutcome) -> std::fmt::Result {
    let (word, style) = match entry.outcome {
        Some(outcome @ Outcome::Succeeded) => (outcome.as_str(), GREEN),
        Some(outcome @ (Outcome::Failed | Outcome::Unknown)) => (outcome.as_str(), RED),
        Some(
            outcome @ (Outcome::Submitted
            | Outcome::InProgress
            | Outcome::Skipped
            | Outcome::Deferred
            | Outcome::Superseded),
        ) => (outcome.as_str(), YELLOW),
        None => ("Planned", YELLOW),
    };
    write!(
        out,
        "  {style}{word:<10}{style:#} {owner}/{}/{}",
        entry.kind, entry.url
    )?;
    if let Some(task) = &entry.task_id {
        write!(out, "  task {task}")?;
    }
    if let Some(message) = &entry.message {
        write!(out, "  {message}")?;
    }
    writeln!(out)
}
