//! `purgit plan`

use std::path::Path;

use crate::cli::args::{DocumentFormat, Plan, Selecting};
use crate::cli::{CommandError, Printer, wanted};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::output::json::v1;
use crate::output::{PlanReport, text};
use crate::plan::select::Selection;
use crate::{reconcile, state};

pub(super) fn run(arguments: &Plan, printer: Printer) -> Result<Exit, CommandError> {
    let selecting = &arguments.selecting;
    let (opened, wanted, snapshot) = wanted::open_and(selecting, printer, |opened| {
        state::open(&opened.project, &opened.root).read()
    })?;
    let snapshot = snapshot?;
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    let timestamp = SystemClock.now();
    let plan = reconcile::plan(
        &opened.project,
        &opened.digest,
        &wanted.desired,
        wanted.since.as_ref(),
        &snapshot,
        &selection,
    )?;
    show(
        PlanReport {
            plan: &plan,
            timestamp,
        },
        selecting,
        printer,
    )?;
    // The process is about to end: freeing a million texts one by one would only take time.
    std::mem::forget((wanted, snapshot));
    Ok(if !plan.is_applyable() {
        Exit::Refused
    } else if selecting.detailed_exitcode && !plan.is_empty() {
        Exit::Changes
    } else {
        Exit::Done
    })
}

/// Prints a plan in the form asked for, and writes it where asked for.
fn show(
    report: PlanReport<'_>,
    selecting: &Selecting,
    printer: Printer,
) -> Result<(), CommandError> {
    match selecting.format {
        DocumentFormat::Text => printer.data(&text::plan(report)),
        DocumentFormat::Json => printer.json(&v1::plan(report)),
    }
    match &selecting.json_into {
        Some(path) => write_json(path, report),
        None => Ok(()),
    }
}

/// Writes a plan as JSON to a file.
pub(super) fn write_json(path: &Path, report: PlanReport<'_>) -> Result<(), CommandError> {
    let written = Printer::json_text(&v1::plan(report));
    std::fs::write(path, written).map_err(|error| {
        CommandError::new(format!(
            "cannot write the plan to `{}`: {error}",
            path.display()
        ))
    })
}
