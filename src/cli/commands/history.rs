//! `purgit history`

use crate::cli::args::{DocumentFormat, History};
use crate::cli::{CommandError, Printer, project, sides};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::output::{count, history};
use crate::plan::select::Selection;

pub(super) fn run(
    arguments: &History,
    verbose: bool,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let since = arguments.since.map(|since| {
        let error = || CommandError::new("`--since` is too long ago").exit(Exit::Usage);
        since.before(SystemClock.now()).ok_or_else(error)
    });
    let since = since.transpose()?;
    let opened = project::open(printer)?;
    let loaded = sides::load(&opened, printer)?;
    let (document, doubtful) = history::history(&loaded.state, since, &selection);
    match arguments.format {
        DocumentFormat::Text => {
            let with_entries = verbose || !selection.is_all();
            printer.page(&history::text(&document, with_entries));
        }
        DocumentFormat::Json => printer.json(&document),
    }
    if doubtful > 0 {
        let runs = count(doubtful, "other run");
        printer.note(&format!(
            "{runs} may also have included it: not all of their addresses were recorded"
        ));
    } else if document.runs.is_empty() {
        let is_all = selection.is_all() && arguments.since.is_none();
        printer.note(match is_all {
            true => "No run is recorded yet",
            false => "No such run is recorded",
        });
    }
    Ok(Exit::Done)
}
