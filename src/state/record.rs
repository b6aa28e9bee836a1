//! Changes of a state, as data: appended to the journal and replayed from it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::format::{adopted, aims, ended, intent, keys, proofs, run};
use super::transition::ItemOutcome;
use super::{Aim, HistoryRecord, LedgerKey, Outcome, PendingOperation, State, Told};
use crate::entry::{EntryKey, Generation};
use crate::operation::Task;
use crate::verify::Proof;

/// One change: what the method of [`State`] that [`State::apply`] calls needs. Its JSON is frozen with
/// `STATE_VERSION`, like the lines of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// The first record.
    Begin {
        lineage: String,
    },
    Due {
        at: DateTime<Utc>,
        forced: bool,
        #[serde(with = "aims")]
        entries: Vec<Aim>,
    },
    #[serde(with = "intent")]
    Intend(PendingOperation),
    Withdraw {
        id: String,
    },
    Accept {
        id: String,
        task: Task,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        correlation_id: Option<String>,
        at: DateTime<Utc>,
    },
    Asked {
        id: String,
        /// The task to poll from now on, if the answer changed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        task: Option<Task>,
        at: DateTime<Utc>,
    },
    Settle {
        id: String,
        at: DateTime<Utc>,
        #[serde(with = "ended")]
        items: Vec<ItemOutcome>,
    },
    Skip {
        at: DateTime<Utc>,
        message: String,
        #[serde(with = "aims")]
        entries: Vec<Aim>,
    },
    Defer {
        at: DateTime<Utc>,
        /// Until when.
        message: String,
        #[serde(with = "aims")]
        entries: Vec<Aim>,
    },
    Hold {
        at: DateTime<Utc>,
        /// What the origin answered.
        message: String,
        #[serde(with = "aims")]
        entries: Vec<Aim>,
    },
    Resolve {
        at: DateTime<Utc>,
    },
    Abandon {
        endpoints: Vec<Arc<str>>,
    },
    Adopt {
        at: DateTime<Utc>,
        #[serde(with = "adopted")]
        entries: Vec<(EntryKey, Generation)>,
    },
    Forget {
        #[serde(with = "keys", rename = "entries")]
        keys: Vec<EntryKey>,
    },
    Prove {
        #[serde(with = "proofs")]
        entries: Vec<(EntryKey, Proof)>,
    },
    #[serde(with = "run")]
    Remember(HistoryRecord),
    Spend {
        scope: Arc<str>,
        counts: Arc<str>,
        window: DateTime<Utc>,
        /// The amount; negative when a request surely did not arrive.
        amount: i64,
    },
    Tell {
        scope: Arc<str>,
        counts: Arc<str>,
        #[serde(flatten)]
        told: Told,
    },
    /// All changes up to a revision are recorded.
    Applied {
        revision: String,
    },
}

impl State {
    /// Applies records that are not stored, or not stored yet: the serial stays.
    pub fn suppose(&mut self, records: impl IntoIterator<Item = Record>) {
        let serial = self.serial;
        self.extend(records);
        self.serial = serial;
    }

    /// Applies one record and counts it.
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
            } => self.not_attempted(entries, Outcome::Skipped, &message, at),
            Record::Defer {
                entries,
                message,
                at,
            } => self.not_attempted(entries, Outcome::Deferred, &message, at),
            Record::Hold {
                entries,
                message,
                at,
            } => self.not_attempted(entries, Outcome::Held, &message, at),
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
            Record::Tell {
                scope,
                counts,
                told,
            } => self.tell(scope, counts, told),
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
