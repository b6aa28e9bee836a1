//! What can be set of this API, and what it remembers.

use chrono::{DateTime, Utc};

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

/// A token that may do everything.
pub const API_TOKEN: &str = "not-a-real-key";
/// A token that may purge URLs and keys, and do nothing else.
pub const SELECT_TOKEN: &str = "not-a-real-key-select";
/// A token that may read and purge nothing.
pub const READ_ONLY_TOKEN: &str = "not-a-real-key-read-only";
/// A token for another service of the customer.
pub const OTHER_SERVICE_TOKEN: &str = "not-a-real-key-elsewhere";
/// The service.
pub const SERVICE_ID: &str = "SU0000000000000000000A";

/// Seconds of the window in which writes are counted `[D]`.
const HOUR: i64 = 60 * 60;

/// The emulated API: one customer with one service.
#[derive(Debug, Clone)]
pub struct Fastly {
    /// Domains of the service, with `*.` for any below; empty for any.
    pub hosts: Vec<String>,
    /// Keys in one request `[D]`.
    pub keys_per_request: usize,
    /// Purges of URLs and keys, over all of the customer `[O]`.
    pub purges: Bucket,
    /// Writes in an hour, of which purges of everything are some `[D]`.
    pub writes_per_hour: u32,
    /// Whether the service is paused, for want of traffic.
    pub paused: bool,
    /// The hour that was counted last, and how many writes it had.
    pub written: (i64, u32),
    /// Purges so far, for their ids.
    pub purged: u32,
}

impl Default for Fastly {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            keys_per_request: 256,
            purges: Bucket {
                per_second: 100_000.0 / 3600.0,
                burst: 10_000.0,
            },
            writes_per_hour: 1000,
            paused: false,
            written: (0, 0),
            purged: 0,
        }
    }
}

impl Fastly {
    /// Books a write. How many are left, if it fits, and when there are all again, in Unix seconds.
    pub(super) fn write(&mut self, now: DateTime<Utc>) -> (Option<u32>, i64) {
        let hour = now.timestamp().div_euclid(HOUR);
        if self.written.0 != hour {
            self.written = (hour, 0);
        }
        let left = self.writes_per_hour.checked_sub(self.written.1 + 1);
        if left.is_some() {
            self.written.1 += 1;
        }
        (left, (hour + 1) * HOUR)
    }

    /// An id as the service writes them `[O]`.
    pub(super) fn next_id(&mut self, now: DateTime<Utc>) -> String {
        self.purged += 1;
        format!("108-{}-{}", now.timestamp(), self.purged)
    }

    /// Whether a host is one of the service's, whatever its port.
    pub(super) fn serves(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        api::serves(&self.hosts, name)
    }
}
