//! The record of what was confirmed purged, what is under way, what is due, and what happened.
//!
//! [`State`] is plain data. It moves on by [`Record`]s only: a run appends records to a store, and
//! what the store holds is a snapshot with the records since. [`store`] is the port; [`recorder`] is
//! the one writer of a run.
//!
//! # How to add a backend
//! 1. Write `state/<name>.rs` with a type that implements [`StateStore`].
//! 2. Give it a place in `workspace/places.rs`, and a field in `spec.state` of the project.
//! 3. Add it to `tests/integration/state_conformance.rs`; the suite shows what is missing.

mod error;
pub mod file;
pub mod format;
pub mod git;
mod history;
mod holder;
mod journal;
pub mod memory;
pub mod operations;
pub(crate) mod pending;
mod proving;
pub mod record;
pub mod recorder;
pub(crate) mod replace;
pub mod store;
pub mod transition;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation};
use crate::operation::Task;
use crate::url::CdnUrl;
use crate::verify::Proof;
pub(crate) use error::GIT_CONFLICT;
pub use error::StateError;
pub use history::{HistoryRecord, MAX_HISTORY, MAX_RUN_BYTES, MAX_RUN_ENTRIES, Origin, kept};
pub use holder::{Held, Holder};
pub use operations::Operations;
pub use proving::stale;
pub use record::Record;
pub use store::{Lease, Loaded, Seq, Stamp, StateStore, Tail};

/// The format written; a larger one in a file is from a newer purgit and is refused.
pub const STATE_VERSION: u32 = 2;

/// Days for which [`State::ledger`] keeps a window: longer than a month, the longest there is.
pub const LEDGER_DAYS: i64 = 40;

/// Everything purgit remembers between runs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Number of the last record that is in it; 0 when nothing was ever recorded.
    pub serial: u64,
    /// A random id of this state's line of descent, given by the first record; empty before.
    pub lineage: String,
    /// The last revision whose changes are all recorded.
    pub last_applied: Option<String>,
    /// By identity, in stable order.
    pub entries: BTreeMap<EntryKey, Observed>,
    /// What a run was about to do that no later comparison would find, until it is confirmed.
    pub due: BTreeMap<EntryKey, Due>,
    /// Intents and tasks without a confirmed outcome, in order of submission.
    pub pending_operations: Operations,
    /// What users must get and what was seen, of the entries that were asked for.
    pub proofs: BTreeMap<EntryKey, Proof>,
    /// What was sent, by account and window, as far as it may count against a quota.
    pub ledger: BTreeMap<LedgerKey, u64>,
    /// Latest run last, at most [`MAX_HISTORY`].
    pub history: Vec<HistoryRecord>,
    /// Top-level fields of a newer minor format, kept as they were found.
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// A purge that a run was about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The generation to reach; `None` for a deletion.
    pub generation: Option<Generation>,
    /// Whether the user forced it past a safety check, which holds until it is confirmed.
    pub forced: bool,
    /// When the run recorded it.
    pub at: DateTime<Utc>,
}

/// Whose budget, of what, in which window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerKey {
    /// The account.
    pub scope: Arc<str>,
    /// What is counted.
    pub counts: Arc<str>,
    /// Start of the window.
    pub window: DateTime<Utc>,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Attempt {
    /// What would have been confirmed; `None` for a deletion.
    #[schemars(with = "Option<String>")]
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
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
pub enum Outcome {
    /// Accepted by the CDN, not asked about yet.
    Submitted,
    /// Still running at the CDN.
    InProgress,
    /// Confirmed by the CDN.
    Succeeded,
    /// Refused or failed by the CDN.
    Failed,
    /// Not attempted, because the endpoint could not be used.
    Skipped,
    /// Not attempted: the quota's window must turn first.
    Deferred,
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
            Self::Deferred => "Deferred",
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
    /// When the CDN last answered that it is still running.
    pub asked_at: Option<DateTime<Utc>>,
    /// The CDN's id of the accepting answer, for its support.
    pub correlation_id: Option<String>,
    /// How often its request went out; 0 when nobody counted.
    pub sends: u32,
    /// Directories that it purges in place of entries below them.
    pub directories: Vec<CdnUrl>,
    /// What it purges, with the generation each entry reaches when it succeeds; `None` for a
    /// deletion.
    pub entries: Vec<(EntryKey, Option<Generation>)>,
}
