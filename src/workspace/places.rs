//! `[io]` Where a project keeps its state and its status.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::manifest::resource::{Project, StatePlace, StatusPlace};
use crate::state::file::FileStore;
use crate::state::git::GitStore;
use crate::state::{StateError, StateStore};
use crate::status::file::{StatusError, StatusFile, StatusSink};
use crate::status::git::GitStatus;

/// The state of the project at `root`.
pub fn state(project: &Project, root: &Path) -> Result<Arc<dyn StateStore>, StateError> {
    Ok(match &project.state {
        StatePlace::File(file) => Arc::new(FileStore::new(below(root, file))),
        StatePlace::Git(at) => {
            let clock = Arc::new(SystemClock);
            Arc::new(GitStore::open(root, &at.name, at.remote.as_deref(), clock)?)
        }
    })
}

/// The status of the project at `root`; a git note is attached to `revision`.
pub fn status(
    project: &Project,
    root: &Path,
    revision: &str,
) -> Result<Box<dyn StatusSink>, StatusError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let remote = project.state.remote();
    Ok(match &project.status {
        StatusPlace::File(file) => Box::new(StatusFile {
            path: below(root, file),
        }),
        StatusPlace::Git(at) => {
            let remote = at.remote.as_deref().or(remote);
            Box::new(GitStatus::on_ref(root, &at.name, remote, clock)?)
        }
        StatusPlace::GitNote => Box::new(GitStatus::as_note(root, revision, remote, clock)?),
    })
}

/// A path relative to the user's folder, without `./`.
fn below(root: &Path, file: &Path) -> PathBuf {
    let path = root.join(file);
    path.strip_prefix(".").map(Path::to_owned).unwrap_or(path)
}
