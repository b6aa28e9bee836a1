//! `purgit state`

use super::running::Machine;
use crate::cli::args::{self, StateAction};
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer, project};
use crate::exit::Exit;
use crate::output::count;
use crate::plan::select::Selection;
use crate::reconcile::Reconciler;

pub(super) fn run(arguments: &args::State, printer: Printer) -> Result<Exit, CommandError> {
    match &arguments.action {
        StateAction::Baseline(baseline) => adopt(&baseline.addresses, printer),
    }
}

fn adopt(addresses: &[String], printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(addresses, &[])?;
    let Listed {
        opened,
        views,
        sides,
    } = sides::on_disk(project::open(printer)?, printer)?;
    let machine = Machine::new(&opened, views);
    let reconciler = Reconciler {
        selection,
        ..machine.reconciler(&opened, "state baseline")
    };
    let adopting = reconciler.adopt(&sides, &opened.root);
    let adopted = super::runtime()?.block_on(adopting)?;
    printer.line(&format!(
        "Adopted {} as purged; nothing was sent",
        count(adopted, "entry")
    ));
    Ok(Exit::Done)
}
