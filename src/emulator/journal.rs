//! What happened: every request with its answer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Requests remembered; the oldest is forgotten first. Two full days of the first CDN's quota with
/// ten questions each stay below it.
pub(super) const MAX_REQUESTS: usize = 100_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// By the service's clock.
    pub at: DateTime<Utc>,
    pub method: String,
    pub path: String,
    pub operation: Option<&'static str>,
    /// HTTP code; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// The error word of a refusal, a colon, and its message.
    pub error: Option<String>,
    /// Items of an accepted purge or preload.
    pub items: usize,
    pub task: Option<String>,
    pub request_id: Uuid,
    pub faults: Vec<String>,
}
