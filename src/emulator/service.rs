//! The state of the emulated service, shared by all connections: its tasks, quotas, faults and
//! journal. What it does with a request is in `operations`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::edge::cache::Cache;
use super::faults::{self, Fault, FaultKind};
use super::journal::{AcceptedTask, Journal, RequestRecord};
use super::quota::{Ledger, Used};
use super::routes::Operation;
use super::settings::Settings;
use super::tasks::{Task, Tasks};
use super::throttle::Bucket;
use crate::emulator::items::Kind;

/// Requests that a slow listener of the journal may lag behind before it loses some.
const EVENT_BACKLOG: usize = 1024;

/// The state of the service, shared by all connections.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) settings: Settings,
    pub(super) cache: Option<Arc<Mutex<Cache>>>,
    pub(super) events: broadcast::Sender<RequestRecord>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) tasks: Tasks,
    pub(super) ledger: Ledger,
    pub(super) bucket: Bucket,
    faults: Vec<Fault>,
    journal: Journal,
}

impl Service {
    pub(super) fn new(settings: Settings, cache: Option<Arc<Mutex<Cache>>>) -> Self {
        let faults = settings.faults.clone();
        Self {
            settings,
            cache,
            events: broadcast::channel(EVENT_BACKLOG).0,
            inner: Mutex::new(Inner {
                faults,
                ..Inner::default()
            }),
        }
    }

    /// The state; a handler that panicked leaves it as usable as before, since nothing is half-done
    /// between two of its methods.
    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service's clock, faults aside.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.settings.clock.now() + self.settings.clock_offset
    }

    /// The service's clock with the faults of one request.
    pub(super) fn skewed(&self, faults: &[FaultKind]) -> DateTime<Utc> {
        let skews = faults.iter().filter_map(FaultKind::skew);
        self.now() + skews.fold(TimeDelta::zero(), |sum, skew| sum + skew)
    }

    /// Arms a fault.
    pub(super) fn inject(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    /// Disarms all faults.
    pub(super) fn clear_faults(&self) {
        self.inner().faults.clear();
    }

    /// The faults that strike a request.
    pub(super) fn strike(&self, operation: Option<Operation>) -> Vec<FaultKind> {
        faults::take(&mut self.inner().faults, operation)
    }

    /// Remembers and announces an answered request.
    pub(super) fn record(&self, record: RequestRecord) {
        self.inner().journal.add(record.clone());
        // Fails when nobody listens, which is as good.
        let _ = self.events.send(record);
    }

    /// Every remembered request.
    pub(super) fn requests(&self) -> Vec<RequestRecord> {
        self.inner().journal.all()
    }

    /// Every remembered task.
    pub(super) fn accepted(&self) -> Vec<AcceptedTask> {
        let urls = |task: &Task, kind: Kind| {
            let items = task.items.iter().filter(|item| item.kind == kind);
            items.map(|item| item.url.clone()).collect()
        };
        let inner = self.inner();
        let tasks = inner.tasks.iter().map(|task| AcceptedTask {
            id: task.id,
            kind: task.kind,
            at: task.start,
            endpoint: task.endpoint.clone(),
            files: urls(task, Kind::File),
            directories: urls(task, Kind::Directory),
        });
        tasks.collect()
    }

    /// Lets URLs of running tasks end now.
    pub(super) fn finish(&self, which: impl Fn(&str) -> bool) {
        self.inner().tasks.finish(which, Instant::now());
    }

    /// What a subscription used of the present day.
    pub(super) fn used(&self, subscription: &str) -> Used {
        let now = self.now();
        self.inner()
            .ledger
            .used(subscription, &self.settings.limits, now)
    }
}
