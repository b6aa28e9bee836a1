//! `purgit validate`

use serde::Serialize;

use crate::cli::args::{ProblemFormat, Validate};
use crate::cli::{CommandError, Printer, project};
use crate::diagnostic::{self, Diagnostic};
use crate::exit::Exit;
use crate::manifest::{Counts, Parsed};
use crate::output::count;

/// The JSON of `validate --format json`, format 1.x.
#[derive(Debug, Serialize)]
struct Report<'a> {
    format_version: &'static str,
    valid: bool,
    counts: Counts,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn run(arguments: &Validate, printer: Printer) -> Result<Exit, CommandError> {
    let root = project::find_root()?;
    let parsed = project::read(&root)?;
    let valid = parsed.project.is_some();
    match arguments.format {
        ProblemFormat::Human => human(&parsed, printer),
        ProblemFormat::Json => printer.json(&Report {
            format_version: "1.0",
            valid,
            counts: parsed.counts,
            diagnostics: &parsed.problems,
        }),
        ProblemFormat::Github => {
            // GitHub looks for the file as it is written, so not with `./` in front.
            let folder = root.strip_prefix(".").unwrap_or(&root).to_string_lossy();
            printer.generated(&diagnostic::github(&parsed.problems, &folder));
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Error })
}

fn human(parsed: &Parsed, printer: Printer) {
    printer.problems(&parsed.problems, &parsed.sources);
    let counts = parsed.counts;
    if parsed.project.is_none() {
        printer.problem(&format!(
            "the manifests have {}",
            count(counts.errors, "error")
        ));
        return;
    }
    printer.line(&format!(
        "Valid: {}, {}, {} and {} in {}",
        count(counts.endpoints, "endpoint"),
        count(counts.purges, "purge"),
        count(counts.sites, "site"),
        count(counts.targets, "target"),
        count(counts.files, "file"),
    ));
}
