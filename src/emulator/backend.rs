//! The CDN behind an API, for one request: its clock, tasks and budgets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::budgets::Budgets;
use super::edge::EdgeCache;
use super::faults::Struck;
use super::operation::{ApiOperation, Role};
use super::tasks::{AcceptedItem, AcceptedTask, Tasks};

#[derive(Debug)]
pub struct Backend<'a> {
    /// The service's clock, shifted by faults.
    pub now: DateTime<Utc>,
    /// The same instant, for tasks and rates.
    pub instant: Instant,
    pub budgets: &'a mut Budgets,
    pub(super) tasks: &'a mut Tasks,
    pub(super) struck: &'a Struck,
    pub(super) latency: Duration,
    /// One per edge.
    pub(super) caches: &'a [Arc<Mutex<EdgeCache>>],
    /// The task that this request started, for the journal: its id and number of items.
    pub(super) started: Option<(String, usize)>,
}

impl Backend<'_> {
    pub fn tasks(&self) -> &Tasks {
        self.tasks
    }

    /// The word that a fault substitutes for all status words.
    pub fn status_word(&self) -> Option<&str> {
        self.struck.status_word.as_deref()
    }

    /// Accepts a purge or preload. It runs for the emulator's latency and fails if a fault says so.
    /// Each item of a purge leaves the edges' caches when it succeeds.
    pub fn start(
        &mut self,
        operation: ApiOperation,
        id: String,
        scope: &str,
        items: Vec<AcceptedItem>,
    ) -> &AcceptedTask {
        let task = AcceptedTask {
            id,
            operation,
            scope: scope.to_owned(),
            at: self.now,
            items,
            accepted: self.instant,
            latency: self.latency,
        };
        let task = task.start(self.struck);
        let caches = self.caches.iter();
        for cache in caches.filter(|_| operation.role == Role::Purge) {
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            for item in &task.items {
                if let Some(when) = item.succeeds() {
                    cache.evict_at(when, item.evicts.clone());
                }
            }
        }
        self.started = Some((task.id.clone(), task.items.len()));
        self.tasks.add(task)
    }
}
