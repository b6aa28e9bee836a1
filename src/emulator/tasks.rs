//! What runs after a purge or preload was accepted, and each item's progress at an instant.
//!
//! The course of a task is decided when it is accepted: each item has its result and its time, and a poll
//! only compares instants. They are tokio's instants, so a test with a paused runtime controls the time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::edge::Eviction;
use super::faults::Struck;
use super::operation::ApiOperation;
use crate::entry::TargetKind;

/// Most tasks remembered; older ones are dropped. A day's quota of the first CDN in requests of one
/// URL is 2,500 tasks, and a busy test run stays below forty such days.
const MAX_TASKS: usize = 100_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// In the first quarter of its time.
    Waiting,
    Running,
    Succeeded,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedItem {
    pub kind: TargetKind,
    pub text: String,
    /// What it removes from the edge's cache when it succeeds.
    pub evicts: Eviction,
    /// When it ends; `None` for never.
    ends: Option<Instant>,
    fails: bool,
}

impl AcceptedItem {
    pub fn new(kind: TargetKind, text: String, evicts: Eviction) -> Self {
        Self {
            kind,
            text,
            evicts,
            ends: None,
            fails: false,
        }
    }

    pub(super) fn succeeds(&self) -> Option<Instant> {
        self.ends.filter(|_| !self.fails)
    }
}

#[derive(Debug, Clone)]
pub struct AcceptedTask {
    pub id: String,
    pub operation: ApiOperation,
    /// The object it belongs to, e.g. an endpoint.
    pub scope: String,
    /// When it was accepted, by the service's clock.
    pub at: DateTime<Utc>,
    pub items: Vec<AcceptedItem>,
    pub(super) accepted: Instant,
    /// From acceptance to the end of the last item.
    pub(super) latency: Duration,
}

impl AcceptedTask {
    pub(super) fn start(mut self, struck: &Struck) -> Self {
        let count = u32::try_from(self.items.len()).unwrap_or(u32::MAX).max(1);
        for (item, nth) in self.items.iter_mut().zip(1_u32..) {
            // Spread over the second half, the last exactly at the end.
            let share = f64::from(nth) / f64::from(count);
            let takes = self.latency.mul_f64(f64::midpoint(1.0, share));
            item.ends = (!struck.stuck).then_some(self.accepted + takes.min(self.latency));
            item.fails = struck.failing.iter().any(|glob| glob.is_match(&item.text));
        }
        self
    }

    pub fn listed(&self, kind: TargetKind) -> Vec<&str> {
        let items = self.items.iter().filter(|item| item.kind == kind);
        items.map(|item| item.text.as_str()).collect()
    }

    pub fn stage_of(&self, item: &AcceptedItem, now: Instant) -> Stage {
        match item.ends {
            Some(ends) if ends <= now && item.fails => Stage::Failed,
            Some(ends) if ends <= now => Stage::Succeeded,
            Some(_) | None if now < self.accepted + self.latency / 4 => Stage::Waiting,
            Some(_) | None => Stage::Running,
        }
    }

    pub fn stage(&self, now: Instant) -> Stage {
        let stages = || self.items.iter().map(|item| self.stage_of(item, now));
        match stages().min() {
            Some(least) if least < Stage::Succeeded => least,
            Some(_) | None => stages().max().unwrap_or(Stage::Succeeded),
        }
    }

    /// When it ended, by the service's clock; `None` while it runs.
    pub fn end(&self, now: Instant) -> Option<DateTime<Utc>> {
        let over = self.stage(now) >= Stage::Succeeded;
        let latency = TimeDelta::from_std(self.latency).ok()?;
        over.then(|| self.at + latency)
    }
}

#[derive(Debug, Default)]
pub struct Tasks {
    by_id: BTreeMap<String, AcceptedTask>,
    order: VecDeque<String>,
}

impl Tasks {
    pub(super) fn add(&mut self, task: AcceptedTask) -> &AcceptedTask {
        if self.order.len() >= MAX_TASKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        self.order.push_back(task.id.clone());
        self.by_id.entry(task.id.clone()).or_insert(task)
    }

    pub fn get(&self, id: &str) -> Option<&AcceptedTask> {
        self.by_id.get(id)
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &AcceptedTask> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Finishes the items of running tasks whose text `which` selects now, even if they were stuck.
    pub(super) fn finish(&mut self, which: impl Fn(&str) -> bool, now: Instant) {
        for item in self.by_id.values_mut().flat_map(|task| &mut task.items) {
            if item.ends.is_none_or(|ends| ends > now) && which(&item.text) {
                item.ends = Some(now);
            }
        }
    }
}
