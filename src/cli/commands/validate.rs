//! `purgit validate`

use std::path::Path;

use serde::Serialize;

use crate::cli::args::{ProblemFormat, Validate};
use crate::cli::{CommandError, Printer, project};
use crate::clock::{Clock as _, SystemClock};
use crate::diagnostic::{self, Diagnostic};
use crate::exit::Exit;
use crate::manifest::{Counts, Parsed};
use crate::output::count;
use crate::workspace::caches::Caches;
use crate::workspace::disk;

/// The JSON of `validate --format json`, version 1.x.
#[derive(Debug, Serialize)]
struct Report<'a> {
    format_version: &'static str,
    valid: bool,
    counts: Counts,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn run(arguments: &Validate, printer: Printer) -> Result<Exit, CommandError> {
    let root = project::find_root()?;
    let mut parsed = project::read(&root)?;
    add_content(&mut parsed, &root);
    let valid = parsed.project.is_some();
    match arguments.format {
        ProblemFormat::Human => human(&parsed, &root, printer),
        ProblemFormat::Json => printer.json(&Report {
            format_version: "1.0",
            valid,
            counts: parsed.counts,
            diagnostics: &parsed.problems,
        }),
        ProblemFormat::Github => {
            let folder = project::in_repository(&root);
            printer.generated(&diagnostic::github(&parsed.problems, &folder, 0));
        }
        ProblemFormat::Gitlab => {
            let folder = project::in_repository(&root);
            printer.json(&diagnostic::gitlab(&parsed.problems, &folder));
            // The report goes into a file; people read the log.
            printer.problems(&root, &parsed.problems, &parsed.sources);
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Error })
}

/// Adds problems that keep the content of sites from becoming URLs.
fn add_content(parsed: &mut Parsed, root: &Path) {
    let Some(project) = &parsed.project else {
        return;
    };
    let now = SystemClock.now();
    let found = disk::problems(project, root, &mut Caches::new(root), now);
    let errors = found.iter().filter(|problem| problem.is_error()).count();
    parsed.counts.errors += errors;
    parsed.counts.warnings += found.len() - errors;
    parsed.problems.extend(found);
    if errors > 0 {
        parsed.project = None;
    }
}

fn human(parsed: &Parsed, root: &Path, printer: Printer) {
    printer.problems(root, &parsed.problems, &parsed.sources);
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
