//! `[io]` Finds the manifest files of a project in a folder.
//!
//! Walks folders in order, only where a glob can match, and follows links that stay inside the root.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::glob::Glob;
use super::reading::{ManifestFile, Parsed, Reading};
use super::resource::{DEFAULT_MANIFESTS, Project, ROOT_FILE};
use crate::cache::CACHE_FOLDER;
use crate::confine;
use crate::content::OwnFiles;
use crate::content::names::escaped;
use crate::diagnostic::{Diagnostic, shown};
use crate::error::chain;
use crate::yaml::MAX_FILE_BYTES;

/// Most manifest files of one project. A glob that finds more is probably wrong.
pub const MAX_FILES: usize = 10_000;

/// Deepest folder that is searched, counted from the root. Without links, no real tree is deeper.
const MAX_FOLDER_DEPTH: usize = 64;

#[derive(Debug, Error)]
pub enum LoadError {
    #[error("there is no `{ROOT_FILE}` in `{}`", root.display())]
    NoProject {
        root: PathBuf,
        /// A file that was probably meant.
        similar: Option<&'static str>,
    },
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl LoadError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoProject {
                similar: Some(name),
                ..
            } => Some(format!("rename `{name}` to `{ROOT_FILE}`")),
            Self::NoProject { similar: None, .. } => Some(
                "run `purgit init` to start a project here, or name its folder with `-C`".into(),
            ),
            Self::Unreadable { .. } => None,
        }
    }
}

/// Reads the project in the folder `root`.
///
/// # Errors
/// There is no project. All other problems are in the result.
pub fn load(root: &Path) -> Result<Parsed, LoadError> {
    let unreadable = |path: &Path, source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let canonical_root = fs::canonicalize(root).map_err(|error| unreadable(root, error))?;
    let path = root.join(ROOT_FILE);
    let canonical = fs::canonicalize(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LoadError::NoProject {
            root: root.to_owned(),
            similar: ["purgit.yml", "Purgit.yaml", "purgit.json"]
                .into_iter()
                .find(|name| root.join(name).exists()),
        },
        _ => unreadable(&path, error),
    })?;
    let bytes = read_file(&path).map_err(|error| unreadable(&path, error))?;

    let mut reading = Reading::default();
    reading.add(ManifestFile::new(ROOT_FILE, bytes));
    let project = reading.project();
    let mut walk = Walk::new(canonical_root, &project, &mut reading);
    walk.read.insert(canonical);
    walk.folder(Path::new(""), &mut Vec::new());
    walk.report_idle_globs();
    let mut parsed = reading.finish();
    if let Some(project) = parsed.project.take() {
        match placed(project, root) {
            Ok(project) => parsed.project = Some(project),
            Err(misplaced) => {
                parsed.counts.errors += misplaced.len();
                parsed.problems.extend(misplaced);
            }
        }
    }
    Ok(parsed)
}

/// The project with real paths, so that purgit's own files are recognised behind links. Refuses links that
/// lead out of the project or into git's folder.
pub fn placed(project: Project, root: &Path) -> Result<Project, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut real = |what: &str, path: &Path| match confine::inside(root, path) {
        Ok(real) => Some(real),
        Err(error) => {
            let message = format!("{what}: `{}` {}", display(path), chain(&error));
            let hint = "replace the symbolic link, or name another path below the root";
            problems.push(Diagnostic::error(escaped(message.as_bytes())).hint(hint));
            None
        }
    };
    let files = [
        ("`spec.state.file` of the project", project.state.file()),
        ("`spec.status.file` of the project", project.status.file()),
    ];
    let files = files.map(|(what, file)| file.and_then(|file| real(what, file)));
    real("purgit's own folder", Path::new(CACHE_FOLDER));
    for site in &project.sites {
        let what = format!("`content.root` of site `{}`", site.name);
        real(&what, &site.content.root);
    }
    if problems.is_empty() {
        let files: Vec<_> = files.into_iter().flatten().collect();
        Ok(project.without_own_files(&files))
    } else {
        Err(problems)
    }
}

