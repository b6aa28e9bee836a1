//! Who holds a lease, for messages and for who takes it away.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who holds a lease.
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

/// A lease that somebody has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Who has it.
    pub holder: Holder,
    /// Its number, by which [`break_lease`](super::StateStore::break_lease) knows it.
    pub epoch: u64,
    /// How long it lasts, unless it is renewed; `None` when that is as long as the process.
    pub left: Option<Duration>,
}
