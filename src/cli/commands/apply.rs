//! `purgit apply`

use super::running::{self, Setup};
use crate::cli::args::{Apply, DocumentFormat, Selecting};
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;
use crate::plan::select::Selection;
use crate::reconcile::Intent;

pub(super) fn run(arguments: Apply, printer: Printer) -> Result<Exit, CommandError> {
    let (selecting, format) = (arguments.selecting, arguments.format);
    let (listed, selection) = match open(&selecting, printer) {
        Ok(opened) => opened,
        Err(error) => {
            if format == DocumentFormat::Json {
                running::report_error(None, &error, printer);
            }
            return Err(error);
        }
    };
    let setup = Setup {
        command: "apply",
        selection,
        running: arguments.running,
        format,
        json_into: selecting.json_into,
        layout: printer.layout(selecting.all),
        detailed_exitcode: selecting.detailed_exitcode,
        ask: !arguments.auto_approve,
        silent: false,
    };
    let Listed {
        opened,
        views,
        sides,
    } = listed;
    let intent = Intent::Manifests(&sides);
    running::run(&opened, views, intent, setup, printer)
}

fn open(selecting: &Selecting, printer: Printer) -> Result<(Listed, Selection), CommandError> {
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    Ok((sides::open(selecting, printer)?, selection))
}
