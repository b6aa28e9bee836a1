//! Problems as a code-quality report of GitLab, which a merge request shows at the changed lines.
//! <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Diagnostic, Severity, TITLE, below, sentences};

/// The place of problems without one, because GitLab requires it.
const SOMEWHERE: (&str, usize) = ("purgit.yaml", 1);

/// One entry of the report.
#[derive(Debug, Serialize)]
pub struct Finding {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
}

/// The report, one entry per problem. `folder` is the project's root relative to the repository's.
pub fn gitlab(diagnostics: &[Diagnostic], folder: &str) -> Vec<Finding> {
    let mut seen = BTreeMap::new();
    let row = |diagnostic: &Diagnostic| {
        let place = diagnostic.place.as_ref();
        let (file, line) = place.map_or(SOMEWHERE, |place| (&place.file, place.line));
        let path = below(folder, file);
        let description = sentences(diagnostic).join("; ");
        // Without the line: a problem that only moves is not new. Equal problems in a file are numbered.
        let nth: &mut usize = seen.entry((path.clone(), description.clone())).or_default();
        *nth += 1;
        let digest = Sha256::digest(format!("{path}\0{description}\0{nth}"));
        Finding {
            description,
            check_name: TITLE,
            fingerprint: hex::encode(digest),
            severity: match diagnostic.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
            },
            location: Location {
                path,
                lines: Lines { begin: line },
            },
        }
    };
    diagnostics.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;

    #[test]
    fn problems_are_told_apart_and_recognised() {
        let text = |text: &str| SourceText::new("a.yaml", text.to_owned());
        let report = |source: &SourceText, span: std::ops::Range<usize>| {
            let problem = Diagnostic::error("wrong").at(source.place(span));
            gitlab(
                &[problem.clone().hint("right"), problem.clone(), problem],
                "sub/",
            )
        };
        let (before, after) = (report(&text("x"), 0..1), report(&text("\n\nx"), 2..3));
        let ids = |report: &[Finding]| -> Vec<_> {
            report.iter().map(|row| row.fingerprint.clone()).collect()
        };
        assert_eq!(ids(&before), ids(&after), "when lines come in between");
        let different: std::collections::BTreeSet<_> = ids(&before).into_iter().collect();
        assert_eq!(different.len(), 3);
        let row = serde_json::to_value(&after[0]).unwrap_or_default();
        assert_eq!(row["location"]["path"], "sub/a.yaml");
        assert_eq!(row["location"]["lines"]["begin"], 3);
        assert_eq!(row["description"], "wrong; hint: right");
        let nowhere = gitlab(&[Diagnostic::warning("w")], "");
        assert_eq!(nowhere[0].location.path, "purgit.yaml");
    }
}
