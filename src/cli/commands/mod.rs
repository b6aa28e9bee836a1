//! One file per command.
//!
//! # How to add a command
//! 1. Write `cli/commands/<verb>.rs` with a `run` that returns an [`Exit`].
//! 2. Add its variant to `cli/args.rs` and its arm below.

mod apply;
mod comment;
mod completions;
mod demo;
mod doctor;
mod emulator;
mod explain;
mod history;
mod init;
mod man;
mod plan;
mod purge;
mod running;
mod schema;
mod state;
mod status;
mod suspend;
mod validate;
mod verify;
mod watch;

use super::args::{Cli, Command};
use super::channels::Channels;
use super::{CommandError, Printer};
use crate::exit::Exit;

/// Runs a command.
pub(super) fn run(cli: Cli, channels: &Channels, printer: Printer) -> Result<Exit, CommandError> {
    if let Some(directory) = &cli.global.directory {
        std::env::set_current_dir(directory).map_err(|error| {
            CommandError::new(format!(
                "cannot change to `{}`: {error}",
                directory.display()
            ))
        })?;
    }
    let verbose = cli.global.verbose > 0;
    match cli.command {
        Command::Init(arguments) => init::run(&arguments, printer),
        Command::Validate(arguments) => validate::run(&arguments, printer),
        Command::Plan(arguments) => plan::run(&arguments, channels, printer),
        Command::Apply(arguments) => apply::run(arguments, channels, printer),
        Command::Comment(arguments) => comment::run(&arguments, printer),
        Command::Verify(arguments) => verify::run(&arguments, printer),
        Command::Watch(arguments) => watch::run(&arguments, printer),
        Command::Status(arguments) => status::run(&arguments, printer),
        Command::History(arguments) => history::run(&arguments, verbose, printer),
        Command::Doctor(arguments) => doctor::run(&arguments, printer),
        Command::State(arguments) => state::run(&arguments, printer),
        Command::Purge(arguments) => purge::run(arguments, printer),
        Command::Suspend(arguments) => suspend::suspend(arguments, printer),
        Command::Resume(arguments) => suspend::resume(&arguments, printer),
        Command::Emulator(arguments) => emulator::run(arguments, printer),
        Command::Demo(arguments) => demo::run(&arguments, printer),
        Command::Schema(arguments) => Ok(schema::run(&arguments, printer)),
        Command::Completions(arguments) => Ok(completions::run(&arguments, printer)),
        Command::Man => man::run(printer),
    }
}

/// A runtime for commands that use the network. Made here and not in `main`, because most commands
/// do not need it and should start at once.
fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| CommandError::from_error(&error))
}
