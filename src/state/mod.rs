//! The record of confirmed, pending and due purges, and of past runs.
//!
//! [`State`] is plain data and changes only by [`Record`]s, which a run appends to a store.
//! [`store`] is the port; [`recorder`] is the only writer of a run.
//!
//! # How to add a backend
//! 1. Write `state/<name>.rs` with a type that implements [`StateStore`].
//! 2. Give it a place in `workspace/places.rs`, and a field in `spec.state` of the project.
//! 3. Add it to `tests/integration/state_conformance.rs`.

mod error;
pub mod file;
pub mod format;
pub mod git;
mod history;
mod holder;
mod journal;
mod ledger;
pub mod operations;
pub(crate) mod pending;
mod proving;
pub mod record;
pub mod recorder;
pub(crate) mod replace;
pub mod store;
pub mod transition;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation};
use crate::operation::Task;
use crate::url::CdnUrl;
use crate::verify::Proof;
use crate::word_enum::word_enum;
pub(crate) use error::GIT_CONFLICT;
pub use error::StateError;
pub use history::{HistoryRecord, MAX_HISTORY, MAX_RUN_BYTES, MAX_RUN_ENTRIES, Origin, kept};
pub use holder::{Held, Holder};
pub use ledger::{BudgetKey, LEDGER_DAYS, LedgerKey, Standing, Told};
pub use operations::{Aim, Operations};
pub use proving::stale;
pub use record::Record;
pub use store::{Lease, Loaded, Seq, Stamp, StateStore, Tail};

/// A state with a larger version comes from a newer purgit and is refused.
pub const STATE_VERSION: u32 = 2;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    /// Number of the last record; 0 before the first.
    pub serial: u64,
    /// Random id of this state, set by the first record; empty before.
    pub lineage: String,
    /// The last revision whose changes are all recorded.
    pub last_applied: Option<String>,
    pub entries: BTreeMap<EntryKey, Observed>,
    /// Purges that no later comparison would find; kept until confirmed.
    pub due: BTreeMap<EntryKey, Due>,
    /// Intents and tasks without a confirmed outcome, in order of submission.
    pub pending_operations: Operations,
    /// Per entry: what users should get, and what was seen.
    pub proofs: BTreeMap<EntryKey, Proof>,
    /// What was sent, by account and window, as long as it may count against a quota.
    pub ledger: BTreeMap<LedgerKey, u64>,
    /// What CDNs said about budgets.
    pub told: BTreeMap<BudgetKey, Told>,
    pub history: Vec<HistoryRecord>,
    /// Top-level fields of a newer minor version, kept unchanged.
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// A purge that a run was about to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The generation to reach; `None` for a deletion.
    pub generation: Option<Generation>,
    /// Whether the user forced it past a safety check. Holds until it is confirmed.
    pub forced: bool,
    pub at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Observed {
    /// The generation last confirmed purged; `None` if there was none.
    pub generation: Option<Generation>,
    pub confirmed_at: Option<DateTime<Utc>>,
    /// The last attempt, unless it confirmed `generation`.
    pub attempt: Option<Attempt>,
}

/// A purge of an entry that was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Attempt {
    /// The generation it would have confirmed; `None` for a deletion.
    #[schemars(with = "Option<String>")]
    pub generation: Option<Generation>,
    /// Its outcome so far.
    pub outcome: Outcome,
    /// When the outcome was recorded.
    pub at: DateTime<Utc>,
    /// What the CDN or the transport reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

word_enum! {
    serde
    /// What became of an entry in a run.
    pub enum Outcome {
        /// Accepted by the CDN; not polled yet.
        Submitted = "Submitted",
        /// Still running at the CDN.
        InProgress = "InProgress",
        /// Confirmed by the CDN.
        Succeeded = "Succeeded",
        /// Refused or failed by the CDN.
        Failed = "Failed",
        /// Not attempted because the endpoint could not be used.
        Skipped = "Skipped",
        /// Not attempted because the quota is used up until the window turns.
        Deferred = "Deferred",
        /// Not attempted: the origin does not have it yet.
        Held = "Held",
        /// Sent or started; nobody can tell how it ended.
        Unknown = "Unknown",
        /// Replaced by a newer generation before it was confirmed.
        Superseded = "Superseded",
    }
}

/// A step that was sent, or may have been, and has no confirmed outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingOperation {
    /// A UUID v7 that purgit creates before the POST.
    pub id: String,
    pub endpoint: Arc<str>,
    pub intended_at: DateTime<Utc>,
    /// The CDN's task, once accepted. Without it nobody knows whether the POST arrived.
    pub task: Option<Task>,
    pub accepted_at: Option<DateTime<Utc>>,
    /// When the CDN last answered that it is still running.
    pub asked_at: Option<DateTime<Utc>>,
    /// The CDN's request id, for its support.
    pub correlation_id: Option<String>,
    /// How often the request was sent; 0 in states of versions that did not count.
    pub sends: u32,
    /// Directories that it purges instead of the entries below them.
    pub directories: Vec<CdnUrl>,
    pub entries: Vec<Aim>,
}
