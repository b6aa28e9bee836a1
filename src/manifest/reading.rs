//! Turns texts into drafts, one by one, and all drafts into a project.

use super::document::{self, Drafts};
use super::resolve::resolve;
use super::resource::Project;
use crate::diagnostic::{Diagnostic, Place, SourceText, Sources};
use crate::entry::Target;
use crate::field::Block as _;
use crate::yaml::mask::mask_credentials;
use crate::yaml::problem::{Problem, Problems, Span, Tally};
use crate::yaml::{self, Bounds};

#[derive(Debug, Clone)]
pub struct ManifestFile {
    /// Relative to the root, with `/`.
    pub path: String,
    pub bytes: Vec<u8>,
}

impl ManifestFile {
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.into(),
        }
    }
}

#[derive(Debug)]
pub struct Parsed {
    /// `None` if and only if there is an error among the problems.
    pub project: Option<Project>,
    /// By file and place.
    pub problems: Vec<Diagnostic>,
    pub sources: Sources,
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub files: usize,
    pub endpoints: usize,
    pub purges: usize,
    pub sites: usize,
    /// Targets of purges, as declared.
    pub targets: usize,
    /// Errors, including those that are not listed.
    pub errors: usize,
    /// Warnings, including those that are not listed.
    pub warnings: usize,
}

/// Reads the manifests of one project. The order of the files does not matter.
pub fn parse(files: Vec<ManifestFile>) -> Parsed {
    let mut reading = Reading::default();
    for file in files {
        reading.add(file);
    }
    reading.finish()
}

/// Reads manifests one by one, for callers that learn from the first file which others to read.
#[derive(Debug, Default)]
pub struct Reading {
    files: Vec<(SourceText, Problems)>,
    drafts: Drafts,
    problems: Vec<Diagnostic>,
    bounds: Bounds,
}

impl Reading {
    pub fn with_bounds(bounds: Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    pub fn add(&mut self, file: ManifestFile) {
        let problems = Problems::default();
        let (text, valid) = decode(file.bytes, &problems);
        if valid {
            let stream = yaml::read(&text, &self.bounds, &problems);
            self.drafts.unreadable += stream.unreadable;
            for node in &stream.documents {
                mask_credentials(node, &problems);
                document::read(node, self.files.len(), &problems, &mut self.drafts);
            }
        } else {
            self.drafts.unreadable += 1;
        }
        self.files
            .push((SourceText::new(file.path, text), problems));
    }

    /// Reports a problem that is not in a text, such as an unreadable file.
    pub fn report(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// Reports a manifest that could not be read. References to unknown manifests are then not reported.
    pub fn report_unreadable(&mut self, problem: Diagnostic) {
        self.drafts.unreadable += 1;
        self.problems.push(problem);
    }

    /// The `Project` read so far; the defaults if there is none yet.
    pub fn project(&self) -> Project {
        let draft = self.drafts.projects.first();
        let project = draft.and_then(|draft| Project::whole(draft.spec.clone()));
        project.unwrap_or_default()
    }

    pub(super) fn declares_entries(&self) -> bool {
        !self.drafts.purges.is_empty() || !self.drafts.sites.is_empty()
    }

    pub fn finish(mut self) -> Parsed {
        let mut counts = Counts {
            files: self.files.len(),
            endpoints: self.drafts.endpoints.len(),
            purges: self.drafts.purges.len(),
            sites: self.drafts.sites.len(),
            ..Counts::default()
        };
        let targets = self
            .drafts
            .purges
            .iter()
            .flat_map(|draft| &draft.spec.targets);
        counts.targets = targets.map(|found| found.value.len()).sum();
        let project = resolve(self.drafts, &self.files, &mut self.problems);
        let mut tally = Tally::default();
        let mut sources = Sources::default();
        for (mut source, problems) in self.files {
            tally.settle(&mut source, problems);
            sources.insert(source);
        }
        tally.add(self.problems);
        counts.errors = tally.errors;
        counts.warnings = tally.warnings;
        Parsed {
            project: project.filter(|_| counts.errors == 0),
            problems: tally.in_order().problems,
            sources,
            counts,
        }
    }
}

pub fn target_place(file: ManifestFile, purge: &str, target: &Target) -> Option<Place> {
    let mut reading = Reading::default();
    reading.add(file);
    let mut drafts = reading.drafts.purges.iter();
    let draft = drafts.find(|draft| &*draft.name == purge)?;
    let declared = draft.spec.targets.as_ref()?;
    let index = declared.value.iter().position(|one| one == target)?;
    let (source, _) = reading.files.first()?;
    Some(source.place(declared.items.get(index)?.range()))
}

/// The text without a byte order mark, and whether it is complete.
fn decode(mut bytes: Vec<u8>, problems: &Problems) -> (String, bool) {
    const BOM: &[u8] = b"\xef\xbb\xbf";
    let utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    let error = match String::from_utf8(bytes) {
        Ok(text) => return (text, true),
        Err(error) => error,
    };
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let width = text[at..].chars().next().map_or(0, char::len_utf8);
    let span = Span::new(at, at + width);
    let problem = if utf16 {
        Problem::error(span, "the file is in UTF-16, expected UTF-8")
    } else {
        Problem::error(span, format!("the file is not valid UTF-8 at byte {at}"))
    };
    problems.push(problem.hint("save the file in UTF-8"));
    problems.mask(Span::new(0, text.len()));
    (text, false)
}
