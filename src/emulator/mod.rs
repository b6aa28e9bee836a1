//! [io] A strict local CDN API over real HTTP, with a small caching edge; a library for tests and a
//! command.
//!
//! The API is the classic one of Azure China CDN, written from its documents. The service itself
//! stopped on 2025-12-01, so **nothing here is verified against it**:
//!
//! - Documented `[D]`: paths, methods, `apiVersion`, headers, the string to sign, 202 and 200, the
//!   envelopes, status words, the eighteen error types, daily quotas, read-only and read-write
//!   keys, `X-Correlation-Id`.
//! - Not documented `[?]`, so a setting with a default that is a guess: the HTTP code of each error,
//!   the window of a signature, items in a request, the request rate, the start of the day, how
//!   long a task takes, what an unknown id and an exhausted quota answer, how an empty list is
//!   written, whether a directory must end in `/`. See [`Settings`].
//!
//! It knows nothing of the client's code but the signature and the header name, so that the two do
//! not share a misunderstanding.
//!
//! A request goes `wire` → `server` (faults, journal) → `operations` on the `service` (`routes`, `verify`, `items`,
//! `quota`, `throttle`, `tasks`) → `answers`; a purge that succeeds goes on to `edge`.

mod account;
mod answers;
mod edge;
mod errors;
mod fault_text;
mod faults;
mod items;
mod journal;
mod manifest;
mod operations;
mod quota;
mod routes;
mod server;
mod service;
mod settings;
mod tasks;
mod throttle;
mod verify;
mod wire;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use account::{
    Account, DISABLED_KEY_ID, ENDPOINT_ID, Endpoint, INACTIVE_ENDPOINT_ID, KEY_ID, KEY_VALUE, Key,
    Lifetime, OTHER_ENDPOINT_ID, OTHER_KEY_ID, OTHER_SUBSCRIPTION_ID, READ_ONLY_KEY_ID, Rights,
    SUBSCRIPTION_ID, Subscription,
};
pub use edge::{EdgeSettings, MAX_CACHE_BYTES, MAX_OBJECT_BYTES, Origin, OriginError};
pub use errors::ErrorType;
pub use fault_text::{FAULT_HELP, FaultError};
pub use faults::{Fault, FaultKind, Times};
pub use journal::{AcceptedTask, RequestRecord};
pub use quota::Used;
pub use routes::Operation;
pub use server::MAX_REQUEST_BYTES;
pub use settings::{
    Answer, Answers, DEFAULT_DIRECTORIES_PER_DAY, DEFAULT_FILES_PER_DAY, DEFAULT_ITEMS_PER_REQUEST,
    DEFAULT_PRELOADS_PER_DAY, DEFAULT_WINDOW, EmptyList, EndpointSpelling, ItemRules, Limits,
    Settings, SigningRules, SuccessWord,
};
pub use tasks::TaskKind;

use edge::Edge;
use edge::cache::Cache;
use service::Service;
use wire::{Cuttable, Switch};

