//! [io] Starts and stops an emulator, and reads what happened in it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::api::{Api, EXAMPLE_HOST};
use super::edge::{self, Edge, OriginError};
use super::faults::{Fault, FaultError};
use super::journal::RequestRecord;
use super::operation::Role;
use super::server;
use super::service::Service;
use super::settings::Settings;
use super::tasks::AcceptedTask;
use super::wire::{Cuttable, Switch};

/// How long a graceful stop waits for pending answers.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
#[derive(Debug, Error)]
pub enum EmulatorError {
    #[error("the emulator only listens on this machine, and `{0}` is reachable from others")]
    NotLoopback(SocketAddr),
    #[error("cannot listen on `{0}`")]
    Listen(SocketAddr, #[source] io::Error),
    #[error("cannot start the edge")]
    Edge(#[source] OriginError),
    #[error(transparent)]
    Fault(#[from] FaultError),
}

#[derive(Debug, Clone, Copy)]
pub struct Emulator;

impl Emulator {
    /// Serves until the [`Running`] is dropped or shut down.
    pub async fn start(settings: Settings, api: Box<dyn Api>) -> Result<Running, EmulatorError> {
        for fault in &settings.faults {
            fault.check(api.kind().operations, api.kind().errors)?;
        }
        let mut edges = Vec::new();
        if let Some(wanted) = &settings.edge {
            let mut address = wanted.listen;
            for behaviour in std::iter::once(&wanted.behaviour).chain(&wanted.others) {
                let (listener, bound) = listen(address, settings.allow_remote).await?;
                let clock = settings.clock.clone();
                let edge = Edge::new(wanted, *behaviour, clock).map_err(EmulatorError::Edge)?;
                edges.push((listener, bound, edge));
                address.set_port(0);
            }
        }
        let caches = edges
            .iter()
            .map(|(_, _, edge)| Arc::clone(&edge.cache))
            .collect();
        let (listener, api_address) = listen(settings.listen, settings.allow_remote).await?;
        let service = Arc::new(Service::new(settings, api, caches));
        let stop = CancellationToken::new();
        let api = server::router(Arc::clone(&service));
        let api = api.into_make_service_with_connect_info::<Switch>();
        let api = axum::serve(Cuttable(listener), api);
        let api = api.with_graceful_shutdown(stop.clone().cancelled_owned());
        let mut servers = vec![tokio::spawn(run(api))];
        let mut edge_addresses = Vec::new();
        for (listener, address, edge) in edges {
            let edge = axum::serve(listener, edge::router(edge));
            let edge = edge.with_graceful_shutdown(stop.clone().cancelled_owned());
            servers.push(tokio::spawn(run(edge)));
            edge_addresses.push(address);
        }
        Ok(Running {
            service,
            api_address,
            edge_addresses,
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

/// A server ends only at a graceful stop; axum retries everything else.
async fn run(server: impl IntoFuture<Output = io::Result<()>>) {
    if let Err(error) = server.await {
        tracing::error!(%error, "the emulator's server ended");
    }
}

/// A running emulator; it stops when dropped.
#[derive(Debug)]
pub struct Running {
    service: Arc<Service>,
    api_address: SocketAddr,
    edge_addresses: Vec<SocketAddr>,
    servers: Vec<JoinHandle<()>>,
    stop: CancellationToken,
}

impl Running {
    /// Base URL of the API, without a trailing slash.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api_address)
    }

    pub fn edge_url(&self) -> Option<String> {
        self.edge_addresses
            .first()
            .map(|address| format!("http://{address}"))
    }

    pub fn edges(&self) -> &[SocketAddr] {
        &self.edge_addresses
    }

    /// A complete `purgit.yaml` for this emulator, with the edge's host and the hosts that the API
    /// accepts, or else `www.example.com`. Put [`Running::credentials`] into the environment.
    pub fn manifest(&self) -> String {
        let edge = self.edge_addresses.first().map(|address| match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        });
        let inner = self.service.inner();
        let mut hosts = inner.api.hosts();
        hosts.retain(|host| Some(host) != edge.as_ref());
        hosts.splice(0..0, edge);
        if hosts.is_empty() {
            hosts.push(EXAMPLE_HOST.to_owned());
        }
        // Every JSON string is a YAML string.
        let hosts = hosts
            .into_iter()
            .map(|host| serde_json::Value::from(host).to_string());
        format!(
            "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: {{ name: emulated }}
---
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: {{ name: www }}
spec:
  hosts: [{}]
{}  limits: {{ requestsPerSecond: 1000, concurrentRequests: 16 }}
  poll: {{ interval: 100ms, maxInterval: 1s, timeout: 5m }}
",
            hosts.collect::<Vec<_>>().join(", "),
            inner.api.endpoint(&self.api_url())
        )
    }

    pub fn credentials(&self) -> Vec<(&'static str, String)> {
        self.service.inner().api.credentials()
    }

    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.inner().journal.iter().cloned().collect()
    }

    pub fn tasks(&self) -> Vec<AcceptedTask> {
        self.service.inner().tasks.iter().cloned().collect()
    }

    pub fn purge_log(&self) -> Vec<AcceptedTask> {
        let mut log = self.tasks();
        log.retain(|task| task.operation.role == Role::Purge);
        log
    }

    /// Future requests, as they are answered; for a log on the screen.
    pub fn watch(&self) -> broadcast::Receiver<RequestRecord> {
        self.service.events.subscribe()
    }

    /// What an account has used today, e.g. of its `file purges`.
    pub fn used(&self, account: &str, what: &'static str) -> u32 {
        let now = self.service.now();
        self.service.inner().budgets.used(account, what, now)
    }

    pub fn inject(&self, fault: Fault) -> Result<(), FaultError> {
        let mut inner = self.service.inner();
        fault.check(inner.api.kind().operations, inner.api.kind().errors)?;
        inner.faults.push(fault);
        Ok(())
    }

    /// Removes all faults. Tasks that are already affected stay so.
    pub fn clear_faults(&self) {
        self.service.inner().faults.clear();
    }

    /// Finishes the items of running tasks that `which` selects now, even if a fault keeps them
    /// stuck, so that a test need not wait. What the edge drops, and when, does not change.
    pub fn finish(&self, which: impl Fn(&str) -> bool) {
        self.service.inner().tasks.finish(which, Instant::now());
    }

    /// Stops gracefully: finishes pending answers, for 5 s at most.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        for server in &mut self.servers {
            let ended = tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut *server).await;
            if ended.is_err() {
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
