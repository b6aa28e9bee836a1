//! A test double of the network: a closure answers, and requests are recorded.
//!
//! Stricter than the real transport: it refuses requests that the real one would send although no
//! CDN accepts them, so that a test fails early.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use purgit::transport::destination::destination;
use purgit::transport::node::node_destination;
use purgit::transport::{
    MAX_BODY_BYTES, Method, Patience, REQUEST_TIMEOUT, Request, Resolving, Response, Sending,
    Transport, TransportError, TransportErrorKind,
};

type Names = dyn Fn(&str) -> Vec<SocketAddr> + Send + Sync;
type Script = dyn Fn(Request) -> Result<Response, TransportError> + Send + Sync;

/// Answers each request with a closure's result.
pub(crate) struct ScriptedTransport {
    script: Box<Script>,
    names: Box<Names>,
    latency: Duration,
    requests: Mutex<Vec<Request>>,
    in_flight: AtomicUsize,
    peak: AtomicUsize,
}

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedTransport").finish_non_exhaustive()
    }
}

impl ScriptedTransport {
    pub(crate) fn new(
        script: impl Fn(Request) -> Result<Response, TransportError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            script: Box::new(script),
            names: Box::new(|_| Vec::new()),
            latency: Duration::ZERO,
            requests: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
        }
    }

    /// Delays each answer by this much on tokio's clock; pause the clock in tests.
    #[must_use]
    pub(crate) fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Resolves names with a closure. Without one, no name is found.
    #[must_use]
    pub(crate) fn with_names(
        mut self,
        names: impl Fn(&str) -> Vec<SocketAddr> + Send + Sync + 'static,
    ) -> Self {
        self.names = Box::new(names);
        self
    }

    /// All accepted requests, in order.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak.load(Ordering::SeqCst)
    }

    async fn answer(&self, request: Request) -> Result<Response, TransportError> {
        if !is_proper(&request) {
            return Err(TransportErrorKind::Invalid.into());
        }
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request.clone());
        let _under_way = UnderWay::enter(self);
        if self.latency.is_zero() {
            // Lets other tasks run, as a real request would.
            tokio::task::yield_now().await;
        } else {
            tokio::time::sleep(self.latency).await;
        }
        let response = (self.script)(request)?;
        if response.body.len() > MAX_BODY_BYTES {
            return Err(TransportErrorKind::BodyTooLarge.into());
        }
        Ok(response)
    }
}

impl Transport for ScriptedTransport {
    fn send(&self, request: Request, deadline: Option<Instant>) -> Sending<'_> {
        let allowed = destination(&request);
        let answer = async {
            allowed?;
            self.answer(request).await
        };
        Box::pin(in_time(answer, REQUEST_TIMEOUT, deadline))
    }

    fn send_to_node(
        &self,
        request: Request,
        patience: Patience,
        deadline: Option<Instant>,
    ) -> Sending<'_> {
        let allowed = node_destination(&request);
        let answer = async {
            allowed?;
            self.answer(request).await
        };
        Box::pin(in_time(answer, patience.answer, deadline))
    }

    fn resolve<'a>(&'a self, host: &'a str, _port: u16) -> Resolving<'a> {
        let found = (self.names)(host);
        Box::pin(async move {
            let unknown = || TransportError {
                kind: TransportErrorKind::Connect,
                source: Some(Box::new(io::Error::other("no such name"))),
            };
            match found.is_empty() {
                true => Err(unknown()),
                false => Ok(found),
            }
        })
    }
}

/// Limits an exchange as the real transport does.
async fn in_time<T>(
    exchange: impl Future<Output = Result<T, TransportError>>,
    limit: Duration,
    deadline: Option<Instant>,
) -> Result<T, TransportError> {
    let end = deadline.map_or(Instant::now() + limit, |it| it.min(Instant::now() + limit));
    if end <= Instant::now() {
        return Err(TransportErrorKind::TooLate.into());
    }
    let answer = tokio::time::timeout_at(end, exchange).await;
    answer.unwrap_or_else(|_| Err(TransportErrorKind::Timeout.into()))
}

/// Whether header names are lower case and unique, values have one line, and only POST, PUT and
/// PATCH have a body, with its type.
fn is_proper(request: &Request) -> bool {
    let mut names: Vec<_> = request.headers.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let typed = names.binary_search(&"content-type").is_ok();
    let lower = names
        .iter()
        .all(|name| !name.is_empty() && !name.contains(|c: char| c.is_ascii_uppercase()));
    let unique = names.windows(2).all(|pair| pair[0] != pair[1]);
    let values = request.headers.iter().all(|(_, value)| {
        value
            .expose()
            .bytes()
            .all(|byte| (0x20..0x7f).contains(&byte))
    });
    let takes_body = matches!(request.method, Method::Post | Method::Put | Method::Patch);
    let body = request.body.is_empty() || (takes_body && typed);
    lower && unique && values && body
}

/// Counts a request as in flight until it is dropped, answered or not.
struct UnderWay<'a>(&'a ScriptedTransport);

impl<'a> UnderWay<'a> {
    fn enter(transport: &'a ScriptedTransport) -> Self {
        let now = transport.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        transport.peak.fetch_max(now, Ordering::SeqCst);
        Self(transport)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
