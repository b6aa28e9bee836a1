//! CDN APIs, as pure codecs: a step becomes a request, a response becomes an event.
//!
//! A provider never sends anything, reads no clock and knows no file; `execute` does the sending
//! and the waiting, for all providers in the same way.
//!
//! # How to add a CDN
//! 1. Write `provider/<name>.rs` (or a folder) with a type that implements [`Provider`]: the block
//!    of the manifest it reads, its default limits, its requests and its answers. State the source
//!    of each fact.
//! 2. Add its [`ProviderKind`] to [`REGISTRY`].
//! 3. Run the tests: the conformance suite runs over the registry and asks for a sample in
//!    `tests/integration/providers/samples.rs`, and the schema test tells what `UPDATE=1 cargo test`
//!    will add to `schemas/`.

pub mod azure_china_cdn;
pub mod excerpt;
mod limits;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::credential::{CredentialRef, Credentials};
use crate::entry::TargetKind;
use crate::operation::Task;
use crate::plan::Step;
use crate::secret::{Redactor, Secret};
use crate::transport::retry::RetryClass;
use crate::transport::{Request, Response};
use crate::yaml::fields::Fields;
pub use limits::{DayStart, Limits};

/// Every kind of CDN that an `Endpoint` can name.
pub const REGISTRY: &[&ProviderKind] = &[&azure_china_cdn::KIND];

/// One kind of CDN: what the manifest reader and the schema need to know of it.
pub struct ProviderKind {
    /// Its name in text and status, e.g. `azure-china-cdn`.
    pub name: &'static str,
    /// The field of `Endpoint.spec` that configures it, e.g. `azureChinaCdn`.
    pub field: &'static str,
    /// Reads that field's mapping; problems are reported to `Fields`, and then there is no provider.
    pub read: fn(&mut Fields<'_>) -> Option<Arc<dyn Provider>>,
    /// JSON schema (draft-07) of that field's mapping.
    pub schema: fn() -> serde_json::Value,
    /// What the CDN lets through unless `spec.limits` says otherwise.
    pub default_limits: fn() -> Limits,
}

/// What a CDN's API can do; the planner and the executor go by this, never by a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Kinds of purge it has.
    pub kinds: &'static [TargetKind],
    /// Whether files and directories may share one request.
    pub mixed_kinds: bool,
    /// How a purge that was accepted is followed.
    pub polling: Polling,
    /// What has to be in hand before a request.
    pub authentication: Authentication,
}

/// How a purge that was accepted is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polling {
    /// It is not: acceptance is all the CDN ever says.
    None,
    /// Each task is asked about by itself.
    PerTask,
}

/// What has to be in hand before a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// The credentials themselves sign or accompany each request.
    Credentials,
    /// The credentials are exchanged for a token first; see [`Provider::token_request`].
    Token,
}

/// What a request may be built from, besides the step: proof of identity and the time to sign.
#[derive(Debug, Clone, Copy)]
pub struct Auth<'a> {
    /// Resolved credentials.
    pub credentials: &'a Credentials,
    /// The token, where [`Authentication::Token`] is declared.
    pub token: Option<&'a Token>,
    /// The CDN's time, as far as known: the local clock plus the skew found so far.
    pub now: DateTime<Utc>,
}

/// A bearer token and how long it is good for.
#[derive(Debug, Clone)]
pub struct Token {
    /// What goes into the request.
    pub value: Secret,
    /// From then on it must be exchanged anew.
    pub expires_at: DateTime<Utc>,
}

/// The answer to a submitted step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// A task runs now; `settled` when the CDN says that it is over already, so that the first
    /// question need not wait.
    Accepted {
        /// The task.
        task: Task,
        /// Whether the CDN calls it finished in this very answer.
        settled: bool,
    },
    /// The purge is done and there is nothing to ask about.
    Done,
}

/// Which question about a task is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inquiry {
    /// How far each URL is.
    Items,
    /// How far the task is as a whole.
    Overall,
}

/// The state of a task or of one of its URLs, in the CDN's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Not over yet.
    Running,
    /// Confirmed.
    Succeeded,
    /// Over, without success.
    Failed,
    /// A word that is not known. Never taken for success.
    Unknown,
}

