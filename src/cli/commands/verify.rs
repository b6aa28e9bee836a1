//! `purgit verify`

use super::running::Machine;
use crate::cli::args::{DocumentFormat, LOCK_TIMEOUT, Verify};
use crate::cli::sides::{self, Listed};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, project};
use crate::execute::Waiting;
use crate::exit::Exit;
use crate::output::verify as page;
use crate::plan::select::Selection;
use crate::reconcile::{Interruption as _, Reconciler};

pub(super) fn run(arguments: &Verify, printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let Listed {
        opened,
        views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let machine = Machine::new(&opened, views)?;
    let verifying = async {
        let signals = Signals::listen(printer);
        let reconciler = Reconciler {
            selection,
            lock_timeout: LOCK_TIMEOUT,
            waiting: Waiting {
                cancel: signals.cancel.clone(),
                ..Waiting::default()
            },
            ..machine.reconciler(&opened, "verify")
        };
        let verified = reconciler.verify(&sides).await?;
        let interrupted = signals.cancel.is_cancelled().then(|| signals.exit());
        Ok::<_, CommandError>((verified, interrupted))
    };
    let (verified, interrupted) = super::runtime()?.block_on(verifying)?;
    match arguments.format {
        DocumentFormat::Text => printer.page(&page::text(&verified, printer.layout(arguments.all))),
        DocumentFormat::Json => printer.json(&page::document(&verified)),
    }
    let summary = page::Summary::of(&verified);
    if summary.asked.stale > 0 {
        printer.hint("`purgit apply` purges again what is stale");
    }
    if verified.entries.is_empty() && summary.planned > 0 {
        printer.hint("`purgit apply` purges what is not purged yet, `purgit state baseline` records it as purged");
    }
    Ok(match interrupted {
        Some(exit) => exit,
        None if verified.is_lacking => Exit::Failed,
        None => Exit::Done,
    })
}
