//! `purgit status`

use super::running::{self, Setup};
use crate::cli::args::{DocumentFormat, Running, Status};
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer, project};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::reconcile::{self, Intent};
use crate::view::Detail;
use crate::workspace::places;
use crate::{output, status};

pub(super) fn run(arguments: &Status, printer: Printer) -> Result<Exit, CommandError> {
    let Listed {
        opened,
        mut views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let exit = if arguments.refresh {
        // Polls each pending task once, without waiting.
        let running = Running {
            no_wait: true,
            lock_timeout: arguments.lock_timeout,
            ..Running::default()
        };
        let setup = Setup {
            command: "status",
            running,
            silent: true,
            ..Setup::default()
        };
        let before = std::mem::replace(&mut views, sides::views(&opened)?);
        running::run(&opened, before, Intent::Refresh(&sides), setup, printer)?
    } else {
        Exit::Done
    };
    let previous = places::status(&opened.project, &opened.root, &opened.revision)?.previous()?;
    let now = SystemClock.now();
    let (listed, detail) = match arguments.all {
        true => (status::Listed::Everything, Detail::Everything),
        false => (status::Listed::NotAsDeclared, Detail::Differences),
    };
    let project = &opened.project;
    let (view, mut both) = reconcile::look(project, &views, &sides, detail, now)?;
    both.desired.revisions = sides.revisions();
    let document = status::document(
        project,
        &both.desired,
        &view.state,
        None,
        previous.as_ref(),
        listed,
        now,
    );
    match arguments.format {
        DocumentFormat::Text => {
            let layout = printer.layout(arguments.all);
            printer.page(&output::status::text(&document, layout));
        }
        DocumentFormat::Json => printer.json(&document),
    }
    views.keep(view);
    views.save(project);
    // The status was shown in any case; only a failure to ask the CDN counts.
    Ok(match exit {
        Exit::Running | Exit::Failed | Exit::Changes => Exit::Done,
        other => other,
    })
}
