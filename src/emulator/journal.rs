//! Every request with its answer.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Most requests remembered; older ones are dropped. Two full days of the first CDN's quota with ten polls
/// each fit.
pub(super) const MAX_REQUESTS: usize = 100_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// By the service's clock.
    pub at: DateTime<Utc>,
    pub method: String,
    pub path: String,
    pub operation: Option<&'static str>,
    /// HTTP code; `None` if the connection was cut.
    pub status: Option<u16>,
    /// The error code of a refusal, a colon, and the message.
    pub error: Option<String>,
    pub items: usize,
    pub task: Option<String>,
    pub request_id: Uuid,
    pub faults: Vec<String>,
}
