//! Transitions of a state, as data: what is appended to a journal, and replayed from it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::format::{adopted, aims, ended, intent, keys, proofs, run};
use super::transition::ItemOutcome;
use super::{HistoryRecord, LedgerKey, PendingOperation, State};
use crate::entry::{EntryKey, Generation};
use crate::operation::Task;
use crate::verify::Proof;

/// One transition. Its JSON is frozen with `STATE_VERSION`, as lines of a snapshot are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first record of a state: its line of descent.
    Begin {
        /// Random.
        lineage: String,
    },
    /// See [`State::note_due`].
    Due {
        /// When.
        at: DateTime<Utc>,
        /// Whether it was forced past a safety check.
        forced: bool,
        /// What a run is about to do that a later plan could not find again.
        #[serde(with = "aims")]
        entries: Vec<(EntryKey, Option<Generation>)>,
    },
    /// See [`State::intend`].
    #[serde(with = "intent")]
    Intend(PendingOperation),
    /// See [`State::withdraw`].
    Withdraw {
        /// Of the operation.
        id: String,
    },
    /// See [`State::accept`].
    Accept {
        /// Of the operation.
        id: String,
        /// What runs now.
        task: Task,
        /// The CDN's id of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
        /// When.
        at: DateTime<Utc>,
    },
    /// See [`State::asked`].
    Asked {
        /// Of the operation.
        id: String,
        /// What to ask about from now on, where the answer said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        /// When.
        at: DateTime<Utc>,
    },
    /// See [`State::settle`].
    Settle {
        /// Of the operation.
        id: String,
        /// When.
        at: DateTime<Utc>,
        /// What is settled.
        #[serde(with = "ended")]
        items: Vec<ItemOutcome>,
    },
    /// See [`State::skip`].
    Skip {
        /// When.
        at: DateTime<Utc>,
        /// Why.
        message: String,
        /// What was not attempted.
        #[serde(with = "aims")]
        entries: Vec<(EntryKey, Option<Generation>)>,
    },
    /// See [`State::defer`].
    Defer {
        /// When.
        at: DateTime<Utc>,
        /// Until when.
        message: String,
        /// What waits.
        #[serde(with = "aims")]
        entries: Vec<(EntryKey, Option<Generation>)>,
    },
    /// See [`State::resolve_doubt`].
    Resolve {
        /// When.
        at: DateTime<Utc>,
    },
    /// See [`State::abandon`].
    Abandon {
        /// Endpoints that are not declared any more.
        endpoints: Vec<Arc<str>>,
    },
    /// See [`State::adopt`].
    Adopt {
        /// When.
        at: DateTime<Utc>,
        /// What counts as purged.
        #[serde(with = "adopted")]
        entries: Vec<(EntryKey, Generation)>,
    },
    /// See [`State::forget`].
    Forget {
        /// What no manifest declares any more.
        #[serde(with = "keys", rename = "entries")]
        keys: Vec<EntryKey>,
    },
    /// See [`State::prove`].
    Prove {
        /// What is to be proven, or was seen.
        #[serde(with = "proofs")]
        entries: Vec<(EntryKey, Proof)>,
    },
    /// See [`State::remember`].
    #[serde(with = "run")]
    Remember(HistoryRecord),
    /// See [`State::spend`].
    Spend {
        /// The account.
        scope: Arc<str>,
        /// What is counted.
        counts: Arc<str>,
        /// Start of the window.
        window: DateTime<Utc>,
        /// How much; less than 0 when a request surely did not arrive.
        amount: i64,
    },
    /// All changes up to a revision are recorded.
    Applied {
        /// Its commit id.
        revision: String,
    },
}

impl State {
    /// Carries out a transition, and counts it.
    pub fn apply(&mut self, record: Record) {
        self.serial = self.serial.saturating_add(1);
        match record {
            Record::Begin { lineage } => {
                if self.lineage.is_empty() {
                    self.lineage = lineage;
                }
            }
            Record::Due {
                entries,
                forced,
                at,
            } => self.note_due(entries, forced, at),
            Record::Intend(operation) => self.intend(operation),
            Record::Withdraw { id } => self.withdraw(&id),
            Record::Accept {
                id,
                task,
                correlation_id,
                at,
            } => self.accept(&id, task, correlation_id, at),
            Record::Asked { id, task, at } => self.asked(&id, task, at),
            Record::Settle { id, items, at } => self.settle(&id, &items, at),
            Record::Skip {
                entries,
                message,
                at,
            } => self.skip(entries, &message, at),
            Record::Defer {
                entries,
                message,
                at,
            } => self.defer(entries, &message, at),
            Record::Resolve { at } => self.resolve_doubt(at),
            Record::Abandon { endpoints } => self.abandon(&endpoints),
            Record::Adopt { entries, at } => {
                self.adopt(entries, at);
            }
            Record::Forget { keys } => self.forget(&keys),
            Record::Prove { entries } => self.prove(entries),
            Record::Remember(run) => self.remember(run),
            Record::Spend {
                scope,
                counts,
                window,
                amount,
            } => {
                let key = LedgerKey {
                    scope,
                    counts,
                    window,
                };
                self.spend(key, amount);
            }
            Record::Applied { revision } => self.last_applied = Some(revision),
        }
    }
}

impl Extend<Record> for State {
    fn extend<I: IntoIterator<Item = Record>>(&mut self, records: I) {
        for record in records {
            self.apply(record);
        }
    }
}
