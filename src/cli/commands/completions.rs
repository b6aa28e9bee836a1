//! `purgit completions`

use clap::CommandFactory as _;

use crate::cli::Printer;
use crate::cli::args::{Cli, Completions};
use crate::exit::Exit;

pub(super) fn run(arguments: &Completions, printer: Printer) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "purgit", &mut script);
    printer.generated(&String::from_utf8_lossy(&script));
    Exit::Done
}
