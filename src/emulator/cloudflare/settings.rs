//! The settings of this API.

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

/// A token that may purge the zone.
pub const API_TOKEN: &str = "not-a-real-key";
pub const READ_ONLY_TOKEN: &str = "not-a-real-key-read-only";
pub const PURGE_ONLY_TOKEN: &str = "not-a-real-key-purge-only";
/// An account token, which cannot be verified like a user's.
pub const ACCOUNT_TOKEN: &str = "not-a-real-key-of-an-account";
pub const ZONE_ID: &str = "023e105f4ecef8ad9ca31a8372d0c353";
/// An environment of the zone besides production.
pub const ENVIRONMENT_ID: &str = "12fd7df4a7a64d3ca7be7ab8a3d1cd12";
pub const OTHER_ZONE_ID: &str = "99999999999999999999999999999999";

/// The emulated API: one account with one zone; by default on the plan Free.
#[derive(Debug, Clone)]
pub struct Cloudflare {
    /// Hosts of the zone, with `*.` for any subdomain; empty for any.
    pub hosts: Vec<String>,
    /// URLs per request `[D]`; 100 of the other kinds on every plan.
    pub urls_per_request: usize,
    /// URLs, for the whole account `[D]`.
    pub urls: Bucket,
    /// Requests for tags, hosts, prefixes and everything, for the whole account `[D]`.
    pub others: Bucket,
    /// Whether a rule of the environment selects by visitor, which forbids purging files `[D]`.
    pub visitor_rules: bool,
}

impl Default for Cloudflare {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            urls_per_request: 100,
            urls: Bucket::of_second(800.0),
            others: Bucket {
                per_second: 5.0 / 60.0,
                burst: 25.0,
            },
            visitor_rules: false,
        }
    }
}

impl Cloudflare {
    pub(super) fn serves(&self, host: &str) -> bool {
        api::serves_on_any_port(&self.hosts, host)
    }
}
