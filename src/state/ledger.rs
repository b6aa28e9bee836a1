//! How much of each quota is used: what was booked here, and what the CDN said. Pure.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::State;
use crate::provider::{Budget, Price};

/// Longer than a month, the longest window.
pub const LEDGER_DAYS: i64 = 40;

/// Purges that cost money, of any kind.
const CHARGED: &str = "charged";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LedgerKey {
    pub scope: Arc<str>,
    pub counts: Arc<str>,
    pub window: DateTime<Utc>,
}

pub type BudgetKey = (Arc<str>, Arc<str>);

/// What a CDN said about a budget. It counts the purges of everyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub used: u64,
    /// The account's limit, if the CDN said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How much was booked here at that time. Later bookings are added to `used`.
    pub booked: u64,
    pub window: DateTime<Utc>,
    /// When it stops counting.
    pub until: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    pub used: u64,
    /// When the budget is renewed.
    pub until: DateTime<Utc>,
}

impl LedgerKey {
    /// The window of a budget at a time; `None` if the calendar does not renew the budget.
    pub fn of(budget: &Budget, at: DateTime<Utc>) -> Option<Self> {
        let (window, _) = budget.period(at)?;
        Some(Self {
            scope: budget.scope.clone(),
            counts: budget.counts.word().into(),
            window,
        })
    }

    pub fn charged(price: &Price, at: DateTime<Utc>) -> Self {
        Self {
            scope: price.scope.clone(),
            counts: CHARGED.into(),
            window: price.month(at).0,
        }
    }
}

impl State {
    /// Books the cost of a request, or refunds it. A new window drops what no longer counts.
    pub fn spend(&mut self, key: LedgerKey, amount: i64) {
        let window = key.window;
        let known = self.ledger.get(&key).copied();
        match known.unwrap_or_default().saturating_add_signed(amount) {
            0 => self.ledger.remove(&key),
            booked => self.ledger.insert(key, booked),
        };
        let oldest = window.checked_sub_signed(TimeDelta::days(LEDGER_DAYS));
        if let (None, Some(oldest)) = (known, oldest) {
            self.ledger.retain(|key, _| key.window >= oldest);
            self.told.retain(|_, told| told.until > window);
        }
    }

    /// Records what the CDN said about a budget. It counts for [`LEDGER_DAYS`] at most.
    pub fn tell(&mut self, scope: Arc<str>, counts: Arc<str>, mut told: Told) {
        let last = told.window.checked_add_signed(TimeDelta::days(LEDGER_DAYS));
        told.until = told.until.min(last.unwrap_or(told.until));
        self.told.insert((scope, counts), told);
    }

    pub fn spent(&self, key: &LedgerKey) -> u64 {
        self.ledger.get(key).copied().unwrap_or_default()
    }

    /// How much of a budget is used: what the CDN said plus later bookings, or else all bookings. No more
    /// is left of the manifest's limit than of the CDN's. `None` if the calendar does not renew the budget.
    pub fn standing(&self, budget: &Budget, now: DateTime<Utc>) -> Option<Standing> {
        let (window, until) = budget.period(now)?;
        let key = LedgerKey::of(budget, now)?;
        let booked = self.spent(&key);
        let told = self.told.get(&(key.scope, key.counts));
        Some(match told.filter(|told| now < told.until) {
            None => Standing {
                used: booked,
                until,
            },
            Some(told) => {
                let before = match told.window == window {
                    true => told.booked,
                    false => 0,
                };
                let used = told.used.saturating_add(booked.saturating_sub(before));
                let left = told.limit.map(|limit| limit.saturating_sub(used));
                let least = left.map_or(0, |left| budget.amount.saturating_sub(left));
                Standing {
                    used: used.max(least),
                    until: told.until,
                }
            }
        })
    }
}
