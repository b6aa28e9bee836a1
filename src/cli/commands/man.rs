//! `purgit man`

use clap::CommandFactory as _;

use crate::cli::args::Cli;
use crate::cli::environment::VARIABLES;
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;

pub(super) fn run(printer: Printer) -> Result<Exit, CommandError> {
    printer.generated(&page().map_err(|error| CommandError::from_error(&error))?);
    Ok(Exit::Done)
}

/// The page of purgit itself, with the options of every command behind it.
fn page() -> std::io::Result<String> {
    // Commit and target are of a binary, and the page is the same for all.
    let mut command = Cli::command()
        .after_help(None::<&str>)
        .version(env!("CARGO_PKG_VERSION"));
    command.build();
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut text = String::from_utf8_lossy(&page).into_owned();
    text.push_str(".SH COMMANDS\n");
    for subcommand in command.get_subcommands() {
        let mut section = Vec::new();
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        let section = String::from_utf8_lossy(&section);
        let lines = section.lines().filter(|line| {
            !line.starts_with(".SH") && !line.starts_with(".ie") && !line.starts_with(".el")
        });
        text.push_str(&format!(".SS \"purgit {}\"\n", subcommand.get_name()));
        lines.for_each(|line| {
            text.push_str(line);
            text.push('\n');
        });
    }
    text.push_str(".SH EXIT STATUS\n");
    for exit in Exit::ALL {
        text.push_str(&format!(".TP\n{}\n{}\n", exit.code(), roff(exit.meaning())));
    }
    text.push_str(".SH ENVIRONMENT\n");
    for variable in VARIABLES {
        text.push_str(&format!(
            ".TP\n{}\n{}\n",
            variable.name,
            roff(variable.meaning)
        ));
    }
    Ok(text)
}

fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
