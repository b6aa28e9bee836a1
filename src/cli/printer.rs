//! The one type that prints: data to stdout, everything else to stderr.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::CommandError;
use super::args::{Color, Global};
use super::{environment, telemetry};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const EMPHASIS: Style = Style::new().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Why data did not reach stdout, the first time. Of the process, as stdout is.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints. A closed pipe is the reader's choice and ignored; other failures to print data are kept
/// for [`Printer::lost`], and those to print the rest have nowhere to be told.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    choice: ColorChoice,
    quiet: bool,
    /// Whether log lines come in between, which would tear a progress bar.
    logs: bool,
}

impl Printer {
    /// As the options say.
    pub fn new(global: &Global) -> Self {
        let choice = match global.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        Self {
            choice,
            quiet: global.quiet,
            logs: telemetry::is_on(global),
        }
    }

    /// Data: what the command was asked for. Printed even with `-q`.
    pub fn data(self, text: &str) {
        let mut stdout = AutoStream::new(std::io::stdout().lock(), self.choice);
        let written = stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush());
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                // Only the first counts.
                let _ = LOST.set(error);
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Why some data did not reach stdout, e.g. a full disk.
    pub fn lost(self) -> Option<&'static io::Error> {
        LOST.get()
    }

    /// A text that stands out, where colours are.
    pub fn emphasis(self, text: &str) -> String {
        format!("{EMPHASIS}{text}{EMPHASIS:#}")
    }

    /// Data as JSON.
    pub fn json(self, document: &impl serde::Serialize) {
        self.data(&Self::json_text(document));
    }

    /// Data as JSON, one document a line.
    pub fn json_line(self, document: &impl serde::Serialize) {
        // Only maps with odd keys fail to serialise; documents have none.
        let line = serde_json::to_string(document).unwrap_or_default();
        self.data(&(line + "\n"));
    }

    /// A document as indented JSON with a last line end.
    pub fn json_text(document: &impl serde::Serialize) -> String {
        // Only maps with odd keys fail to serialise; documents have none.
        serde_json::to_string_pretty(document).unwrap_or_default()
            + "
"
    }

    /// Problems of manifests, rendered already. Printed even with `-q`.
    pub fn problems(self, text: &str) {
        self.stderr(text);
    }

    /// What a person may want to know besides.
    pub fn note(self, text: &str) {
        if !self.quiet {
            self.stderr(text);
        }
    }

    /// Something that is probably not meant. Printed even with `-q`.
    pub fn warning(self, text: &str) {
        self.stderr(&format!("{WARNING}warning{WARNING:#}: {text}"));
    }

    /// What to do next when all went well; with `-q` nobody wants to know.
    pub fn advice(self, text: &str) {
        if !self.quiet {
            self.hint(text);
        }
    }

    /// A remedy.
    pub fn hint(self, text: &str) {
        self.stderr(&format!("{HINT}hint{HINT:#}: {text}"));
    }

    /// Why a run did not do what was asked, after its report.
    pub fn problem(self, text: &str) {
        self.stderr(&format!("{ERROR}error{ERROR:#}: {text}"));
    }

    /// Why the command failed, with hints.
    pub fn error(self, error: &CommandError) {
        if !error.message.is_empty() {
            self.problem(&error.message);
        }
        for detail in &error.details {
            self.stderr(&format!("  {detail}"));
        }
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Whether progress may be drawn: a terminal, neither quiet nor full of log lines.
    pub fn draws(self) -> bool {
        !self.quiet && !self.logs && std::io::stderr().is_terminal() && !environment::is_ci()
    }

    /// Whether stderr takes colour.
    pub fn colours_stderr(self) -> bool {
        let choice = AutoStream::new(std::io::stderr(), self.choice).current_choice();
        match choice {
            ColorChoice::Always | ColorChoice::AlwaysAnsi | ColorChoice::Auto => true,
            ColorChoice::Never => false,
        }
    }

    fn stderr(self, line: &str) {
        let mut stderr = AutoStream::new(std::io::stderr().lock(), self.choice);
        let _ = writeln!(stderr, "{}", line.trim_end_matches('\n'));
    }
}
