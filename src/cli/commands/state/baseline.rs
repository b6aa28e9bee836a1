//! `purgit state baseline`

use crate::cli::args::Baseline;
use crate::cli::commands::running::Machine;
use crate::cli::sides::{self, Listed};
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, project};
use crate::execute::Waiting;
use crate::exit::Exit;
use crate::output::page::Page;
use crate::output::{count, verify as page};
use crate::plan::select::Selection;
use crate::reconcile::{Inquiry, Interruption as _, Reconciler};

pub(super) fn run(arguments: &Baseline, printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let Listed {
        opened,
        views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let machine = Machine::new(&opened, views)?;
    let adopting = async {
        let signals = Signals::listen(printer);
        let reconciler = Reconciler {
            selection,
            inquiry: arguments.verify.then_some(Inquiry::Present),
            waiting: Waiting {
                cancel: signals.cancel.clone(),
                ..Waiting::default()
            },
            gate: &printer,
            ..machine.reconciler(&opened, "state baseline")
        };
        let adopted = reconciler.adopt(&sides, &opened.root).await?;
        let interrupted = signals.cancel.is_cancelled().then(|| signals.exit());
        Ok::<_, CommandError>((adopted, interrupted))
    };
    let (adopted, interrupted) = crate::cli::commands::runtime()?.block_on(adopting)?;
    let entries = count(adopted.entries, "entry");
    printer.line(&format!("Adopted {entries} as purged; nothing was sent"));
    if let Some(looked) = &adopted.looked {
        let mut page = Page::default();
        page::looked(&mut page, looked);
        printer.page(&page);
        printer.hint("`purgit plan` shows what is left to be purged");
    }
    Ok(interrupted.unwrap_or(Exit::Done))
}
