//! The command line: a thin shell around the library. It reads arguments, files and the
//! environment, calls the library and prints.

mod approved;
pub mod args;
mod channels;
pub mod ci;
mod commands;
mod confirm;
pub mod environment;
mod error;
mod origin;
pub mod plan_file;
mod printer;
mod progress;
mod project;
mod sides;
mod signals;
mod telemetry;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::exit::Exit;
use channels::Channels;
pub use error::CommandError;
pub use printer::Printer;

pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::from(run(arguments).code())
}

fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let arguments: Vec<_> = arguments.into_iter().collect();
    let parsed = args::Cli::command()
        .try_get_matches_from(&arguments)
        .and_then(|matches| args::Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    let printer = Printer::new(&cli.global);
    telemetry::start(&cli.global);
    let channels = Channels::of(&cli.command);
    let result = commands::run(cli, &channels, printer);
    let exit = match &result {
        Ok(exit) => delivered(*exit, printer),
        Err(error) => {
            printer.error(error);
            error.exit
        }
    };
    channels.report(exit, result.as_ref().err(), printer);
    exit
}

/// A command whose output was lost has failed, even if it did its work.
fn delivered(exit: Exit, printer: Printer) -> Exit {
    let Some(error) = printer.lost() else {
        return exit;
    };
    printer.problem(&format!("cannot write to stdout: {error}"));
    match exit {
        Exit::Done | Exit::Changes => Exit::Error,
        Exit::Error
        | Exit::Failed
        | Exit::Refused
        | Exit::Stale
        | Exit::Locked
        | Exit::Credentials
        | Exit::Running
        | Exit::Usage
        | Exit::Interrupted
        | Exit::Terminated => exit,
    }
}

/// Requested help and versions go to stdout; everything else is wrong usage. clap's own exit code 2
/// would mean "has changes".
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let shown = error.print();
    if error.use_stderr() {
        // Nothing useful can be done about a closed terminal.
        Channels::misused(arguments).report(Exit::Usage, None, Printer::default());
        return Exit::Usage;
    }
    Printer::flushed(shown);
    delivered(Exit::Done, Printer::default())
}
