//! The record of what was confirmed purged, what is under way, and what happened.
//!
//! [`State`] is plain data. A backend keeps its bytes and offers compare-and-swap: a write names
//! the version it was based on and is refused when another writer came first.
//!
//! # How to add a backend
//! 1. Write `state/<name>.rs` with a type that implements [`StateStore`].
//! 2. Add a line to [`open`].
//! 3. Add it to `tests/integration/state_conformance.rs`; the suite tells what is missing.

mod error;
pub mod extract;
pub mod file;
pub mod format;
pub mod memory;
pub(crate) mod pending;
pub mod record;
pub mod recorder;
pub(crate) mod replace;
pub mod transition;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation};
use crate::manifest::resource::Project;
use crate::operation::Task;
pub(crate) use error::GIT_CONFLICT;
pub use error::StateError;
pub use record::Record;

/// The format written; a larger one in a file is from a newer purgit and is refused.
pub const STATE_VERSION: u32 = 1;

/// Runs kept in [`State::history`]; older ones are dropped.
pub const MAX_HISTORY: usize = 50;

/// Everything purgit remembers between runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Counts writes. 0 means never written.
    pub serial: u64,
    /// A random id of this state's line of descent, given at the first write; empty before.
    pub lineage: String,
    /// By identity, in stable order.
    pub entries: BTreeMap<EntryKey, Observed>,
    /// Intents and tasks without a confirmed outcome, in order of submission.
    pub pending_operations: Vec<PendingOperation>,
    /// Latest run last, at most [`MAX_HISTORY`].
    pub history: Vec<HistoryRecord>,
    /// Top-level fields of a newer minor format, kept as they were found.
    pub unknown: BTreeMap<String, serde_json::Value>,
}

impl State {
    /// Adds a run to the history, dropping the oldest over [`MAX_HISTORY`].
    pub fn remember(&mut self, record: HistoryRecord) {
        self.history.push(record);
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
    }
}

/// What is known of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The generation last confirmed purged; `None` when none ever was.
    pub generation: Option<Generation>,
    /// When that was confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The last attempt, unless it is the one that confirmed `generation`.
    pub attempt: Option<Attempt>,
}

/// A purge of an entry that was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What would have been confirmed; `None` for a deletion.
    pub generation: Option<Generation>,
    /// How it went so far.
    pub outcome: Outcome,
    /// When this outcome was recorded.
    pub at: DateTime<Utc>,
    /// What the CDN or the transport said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What became of an entry in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Accepted by the CDN, not asked about yet.
    Submitted,
    /// The CDN is at it.
    InProgress,
    /// Confirmed by the CDN.
    Succeeded,
    /// Refused or failed by the CDN.
    Failed,
    /// Not attempted, because the endpoint could not be used.
    Skipped,
    /// Sent or begun, and no one can tell how it ended.
    Unknown,
    /// Overtaken by a newer generation before it was confirmed.
    Superseded,
}

impl Outcome {
    /// The contract's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "Submitted",
            Self::InProgress => "InProgress",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Skipped => "Skipped",
            Self::Unknown => "Unknown",
            Self::Superseded => "Superseded",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A step that was or may have been sent, without confirmed outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOperation {
    /// Given by purgit before the POST (UUID v7).
    pub id: String,
    /// Name of the endpoint.
    pub endpoint: Arc<str>,
    /// When the intent was recorded.
    pub intended_at: DateTime<Utc>,
    /// The CDN's task, once accepted. Without it nobody knows whether the POST arrived.
    pub task: Option<Task>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the CDN last answered that it is at it.
    pub asked_at: Option<DateTime<Utc>>,
    /// The CDN's id of the accepting answer, for its support.
    pub correlation_id: Option<String>,
    /// What it purges, with the generation each entry reaches when it succeeds; `None` for a
    /// deletion.
    pub entries: Vec<(EntryKey, Option<Generation>)>,
}

/// One run that submitted or settled something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryRecord {
    /// When the run ended.
    pub at: DateTime<Utc>,
    /// The plan it carried out.
    pub plan_id: String,
    /// Number of entries by outcome.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// Exit code of the run.
    pub exit_code: u8,
}

/// Identifies the bytes a backend holds: what a write is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// A state and the version of its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The state; the default one where the backend holds nothing yet.
    pub state: State,
    /// `None` where the backend holds nothing yet.
    pub version: Option<Version>,
}

/// A state as far as a plan needs it, with the digest of all of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// Perhaps without entries that need nothing, which were counted.
    pub state: State,
    /// [`format::digest`] of the whole state; `None` where the backend holds nothing yet.
    pub digest: Option<String>,
}

impl From<Snapshot> for Known {
    fn from(Snapshot { state, version }: Snapshot) -> Self {
        Self {
            digest: version.map(|_| format::digest(&state)),
            state,
        }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What is being run, e.g. `apply`.
    pub command: String,
    /// Process id.
    pub pid: u32,
    /// Host name.
    pub host: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`purgit {}`, process {} on {}, since {}",
            self.command,
            self.pid,
            self.host,
            self.since.format("%Y-%m-%d %H:%M:%SZ")
        )
    }
}

/// Releases the lock when dropped.
pub trait LockGuard: fmt::Debug + Send + Sync {}

/// Keeps one state. Calls block; callers in async code use a blocking thread.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Where the state is, for messages.
    fn place(&self) -> String;

    /// Reads the newest state.
    ///
    /// # Errors
    /// [`StateError::Corrupt`], [`StateError::TooNew`] or [`StateError::Io`].
    fn read(&self) -> Result<Snapshot, StateError>;

    /// Replaces the version that `expected` names by `state`, durably, and returns the new
    /// version. The caller has advanced `serial` and set `lineage`.
    ///
    /// # Errors
    /// [`StateError::Conflict`] when the backend holds another version than `expected`; then
    /// nothing is written.
    fn write(&self, state: &State, expected: Option<&Version>) -> Result<Version, StateError>;

    /// Keeps other processes off until the guard is dropped or this process ends, however it ends.
    ///
    /// # Errors
    /// [`StateError::Locked`] when another process holds it.
    fn lock(&self, holder: &Holder) -> Result<Box<dyn LockGuard>, StateError>;
}

/// The backend that a project names, below its root.
pub fn open(project: &Project, root: &Path) -> Box<dyn StateStore> {
    Box::new(file(project, root))
}

/// As [`open`], for a process that will read again what it wrote.
pub fn open_remembering(project: &Project, root: &Path) -> Box<dyn StateStore> {
    Box::new(file(project, root).remembering())
}

fn file(project: &Project, root: &Path) -> file::FileStore {
    file::FileStore::new(root.join(&project.state_file))
}
