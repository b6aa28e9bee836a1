//! [io] The state in a file of the project.

use std::path::PathBuf;

use super::{Holder, LockGuard, Snapshot, State, StateError, StateStore, Version};

/// A state file.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// A store at that path; nothing is touched yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl StateStore for FileStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }
    fn read(&self) -> Result<Snapshot, StateError> {
        Err(StateError::Locked(None))
    }
    fn write(&self, _: &State, _: Option<&Version>) -> Result<Version, StateError> {
        Err(StateError::Locked(None))
    }
    fn lock(&self, _: &Holder) -> Result<Box<dyn LockGuard>, StateError> {
        Err(StateError::Locked(None))
    }
}
