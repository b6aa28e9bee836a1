//! What a CDN's answers mean: the progress of a task and its items, or why it failed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::operation::Task;
use crate::secret::Redactor;
use crate::transport::retry::RetryClass;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Finished. An item without a report is in doubt.
    Settled(Vec<ItemReport>),
    Running {
        /// What to poll next: the same task, or another question about it.
        task: Task,
        known: Vec<ItemReport>,
        /// When to poll, if the answer says so; otherwise `spec.poll` decides.
        ask_after: Option<Duration>,
    },
}

impl Answer {
    pub(super) fn succeeded() -> Self {
        Self::Settled(vec![ItemReport::rest(Progress::Succeeded)])
    }

    /// Without secrets that the CDN repeated.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let (Self::Settled(reports) | Self::Running { known: reports, .. }) = &mut self;
        for message in reports.iter_mut().flat_map(|report| &mut report.message) {
            *message = redactor.redact(message);
        }
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    pub of: Reported,
    pub progress: Progress,
    pub message: Option<String>,
}

/// The items of an operation that a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// The item with that [`crate::operation::Item::key`]; an unknown key is ignored.
    Item(Arc<str>),
    /// All items without a report of their own.
    Rest,
}

impl ItemReport {
    pub fn item(key: impl Into<Arc<str>>, progress: Progress) -> Self {
        Self {
            of: Reported::Item(key.into()),
            progress,
            message: None,
        }
    }

    pub const fn rest(progress: Progress) -> Self {
        Self {
            of: Reported::Rest,
            progress,
            message: None,
        }
    }
}

/// The progress of a task or of one of its items, as the CDN sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    Running,
    /// An unknown status word. Never counts as success.
    Unknown,
    Failed,
    Succeeded,
}

impl Progress {
    pub(super) const fn is_over(self) -> bool {
        match self {
            Self::Succeeded | Self::Failed => true,
            Self::Running | Self::Unknown => false,
        }
    }
}

/// A CDN's refusal or fault, read from a complete response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{summary}")]
pub struct ApiError {
    /// One sentence: what the CDN said, with its own error code.
    pub summary: String,
    pub retry: RetryClass,
    pub effect: Effect,
    pub hint: Option<String>,
    pub correlation_id: Option<String>,
    pub retry_after: Option<Duration>,
}

impl ApiError {
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let redact = |text: String| redactor.redact(&text);
        Self {
            summary: redact(self.summary),
            hint: self.hint.map(redact),
            correlation_id: self.correlation_id.map(redact),
            ..self
        }
    }
}

/// What an error means for the operation and for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The operation's entries failed; other operations may succeed (exit code 3).
    Step,
    /// The CDN refused the operation because of some items or their number, and did nothing. Smaller
    /// requests may succeed, so the operation is split; a single item has failed (exit code 3).
    Items,
    /// Every request of this endpoint would fail the same way, so the rest is skipped (exit code 3).
    Endpoint,
    /// The credentials are missing or rejected: the rest of the endpoint is skipped (exit code 7).
    Credentials,
    /// The account's quota is used up, and nothing was done: entries that need it are deferred (exit
    /// code 8).
    Exhausted {
        /// When there is quota again, if the CDN says so; otherwise when the next window starts.
        until: Option<DateTime<Utc>>,
    },
    /// The CDN has as much in progress as it allows, and did nothing. The operation waits until there is
    /// room or the endpoint's patience ends, and is then deferred (exit code 8).
    Full,
    /// The CDN itself does not know the task: nobody can tell how it ended.
    Forgotten,
    /// The answer does not tell whether the CDN accepted the operation: an unreadable acceptance, or
    /// a fault of the server or of something in between. If a second send fails too, its entries are
    /// Unknown and planned again (exit code 3).
    InDoubt,
}
