//! What past runs did, within bounds: a state is read and written as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Outcome, State};
use crate::entry::EntryKey;

/// Runs kept in [`State::history`]; older ones are dropped.
pub const MAX_HISTORY: usize = 50;

/// Addresses kept of a run; the rest is counted. Nobody reads more, and whether a URL was purged by a
/// deployment of thousands is for the state to say.
pub const MAX_RUN_ENTRIES: usize = 100;

/// Bytes of all addresses kept of a run: with the longest history, as much as a few thousand entries.
pub const MAX_RUN_BYTES: usize = 16 * 1024;

/// Bytes kept of a text about where a run came from, such as a URL.
const MAX_ORIGIN_BYTES: usize = 1024;

/// One run that submitted or settled something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
    /// What was run, e.g. `apply`.
    pub command: Option<String>,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Where it came from.
    pub origin: Origin,
    /// Addresses of its entries, by outcome: at most [`MAX_RUN_ENTRIES`].
    pub entries: BTreeMap<Outcome, Vec<String>>,
}

/// Where a run came from, as far as that is known. Texts of others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Who ran it, or caused it to run.
    pub by: Option<String>,
    /// The commit that was applied.
    pub commit: Option<String>,
    /// The CI system.
    pub ci: Option<String>,
    /// Where people look at the run of CI.
    pub url: Option<String>,
}

impl Origin {
    /// Within bounds.
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

/// What is kept of a run's entries: those that did not succeed first.
pub fn kept<'a>(
    entries: impl IntoIterator<Item = (&'a EntryKey, Outcome)>,
) -> BTreeMap<Outcome, Vec<String>> {
    let entries = entries.into_iter();
    let (others, succeeded): (Vec<_>, Vec<_>) =
        entries.partition(|(_, outcome)| *outcome != Outcome::Succeeded);
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
    /// Adds a run to the history, dropping the oldest over [`MAX_HISTORY`].
    pub fn remember(&mut self, record: HistoryRecord) {
        self.history.push(record);
        let surplus = self.history.len().saturating_sub(MAX_HISTORY);
        self.history.drain(..surplus);
    }
}
