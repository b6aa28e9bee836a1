//! `purgit state baseline`

use crate::cli::commands::running::Machine;
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer, project};
use crate::exit::Exit;
use crate::output::count;
use crate::plan::select::Selection;
use crate::reconcile::Reconciler;

pub(super) fn run(addresses: &[String], printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(addresses, &[])?;
    let Listed {
        opened,
        views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let machine = Machine::new(&opened, views)?;
    let reconciler = Reconciler {
        selection,
        ..machine.reconciler(&opened, "state baseline")
    };
    let adopting = reconciler.adopt(&sides, &opened.root);
    let adopted = crate::cli::commands::runtime()?.block_on(adopting)?;
    printer.line(&format!(
        "Adopted {} as purged; nothing was sent",
        count(adopted, "entry")
    ));
    Ok(Exit::Done)
}
