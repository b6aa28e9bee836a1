//! Finds and reads the project of a command.

use std::path::{Path, PathBuf};

use super::{CommandError, Printer, environment};
use crate::confine;
use crate::content::slashed;
use crate::error::chain;
use crate::manifest::resource::Project;
use crate::manifest::{self, LoadError, Parsed, ROOT_FILE};

/// A project with valid manifests.
#[derive(Debug)]
pub(super) struct Opened {
    /// The folder with `purgit.yaml`.
    pub(super) root: PathBuf,
    pub(super) project: Project,
    pub(super) digest: String,
    /// The git revision it was read at.
    pub(super) revision: String,
}

/// The project that contains the current folder; prints its problems.
///
/// # Errors
/// No project, or one with errors.
pub(super) fn open(printer: Printer) -> Result<Opened, CommandError> {
    let root = find_root()?;
    let parsed = read(&root)?;
    printer.problems(&root, &parsed.problems, &parsed.sources);
    // Leave one warning annotation for the end of the run.
    printer.annotations(&parsed.problems, &in_repository(&root), 1);
    let invalid = invalid(&parsed);
    match parsed.project {
        Some(project) => Ok(Opened {
            digest: manifest::digest(&project),
            root,
            project,
            revision: "HEAD".to_owned(),
        }),
        None => Err(invalid),
    }
}

pub(super) fn invalid(parsed: &Parsed) -> CommandError {
    let errors = crate::output::count(parsed.counts.errors, "error");
    CommandError {
        is_annotated: true,
        ..CommandError::new(format!("the manifests have {errors}"))
    }
}

/// The project's path in its repository, with `/`: below CI's checkout, or below the nearest folder with
/// a `.git`. Empty at the top.
pub(super) fn in_repository(root: &Path) -> String {
    let Ok(real) = std::fs::canonicalize(root) else {
        return String::new();
    };
    let workspace = environment::ci().workspace;
    let workspace = workspace.and_then(|path| std::fs::canonicalize(path).ok());
    let workspace = workspace.filter(|workspace| real.starts_with(workspace));
    let top = workspace.or_else(|| {
        let mut folders = real.ancestors();
        folders
            .find(|folder| folder.join(".git").exists())
            .map(Path::to_owned)
    });
    let below = top.as_deref().and_then(|top| real.strip_prefix(top).ok());
    below.map(slashed).unwrap_or_default()
}

impl Opened {
    /// Makes files that options name count as purgit's own, so that they are not content.
    ///
    /// # Errors
    /// An output would overwrite one of purgit's own files.
    pub(super) fn reserve(
        mut self,
        outputs: &[(&str, &Path)],
        input: Option<&Path>,
    ) -> Result<Self, CommandError> {
        if outputs.is_empty() && input.is_none() {
            return Ok(self);
        }
        let failed = |(option, path): (&str, &Path), error: std::io::Error| {
            let path = path.display();
            CommandError::new(format!("`{option}`: cannot find `{path}`: {error}"))
        };
        let root = std::fs::canonicalize(&self.root);
        let root = root.map_err(|error| failed(("-C", &self.root), error))?;
        let project = self.project;
        let files = [project.state.file(), project.status.file()];
        let real = files
            .into_iter()
            .flatten()
            .filter_map(|file| confine::inside(&root, file).ok());
        let mut own: Vec<_> = real.collect();
        let always = project.own_files();
        for output in outputs {
            let (option, path) = *output;
            let real = confine::resolve(path).map_err(|error| failed(*output, error))?;
            let Ok(below) = real.strip_prefix(&root) else {
                continue;
            };
            let is_own = always.contains(slashed(below).as_bytes());
            if is_own || own.iter().any(|own| own == below) || confine::is_gits(below) {
                let path = path.display();
                let message =
                    format!("`{option} {path}` would overwrite a file that belongs to the project");
                return Err(CommandError::new(message).hint("name another file"));
            }
            own.push(below.to_owned());
        }
        let input = input.and_then(|path| confine::resolve(path).ok());
        let below = input
            .iter()
            .filter_map(|real| real.strip_prefix(&root).ok());
        own.extend(below.map(Path::to_owned));
        self.project = project.without_own_files(&own);
        Ok(self)
    }
}

/// # Errors
/// There is nothing to read. Problems of manifests are values.
pub(super) fn read(root: &Path) -> Result<Parsed, CommandError> {
    manifest::load(root).map_err(|error| explain(&error))
}

/// The nearest folder with a `purgit.yaml`, from the current one upwards, as git and cargo search.
///
/// # Errors
/// The current folder does not exist any more.
pub(super) fn find_root() -> Result<PathBuf, CommandError> {
    let current = std::env::current_dir().map_err(|error| {
        CommandError::new(format!("cannot determine the current folder: {error}"))
    })?;
    let mut folders = current.ancestors();
    // Relative, because messages show paths relative to the current folder.
    let above = folders.position(|folder| folder.join(ROOT_FILE).is_file());
    Ok(match above {
        Some(0) | None => PathBuf::from("."),
        Some(above) => std::iter::repeat_n("..", above).collect(),
    })
}

fn explain(error: &LoadError) -> CommandError {
    let report = CommandError::new(match error {
        LoadError::NoProject { .. } => {
            format!("there is no `{ROOT_FILE}` in this folder or one above it")
        }
        LoadError::Unreadable { .. } => chain(error),
    });
    match error.hint() {
        Some(hint) => report.hint(hint),
        None => report,
    }
}