/// Reads at most one byte over the limit, which is enough to refuse the file.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let length = metadata.len();
    if length > limit {
        let message = format!("it has {length} bytes, limit {limit}");
        return Err(io::Error::other(message));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    fs::File::open(path)?
        .take(limit + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Walk<'r> {
    root: PathBuf,
    /// And whether each has found a file.
    globs: Vec<(Glob, bool)>,
    own: OwnFiles,
    read: BTreeSet<PathBuf>,
    reading: &'r mut Reading,
    full: bool,
}

impl<'r> Walk<'r> {
    fn new(root: PathBuf, project: &Project, reading: &'r mut Reading) -> Self {
        let globs = project.manifests.iter();
        Self {
            root,
            globs: globs
                .filter_map(|text| Some((Glob::new(text)?, false)))
                .collect(),
            own: project.own_files(),
            read: BTreeSet::new(),
            reading,
            full: false,
        }
    }

    /// Reads what matches in a folder and below. `above` holds the real paths of the parents.
    fn folder(&mut self, folder: &Path, above: &mut Vec<PathBuf>) {
        let path = self.root.join(folder);
        let canonical = match fs::canonicalize(&path) {
            Ok(canonical) => canonical,
            Err(error) => return self.unreadable(folder, &error),
        };
        if above.contains(&canonical) {
            let name = shown(&display(folder));
            let problem =
                Diagnostic::error(format!("the link `{name}` leads to a folder above it"));
            let hint = "remove the link, or choose narrower globs in `spec.manifests`";
            return self.reading.report(problem.hint(hint));
        }
        if above.len() >= MAX_FOLDER_DEPTH {
            let name = shown(&display(folder));
            let message = format!("the folder `{name}` is too deep, limit {MAX_FOLDER_DEPTH}");
            return self.reading.report(Diagnostic::error(message));
        }
        let entries = fs::read_dir(&path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut names: Vec<_> = match entries {
            Ok(entries) => entries.iter().map(fs::DirEntry::file_name).collect(),
            Err(error) => return self.unreadable(folder, &error),
        };
        names.sort_unstable();
        above.push(canonical);
        for name in names {
            if self.full {
                break;
            }
            self.entry(&folder.join(name), above);
        }
        above.pop();
    }

    fn entry(&mut self, relative: &Path, above: &mut Vec<PathBuf>) {
        let wanted_below = self
            .globs
            .iter()
            .any(|(glob, _)| glob.may_match_below(relative));
        let matches = self.globs.iter().any(|(glob, _)| glob.matches(relative));
        if !wanted_below && !matches || relative.file_name().is_some_and(|name| name == ".git") {
            return;
        }
        let path = self.root.join(relative);
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A broken link that no glob matches does not matter.
            Err(error) if matches => return self.unreadable(relative, &error),
            Err(_) => return,
        };
        if metadata.is_dir() {
            if wanted_below && self.is_inside(relative, &path) {
                self.folder(relative, above);
            }
        } else if matches
            && self
                .own
                .is_manifest(relative.as_os_str().as_encoded_bytes())
        {
            self.file(relative, &path);
        }
    }

    /// Whether a path, if it is a link, stays below the root.
    fn is_inside(&mut self, relative: &Path, path: &Path) -> bool {
        let inside = fs::canonicalize(path).is_ok_and(|target| target.starts_with(&self.root));
        if !inside {
            let name = shown(&display(relative));
            let message = format!("the link `{name}` leads out of the project and is not followed");
            self.reading.report(Diagnostic::warning(message));
        }
        inside
    }

    fn file(&mut self, relative: &Path, path: &Path) {
        for (glob, found) in &mut self.globs {
            *found |= glob.matches(relative);
        }
        let Some(name) = relative.to_str() else {
            let name = shown(&display(relative));
            let problem = Diagnostic::error(format!("the file name `{name}` is not valid UTF-8"));
            return self
                .reading
                .report_unreadable(problem.hint("rename the file"));
        };
        if !self.is_inside(relative, path) {
            return;
        }
        let canonical = match fs::canonicalize(path) {
            Ok(canonical) => canonical,
            Err(error) => return self.unreadable(relative, &error),
        };
        // The same file under another name declares nothing new.
        if !self.read.insert(canonical) {
            return;
        }
        if self.read.len() > MAX_FILES {
            self.full = true;
            let problem = Diagnostic::error(format!("too many manifest files, limit {MAX_FILES}"));
            let hint = "choose narrower globs in `spec.manifests`, or merge files";
            return self.reading.report_unreadable(problem.hint(hint));
        }
        match read_file(path) {
            Ok(bytes) => self.reading.add(ManifestFile::new(slashes(name), bytes)),
            Err(error) => self.unreadable(relative, &error),
        }
    }

    fn unreadable(&mut self, relative: &Path, error: &io::Error) {
        let name = shown(&display(relative));
        let problem = Diagnostic::error(format!("cannot read `{name}`: {error}"));
        self.reading.report_unreadable(problem);
    }

    fn report_idle_globs(self) {
        // If everything is in the root file, a missing default folder is not worth a warning.
        let declares = self.reading.declares_entries();
        let is_usual = |glob: &Glob| declares && DEFAULT_MANIFESTS.contains(&glob.text());
        let idle = self
            .globs
            .iter()
            .filter(|(glob, found)| !found && !is_usual(glob));
        for (glob, _) in idle {
            let message = format!("the glob `{}` matches no file", shown(glob.text()));
            let problem = Diagnostic::warning(message);
            self.reading
                .report(problem.hint(format!("see `spec.manifests` in `{ROOT_FILE}`")));
        }
    }
}

fn display(path: &Path) -> String {
    match path.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => slashes(&path.to_string_lossy()),
    }
}

/// Paths are shown and stored with `/` on every platform.
fn slashes(path: &str) -> String {
    path.replace(std::path::MAIN_SEPARATOR, "/")
}
