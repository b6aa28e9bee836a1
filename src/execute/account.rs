//! The budgets of a run, shared by all endpoints of an account: rate, requests and items under way,
//! and what is used up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::operation::Item;
use crate::provider::{Budget, Counts, Window};
use crate::transport::rate::RateLimiter;

/// What is counted, and in whose account.
type Account = (Arc<str>, Counts);

/// The budgets of all endpoints. Where two of them declare the same one with different amounts, the
/// smaller holds.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    budgets: Vec<Budget>,
    rates: BTreeMap<Account, Arc<RateLimiter>>,
    unanswered: BTreeMap<Account, Arc<Semaphore>>,
    in_progress: BTreeMap<Account, InProgress>,
    exhausted: Arc<Mutex<BTreeMap<Account, Exhaustion>>>,
}

/// Why a budget is used up.
#[derive(Debug, Clone)]
pub(super) struct Exhaustion {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Debug, Clone)]
struct InProgress {
    slots: Arc<Semaphore>,
    amount: u64,
}

/// Room for an operation among those in progress; given back when dropped.
#[derive(Debug, Default)]
pub(super) struct Room(Vec<OwnedSemaphorePermit>);

impl Accounts {
    /// Shares the budgets of all endpoints out.
    pub(super) fn new(budgets: impl IntoIterator<Item = Budget>) -> Self {
        let mut accounts = Self::default();
        for budget in budgets {
            let same = |known: &&mut Budget| {
                let kind = std::mem::discriminant(&known.window);
                (&known.scope, known.counts) == (&budget.scope, budget.counts)
                    && kind == std::mem::discriminant(&budget.window)
            };
            match accounts.budgets.iter_mut().find(same) {
                Some(known) if known.amount <= budget.amount => {}
                Some(known) => *known = budget,
                None => accounts.budgets.push(budget),
            }
        }
        for budget in &accounts.budgets {
            let account = (budget.scope.clone(), budget.counts);
            match budget.window {
                Window::Rate { per, burst } => {
                    let limiter =
                        RateLimiter::new(number(budget.amount) / per.as_secs_f64(), number(burst));
                    accounts.rates.insert(account, Arc::new(limiter));
                }
                Window::Unanswered => {
                    accounts
                        .unanswered
                        .insert(account, semaphore(budget.amount));
                }
                Window::InProgress => {
                    let slots = semaphore(budget.amount);
                    let amount = budget.amount;
                    accounts
                        .in_progress
                        .insert(account, InProgress { slots, amount });
                }
                Window::Request | Window::Day(_) => {}
            }
        }
        accounts
    }

    /// The part of them that requests of one endpoint keep to.
    pub(super) fn of(&self, budgets: &[Budget]) -> Allowance {
        let mine = |scope: &Arc<str>, counts: Counts| {
            let is_it = |budget: &Budget| budget.scope == *scope && budget.counts == counts;
            budgets.iter().any(is_it)
        };
        let days = self.budgets.iter().filter(|budget| {
            matches!(budget.window, Window::Day(_)) && mine(&budget.scope, budget.counts)
        });
        let rates = self
            .rates
            .iter()
            .filter(|((scope, counts), _)| mine(scope, *counts));
        let unanswered = self
            .unanswered
            .iter()
            .filter(|((scope, counts), _)| mine(scope, *counts));
        let in_progress = self
            .in_progress
            .iter()
            .filter(|((scope, counts), _)| mine(scope, *counts));
        Allowance {
            days: days.cloned().collect(),
            rates: rates
                .map(|((_, counts), rate)| (*counts, rate.clone()))
                .collect(),
            unanswered: unanswered.map(|(_, slots)| slots.clone()).collect(),
            in_progress: in_progress
                .map(|((_, counts), room)| (*counts, room.clone()))
                .collect(),
            exhausted: self.exhausted.clone(),
        }
    }
}

