//! The budgets of a run, shared by all endpoints of an account: rates, unanswered requests, items in
//! progress at the CDN, and exhausted quotas.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::operation::Item;
use crate::plan::count;
use crate::provider::{Budget, Counts, Window};
use crate::transport::rate::RateLimiter;

/// The budgets of all endpoints. If two declare the same one with different amounts, the smaller applies.
#[derive(Debug)]
pub(super) struct Accounts(Vec<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    budget: Budget,
    /// The largest amount that an endpoint declares for it.
    largest: u64,
    gauge: Gauge,
}

#[derive(Debug)]
enum Gauge {
    /// The plan observes it.
    Request,
    Rate(RateLimiter),
    Unanswered(Arc<Semaphore>),
    InProgress(InProgress),
    /// The ledger counts it; set when the CDN says that it is used up.
    Day(OnceLock<Shortage>),
}

#[derive(Debug, Clone)]
pub(super) struct Shortage {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Debug, Default)]
struct InProgress {
    /// Held while waiting, so that those behind queue up in order.
    queue: tokio::sync::Mutex<()>,
    taken: Mutex<Taken>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Taken {
    /// By operations that this run sends or follows.
    followed: u64,
    /// By operations that were still running when this run stopped asking about them.
    left: u64,
}

impl Accounts {
    pub(super) fn new(budgets: impl IntoIterator<Item = Budget>) -> Self {
        let mut smallest: Vec<(Budget, u64)> = Vec::new();
        for budget in budgets {
            let mut known = smallest.iter_mut();
            match known.find(|(known, _)| is_same(known, &budget)) {
                Some((known, largest)) => {
                    *largest = (*largest).max(budget.amount);
                    if budget.amount < known.amount {
                        *known = budget;
                    }
                }
                None => smallest.push((budget.clone(), budget.amount)),
            }
        }
        let shared = smallest.into_iter();
        Self(
            shared
                .map(|(budget, largest)| Shared::new(budget, largest))
                .collect(),
        )
    }

    /// The budgets that requests of one endpoint count against.
    pub(super) fn of(&self, budgets: &[Budget]) -> Allowance {
        let mine = |shared: &&Arc<Shared>| {
            let mut budgets = budgets.iter();
            budgets.any(|budget| is_same(budget, &shared.budget))
        };
        Allowance {
            budgets: self.0.iter().filter(mine).cloned().collect(),
            undeclared: OnceLock::new(),
        }
    }
}

/// Whether two budgets are the same. An account may have several rates of the same requests, such as one
/// per second and one per minute.
fn is_same(one: &Budget, other: &Budget) -> bool {
    let same_window = match (one.window, other.window) {
        (Window::Rate { per: one, .. }, Window::Rate { per: other, .. }) => one == other,
        (one, other) => std::mem::discriminant(&one) == std::mem::discriminant(&other),
    };
    same_window && (&one.scope, one.counts) == (&other.scope, other.counts)
}

impl Shared {
    fn new(mut budget: Budget, largest: u64) -> Arc<Self> {
        budget.amount = budget.amount.max(1);
        let gauge = match budget.window {
            Window::Request => Gauge::Request,
            Window::Rate { per, burst } => {
                let per_second = number(budget.amount) / per.as_secs_f64();
                Gauge::Rate(RateLimiter::new(per_second, number(burst)))
            }
            Window::Unanswered => {
                let slots = usize::try_from(budget.amount).unwrap_or(usize::MAX);
                let slots = slots.min(Semaphore::MAX_PERMITS);
                Gauge::Unanswered(Arc::new(Semaphore::new(slots)))
            }
            Window::InProgress => Gauge::InProgress(InProgress::default()),
            Window::Day(_) => Gauge::Day(OnceLock::new()),
        };
        Arc::new(Self {
            budget,
            largest,
            gauge,
        })
    }

    fn takes(&self, items: &[Item]) -> u64 {
        self.budget.counts.of(items)
    }

    fn in_progress(&self) -> Option<&InProgress> {
        match &self.gauge {
            Gauge::InProgress(in_progress) => Some(in_progress),
            Gauge::Request | Gauge::Rate(_) | Gauge::Unanswered(_) | Gauge::Day(_) => None,
        }
    }

    /// Waits until `amount` fits. More than the whole budget is let in when nothing else is in progress.
    async fn enter(&self, in_progress: &InProgress, amount: u64) -> Result<(), Shortage> {
        let _turn = in_progress.queue.lock().await;
        loop {
            {
                let mut taken = in_progress.taken();
                let is_empty = taken.followed + taken.left == 0;
                if is_empty || taken.followed + taken.left + amount <= self.budget.amount {
                    taken.followed += amount;
                    return Ok(());
                }
                if taken.followed == 0 {
                    return Err(self.no_room(taken.left));
                }
            }
            in_progress.changed.notified().await;
        }
    }

    fn no_room(&self, left: u64) -> Shortage {
        let (amount, word) = (self.budget.amount, self.budget.counts.word());
        let left = count(usize::try_from(left).unwrap_or(usize::MAX), &word);
        let message = format!("not attempted: {left} still in progress at the CDN, limit {amount}");
        Shortage {
            message,
            hint: Some("the rest stays planned: run `purgit apply` when they are over".to_owned()),
        }
    }
}

impl InProgress {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) type Slot = Vec<OwnedSemaphorePermit>;

/// Room for an operation in progress; given back when dropped.
#[derive(Debug, Default)]
pub(super) struct Room(Vec<(Arc<Shared>, u64)>);

impl Room {
    /// Keeps the room taken, for an operation that goes on when this run no longer asks about it.
    pub(super) fn leave(mut self) {
        self.give_back(true);
    }

