//! The settings and the memory of this API.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::emulator::budgets::Bucket;

pub const DISTRIBUTION_ID: &str = "EDFDVBD6EXAMPLE";
pub const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "not-a-real-key";
/// A key that may read but not purge.
pub const READ_ONLY_KEY_ID: &str = "AKIDREADONLY";
pub const SESSION_KEY_ID: &str = "ASIDEXAMPLE";
pub const SESSION_TOKEN: &str = "not-a-real-session-token";

/// The emulated API: one account with one distribution.
#[derive(Debug, Clone)]
pub struct Cloudfront {
    /// Aliases besides the distribution's own domain; empty for any. Paths are purged on all of them `[D]`.
    pub hosts: Vec<String>,
    /// The header with cache tags; without it there are no tags `[D]`.
    pub tag_header: Option<String>,
    /// How far a request's time may be off, in either direction `[O]`.
    pub window: Duration,
    /// Paths and tags `[D]`.
    pub paths_in_progress: usize,
    /// `[D]`
    pub wildcards_in_progress: usize,
    /// `[?]`
    pub paths_per_request: usize,
    /// Calls that create an invalidation `[O]`.
    pub creates: Bucket,
    /// The region that requests must be signed for.
    pub region: &'static str,
    pub keys: Vec<AccessKey>,
    /// By caller reference: its paths, and the invalidation.
    pub references: BTreeMap<String, (Vec<String>, String)>,
}

#[derive(Debug, Clone)]
pub struct AccessKey {
    pub id: &'static str,
    pub secret: &'static str,
    /// The token that requests of a session's key must send.
    pub token: Option<&'static str>,
    pub ends: Option<DateTime<Utc>>,
    pub may_purge: bool,
}

impl AccessKey {
    fn of(id: &'static str) -> Self {
        Self {
            id,
            secret: SECRET_ACCESS_KEY,
            token: None,
            ends: None,
            may_purge: true,
        }
    }
}

impl Default for Cloudfront {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            tag_header: Some("Cache-Tag".to_owned()),
            window: Duration::from_secs(5 * 60),
            paths_in_progress: 3000,
            wildcards_in_progress: 15,
            paths_per_request: 3000,
            creates: Bucket {
                per_second: 0.5,
                burst: 6.0,
            },
            region: "us-east-1",
            keys: vec![
                AccessKey::of(ACCESS_KEY_ID),
                AccessKey {
                    may_purge: false,
                    ..AccessKey::of(READ_ONLY_KEY_ID)
                },
                AccessKey {
                    token: Some(SESSION_TOKEN),
                    ..AccessKey::of(SESSION_KEY_ID)
                },
            ],
            references: BTreeMap::new(),
        }
    }
}