/// The answer to an [`Inquiry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// Per URL, as the CDN spells it.
    Items(Vec<ItemReport>),
    /// For the task as a whole.
    Overall {
        /// How far it is.
        progress: Progress,
        /// The CDN's own words, if any.
        message: Option<String>,
    },
}

impl Report {
    /// Without the secrets that the CDN repeated.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        match self {
            Self::Items(_) => self,
            Self::Overall { progress, message } => Self::Overall {
                progress,
                message: message.map(|message| redactor.redact(&message)),
            },
        }
    }
}

/// The state of one URL of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemReport {
    /// File or directory.
    pub kind: TargetKind,
    /// As the CDN spells it.
    pub url: String,
    /// How far it is.
    pub progress: Progress,
}

/// What the CDN knows of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointInfo {
    /// Its id.
    pub id: String,
    /// The domain that users see.
    pub custom_domain: Option<String>,
    /// Whether it is enabled.
    pub enabled: Option<bool>,
    /// The CDN's word for where it is in its life.
    pub lifetime_status: Option<String>,
    /// The CDN's word for its ICP verification.
    pub icp_status: Option<String>,
}

/// A CDN's refusal or fault, read from a response that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{summary}")]
pub struct ApiError {
    /// One sentence: what the CDN said, with its own type word.
    pub summary: String,
    /// Whether and how to try again.
    pub retry: RetryClass,
    /// What it means for the entries of the step and for the run.
    pub effect: Effect,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// The CDN's id of the request, for its support.
    pub correlation_id: Option<String>,
    /// How long the CDN asks to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// Without the secrets that the CDN repeated.
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

/// What an error means for the entries and for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The step's entries failed; other steps may do better (exit code 3).
    Step,
    /// The CDN refused the step for some of its URLs, or for their number, and did nothing of it.
    /// Others of them may do better in a smaller step, so the step is taken apart; a step of one
    /// URL failed (exit code 3).
    Items,
    /// Every step of this endpoint would fail alike, so the rest is skipped (exit code 3).
    Endpoint,
    /// The credentials are missing or rejected: the endpoint's rest is skipped (exit code 7).
    Credentials,
    /// The answer does not tell whether the CDN took the step: an unreadable acceptance, a fault of
    /// the server or of something in between. Once retries are used up, the step's entries are
    /// Unknown and are planned again (exit code 3).
    InDoubt,
}

/// A kind of CDN API, configured for one endpoint. Pure: builds requests, reads responses.
pub trait Provider: fmt::Debug + Send + Sync {
    /// Which kind of CDN this is.
    fn kind(&self) -> &'static ProviderKind;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// The credentials it needs, by the manifest's names for them.
    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)>;

    /// Its configuration for digests: everything that decides where requests go, no secrets.
    fn identity(&self) -> serde_json::Value;

    /// The request that purges a step.
    fn submit(&self, step: &Step, auth: Auth<'_>) -> Request;

    /// Reads the answer to [`Provider::submit`].
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    fn submitted(&self, response: &Response) -> Result<Submission, ApiError>;

    /// The request that asks about a task.
    fn inquire(&self, task: &Task, inquiry: Inquiry, auth: Auth<'_>) -> Request;

    /// Reads the answer to [`Provider::inquire`].
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    fn reported(&self, inquiry: Inquiry, response: &Response) -> Result<Report, ApiError>;

    /// The CDN's id of any answer of its, for its support; `None` where it gives none.
    fn correlation_id(&self, _response: &Response) -> Option<String> {
        None
    }

    /// The request that exchanges credentials for a token, where
    /// [`Authentication::Token`] is declared.
    fn token_request(&self, _credentials: &Credentials) -> Option<Request> {
        None
    }

    /// Reads the answer to [`Provider::token_request`]; `None` where no tokens exist.
    ///
    /// # Errors
    /// What the token service refused.
    fn token(&self, _response: &Response, _now: DateTime<Utc>) -> Result<Option<Token>, ApiError> {
        Ok(None)
    }
}