/// How long a graceful stop waits for answers under way.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Why an emulator does not start.
#[derive(Debug, Error)]
pub enum EmulatorError {
    /// An address that other machines reach, without leave.
    #[error("the emulator only listens on this machine, and `{0}` is reachable from others")]
    NotLoopback(SocketAddr),
    /// The address is taken or not ours.
    #[error("cannot listen on `{0}`")]
    Listen(SocketAddr, #[source] io::Error),
    /// The edge's origin cannot be used.
    #[error("cannot start the edge")]
    Edge(#[source] OriginError),
    /// A rate that lets nothing through.
    #[error("the request rate {0} is not a number above 0")]
    Rate(f64),
}

/// Starts emulators.
#[derive(Debug, Clone, Copy)]
pub struct Emulator;

impl Emulator {
    /// Listens and serves until the [`Running`] is dropped or shut down.
    ///
    /// # Errors
    /// An address that cannot or must not be listened on, an origin that cannot be used, or a
    /// setting that makes no sense.
    pub async fn start(settings: Settings) -> Result<Running, EmulatorError> {
        if let Some(rate) = settings.limits.requests_per_second
            && !(rate.is_finite() && rate > 0.0)
        {
            return Err(EmulatorError::Rate(rate));
        }
        let cache = settings
            .edge
            .as_ref()
            .map(|_| Arc::new(Mutex::new(Cache::default())));
        let edge = match (&settings.edge, &cache) {
            (Some(edge), Some(cache)) => {
                let listener = listen(edge.listen, settings.allow_remote).await?;
                let edge = Edge::new(edge, Arc::clone(cache)).map_err(EmulatorError::Edge)?;
                Some((listener, edge))
            }
            (Some(_), None) | (None, _) => None,
        };
        let (listener, api_address) = listen(settings.listen, settings.allow_remote).await?;
        let service = Arc::new(Service::new(settings, cache));
        let stop = CancellationToken::new();
        let api =
            server::router(Arc::clone(&service)).into_make_service_with_connect_info::<Switch>();
        let mut servers = vec![tokio::spawn(run(axum::serve(Cuttable(listener), api)
            .with_graceful_shutdown(stop.clone().cancelled_owned())))];
        let edge_address = edge.map(|((listener, address), edge)| {
            servers.push(tokio::spawn(run(axum::serve(listener, edge::router(edge))
                .with_graceful_shutdown(stop.clone().cancelled_owned()))));
            address
        });
        Ok(Running {
            service,
            api_address,
            edge_address,
            servers,
            stop,
        })
    }
}

async fn listen(
    address: SocketAddr,
    allow_remote: bool,
) -> Result<(TcpListener, SocketAddr), EmulatorError> {
    if !allow_remote && !address.ip().is_loopback() {
        return Err(EmulatorError::NotLoopback(address));
    }
    let wrong = |error| EmulatorError::Listen(address, error);
    let listener = TcpListener::bind(address).await.map_err(wrong)?;
    let bound = listener.local_addr().map_err(wrong)?;
    Ok((listener, bound))
}

/// A server ends when it is told to; axum retries everything else by itself.
async fn run(server: impl IntoFuture<Output = io::Result<()>>) {
    if let Err(error) = server.await {
        tracing::error!(%error, "the emulator's server ended");
    }
}

/// A running emulator; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    service: Arc<Service>,
    api_address: SocketAddr,
    edge_address: Option<SocketAddr>,
    servers: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Base URL of the API, without a trailing slash.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api_address)
    }

    /// Base URL of the edge, without a trailing slash.
    pub fn edge_url(&self) -> Option<String> {
        self.edge_address.map(|address| format!("http://{address}"))
    }

    /// What it runs with.
    pub fn settings(&self) -> &Settings {
        &self.service.settings
    }

    /// A complete `purgit.yaml` for this emulator: for the edge's host, else for the hosts that the
    /// first endpoint accepts, else for `www.example.com`. [`Settings::exports`] sets the keys.
    pub fn manifest(&self) -> String {
        let settings = self.settings();
        let first = settings.account.subscriptions.first();
        let endpoint = first.and_then(|subscription| subscription.endpoints.first());
        let edge_host = self.edge_address.map(|address| match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        });
        let named = endpoint.map_or(&[][..], |endpoint| &endpoint.hosts);
        let mut hosts: Vec<&str> = edge_host.as_deref().into_iter().collect();
        hosts.extend(named.iter().map(String::as_str).filter(|host| *host != "*"));
        if hosts.is_empty() {
            hosts.extend(endpoint.map(|endpoint| endpoint.custom_domain.as_str()));
        }
        settings.manifest(&self.api_url(), &hosts)
    }

    /// Every request so far, in the order answered.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.requests()
    }

    /// Every purge accepted so far, in order.
    pub fn purge_log(&self) -> Vec<AcceptedTask> {
        let mut log = self.service.accepted();
        log.retain(|task| task.kind == TaskKind::Purge);
        log
    }

    /// Every preload accepted so far, in order.
    pub fn preload_log(&self) -> Vec<AcceptedTask> {
        let mut log = self.service.accepted();
        log.retain(|task| task.kind == TaskKind::Preload);
        log
    }

    /// Requests from now on, as they are answered; for a log on the screen.
    pub fn watch(&self) -> broadcast::Receiver<RequestRecord> {
        self.service.events.subscribe()
    }

    /// What a subscription used of the present day.
    pub fn used(&self, subscription: &str) -> Used {
        self.service.used(subscription)
    }

    /// Lets something go wrong.
    pub fn inject(&self, fault: impl Into<Fault>) {
        self.service.inject(fault.into());
    }

    /// Lets everything go right again. Tasks keep what struck them.
    pub fn clear_faults(&self) {
        self.service.clear_faults();
    }

    /// Lets those URLs of running tasks that `which` picks end now, also where a fault keeps them
    /// stuck: so that a test need not wait. What the edge drops, and when, stays as it was.
    pub fn finish(&self, which: impl Fn(&str) -> bool) {
        self.service.finish(which);
    }

    /// Stops gracefully: answers under way are finished, for 5 s at most.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for server in &mut self.servers {
            if tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut *server)
                .await
                .is_err()
            {
                server.abort();
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
