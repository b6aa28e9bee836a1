//! Stage 1: YAML text becomes validated resources, or every problem at once.
//!
//! [`parse`] is pure: texts come in as values, from a folder ([`load()`]) or from elsewhere. On the
//! way a text becomes a tree ([`yaml`]), a tree becomes drafts (`kinds`), and all drafts together
//! become a [`resource::Project`] (`resolve`).

pub mod digest;
pub mod glob;
mod kinds;
pub mod load;
mod own_files;
mod resolve;
pub mod resource;
pub mod schema;

use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, SourceText, Sources};
use crate::yaml;
use crate::yaml::problem::{Problem, Problems, Span, Tally};
pub use digest::digest;
pub use kinds::MAX_NAME_BYTES;
use kinds::project::ProjectDraft;
pub use kinds::project::{DEFAULT_MANIFESTS, DEFAULT_STATE_FILE, DEFAULT_STATUS_FILE, MAX_GLOBS};
pub use load::{LoadError, load, placed};
use resource::Project;

/// The manifest that marks a project's root and holds its `Project`.
pub const ROOT_FILE: &str = "purgit.yaml";

/// The bytes of one manifest file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// What the file holds, not checked in any way.
    pub bytes: Vec<u8>,
}

impl Source {
    /// A file of that path and content.
    pub fn new(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            bytes: bytes.into(),
        }
    }
}

/// What came of a project's manifests.
#[derive(Debug)]
pub struct Parsed {
    /// The project; `None` if and only if there is an error among the problems.
    pub project: Option<Project>,
    /// Everything that is wrong, by file and place.
    pub problems: Vec<Diagnostic>,
    /// The texts, for snippets.
    pub sources: Sources,
    /// How much there was to read.
    pub counts: Counts,
}

/// How much there was to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Files read.
    pub files: usize,
    /// `Endpoint` manifests.
    pub endpoints: usize,
    /// `Purge` manifests.
    pub purges: usize,
    /// URLs in them, as declared.
    pub urls: usize,
    /// Errors, also those that are not listed.
    pub errors: usize,
    /// Warnings, also those that are not listed.
    pub warnings: usize,
}

/// Reads the manifests of one project. The order of the sources does not matter.
pub fn parse(sources: Vec<Source>) -> Parsed {
    let mut reading = Reading::default();
    for source in sources {
        reading.add(source);
    }
    reading.finish()
}

/// Where a project says that its other files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Globs that find manifests.
    pub manifests: Vec<String>,
    /// The state file, which is no manifest.
    pub state_file: PathBuf,
    /// The status file, which is no manifest.
    pub status_file: PathBuf,
}

/// Manifests being read one by one: for callers that learn from [`ROOT_FILE`] what else to read.
#[derive(Debug, Default)]
pub struct Reading {
    sources: Vec<SourceText>,
    drafts: kinds::Drafts,
    tally: Tally,
    bounds: yaml::Bounds,
}

impl Reading {
    /// Reads with other bounds than the usual ones.
    pub fn with_bounds(bounds: yaml::Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Reads one file.
    pub fn add(&mut self, source: Source) {
        let problems = Problems::default();
        let (text, valid) = decode(source.bytes, &problems);
        let mut text = SourceText::new(source.path, text);
        if valid {
            let number = self.sources.len();
            let stream = yaml::read(text.text(), &self.bounds, &problems);
            self.drafts.unreadable += stream.unreadable;
            for node in &stream.documents {
                yaml::mask::mask_credentials(node, &problems);
                kinds::read(node, number, &problems, &mut self.drafts);
            }
        } else {
            self.drafts.unreadable += 1;
        }
        problems.settle(&mut text, &mut self.tally);
        self.sources.push(text);
    }

    /// Reports a problem that is not in a text, such as a file that cannot be read.
    pub fn report(&mut self, problem: Diagnostic) {
        self.tally.push(problem);
    }

    /// Says that a manifest exists that could not be read, so that what refers to it is not
    /// reported too.
    pub fn report_unreadable(&mut self, problem: Diagnostic) {
        self.drafts.unreadable += 1;
        self.tally.push(problem);
    }

    /// What the `Project` read so far says; the defaults while there is none.
    pub fn layout(&self) -> Layout {
        let draft = self.drafts.projects.first();
        let spec = draft.map_or_else(ProjectDraft::default, |draft| draft.spec.clone());
        Layout {
            manifests: spec.manifests,
            state_file: spec.state_file,
            status_file: spec.status_file,
        }
    }

    /// Whether a manifest was read that wants something purged.
    fn declares_entries(&self) -> bool {
        !self.drafts.purges.is_empty() || !self.drafts.sites.is_empty()
    }

    /// Checks the manifests against each other.
    pub fn finish(self) -> Parsed {
        let mut tally = self.tally;
        let mut counts = Counts {
            files: self.sources.len(),
            endpoints: self.drafts.endpoints.len(),
            purges: self.drafts.purges.len(),
            ..Counts::default()
        };
        let drafts = self.drafts.purges.iter().map(|draft| &draft.spec);
        counts.urls = drafts.map(|spec| spec.targets.targets.len()).sum();
        let project = resolve::resolve(self.drafts, &self.sources, &mut tally);
        counts.errors = tally.errors();
        counts.warnings = tally.warnings();
        let mut sources = Sources::default();
        for source in self.sources {
            sources.insert(source);
        }
        Parsed {
            project: project.filter(|_| counts.errors == 0),
            problems: tally.finish(),
            sources,
            counts,
        }
    }
}

/// The text, without a byte order mark, and whether it is all there was.
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
