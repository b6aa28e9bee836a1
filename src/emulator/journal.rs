//! What happened: every request with its answer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Requests remembered; the oldest is forgotten first. Two full days of the first CDN's quota with
/// ten questions each stay below it.
pub(super) const MAX_REQUESTS: usize = 100_000;

/// A request as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// By the service's clock.
    pub at: DateTime<Utc>,
    /// Method as received.
    pub method: String,
    /// Path and query as received.
    pub path: String,
    /// The name of what it asked, where that exists.
    pub operation: Option<&'static str>,
    /// HTTP code; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// The error word of a refusal, a colon, and its message.
    pub error: Option<String>,
    /// Items of an accepted purge or preload.
    pub items: usize,
    /// The task it started.
    pub task: Option<String>,
    /// The CDN's id of the request.
    pub request_id: Uuid,
    /// Faults that struck it, as they are written.
    pub faults: Vec<String>,
}
