//! Problems as workflow commands of GitHub Actions, which become annotations on the changed lines.

use std::fmt::Write as _;

use super::{Diagnostic, Severity, TITLE, below, sentences};
use crate::escape;

/// Most annotations per level and step that GitHub shows; it silently drops the others.
const MAX_ANNOTATIONS: usize = 10;

/// Most problems that the last annotation of a level lists; it holds 64 KiB.
const MAX_LISTED: usize = 100;

/// Renders one `::error …::…` or `::warning …::…` line per problem. GitHub shows only some, so the last of
/// a level lists the rest. Leaves room for `kept` annotations per level that the step writes later.
/// `folder` is the project's root relative to the repository's.
pub fn github(diagnostics: &[Diagnostic], folder: &str, kept: usize) -> String {
    let room = MAX_ANNOTATIONS.saturating_sub(kept);
    let mut out = String::new();
    let mut rest = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        let mut of_level: Vec<_> = diagnostics.iter().collect();
        of_level.retain(|diagnostic| diagnostic.severity == severity);
        let shown = match of_level.len() <= room {
            true => of_level.len(),
            false => room.saturating_sub(1),
        };
        for diagnostic in &of_level[..shown] {
            annotation(&mut out, diagnostic, folder);
        }
        if shown < of_level.len() {
            rest.push((severity, of_level[shown..].to_vec()));
        }
    }
    for (severity, problems) in rest {
        let word = severity.as_str();
        let _ = write!(
            out,
            "::{word} title={TITLE}::{} more {word}s",
            problems.len()
        );
        for problem in problems.iter().take(MAX_LISTED) {
            let place = problem.place.as_ref();
            let place = place.map(|place| format!("{}: ", below(folder, &place.to_string())));
            let place = place.unwrap_or_default();
            let _ = write!(out, "%0A{}", data(&(place + &problem.message)));
        }
        if problems.len() > MAX_LISTED {
            let _ = write!(out, "%0A… and {} more", problems.len() - MAX_LISTED);
        }
        out.push('\n');
    }
    out
}

/// A notice of several sentences, as one `::notice …::…` line.
pub fn notice(sentences: &[&str]) -> String {
    let lines: Vec<_> = sentences.iter().map(|line| data(line)).collect();
    format!("::notice title={TITLE}::{}\n", lines.join("%0A"))
}

fn annotation(out: &mut String, diagnostic: &Diagnostic, folder: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "::{} ", diagnostic.severity.as_str());
    if let Some(place) = &diagnostic.place {
        let file = property(&below(folder, &place.file));
        let (line, column) = (place.line, place.column);
        let _ = write!(out, "file={file},line={line},col={column}");
        // GitHub accepts an end column within one line only.
        if place.end_line == line && place.end_column > column {
            let _ = write!(out, ",endLine={line},endColumn={}", place.end_column);
        }
        out.push(',');
    }
    // One sentence per line; GitHub shows the line breaks.
    let lines = sentences(diagnostic);
    let lines: Vec<_> = lines.iter().map(|line| data(line)).collect();
    let _ = writeln!(out, "title={TITLE}::{}", lines.join("%0A"));
}

/// Escapes like the runner's toolkit; line ends are already escaped.
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
    fn no_more_than_are_shown_and_the_rest_in_the_last() {
        let source = SourceText::new("a.yaml", "x".to_owned());
        let many = |number: usize| -> Vec<_> {
            let problem = |index| Diagnostic::error(format!("e{index}")).at(source.place(0..1));
            (0..number).map(problem).collect()
        };
        assert_eq!(github(&many(10), "", 0).lines().count(), 10);
        assert_eq!(github(&many(9), "", 1).lines().count(), 9);
        assert_eq!(github(&many(10), "", 1).lines().count(), 9);
        let mut problems = many(112);
        problems.push(Diagnostic::warning("w"));
        let text = github(&problems, "sub", 0);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 11, "{text}");
        assert_eq!(lines[9], "::warning title=purgit::w");
        let last = lines[10];
        assert!(
            last.starts_with("::error title=purgit::103 more errors%0Asub/a.yaml:1:1: e9%0A"),
            "{last}"
        );
        assert!(last.ends_with("e108%0A… and 3 more"), "{last}");
    }

    #[test]
    fn foreign_text_ends_no_command_and_begins_none() {
        let source = SourceText::new("a,b:%\n::error::x.yaml", "x".to_owned());
        let problem = Diagnostic::error("one\r\n::error::two 100%")
            .at(source.place(0..1))
            .hint("\u{202e}three");
        assert_eq!(
            github(&[problem], "sub", 0),
            "::error file=sub/a%2Cb%3A%25\\u{a}%3A%3Aerror%3A%3Ax.yaml,line=1,col=1,endLine=1,endColumn=2,\
             title=purgit::one\\u{d}\\u{a}::error::two 100%25%0Ahint: \\u{202e}three\n"
        );
    }
}
