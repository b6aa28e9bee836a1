//! The port for what users and origins are served: a body of any length comes in piece by piece, is
//! decoded and hashed, and is never kept. Who is asked may be told by address, while TLS and the `Host`
//! header keep the name.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use super::dns::{ResolveError, Resolver};
use super::{Request, TransportError};
use crate::content::ContentId;
use crate::secret::Redactor;

/// Time from asking to the end of the body.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest body that is hashed, in decoded bytes: longer than any page, and read within
/// [`FETCH_TIMEOUT`]. What is decoded may be far longer than what was sent.
pub const MAX_FETCHED_BYTES: u64 = 64 * 1024 * 1024;

/// Where to connect, whatever the name in the URL resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connect {
    pub address: IpAddr,
    /// That of the URL, or of its scheme, where there is none.
    pub port: Option<u16>,
    /// Without TLS, whatever the URL says.
    pub plain: bool,
}

impl fmt::Display for Connect {
    /// As it is written in a manifest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.plain { "http://" } else { "" })?;
        match (self.address, self.port) {
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
            (address, Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), None) if self.plain => write!(f, "[{address}]"),
            (address, None) => write!(f, "{address}"),
        }
    }
}

/// What was served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// Of the decoded body; `None` where it is longer than [`MAX_FETCHED_BYTES`].
    pub id: Option<ContentId>,
}

impl Fetched {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Without the secrets that the answer repeats.
    #[must_use]
    pub fn redacted(&self, redactor: &Redactor) -> Self {
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), redactor.redact(value)));
        Self {
            headers: headers.collect(),
            ..self.clone()
        }
    }
}

pub type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Fetched, TransportError>> + Send + 'a>>;

pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// Fetches once, without following redirects. Plain http goes to other machines too, as long as the
/// request has no secret in it: what everybody is served is none.
pub trait Fetch: fmt::Debug + Send + Sync {
    fn fetch(
        &self,
        request: Request,
        connect: Option<Connect>,
        deadline: Option<Instant>,
    ) -> Fetching<'_>;

    /// The addresses to which a resolver leads, to connect to.
    fn resolve<'a>(&'a self, resolver: Resolver, host: &'a str) -> Resolving<'a>;
}
