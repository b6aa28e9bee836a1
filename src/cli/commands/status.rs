//! `purgit status`

use crate::cli::args::Status;
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;

pub(super) fn run(_arguments: &Status, _printer: &Printer) -> Result<Exit, CommandError> {
    Ok(Exit::Done)
}
