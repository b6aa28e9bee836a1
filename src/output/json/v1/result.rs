//! What became of a plan, in plan JSON.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::origin;
use crate::plan::count;
use crate::state::Outcome;
use crate::verify::{Evidence, Tally, Verdict};

/// What `apply` did
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ApplyResult {
    /// Exit code of the run
    pub(crate) exit_code: u8,
    /// Purge requests sent, retries included
    pub(crate) requests: usize,
    /// Targets that may have been purged twice, because a request in doubt was sent again
    pub(crate) repeated: usize,
    /// What the origins had before; absent if they were not asked
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<origin::Tally>,
    /// What the edges served afterwards; absent if they were not asked
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified: Option<Tally>,
    /// Every entry that was submitted or asked about
    pub(crate) entries: Vec<EntryResult>,
    /// Why nothing was carried out, or what went wrong apart from entries
    pub(crate) error: Option<String>,
}

impl ApplyResult {
    /// `3 entries wait for the origin`
    pub(crate) fn held(&self) -> Option<String> {
        let entries = self.entries.iter();
        let held = entries.filter(|entry| entry.outcome == Outcome::Held.as_str());
        match held.count() {
            0 => None,
            1 => Some("1 entry waits for the origin".to_owned()),
            held => Some(format!("{} wait for the origin", count(held, "entry"))),
        }
    }
}

/// What became of an entry
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EntryResult {
    pub(crate) address: String,
    /// What was purged; empty for everything
    pub(crate) target: String,
    /// Canonical URL; null for a target without one
    pub(crate) url: Option<String>,
    /// `Submitted`, `InProgress`, `Succeeded`, `Failed`, `Skipped`, `Deferred`, `Held`, `Unknown` or `Superseded`
    pub(crate) outcome: Cow<'static, str>,
    pub(crate) message: Option<String>,
    /// What the user can do about it
    pub(crate) hint: Option<String>,
    /// What its edge served afterwards; absent if it was not asked
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
}

impl EntryResult {
    /// Whether its edge was proven to serve something older.
    pub(crate) fn is_stale(&self) -> bool {
        let evidence = self.evidence.as_ref();
        evidence.is_some_and(|evidence| evidence.verdict == Verdict::Stale)
    }
}
