//! `purgit apply`

use super::running::{self, Setup};
use crate::cli::args::Apply;
use crate::cli::{CommandError, Printer, wanted};
use crate::exit::Exit;
use crate::plan::select::Selection;
use crate::reconcile::Intent;

pub(super) fn run(arguments: Apply, printer: Printer) -> Result<Exit, CommandError> {
    let selecting = arguments.selecting;
    let (opened, wanted) = wanted::open(&selecting, printer)?;
    let setup = Setup {
        command: "apply",
        selection: Selection::new(&selecting.targets, &selecting.excludes)?,
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
