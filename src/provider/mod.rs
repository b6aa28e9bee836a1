//! CDN APIs as pure codecs: an operation becomes a request, a response becomes an answer.
//!
//! A provider sends nothing and uses no clock or files: `execute` sends and waits, in the same way for all
//! of them. How to add a CDN is in `docs/adding-a-cdn.md`.

pub mod answer;
pub mod azure_china_cdn;
pub mod azure_front_door;
pub mod budget;
pub mod cloudflare;
pub mod cloudfront;
pub mod excerpt;
pub mod fastly;
mod fleet;
pub mod http_cache;
mod inspection;
mod json;
pub mod limits;
pub mod place;
mod plain_http;
mod price;
mod quotas;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::credential::{CredentialRef, Credentials};
use crate::entry::Target;
use crate::field::Fields;
use crate::operation::{Item, Operation, Task};
use crate::secret::Secret;
use crate::transport::{Request, Response};
use crate::url::HostPattern;
pub use answer::{Answer, ApiError, Effect, ItemReport, Progress, Reported};
pub use budget::{Budget, Counts, Window};
pub use fleet::Fleet;
pub use inspection::{Inspection, Remark};
pub use limits::{DayStart, Limits, Reserve};
pub use price::Price;
pub use quotas::{Left, Quotas};

/// Every kind of CDN that an `Endpoint` can name.
pub const REGISTRY: &[&ProviderKind] = &[
    &azure_china_cdn::KIND,
    &azure_front_door::KIND,
    &cloudflare::KIND,
    &cloudfront::KIND,
    &fastly::KIND,
    &http_cache::KIND,
];

pub type Read = fn(&mut Fields<'_>, &[HostPattern]) -> Option<Arc<dyn Provider>>;

/// One kind of CDN, for the manifest reader and the schema.
pub struct ProviderKind {
    /// Its name in text and status, e.g. `azure-china-cdn`.
    pub name: &'static str,
    /// The field of `Endpoint.spec` that configures it, e.g. `azureChinaCdn`.
    pub field: &'static str,
    /// Reads that field's mapping, for an endpoint with these hosts; reports problems to `Fields` and then
    /// returns `None`.
    pub read: Read,
    pub schema: fn() -> serde_json::Value,
    pub default_limits: fn() -> Limits,
    /// The field as `purgit init` writes it: commented, indented by two spaces, with placeholder ids and
    /// credentials from the environment.
    pub template: &'static str,
}

/// What a request needs besides the operation: credentials and the time to sign.
#[derive(Debug, Clone, Copy)]
pub struct Auth<'a> {
    pub credentials: &'a Credentials,
    /// The token, if the provider exchanges credentials for one.
    pub token: Option<&'a Token>,
    /// The CDN's time as far as known: the local clock plus the measured skew.
    pub now: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub value: Secret,
    /// After this time it must be exchanged again.
    pub expires_at: DateTime<Utc>,
}

/// Why a CDN cannot purge a target, and what to use instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unsupported {
    pub message: String,
    pub hint: String,
}

impl Unsupported {
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// A kind of CDN API, configured for one endpoint. Pure: builds requests, parses responses.
pub trait Provider: fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static ProviderKind;

    /// Its configuration for digests: everything that decides where requests go, without secrets.
    fn identity(&self) -> serde_json::Value;

    /// The credentials it needs, by their names in the manifest.
    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)>;

    fn lower(&self, target: &Target) -> Result<Item, Unsupported>;

    /// Where a target is in the tree of directory purges: a directory purge includes everything whose place
    /// starts with the directory's place, which ends in `/`. URLs that the CDN does not distinguish have the
    /// same place. `None` if no directory purge includes the target, or if it is unknown whether directory
    /// purges are recursive.
    fn place(&self, _target: &Target) -> Option<String> {
        None
    }

    /// The limits unless `spec.limits` overrides them, if they depend on more than the kind.
    fn default_limits(&self) -> Limits {
        (self.kind().default_limits)()
    }

    fn budgets(&self, limits: &Limits) -> Vec<Budget>;

    fn price(&self) -> Option<Price> {
        None
    }

    /// The request headers that select among cached answers for one URL, if users send them: sets of names
    /// and values.
    fn variants(&self) -> Vec<&BTreeMap<String, String>> {
        Vec::new()
    }

    /// Whether the CDN recognises an operation that is sent again, and purges only once.
    fn knows_resends(&self) -> bool {
        false
    }

    fn exchange(&self) -> Option<&dyn Exchange> {
        None
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request;

    fn submitted(&self, operation: &Operation, response: &Response) -> Result<Answer, ApiError>;

    /// How to poll accepted operations; `None` if the answer to a purge is final.
    fn tasks(&self) -> Option<&dyn Tasks> {
        None
    }

    /// The nodes to purge one by one, if there is no API in front of them. Then [`Provider::submit`] is
    /// the first request to the first node.
    fn fleet(&self) -> Option<&dyn Fleet> {
        None
    }

    /// Requests that change nothing, for `doctor`: who is the caller, what may it do, is the endpoint known
    /// and enabled, which hosts does it serve? Empty if the API has none.
    fn inspect(&self, _auth: Auth<'_>) -> Vec<Request> {
        Vec::new()
    }

    /// Parses the answer to one request of [`Provider::inspect`]; `before` has the earlier answers. If the
    /// caller may not ask but can still purge, that is a remark and not an error.
    fn inspected(
        &self,
        _before: &[Response],
        _response: &Response,
    ) -> Result<Inspection, ApiError> {
        Ok(Inspection::default())
    }

    /// How to ask what is left of the quotas; `None` if the API does not tell.
    fn quotas(&self) -> Option<&dyn Quotas> {
        None
    }

    /// The CDN's request id in any of its answers, for its support.
    fn correlation_id(&self, _response: &Response) -> Option<String> {
        None
    }
}

pub trait Tasks: Send + Sync {
    /// Whether a task can be polled. A task of the endpoint's former CDN cannot.
    fn knows(&self, _task: &Task) -> bool {
        true
    }

    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request;

    /// Parses the answer to [`Tasks::poll`]. Only the CDN's own [`Effect::Forgotten`] ends a task
    /// without an outcome.
    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError>;
}

/// How credentials become a token, in one or more steps.
pub trait Exchange: Send + Sync {
    /// The request of the next step; `given` is the result of the previous one.
    fn request(
        &self,
        credentials: &Credentials,
        given: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Request;

    fn token(
        &self,
        response: &Response,
        given: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Result<Granted, ApiError>;
}

#[derive(Debug, Clone)]
pub enum Granted {
    Token(Token),
    /// The input of the next step.
    Next(Token),
}

impl fmt::Debug for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderKind").field(&self.name).finish()
    }
}
