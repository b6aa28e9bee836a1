//! CDN APIs, as pure codecs: an operation becomes a request, a response becomes an answer.
//!
//! A provider never sends anything, reads no clock and knows no file; `execute` does the sending
//! and the waiting, for all providers in the same way. Nothing outside `provider/<name>` and
//! `emulator/<name>` knows which CDN there is.
//!
//! How to add a CDN is in `docs/adding-a-cdn.md`.

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
pub mod limits;
pub mod place;
mod plain_http;
mod price;

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
pub use limits::{DayStart, Limits};
pub use price::Price;

/// Every kind of CDN that an `Endpoint` can name.
pub const REGISTRY: &[&ProviderKind] = &[
    &azure_china_cdn::KIND,
    &azure_front_door::KIND,
    &cloudflare::KIND,
    &cloudfront::KIND,
    &fastly::KIND,
    &http_cache::KIND,
];

/// See [`ProviderKind::read`].
pub type Read = fn(&mut Fields<'_>, &[HostPattern]) -> Option<Arc<dyn Provider>>;

/// One kind of CDN: what the manifest reader and the schema need to know of it.
pub struct ProviderKind {
    /// Its name in text and status, e.g. `azure-china-cdn`.
    pub name: &'static str,
    /// The field of `Endpoint.spec` that configures it, e.g. `azureChinaCdn`.
    pub field: &'static str,
    /// Reads that field's mapping, of an endpoint with these hosts; problems are reported to `Fields`, and
    /// then there is no provider.
    pub read: Read,
    /// JSON schema (draft-07) of that field's mapping.
    pub schema: fn() -> serde_json::Value,
    /// What the CDN lets through unless `spec.limits` says otherwise.
    pub default_limits: fn() -> Limits,
    /// That field as `purgit init` writes it: commented, indented by two blanks, with ids to fill in and
    /// with credentials from the environment.
    pub template: &'static str,
}

/// What a request may be built from, besides the operation: proof of identity and the time to sign.
#[derive(Debug, Clone, Copy)]
pub struct Auth<'a> {
    pub credentials: &'a Credentials,
    /// The token, where the provider exchanges credentials for one.
    pub token: Option<&'a Token>,
    /// The CDN's time, as far as known: the local clock plus the skew found so far.
    pub now: DateTime<Utc>,
}

/// A bearer token and how long it is good for.
#[derive(Debug, Clone)]
pub struct Token {
    pub value: Secret,
    /// From then on it must be exchanged anew.
    pub expires_at: DateTime<Utc>,
}

/// Why a CDN cannot purge a target, and what to use instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unsupported {
    pub message: String,
    /// What to declare instead.
    pub hint: String,
}

/// A kind of CDN API, configured for one endpoint. Pure: builds requests, reads responses.
pub trait Provider: fmt::Debug + Send + Sync {
    fn kind(&self) -> &'static ProviderKind;

    /// Its configuration for digests: everything that decides where requests go, no secrets.
    fn identity(&self) -> serde_json::Value;

    /// The credentials it needs, by the manifest's names for them.
    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)>;

    /// A target as this API sees it.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported>;

    /// Where a URL or a directory stands in the tree of what directory purges take: what starts like the
    /// place of a directory, which ends in `/`, goes along with it. A place is spelt like a URL, with the
    /// same `/`, but alike for what the CDN does not tell apart. `None` for what no directory takes, and where
    /// nobody says that purges of directories reach all below.
    fn place(&self, _target: &Target) -> Option<String> {
        None
    }

    /// What the CDN lets through unless `spec.limits` says otherwise, where that depends on more than
    /// its kind.
    fn default_limits(&self) -> Limits {
        (self.kind().default_limits)()
    }

    /// What the CDN lets through, under the endpoint's limits.
    fn budgets(&self, limits: &Limits) -> Vec<Budget>;

    /// What purges cost, where they cost anything.
    fn price(&self) -> Option<Price> {
        None
    }

    /// How credentials become a token, where requests need one.
    fn exchange(&self) -> Option<&dyn Exchange> {
        None
    }

    /// The request that purges an operation's items.
    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request;

    /// Reads the answer to [`Provider::submit`].
    fn submitted(&self, operation: &Operation, response: &Response) -> Result<Answer, ApiError>;

    /// How to ask about what it accepted; `None` where the answer to a purge is the last word.
    fn tasks(&self) -> Option<&dyn Tasks> {
        None
    }

    /// The nodes to purge one by one, where there is no API in front of them. Then [`Provider::submit`] is
    /// the first request to the first of them.
    fn fleet(&self) -> Option<&dyn Fleet> {
        None
    }

    /// Questions that change nothing, for `doctor`: who asks, what may they do, is the endpoint known and
    /// switched on, which hosts does it serve? None where the API has none.
    fn inspect(&self, _auth: Auth<'_>) -> Vec<Request> {
        Vec::new()
    }

    /// Reads the answer to one of the questions of [`Provider::inspect`], after the answers to those `before`
    /// it. Where purging needs no right to ask, that this right is missing is a remark and no error.
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    fn inspected(
        &self,
        _before: &[Response],
        _response: &Response,
    ) -> Result<Inspection, ApiError> {
        Ok(Inspection::default())
    }

    /// The CDN's id of any answer of its, for its support; `None` where it gives none.
    fn correlation_id(&self, _response: &Response) -> Option<String> {
        None
    }
}

/// How to ask about what a CDN accepted.
pub trait Tasks: Send + Sync {
    /// Whether a task can be asked about: one of another CDN, which the endpoint had before, cannot.
    fn knows(&self, _task: &Task) -> bool {
        true
    }

    /// The request that asks about a task.
    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request;

    /// Reads the answer to [`Tasks::poll`]. Only [`Effect::Forgotten`], the CDN's own word, ends a
    /// task without an outcome.
    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError>;
}

/// How credentials become a token, in one step or several.
pub trait Exchange: Send + Sync {
    /// The request for a token; `given` is what the last step granted.
    fn request(
        &self,
        credentials: &Credentials,
        given: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Request;

    /// Reads the answer to it.
    fn token(
        &self,
        response: &Response,
        given: Option<&Token>,
        now: DateTime<Utc>,
    ) -> Result<Granted, ApiError>;
}

/// What a step of an exchange gives.
#[derive(Debug, Clone)]
pub enum Granted {
    /// What requests to the CDN need.
    Token(Token),
    /// What the next step needs.
    Next(Token),
}

impl fmt::Debug for ProviderKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ProviderKind").field(&self.name).finish()
    }
}
