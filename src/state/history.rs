//! What past runs did. Bounded, because a state is read and written as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Outcome, State};
use crate::entry::EntryKey;

pub const MAX_HISTORY: usize = 50;

/// Addresses kept per run; the rest are only counted. The state says whether a URL was purged.
pub const MAX_RUN_ENTRIES: usize = 100;

/// Bytes of all addresses kept per run: with a full history, as much as a few thousand entries.
pub const MAX_RUN_BYTES: usize = 16 * 1024;

/// Longest text kept about a run's origin, such as a URL, in bytes.
const MAX_ORIGIN_BYTES: usize = 1024;

/// One run that submitted or settled something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HistoryRecord {
    pub at: DateTime<Utc>,
    pub plan_id: String,
    pub outcomes: BTreeMap<Outcome, usize>,
    /// Purge requests sent, with retries.
    pub requests: usize,
    pub exit_code: u8,
    pub command: Option<String>,
    pub duration: Option<Duration>,
    pub origin: Origin,
    /// Addresses of its entries, by outcome: at most [`MAX_RUN_ENTRIES`].
    pub entries: BTreeMap<Outcome, Vec<String>>,
}

/// Who and what started a run, as far as known. Untrusted text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    pub by: Option<String>,
    pub commit: Option<String>,
    pub ci: Option<String>,
    pub url: Option<String>,
}

impl Origin {
    /// Cuts every text to its limit.
    #[must_use]
    pub fn bounded(self) -> Self {
        let cut = |text: Option<String>| {
            text.map(|mut text| {
                while text.len() > MAX_ORIGIN_BYTES {
                    text.pop();
                }
                text
            })
        };
        Self {
            by: cut(self.by),
            commit: cut(self.commit),
            ci: cut(self.ci),
            url: cut(self.url),
        }
    }
}

/// The addresses kept of a run; those that did not succeed come first.
pub fn kept<'a>(
    entries: impl IntoIterator<Item = (&'a EntryKey, Outcome)>,
) -> BTreeMap<Outcome, Vec<String>> {
    let (others, succeeded): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|(_, outcome)| *outcome != Outcome::Succeeded);
    let mut kept: BTreeMap<Outcome, Vec<String>> = BTreeMap::new();
    let mut bytes = MAX_RUN_BYTES;
    for (key, outcome) in others.into_iter().chain(succeeded).take(MAX_RUN_ENTRIES) {
        let address = key.address();
        let Some(left) = bytes.checked_sub(address.len()) else {
            break;
        };
        bytes = left;
        kept.entry(outcome).or_default().push(address);
    }
    kept
}

impl State {
    pub fn remember(&mut self, record: HistoryRecord) {
        self.history.push(record);
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
    }
}
