//! What a CDN's answers mean: how far a task and its items are, or why not.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::operation::Task;
use crate::secret::Redactor;
use crate::transport::retry::RetryClass;

/// The answer to a purge, or to a question about one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is over. An item of which nothing is reported ended in doubt.
    Settled(Vec<ItemReport>),
    Running {
        /// What to ask about next: the same task, or another question about it.
        task: Task,
        known: Vec<ItemReport>,
        /// When to ask, where the answer says so; otherwise as `spec.poll` says.
        ask_after: Option<Duration>,
    },
}

impl Answer {
    /// Without the secrets that the CDN repeated.
    #[must_use]
    pub fn redacted(mut self, redactor: &Redactor) -> Self {
        let (Self::Settled(reports) | Self::Running { known: reports, .. }) = &mut self;
        for message in reports
            .iter_mut()
            .filter_map(|report| report.message.as_mut())
        {
            *message = redactor.redact(message);
        }
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    pub of: Reported,
    pub progress: Progress,
    /// The CDN's own words, if any.
    pub message: Option<String>,
}

/// Which items of an operation a report is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// The one with that [`crate::operation::Item::key`]; a key that the operation does not have is
    /// ignored.
    Item(Arc<str>),
    /// All of which no other report says anything.
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

    /// Of the task as a whole.
    pub const fn rest(progress: Progress) -> Self {
        Self {
            of: Reported::Rest,
            progress,
            message: None,
        }
    }
}

/// The state of a task or of one of its items, in the CDN's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    Running,
    /// A word that is not known. Never taken for success.
    Unknown,
    /// Over, without success.
    Failed,
    Succeeded,
}

/// A CDN's refusal or fault, read from a response that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{summary}")]
pub struct ApiError {
    /// One sentence: what the CDN said, with its own type word.
    pub summary: String,
    /// Whether and how to try again.
    pub retry: RetryClass,
    /// What it means for the operation and for the run.
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
    /// The operation's entries failed; other operations may do better (exit code 3).
    Step,
    /// The CDN refused the operation for some of its items, or for their number, and did nothing of
    /// it. Others may do better in a smaller request, so it is taken apart; an operation of one item
    /// failed (exit code 3).
    Items,
    /// Every request of this endpoint would fail alike, so the rest is skipped (exit code 3).
    Endpoint,
    /// The credentials are missing or rejected: the endpoint's rest is skipped (exit code 7).
    Credentials,
    /// The account's quota is used up, and nothing was done: what needs it is deferred (exit code 8).
    Exhausted {
        /// When there is quota again, where the CDN says so; otherwise when the window turns.
        until: Option<DateTime<Utc>>,
    },
    /// The CDN works on as much as it takes at once, and did nothing: the operation waits for room while the
    /// endpoint's patience lasts, and is deferred then (exit code 8).
    Full,
    /// The CDN itself says that it does not know the task: nobody can tell how it ended.
    Forgotten,
    /// The answer does not tell whether the CDN took the operation: an unreadable acceptance, a fault
    /// of the server or of something in between. Once it was sent again in vain, its entries are
    /// Unknown and are planned again (exit code 3).
    InDoubt,
}
