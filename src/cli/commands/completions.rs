//! `purgit completions`

use clap::CommandFactory as _;

use crate::cli::args::{Cli, Completions};
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;

pub(super) fn run(arguments: &Completions, printer: &Printer) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "purgit", &mut script);
    printer.data(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
