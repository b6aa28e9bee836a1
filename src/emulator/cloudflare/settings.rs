//! What can be set of this API.

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

/// A token that may purge the zone.
pub const API_TOKEN: &str = "not-a-real-key";
/// A token that may read zones and purge none.
pub const READ_ONLY_TOKEN: &str = "not-a-real-key-read-only";
/// A token that may purge the zone and not read it.
pub const PURGE_ONLY_TOKEN: &str = "not-a-real-key-purge-only";
/// A token of the account, which cannot be verified as that of a user.
pub const ACCOUNT_TOKEN: &str = "not-a-real-key-of-an-account";
/// The zone.
pub const ZONE_ID: &str = "023e105f4ecef8ad9ca31a8372d0c353";
/// An environment of the zone besides production.
pub const ENVIRONMENT_ID: &str = "12fd7df4a7a64d3ca7be7ab8a3d1cd12";
/// A zone of another account.
pub const OTHER_ZONE_ID: &str = "99999999999999999999999999999999";

/// The emulated API: one account with one zone; by default on the plan Free.
#[derive(Debug, Clone)]
pub struct Cloudflare {
    /// Hosts of the zone, with `*.` for any below; empty for any.
    pub hosts: Vec<String>,
    /// URLs in one request `[D]`; of the other kinds there are 100 on every plan.
    pub urls_per_request: usize,
    /// URLs, over all of the account `[D]`.
    pub urls: Bucket,
    /// Requests for tags, hosts, prefixes and everything, over all of the account `[D]`.
    pub others: Bucket,
    /// Whether a rule of the environment selects by visitor, so that files cannot be purged there `[D]`.
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
    /// Whether a host is one of the zone's, whatever its port.
    pub(super) fn serves(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        api::serves(&self.hosts, name)
    }
}
