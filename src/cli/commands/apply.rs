//! `purgit apply`

use super::running::{self, Setup};
use crate::cli::args::{Apply, DocumentFormat, Selecting};
use crate::cli::project::Opened;
use crate::cli::wanted::{self, Wanted};
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;
use crate::plan::select::Selection;
use crate::reconcile::Intent;

pub(super) fn run(arguments: Apply, printer: Printer) -> Result<Exit, CommandError> {
    let selecting = arguments.selecting;
    let (opened, wanted, selection) = match open(&selecting, printer) {
        Ok(opened) => opened,
        Err(error) => {
            if selecting.format == DocumentFormat::Json {
                running::report_error(None, &error, printer);
            }
            return Err(error);
        }
    };
    let setup = Setup {
        command: "apply",
        selection,
        running: arguments.running,
        format: selecting.format,
        json_into: selecting.json_into,
        detailed_exitcode: selecting.detailed_exitcode,
        ask: !arguments.auto_approve,
        silent: false,
    };
    running::run(
        &opened,
        &wanted.desired,
        Intent::Manifests(wanted.since),
        setup,
        printer,
    )
}

fn open(
    selecting: &Selecting,
    printer: Printer,
) -> Result<(Opened, Wanted, Selection), CommandError> {
    let (opened, wanted) = wanted::open(selecting, printer)?;
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    Ok((opened, wanted, selection))
}
