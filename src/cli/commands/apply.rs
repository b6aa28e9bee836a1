//! `purgit apply`

use super::running::{self, Setup};
use crate::cli::approved::Approved;
use crate::cli::args::{Apply, DocumentFormat};
use crate::cli::channels::Channels;
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;
use crate::plan::select::Selection;
use crate::reconcile::Intent;

pub(super) fn run(
    mut arguments: Apply,
    channels: &Channels,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let opened = open(&mut arguments, printer);
    let (selecting, format) = (arguments.selecting, arguments.format);
    let (approved, listed, selection) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            if format == DocumentFormat::Json {
                printer.json(&running::unfinished(None, &error));
            }
            return Err(error);
        }
    };
    let setup = Setup {
        command: "apply",
        selection,
        inquiry: approved.inquiry(selecting.verify),
        running: arguments.running,
        format,
        json_into: selecting.json_into,
        urgent: false,
        layout: printer.layout(selecting.all),
        detailed_exitcode: selecting.detailed_exitcode,
        ask: !arguments.auto_approve && !approved.is_any(),
        approved,
        channels: Some(channels),
        prove: !arguments.no_verify,
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

fn open(
    arguments: &mut Apply,
    printer: Printer,
) -> Result<(Approved, Listed, Selection), CommandError> {
    let approved = Approved::read(arguments)?;
    if let Some(version) = approved.other_version() {
        printer.note(&format!("the plan was saved by purgit {version}"));
    }
    let selecting = &arguments.selecting;
    let selection = Selection::new(&selecting.targets, &selecting.excludes)?;
    let saved = arguments.plan.as_deref();
    let listed = sides::open(selecting, &[], saved, printer)?;
    Ok((approved, listed, selection))
}