    fn give_back(&mut self, goes_on: bool) {
        for (shared, amount) in self.0.drain(..) {
            let Some(in_progress) = shared.in_progress() else {
                continue;
            };
            let mut taken = in_progress.taken();
            taken.followed -= amount;
            if goes_on {
                taken.left += amount;
            }
            drop(taken);
            // Only the first in the queue is waiting.
            in_progress.changed.notify_one();
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.give_back(false);
    }
}

#[derive(Debug)]
pub(super) struct Allowance {
    budgets: Vec<Arc<Shared>>,
    /// Set when a quota is used up that no budget declares.
    undeclared: OnceLock<Shortage>,
}

impl Allowance {
    /// Waits for permission to have a request with these items unanswered; first come, first served.
    pub(super) async fn slot(&self, items: &[Item]) -> Slot {
        let mut slot = Slot::new();
        for shared in &self.budgets {
            if let Gauge::Unanswered(slots) = &shared.gauge {
                let permits = shared.takes(items).min(shared.budget.amount);
                let permits = u32::try_from(permits).unwrap_or(u32::MAX);
                // The semaphores are never closed.
                slot.extend(slots.clone().acquire_many_owned(permits).await);
            }
        }
        slot
    }

    /// Waits until the rates permit a request with these items.
    pub(super) async fn turn(&self, items: &[Item]) {
        for shared in &self.budgets {
            if let Gauge::Rate(rate) = &shared.gauge
                && let tokens @ 1.. = shared.takes(items)
            {
                rate.acquire(number(tokens)).await;
            }
        }
    }

    /// Waits for room at the CDN; first come, first served. An error if there will be none during this run.
    pub(super) async fn room(&self, items: &[Item]) -> Result<Room, Shortage> {
        let mut room = Room::default();
        for shared in &self.budgets {
            if let Some(in_progress) = shared.in_progress()
                && let amount @ 1.. = shared.takes(items)
            {
                shared.enter(in_progress, amount).await?;
                room.0.push((shared.clone(), amount));
            }
        }
        Ok(room)
    }

    /// The room of an operation that is already in progress.
    pub(super) fn taken(&self, items: &[Item]) -> Room {
        let mut room = Room::default();
        for shared in &self.budgets {
            if let Some(in_progress) = shared.in_progress() {
                let amount = shared.takes(items);
                in_progress.taken().followed += amount;
                room.0.push((shared.clone(), amount));
            }
        }
        room
    }

    /// The budgets renewed by the calendar that purging these items uses.
    pub(super) fn quotas_of(&self, items: &[Item]) -> impl Iterator<Item = &Budget> {
        self.quotas(items).map(|(shared, _)| &shared.budget)
    }

    /// When the last of the quotas that these items use is renewed.
    pub(super) fn renewal(&self, items: &[Item], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let quotas = self.quotas(items);
        quotas
            .filter_map(|(shared, _)| Some(shared.budget.period(now)?.1))
            .max()
    }

    /// Notes that the account has no quota left for items like these.
    pub(super) fn exhaust(&self, items: &[Item], why: &Shortage) {
        let mut declared = false;
        for (_, exhausted) in self.quotas(items) {
            declared = true;
            exhausted.get_or_init(|| why.clone());
        }
        if !declared {
            self.undeclared.get_or_init(|| why.clone());
        }
    }

    /// The quota that is used up if the CDN has none left for these items, with the largest amount that an
    /// endpoint declares for it. `None` if there are several: it could be any of them.
    pub(super) fn surely_exhausted(&self, items: &[Item]) -> Option<(&Budget, u64)> {
        let mut quotas = self
            .quotas(items)
            .map(|(shared, _)| (&shared.budget, shared.largest));
        quotas.next().filter(|_| quotas.next().is_none())
    }

    /// Why there is no quota left for some of these items; `None` if there is.
    pub(super) fn exhaustion(&self, items: &[Item]) -> Option<Shortage> {
        let mut exhausted = self.quotas(items).filter_map(|(_, why)| why.get());
        exhausted.next().or(self.undeclared.get()).cloned()
    }

    /// What a quota counts that only some of these items use: it may be used up while the others can be sent.
    pub(super) fn divided_by_quota(&self, items: &[Item]) -> Option<Counts> {
        let mut counts = self.quotas(items).map(|(shared, _)| shared.budget.counts);
        let all = items.len() as u64;
        counts.find(|counts| !counts.is_requests() && counts.of(items) < all)
    }

    fn quotas(&self, items: &[Item]) -> impl Iterator<Item = (&Shared, &OnceLock<Shortage>)> {
        self.budgets
            .iter()
            .filter_map(|shared| match &shared.gauge {
                Gauge::Day(exhausted) if shared.takes(items) > 0 => Some((&**shared, exhausted)),
                Gauge::Day(_)
                | Gauge::Request
                | Gauge::Rate(_)
                | Gauge::Unanswered(_)
                | Gauge::InProgress(_) => None,
            })
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(amount: u64) -> f64 {
    amount as f64
}
