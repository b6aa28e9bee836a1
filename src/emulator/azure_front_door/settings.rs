//! The settings and the memory of this API.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

pub const TENANT_ID: &str = "00000000-0000-0000-0000-00000000007e";
pub const CLIENT_ID: &str = "00000000-0000-0000-0000-0000000000c1";
pub const CLIENT_SECRET: &str = "not-a-real-key";
/// A token of another identity provider that the app registration trusts.
pub const FEDERATED_TOKEN: &str = "not-a-real-assertion";
/// The bearer token that GitHub's token service accepts.
pub const GITHUB_TOKEN: &str = "not-a-real-github-token";
pub const SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-00000000005b";
pub const RESOURCE_GROUP: &str = "rg";
pub const PROFILE: &str = "profile";
/// The endpoint, which is also the first label of its own host.
pub const ENDPOINT: &str = "www";

/// The emulated API: one subscription with one profile and one endpoint.
#[derive(Debug, Clone)]
pub struct AzureFrontDoor {
    /// Domains besides the endpoint's own, with `*.` for any subdomain; empty for any.
    pub hosts: Vec<String>,
    /// `[D]`
    pub paths_per_request: usize,
    /// Writes per caller `[D]`.
    pub writes: Bucket,
    pub api_versions: Vec<&'static str>,
    /// Actions that the identity lacks, e.g. `Microsoft.Cdn/profiles/afdEndpoints/read`.
    pub denied: Vec<&'static str>,
    /// Lifetime of a token; the vendor's own `[O]`.
    pub token_lifetime: Duration,
    /// Whether the polling URL reports a status word, or only an HTTP status.
    pub has_words: bool,
    pub tokens: BTreeMap<String, DateTime<Utc>>,
}

impl Default for AzureFrontDoor {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            paths_per_request: 100,
            writes: Bucket {
                per_second: 10.0,
                burst: 200.0,
            },
            api_versions: vec!["2023-05-01", "2024-02-01", "2025-04-15", "2025-06-01"],
            denied: Vec::new(),
            token_lifetime: Duration::from_secs(3599),
            has_words: true,
            tokens: BTreeMap::new(),
        }
    }
}

impl AzureFrontDoor {
    pub(super) fn own_host() -> String {
        format!("{ENDPOINT}.azurefd.net")
    }

    pub(super) fn serves(&self, domain: &str) -> bool {
        domain.eq_ignore_ascii_case(&Self::own_host()) || api::serves(&self.hosts, domain)
    }
}
