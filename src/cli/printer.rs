//! The one type that prints: data to stdout, everything else to stderr. It prints only text that
//! purgit generates unescaped: a message is escaped as one line, a document is a [`Page`] or JSON.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::CommandError;
use super::args::{Color, Global};
use super::ci::System;
use super::{environment, telemetry};
use crate::diagnostic::{self, Diagnostic, Sources};
use crate::escape;
use crate::output::layout::Layout;
use crate::output::page::Page;
use crate::plan::{CheckStatus, Plan};

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// The first error that kept data from stdout. Per process, like stdout itself.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints. A closed pipe is the reader's choice and ignored. Other failures to print data are kept
/// for [`Printer::lost`]; failures to print messages cannot be reported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Printer {
    choice: ColorChoice,
    quiet: bool,
    /// Whether log lines are printed, which would disturb a progress bar.
    logs: bool,
}

impl Printer {
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

    /// Width of data: the terminal's, if stdout is one.
    pub fn layout(self, all: bool) -> Layout {
        let width = terminal_size::terminal_size_of(io::stdout());
        Layout {
            width: width.map(|(width, _)| usize::from(width.0)),
            all,
        }
    }

    /// Prints a document, even with `-q`, like all data.
    pub fn page(self, page: &Page) {
        self.stdout(page.as_str());
    }

    /// A line of data.
    pub fn line(self, text: &str) {
        self.stdout(&(escape::line(text) + "\n"));
    }

    /// Text that purgit itself generates: a schema, a script, a manual page. It contains nothing
    /// untrusted, or its format has escaped that.
    pub fn generated(self, text: &str) {
        self.stdout(text);
    }

    /// Why some data did not reach stdout, e.g. a full disk.
    pub fn lost(self) -> Option<&'static io::Error> {
        LOST.get()
    }

    pub fn json(self, document: &impl serde::Serialize) {
        self.stdout(&Self::json_text(document));
    }

    pub fn json_line(self, document: &impl serde::Serialize) {
        // Only maps with non-text keys fail to serialise; documents have none.
        let line = serde_json::to_string(document).unwrap_or_default();
        self.stdout(&(escape::json(&line).into_owned() + "\n"));
    }

    /// A document as indented JSON with a final line end.
    pub fn json_text(document: &impl serde::Serialize) -> String {
        // Only maps with non-text keys fail to serialise; documents have none.
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        escape::json(&text).into_owned() + "\n"
    }

    /// Problems of the project's manifests. Printed even with `-q`.
    pub fn problems(self, root: &Path, problems: &[Diagnostic], sources: &Sources) {
        if !problems.is_empty() {
            let colour = self.colours_stderr();
            self.stderr(&diagnostic::human(problems, sources, root, colour));
        }
    }

    /// Problems as annotations, if GitHub Actions reads the output. Not data, so they may stand beside
    /// JSON. See [`diagnostic::github`].
    pub fn annotations(self, problems: &[Diagnostic], folder: &str, kept: usize) {
        if !problems.is_empty() && environment::ci().system == System::GithubActions {
            self.stderr(&diagnostic::github(problems, folder, kept));
        }
    }

    /// Something that is correct but may surprise. In GitHub Actions an annotation.
    pub fn notice(self, text: &str, hint: &str) {
        if environment::ci().system == System::GithubActions {
            self.stderr(&diagnostic::notice(&[text, hint]));
        } else {
            self.warning(text);
            self.hint(hint);
        }
    }

    pub fn note(self, text: &str) {
        if !self.quiet {
            self.stderr(&escape::line(text));
        }
    }

    /// Probably a mistake. Printed even with `-q`.
    pub fn warning(self, text: &str) {
        self.message(WARNING, "warning", text);
    }

    pub fn advice(self, text: &str) {
        if !self.quiet {
            self.hint(text);
        }
    }

    pub fn hint(self, text: &str) {
        self.message(HINT, "hint", text);
    }

    pub fn problem(self, text: &str) {
        self.message(ERROR, "error", text);
    }

    /// Says that a plan is refused, and why if stdout is not a terminal.
    pub fn refused(self, plan: &Plan, text: &str) {
        let is_shown = io::stdout().is_terminal();
        let checks = plan.checks.iter().filter(|_| !is_shown);
        let failed = checks.filter(|check| check.status == CheckStatus::Failed);
        let details = failed
            .map(|check| format!("{} {}", check.name.as_str(), check.detail))
            .collect();
        self.error(&CommandError {
            details,
            ..CommandError::new(text)
        });
    }

    pub fn error(self, error: &CommandError) {
        if !error.message.is_empty() {
            self.problem(&error.message);
        }
        for detail in &error.details {
            self.stderr(&format!("  {}", escape::line(detail)));
        }
        for hint in &error.hints {
            self.hint(hint);
        }
    }

    /// Whether to draw progress: on a terminal, without `-q` and log lines.
    pub fn draws(self) -> bool {
        !self.quiet && !self.logs && std::io::stderr().is_terminal() && !environment::is_ci()
    }

    fn colours_stderr(self) -> bool {
        let stderr = AutoStream::new(std::io::stderr(), self.choice);
        stderr.current_choice() != ColorChoice::Never
    }

    fn message(self, style: Style, word: &str, text: &str) {
        self.stderr(&format!("{style}{word}{style:#}: {}", escape::line(text)));
    }

    fn stdout(self, text: &str) {
        let mut stdout = AutoStream::new(std::io::stdout().lock(), self.choice);
        let written = match stdout.current_choice() {
            // In one piece: the stream would write each line by itself.
            ColorChoice::Never => {
                let plain = strip_str(text).to_string();
                stdout.into_inner().write_all(plain.as_bytes())
            }
            ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => {
                stdout.write_all(text.as_bytes())
            }
        };
        Self::flushed(written);
    }

    /// Flushes what others wrote to stdout, such as help.
    pub(super) fn flushed(written: io::Result<()>) {
        note_lost(written.and_then(|()| io::stdout().flush()));
    }

    fn stderr(self, line: &str) {
        let mut stderr = AutoStream::new(std::io::stderr().lock(), self.choice);
        let _ = writeln!(stderr, "{}", line.trim_end_matches('\n'));
    }
}

fn note_lost(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            // Only the first error counts.
            let _ = LOST.set(error);
        }
        Ok(()) | Err(_) => {}
    }
}
