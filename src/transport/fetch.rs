//! The port for fetching what edges and origins serve: a body is decoded and hashed while it arrives, and
//! is not kept. A request may go to a given address, while TLS and the `Host` header keep the name.

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

/// Time limit from sending the request to the end of the body.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest body that is hashed, in decoded bytes, which may be far more than were sent: longer than any
/// page, and read within [`FETCH_TIMEOUT`].
pub const MAX_FETCHED_BYTES: u64 = 64 * 1024 * 1024;

/// Where to connect instead of the address that the URL's name resolves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connect {
    pub address: IpAddr,
    /// `None`: the port of the URL or of its scheme.
    pub port: Option<u16>,
    /// Without TLS, even for an https URL.
    pub plain: bool,
}

impl fmt::Display for Connect {
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

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fetched {
    pub status: u16,
    /// Names in lower case, in the order received.
    pub headers: Vec<(String, String)>,
    /// Of the decoded body; `None` if it is longer than [`MAX_FETCHED_BYTES`].
    pub id: Option<ContentId>,
}

impl Fetched {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Masks secrets that the answer repeats.
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

/// Fetches once, without following redirects. Plain http may go to other machines if the request has no
/// secret: what is served to everybody is public.
pub trait Fetch: fmt::Debug + Send + Sync {
    fn fetch(
        &self,
        request: Request,
        connect: Option<Connect>,
        deadline: Option<Instant>,
    ) -> Fetching<'_>;

    fn resolve<'a>(&'a self, resolver: Resolver, host: &'a str) -> Resolving<'a>;
}
