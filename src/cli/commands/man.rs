//! `purgit man`

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::args::Cli;
use crate::cli::environment::VARIABLES;
use crate::cli::{CommandError, Printer};
use crate::exit::Exit;

pub(super) fn run(printer: Printer) -> Result<Exit, CommandError> {
    printer.generated(&page().map_err(|error| CommandError::from_error(&error))?);
    Ok(Exit::Done)
}

/// The page of purgit itself, followed by the options of every command.
fn page() -> std::io::Result<String> {
    // Commit and target depend on the binary; the page is the same for all.
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
    sections("purgit", &command, &mut text)?;
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

/// A section per command, without the global options.
fn sections(path: &str, command: &Command, text: &mut String) -> std::io::Result<()> {
    let subcommands = command.get_subcommands();
    for subcommand in subcommands.filter(|one| one.get_name() != "help") {
        let path = format!("{path} {}", subcommand.get_name());
        if subcommand.has_subcommands() {
            sections(&path, subcommand, text)?;
            continue;
        }
        let is_everywhere = |arg: &Arg| arg.is_global_set() || arg.get_id() == "help";
        let own = subcommand
            .clone()
            .mut_args(|arg| match is_everywhere(&arg) {
                true => arg.hide(true),
                false => arg,
            });
        let mut section = Vec::new();
        let man = clap_mangen::Man::new(own);
        man.render_synopsis_section(&mut section)?;
        man.render_description_section(&mut section)?;
        man.render_options_section(&mut section)?;
        text.push_str(&format!(".SS \"{path}\"\n"));
        let section = String::from_utf8_lossy(&section);
        for line in section.lines() {
            if ![".SH", ".ie", ".el"]
                .iter()
                .any(|mark| line.starts_with(mark))
            {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    Ok(())
}

fn roff(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
