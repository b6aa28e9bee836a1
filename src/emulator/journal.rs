//! What happened: every request with its answer, and every purge that was accepted.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::errors::ErrorType;
use super::routes::Operation;
use super::tasks::TaskKind;

/// Requests remembered; the oldest is forgotten first. Two full days of quota with ten questions
/// each stay below it.
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
    /// What it asked, where that exists.
    pub operation: Option<Operation>,
    /// HTTP code; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// `ErrorInfo.Type` of a refusal.
    pub error: Option<ErrorType>,
    /// `ErrorInfo.Message` of a refusal.
    pub message: Option<String>,
    /// URLs in the body of an accepted purge or preload.
    pub items: usize,
    /// The task it started.
    pub task: Option<Uuid>,
    /// `X-Correlation-Id`.
    pub correlation_id: Uuid,
    /// Faults that struck it, as they are written.
    pub faults: Vec<String>,
}

/// A purge or preload that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedTask {
    /// `TaskTrackId`.
    pub id: Uuid,
    /// Purge or preload.
    pub kind: TaskKind,
    /// When, by the service's clock.
    pub at: DateTime<Utc>,
    /// Lower-case id of the endpoint.
    pub endpoint: String,
    /// Files, as sent.
    pub files: Vec<String>,
    /// Directories, as sent.
    pub directories: Vec<String>,
}

/// The last [`MAX_REQUESTS`] requests.
#[derive(Debug, Default)]
pub(super) struct Journal(VecDeque<RequestRecord>);

impl Journal {
    /// Remembers a request.
    pub(super) fn add(&mut self, record: RequestRecord) {
        if self.0.len() >= MAX_REQUESTS {
            self.0.pop_front();
        }
        self.0.push_back(record);
    }

    /// All, in the order answered.
    pub(super) fn all(&self) -> Vec<RequestRecord> {
        self.0.iter().cloned().collect()
    }
}
