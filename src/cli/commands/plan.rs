//! `purgit plan`

use std::path::Path;

use crate::cli::args::{DocumentFormat, Plan, Selecting};
use crate::cli::wanted::{self, Planned};
use crate::cli::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::output::json::v1;
use crate::output::{PlanReport, text};
use crate::plan::select::Selection;
use crate::reconcile;

pub(super) fn run(arguments: &Plan, printer: Printer) -> Result<Exit, CommandError> {
    let selecting = &arguments.selecting;
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    let Planned {
        opened,
        wanted,
        known,
        notebook,
        fresh,
    } = wanted::compare(selecting, &selection, printer)?;
    let timestamp = SystemClock.now();
    let plan = reconcile::plan(
        &opened.project,
        &opened.digest,
        &wanted.desired,
        wanted.since.as_ref(),
        &known,
        &selection,
        timestamp,
    )?;
    show(
        PlanReport {
            plan: &plan,
            timestamp,
        },
        selecting,
        printer,
    )?;
    // Told first: this is for the next plan.
    if let Some(fresh) = fresh.filter(|_| !opened.project.sites.is_empty()) {
        notebook.remember_state(&opened.project, known, &fresh);
    }
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
        DocumentFormat::Text => printer.page(&text::plan(report)),
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
