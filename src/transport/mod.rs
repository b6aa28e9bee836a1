//! The one door to the network: a request is sent whole, and either a whole response comes back or an
//! error of a known class.
//!
//! `http` and `http_fetch` are the only files that use an HTTP library. `date`, `destination` and `retry`
//! are pure; `rate` and `exchange` use tokio's clock.

pub mod date;
pub mod destination;
pub mod dns;
pub mod exchange;
pub mod fetch;
pub mod http;
pub mod http_fetch;
pub mod node;
pub mod rate;
pub mod retry;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use crate::secret::{MASK, Redactor, Secret};
pub use node::Patience;

/// Time limit for connecting, with TLS. A CDN's API on another continent needs up to 3 s.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time limit from sending a request to the end of its answer.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest response body, in bytes. The largest real one, a list of endpoints, is well below 1 MiB.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

pub const USER_AGENT: &str = concat!("purgit/", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransportLimits {
    pub connect: Duration,
    pub request: Duration,
    pub body_bytes: usize,
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            connect: CONNECT_TIMEOUT,
            request: REQUEST_TIMEOUT,
            body_bytes: MAX_BODY_BYTES,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Purge,
    Ban,
    /// A method that a manifest names; see [`node::interned`].
    Other(&'static str),
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Purge => "PURGE",
            Self::Ban => "BAN",
            Self::Other(name) => name,
        }
    }
}

#[derive(Clone, PartialEq, Eq)]
pub enum HeaderValue {
    Plain(String),
    /// A credential: `Debug` and logs show `[secret]`.
    Secret(Secret),
}

impl HeaderValue {
    pub fn secret(text: impl Into<String>) -> Self {
        Self::Secret(Secret::new(text))
    }

    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }
}

impl<T: Into<String>> From<T> for HeaderValue {
    fn from(text: T) -> Self {
        Self::Plain(text.into())
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(text) => text,
            Self::Secret(_) => MASK,
        })
    }
}

/// A complete request: what was signed is what is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, HeaderValue)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The URL without its query, which may hold a token.
    pub fn place(&self) -> &str {
        let end = self.url.find(['?', '#']).unwrap_or(self.url.len());
        &self.url[..end]
    }
}

impl fmt::Debug for Request {
    /// Hides what may be a credential: secret headers, the query, and the body (of token requests).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.place())
            .field("headers", &self.headers)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

#[derive(Clone, PartialEq, Eq, Default)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_BODY_BYTES`].
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    /// Hides header values and the body, which may hold a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

/// Why no whole response came back. The chain of causes is in [`TransportError::source`].
#[derive(Debug, Error)]
#[error("{kind}")]
pub struct TransportError {
    /// Decides about retries.
    pub kind: TransportErrorKind,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl TransportError {
    /// The root cause. The library's layers mean nothing to users; the log has them.
    fn root(&self) -> Option<&dyn std::error::Error> {
        let mut cause: &dyn std::error::Error = &**self.source.as_ref()?;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Some(cause)
    }

    pub fn brief(&self) -> String {
        match self.root() {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// Keeps only the root cause, without secrets that it may repeat.
    #[must_use]
    pub fn redacted(self, redactor: &Redactor) -> Self {
        let Some(cause) = self.root() else {
            return self;
        };
        let text = redactor.redact(&cause.to_string());
        Self {
            kind: self.kind,
            source: Some(text.into()),
        }
    }
}

impl From<TransportErrorKind> for TransportError {
    fn from(kind: TransportErrorKind) -> Self {
        Self { kind, source: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TransportErrorKind {
    /// Name not found, connection refused, proxy refused, or no connection within
    /// [`CONNECT_TIMEOUT`].
    #[error("cannot connect")]
    Connect,
    #[error("TLS handshake failed")]
    Tls,
    /// TLS broke after the request may have been sent, e.g. because the peer renegotiates.
    #[error("TLS broken off")]
    TlsBroken,
    /// No whole answer within [`REQUEST_TIMEOUT`] or before the caller's deadline.
    #[error("no answer in time")]
    Timeout,
    /// The caller's deadline had passed before the request was sent.
    #[error("no time left to send the request")]
    TooLate,
    /// The connection broke after the request may have been sent, or the answer was cut short.
    #[error("connection broken off")]
    Interrupted,
    #[error("answer larger than {MAX_BODY_BYTES} bytes")]
    BodyTooLarge,
    /// Plain http to a place where others could read it.
    #[error("plain http is only allowed to this machine and to cache nodes in a private network")]
    Insecure,
    #[error("request cannot be sent")]
    Invalid,
}

impl TransportErrorKind {
    /// Whether the request may have reached the server and been acted on.
    pub const fn may_have_arrived(self) -> bool {
        match self {
            Self::TlsBroken | Self::Timeout | Self::Interrupted | Self::BodyTooLarge => true,
            Self::Connect | Self::Tls | Self::TooLate | Self::Insecure | Self::Invalid => false,
        }
    }

    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::Connect => Some(
                "check the host in the manifest, the network, and `HTTPS_PROXY` and `NO_PROXY`",
            ),
            Self::Tls => Some(
                "check the machine's root certificates; for a host that only has old TLS, \
                 build purgit with `--features native-tls`",
            ),
            Self::TlsBroken => {
                Some("for a host that renegotiates TLS, build purgit with `--features native-tls`")
            }
            // The next run resumes what was not confirmed, as after any failure.
            Self::Timeout | Self::Interrupted | Self::TooLate => None,
            Self::BodyTooLarge => {
                Some("check the host in the manifest: no CDN's API sends such a long answer")
            }
            Self::Insecure => Some("use `https://`: a signature must not be sent unencrypted"),
            Self::Invalid => {
                Some("check that credentials have no line end or other control character in them")
            }
        }
    }
}

pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response, TransportError>> + Send + 'a>>;
pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<SocketAddr>, TransportError>> + Send + 'a>>;

/// Sends one request once. Never follows redirects: a signature is valid for one path on one host.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Sends within the limits above and before the deadline, if there is one.
    fn send(&self, request: Request, deadline: Option<Instant>) -> Sending<'_>;

    /// Sends to a cache node, which is near: without a proxy, over plain http where [`node`] allows
    /// it, and with shorter timeouts.
    fn send_to_node(
        &self,
        request: Request,
        patience: Patience,
        deadline: Option<Instant>,
    ) -> Sending<'_> {
        self.send(request, Some(patience.until(deadline)))
    }

    /// The addresses of a name; none for transports without name resolution.
    fn resolve<'a>(&'a self, _host: &'a str, _port: u16) -> Resolving<'a> {
        Box::pin(async { Err(TransportErrorKind::Connect.into()) })
    }
}

/// Limits an exchange to the caller's deadline, and at most `limit`.
async fn in_time<T>(
    exchange: impl Future<Output = Result<T, TransportError>>,
    limit: Duration,
    deadline: Option<Instant>,
) -> Result<T, TransportError> {
    let now = Instant::now();
    let end = deadline.map_or(now + limit, |deadline| deadline.min(now + limit));
    if end <= now {
        return Err(TransportErrorKind::TooLate.into());
    }
    tokio::time::timeout_at(end, exchange)
        .await
        .unwrap_or_else(|_| Err(TransportErrorKind::Timeout.into()))
}
