//! Finding and reading the project that a command is about.

use std::path::{Path, PathBuf};

use super::{CommandError, Printer};
use crate::error::chain;
use crate::exit::Exit;
use crate::manifest::resource::Project;
use crate::manifest::{self, LoadError, Parsed, ROOT_FILE};

/// A project whose manifests are all valid.
#[derive(Debug)]
pub(super) struct Opened {
    /// The folder with `purgit.yaml`.
    pub(super) root: PathBuf,
    /// What it declares.
    pub(super) project: Project,
    /// Digest of all manifests.
    pub(super) digest: String,
}

/// The project around the current folder; its problems are printed.
///
/// # Errors
/// No project, or one with errors.
pub(super) fn open(printer: Printer) -> Result<Opened, CommandError> {
    let root = find_root()?;
    let parsed = read(&root)?;
    printer.problems(&parsed.problems, &parsed.sources);
    let errors = parsed.counts.errors;
    match parsed.project {
        Some(project) => Ok(Opened {
            digest: manifest::digest(&project),
            root,
            project,
        }),
        None => Err(CommandError::new(format!(
            "the manifests have {}",
            crate::output::count(errors, "error")
        ))),
    }
}

/// Reads the manifests of a project, with all problems as values.
///
/// # Errors
/// When there is nothing to read.
pub(super) fn read(root: &Path) -> Result<Parsed, CommandError> {
    manifest::load(root).map_err(|error| explain(&error))
}

/// The nearest folder with a `purgit.yaml`, from the current one upwards, as git and cargo do.
///
/// # Errors
/// When the current folder is gone.
pub(super) fn find_root() -> Result<PathBuf, CommandError> {
    let current = std::env::current_dir().map_err(|error| {
        CommandError::new(format!("cannot tell the current folder: {error}")).exit(Exit::Error)
    })?;
    let root = current
        .ancestors()
        .find(|folder| folder.join(ROOT_FILE).is_file());
    // Messages and GitHub's annotations want paths below the folder where the user is.
    let root = root.filter(|root| *root != current).map(Path::to_owned);
    Ok(root.unwrap_or_else(|| PathBuf::from(".")))
}

fn explain(error: &LoadError) -> CommandError {
    let report = CommandError::new(chain(error));
    match error.hint() {
        Some(hint) => report.hint(hint),
        None => report,
    }
}
