//! The settings and the memory of this API.

use chrono::{DateTime, Utc};

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

pub const API_TOKEN: &str = "not-a-real-key";
/// A token that may only purge URLs and keys.
pub const SELECT_TOKEN: &str = "not-a-real-key-select";
pub const READ_ONLY_TOKEN: &str = "not-a-real-key-read-only";
/// A token for another service of the customer.
pub const OTHER_SERVICE_TOKEN: &str = "not-a-real-key-elsewhere";
pub const SERVICE_ID: &str = "SU0000000000000000000A";

/// Seconds of the window in which writes are counted `[D]`.
const HOUR: i64 = 60 * 60;

/// The emulated API: one customer with one service.
#[derive(Debug, Clone)]
pub struct Fastly {
    /// Domains of the service, with `*.` for any subdomain; empty for any.
    pub hosts: Vec<String>,
    /// `[D]`
    pub keys_per_request: usize,
    /// Purges of URLs and keys, for the whole customer `[O]`.
    pub purges: Bucket,
    /// Writes per hour; purges of everything are writes `[D]`.
    pub writes_per_hour: u32,
    /// Whether the service is paused because it has no traffic.
    pub paused: bool,
    /// The last hour with writes, and their number.
    pub written: (i64, u32),
    /// Number of purges, used in their ids.
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
    /// Books a write. Returns how many are left, if it fits, and the reset time in Unix seconds.
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

    /// An id in the service's form `[O]`.
    pub(super) fn next_id(&mut self, now: DateTime<Utc>) -> String {
        self.purged += 1;
        format!("108-{}-{}", now.timestamp(), self.purged)
    }

    pub(super) fn serves(&self, host: &str) -> bool {
        api::serves_on_any_port(&self.hosts, host)
    }
}
