//! `purgit status`

use super::running::{self, Setup};
use crate::cli::args::{DocumentFormat, Running, Status};
use crate::cli::{CommandError, Printer, project, wanted};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::reconcile::Intent;
use crate::status::file;
use crate::{output, state, status};

pub(super) fn run(arguments: &Status, printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let desired = wanted::from_disk(&opened, printer)?.desired;
    let exit = if arguments.refresh {
        // One question about each pending task, no waiting.
        let running = Running {
            no_wait: true,
            ..Running::default()
        };
        let setup = Setup {
            command: "status",
            running,
            silent: true,
            ..Setup::default()
        };
        running::run(&opened, &desired, Intent::Refresh, setup, printer)?
    } else {
        Exit::Done
    };
    let snapshot = state::open(&opened.root.join(&opened.project.state_file)).load()?;
    let previous = file::read(&opened.root.join(&opened.project.status_file))?;
    let now = SystemClock.now();
    let document = status::document(
        &opened.project,
        &desired,
        &snapshot.state,
        None,
        previous.as_ref(),
        now,
    );
    match arguments.format {
        DocumentFormat::Text => printer.data(&output::status::text(&document)),
        DocumentFormat::Json => printer.json(&document),
    }
    // Telling how things stand succeeded, however they stand; only what kept it from asking counts.
    Ok(match exit {
        Exit::Running | Exit::Failed | Exit::Changes => Exit::Done,
        other => other,
    })
}
