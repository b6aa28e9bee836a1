//! `purgit state`

mod baseline;
mod rm;
mod unlock;

use crate::cli::args::{DocumentFormat, State, StateAction, StateEntries, StateEntry};
use crate::cli::{CommandError, Printer, confirm, project, sides};
use crate::entry::EntryKey;
use crate::escape;
use crate::exit::Exit;
use crate::output::state as page;
use crate::plan::select::{SelectError, Selection};
use crate::state;

pub(super) fn run(arguments: &State, printer: Printer) -> Result<Exit, CommandError> {
    match &arguments.action {
        StateAction::Baseline(arguments) => baseline::run(arguments, printer),
        StateAction::List(arguments) => list(arguments, printer),
        StateAction::Show(arguments) => show(arguments, printer),
        StateAction::Rm(arguments) => rm::run(arguments, printer),
        StateAction::Unlock(arguments) => unlock::run(arguments, printer),
    }
}

fn list(arguments: &StateEntries, printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let opened = project::open(printer)?;
    let loaded = sides::load(&opened, printer)?;
    let document = page::recorded(&loaded.state, |address| selection.selects(address));
    check(&selection, &loaded.state)?;
    match arguments.format {
        DocumentFormat::Text => printer.page(&page::list(&document)),
        DocumentFormat::Json => printer.json(&document),
    }
    if document.entries.is_empty() {
        printer.note("Nothing is recorded");
    }
    Ok(Exit::Done)
}

fn show(arguments: &StateEntry, printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let loaded = sides::load(&opened, printer)?;
    let wanted = arguments.address.as_str();
    // Also in the escaped form, as it was printed.
    let is_wanted = |address: &str| address == wanted || escape::line(address) == wanted;
    let document = page::recorded(&loaded.state, is_wanted);
    if document.entries.is_empty() {
        return Err(unknown(&SelectError::NoMatch(wanted.to_owned())));
    }
    match arguments.format {
        DocumentFormat::Text => printer.page(&page::show(&document)),
        DocumentFormat::Json => printer.json(&document),
    }
    Ok(Exit::Done)
}

/// Checks that every pattern matches something recorded.
fn check(selection: &Selection, state: &state::State) -> Result<(), CommandError> {
    let under_way = state.pending_operations.iter();
    let under_way = under_way.flat_map(|operation| operation.entries.iter().map(|(key, _)| key));
    let known = state
        .entries
        .keys()
        .chain(state.due.keys())
        .chain(under_way);
    selection
        .check(known.map(EntryKey::address))
        .map_err(|error| unknown(&error))
}

fn unknown(error: &SelectError) -> CommandError {
    CommandError::from_error(error)
        .hint("`purgit state list` lists the addresses of all entries that are recorded")
}

/// Asks before something that cannot be undone; `None` if it was approved.
fn declined(
    approved: bool,
    question: &str,
    printer: Printer,
) -> Option<Result<Exit, CommandError>> {
    if approved {
        return None;
    }
    if !confirm::can_ask() {
        let error = CommandError::new("cannot ask without a terminal; nothing was changed");
        return Some(Err(error.hint("add `--auto-approve`")));
    }
    if confirm::ask(question) {
        return None;
    }
    printer.problem("not approved; nothing was changed");
    Some(Ok(Exit::Error))
}
