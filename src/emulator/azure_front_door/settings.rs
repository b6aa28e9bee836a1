//! What can be set of this API, and what it remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::emulator::api;
use crate::emulator::budgets::Bucket;

/// The tenant.
pub const TENANT_ID: &str = "00000000-0000-0000-0000-00000000007e";
/// The app registration.
pub const CLIENT_ID: &str = "00000000-0000-0000-0000-0000000000c1";
/// Its secret.
pub const CLIENT_SECRET: &str = "not-a-real-key";
/// A token of another identity provider that it trusts.
pub const FEDERATED_TOKEN: &str = "not-a-real-assertion";
/// What GitHub's token service takes.
pub const GITHUB_TOKEN: &str = "not-a-real-github-token";
/// The subscription.
pub const SUBSCRIPTION_ID: &str = "00000000-0000-0000-0000-00000000005b";
/// The resource group.
pub const RESOURCE_GROUP: &str = "rg";
/// The profile.
pub const PROFILE: &str = "profile";
/// The endpoint, and the first label of its own host.
pub const ENDPOINT: &str = "www";

/// The emulated API: one subscription with one profile and one endpoint.
#[derive(Debug, Clone)]
pub struct AzureFrontDoor {
    /// Domains of the endpoint besides its own, with `*.` for any below; empty for any.
    pub hosts: Vec<String>,
    /// Paths in one request `[D]`.
    pub paths_per_request: usize,
    /// Writes of one caller `[D]`.
    pub writes: Bucket,
    /// Versions of the API that this cloud has.
    pub api_versions: Vec<&'static str>,
    /// What the identity may not do, e.g. `Microsoft.Cdn/profiles/afdEndpoints/read`.
    pub denied: Vec<&'static str>,
    /// How long a token is good for; as long as the vendor's `[O]`.
    pub token_lifetime: Duration,
    /// Whether a purge is answered with a place to ask at by status words, or by HTTP status alone.
    pub has_words: bool,
    /// The tokens given out, and when each ends.
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
    /// The endpoint's own host.
    pub(super) fn own_host() -> String {
        format!("{ENDPOINT}.azurefd.net")
    }

    /// Whether a domain is one of the endpoint's.
    pub(super) fn serves(&self, domain: &str) -> bool {
        domain.eq_ignore_ascii_case(&Self::own_host()) || api::serves(&self.hosts, domain)
    }
}