/// What requests of one endpoint keep to.
#[derive(Debug)]
pub(super) struct Allowance {
    /// Budgets that the calendar renews.
    days: Vec<Budget>,
    rates: Vec<(Counts, Arc<RateLimiter>)>,
    unanswered: Vec<Arc<Semaphore>>,
    in_progress: Vec<(Counts, InProgress)>,
    exhausted: Arc<Mutex<BTreeMap<Account, Exhaustion>>>,
}

impl Allowance {
    /// Waits for one of the requests that may be unanswered at once; in order of asking.
    pub(super) async fn slot(&self) -> Result<Room, AcquireError> {
        let mut room = Room::default();
        for slots in &self.unanswered {
            room.0.push(slots.clone().acquire_owned().await?);
        }
        Ok(room)
    }

    /// Waits for a request's turn.
    pub(super) async fn turn(&self, items: &[Item]) {
        for (counts, rate) in &self.rates {
            let tokens = match counts {
                Counts::Requests => 1,
                Counts::Items(_) => counts.of(items),
            };
            if tokens > 0 {
                rate.acquire(number(tokens)).await;
            }
        }
    }

    /// Waits for room among what is in progress at the CDN. What is larger than all room there is
    /// goes when everything else is over.
    pub(super) async fn room(&self, items: &[Item]) -> Result<Room, AcquireError> {
        let mut room = Room::default();
        for (counts, InProgress { slots, amount }) in &self.in_progress {
            let wanted = permits(counts.of(items).min(*amount));
            room.0.push(slots.clone().acquire_many_owned(wanted).await?);
        }
        Ok(room)
    }

    /// The room that an operation takes which is in progress already.
    pub(super) fn taken(&self, items: &[Item]) -> Room {
        let mut room = Room::default();
        for (counts, InProgress { slots, .. }) in &self.in_progress {
            let taken = permits(counts.of(items)).min(permits(slots.available_permits() as u64));
            room.0.extend(slots.clone().try_acquire_many_owned(taken));
        }
        room
    }

    /// What sending these items takes of each budget that the calendar renews: account, what is
    /// counted, start of the window, amount.
    pub(super) fn booking(
        &self,
        items: &[Item],
        now: DateTime<Utc>,
    ) -> impl Iterator<Item = (&Budget, DateTime<Utc>, u64)> {
        self.days.iter().filter_map(move |budget| {
            let (from, _) = budget.period(now)?;
            let amount = budget.counts.of(items);
            (amount > 0).then_some((budget, from, amount))
        })
    }

    /// When the budgets that these items take are renewed at the latest.
    pub(super) fn renewal(&self, items: &[Item], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let taken = self.booking(items, now);
        taken
            .filter_map(|(budget, _, _)| Some(budget.period(now)?.1))
            .max()
    }

    /// Notes that the account has no quota left for such items.
    pub(super) fn exhaust(&self, items: &[Item], now: DateTime<Utc>, why: &Exhaustion) {
        let mut exhausted = self
            .exhausted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (budget, _, _) in self.booking(items, now) {
            let account = (budget.scope.clone(), budget.counts);
            exhausted.entry(account).or_insert_with(|| why.clone());
        }
    }

    /// Why there is no quota left for such items, if that is so.
    pub(super) fn exhaustion(&self, items: &[Item], now: DateTime<Utc>) -> Option<Exhaustion> {
        let exhausted = self
            .exhausted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut taken = self.booking(items, now);
        taken.find_map(|(budget, _, _)| {
            let account = (budget.scope.clone(), budget.counts);
            exhausted.get(&account).cloned()
        })
    }
}

fn semaphore(amount: u64) -> Arc<Semaphore> {
    let permits = usize::try_from(amount.max(1)).unwrap_or(Semaphore::MAX_PERMITS);
    Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
}

fn permits(amount: u64) -> u32 {
    u32::try_from(amount).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn number(amount: u64) -> f64 {
    amount as f64
}
