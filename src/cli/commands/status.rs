//! `purgit status`

use super::running::{self, Setup};
use crate::cli::args::{DocumentFormat, Running, Status};
use crate::cli::{CommandError, Printer, project, wanted};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::reconcile::Intent;
use crate::status::{Listed, file};
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
    let listed = match arguments.all {
        true => Listed::Everything,
        false => Listed::NotAsDeclared,
    };
    let document = status::document_listing(
        listed,
        &opened.project,
        &desired,
        &snapshot.state,
        None,
        previous.as_ref(),
        now,
    );
    match arguments.format {
        DocumentFormat::Text => printer.page(&output::status::text(&document)),
        DocumentFormat::Json => printer.json(&document),
    }
    // The status was shown, whatever it is; only what kept it from asking the CDN counts.
    Ok(match exit {
        Exit::Running | Exit::Failed | Exit::Changes => Exit::Done,
        other => other,
    })
}
