//! Tasks: what runs after a purge or preload was accepted, and how far each URL is at an instant.
//!
//! A task is decided when it is accepted: each URL has its end and its time, and asking about it
//! only compares instants. The instants are tokio's, so a paused runtime decides how time passes.
//! That URLs finish one by one is `[I]`; how long they take is a setting.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use globset::GlobMatcher;
use tokio::time::Instant;
use uuid::Uuid;

use super::items::Items;
use crate::emulator::items::Kind;

/// Tasks remembered; the oldest is forgotten first. A day's quota in single-URL requests is 2,500
/// tasks, and a busy test run stays below forty such days.
const MAX_TASKS: usize = 100_000;

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// Drops URLs from the cache.
    Purge,
    /// Fetches URLs into the cache.
    Preload,
}

impl TaskKind {
    /// `Type` in get operation `[D]` for `Purge`, `[I]` for `Preload`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Purge => "Purge",
            Self::Preload => "Preload",
        }
    }
}

/// How far a URL or a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Preloads only: not begun.
    Waiting,
    /// Under way.
    Running,
    /// Done.
    Succeeded,
    /// Over without success.
    Failed,
}

/// What goes wrong with a task, decided when it is accepted.
#[derive(Debug, Default)]
pub(super) struct Mishaps {
    /// It never ends.
    pub(super) stuck: bool,
    /// URLs that fail.
    pub(super) failing: Vec<GlobMatcher>,
}

/// One URL of a task.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: Kind,
    /// As sent.
    pub(super) url: String,
    /// When it is over; `None` for never.
    pub(super) ends: Option<Instant>,
    /// How it is over.
    pub(super) fails: bool,
}

/// An accepted purge or preload.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) id: Uuid,
    pub(super) kind: TaskKind,
    /// Lower-case id of its subscription.
    pub(super) subscription: String,
    /// Lower-case id of its endpoint.
    pub(super) endpoint: String,
    /// By the service's clock.
    pub(super) start: DateTime<Utc>,
    /// From acceptance to the end of the last URL.
    latency: Duration,
    accepted: Instant,
    /// Files first, then directories, each in the order sent.
    pub(super) items: Vec<Item>,
}

/// Where a task belongs and when it begins.
#[derive(Debug)]
pub(super) struct Acceptance {
    pub(super) kind: TaskKind,
    pub(super) subscription: String,
    pub(super) endpoint: String,
    pub(super) start: DateTime<Utc>,
    pub(super) accepted: Instant,
    pub(super) latency: Duration,
}

impl Task {
    /// Decides the course of a task.
    pub(super) fn new(acceptance: Acceptance, items: Items, mishaps: &Mishaps) -> Self {
        let Acceptance {
            kind,
            subscription,
            endpoint,
            start,
            accepted,
            latency,
        } = acceptance;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX).max(1);
        let files = items.files.into_iter().map(|url| (Kind::File, url));
        let directories = items
            .directories
            .into_iter()
            .map(|url| (Kind::Directory, url));
        let items = files
            .chain(directories)
            .zip(1_u32..)
            .map(|((kind, url), nth)| {
                // Spread over the second half, the last exactly at the end.
                let share = f64::from(nth) / f64::from(count);
                let takes = latency.mul_f64(f64::midpoint(1.0, share)).min(latency);
                Item {
                    kind,
                    ends: (!mishaps.stuck).then_some(accepted + takes),
                    fails: mishaps.failing.iter().any(|glob| glob.is_match(&url)),
                    url,
                }
            })
            .collect();
        Self {
            id: Uuid::new_v4(),
            kind,
            subscription: subscription.to_ascii_lowercase(),
            endpoint: endpoint.to_ascii_lowercase(),
            start,
            latency,
            accepted,
            items,
        }
    }

    /// How far one of its URLs is.
    pub(super) fn stage_of(&self, item: &Item, now: Instant) -> Stage {
        match item.ends {
            Some(ends) if ends <= now && item.fails => Stage::Failed,
            Some(ends) if ends <= now => Stage::Succeeded,
            Some(_) | None => match self.kind {
                TaskKind::Preload if now < self.accepted + self.latency / 4 => Stage::Waiting,
                TaskKind::Preload | TaskKind::Purge => Stage::Running,
            },
        }
    }

    /// How far it is as a whole: failed when over and any URL failed.
    pub(super) fn stage(&self, now: Instant) -> Stage {
        let over = |item: &Item| item.ends.is_some_and(|ends| ends <= now);
        if !self.items.iter().all(over) {
            Stage::Running
        } else if self.items.iter().any(|item| item.fails) {
            Stage::Failed
        } else {
            Stage::Succeeded
        }
    }

    /// When it was over, by the service's clock; `None` while it runs.
    pub(super) fn end(&self, now: Instant) -> Option<DateTime<Utc>> {
        let over = self.stage(now) != Stage::Running;
        let latency = TimeDelta::from_std(self.latency).ok()?;
        over.then(|| self.start + latency)
    }
}

/// Accepted tasks, the last [`MAX_TASKS`] of them.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    by_id: BTreeMap<Uuid, Task>,
    order: VecDeque<Uuid>,
}

impl Tasks {
    /// Remembers a task.
    pub(super) fn add(&mut self, task: Task) {
        if self.order.len() >= MAX_TASKS
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_id.remove(&oldest);
        }
        self.order.push_back(task.id);
        self.by_id.insert(task.id, task);
    }

    /// The task of that id.
    pub(super) fn get(&self, id: Uuid) -> Option<&Task> {
        self.by_id.get(&id)
    }

    /// Lets those URLs of running tasks that `which` picks end now, also where they were stuck.
    pub(super) fn finish(&mut self, which: impl Fn(&str) -> bool, now: Instant) {
        let items = self.by_id.values_mut().flat_map(|task| &mut task.items);
        for item in items.filter(|item| item.ends.is_none_or(|ends| ends > now) && which(&item.url))
        {
            item.ends = Some(now);
        }
    }

    /// All, in the order accepted.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Task> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }
}
