//! Problems as workflow commands of GitHub Actions, which become annotations of the changed lines.

use std::fmt::Write as _;

use super::{Diagnostic, Severity};

/// Heading of the annotations.
const TITLE: &str = "purgit";

/// Renders one `::error …::…` or `::warning …::…` line each. `folder` is the project's root
/// relative to the root of the repository, which is what GitHub resolves paths against; empty when
/// they are the same.
pub fn github(diagnostics: &[Diagnostic], folder: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let mut out = String::new();
    for diagnostic in diagnostics {
        let command = match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        // Writing to a String cannot fail.
        let _ = write!(out, "::{command} ");
        if let Some(place) = &diagnostic.place {
            let slash = if folder.is_empty() { "" } else { "/" };
            let file = property(&format!("{folder}{slash}{}", place.file));
            let (line, column) = (place.line, place.column);
            let _ = write!(out, "file={file},line={line},col={column}");
            // GitHub takes an end column within one line only.
            if place.end_line == line && place.end_column > column {
                let _ = write!(out, ",endLine={line},endColumn={}", place.end_column);
            }
            out.push(',');
        }
        let _ = writeln!(out, "title={TITLE}::{}", data(&text(diagnostic)));
    }
    out
}

fn text(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    if let Some(label) = &diagnostic.label {
        let _ = write!(text, "\n{label}");
    }
    if let Some(related) = &diagnostic.related {
        let _ = write!(text, "\n{}: {}", related.message, related.place);
    }
    if let Some(hint) = &diagnostic.hint {
        let _ = write!(text, "\nhint: {hint}");
    }
    text
}

/// Escapes as the runner's toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
