//! Problems as workflow commands of GitHub Actions, which become annotations of the changed lines.

use std::fmt::Write as _;

use super::{Diagnostic, Severity};
use crate::escape;

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
        let _ = writeln!(out, "title={TITLE}::{}", text(diagnostic));
    }
    out
}

/// The sentences of a problem, each on a line of its own, which GitHub shows as lines.
fn text(diagnostic: &Diagnostic) -> String {
    let label = diagnostic.label.clone();
    let related = diagnostic.related.as_ref();
    let related = related.map(|related| format!("{}: {}", related.message, related.place));
    let hint = diagnostic.hint.as_ref().map(|hint| format!("hint: {hint}"));
    let message = Some(diagnostic.message.clone());
    let lines = [message, label, related, hint].into_iter().flatten();
    let lines: Vec<_> = lines.map(|line| data(&line)).collect();
    lines.join("%0A")
}

/// Escapes as the runner's toolkit does; line ends are escaped already.
fn data(text: &str) -> String {
    escape::line(text).replace('%', "%25")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;

    #[test]
    fn foreign_text_ends_no_command_and_begins_none() {
        let source = SourceText::new("a,b:%\n::error::x.yaml", "x".to_owned());
        let problem = Diagnostic::error("one\r\n::error::two 100%")
            .at(source.place(0..1))
            .hint("\u{202e}three");
        assert_eq!(
            github(&[problem], "sub"),
            "::error file=sub/a%2Cb%3A%25\\u{a}%3A%3Aerror%3A%3Ax.yaml,line=1,col=1,endLine=1,endColumn=2,\
             title=purgit::one\\u{d}\\u{a}::error::two 100%25%0Ahint: \\u{202e}three\n"
        );
    }
}
