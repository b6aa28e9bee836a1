//! What a CDN lets through: how much of what, within which window, in whose account.
//!
//! Batching, forecast, throttling and the ledger read the same table.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::DayStart;
use crate::entry::TargetKind;
use crate::operation::Item;

/// How much an account may use within a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The account: endpoints with the same scope share the budget.
    pub scope: Arc<str>,
    /// What is counted.
    pub counts: Counts,
    /// How much of it.
    pub amount: u64,
    /// Within which window.
    pub window: Window,
}

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counts {
    /// Requests of any sort; of a window that the calendar turns, only those that purge.
    Requests,
    /// Items of these kinds.
    Items(&'static [TargetKind]),
}

/// Within which window a budget holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    /// One request.
    Request,
    /// A while, on average: a token bucket.
    Rate {
        /// How long it takes to fill up by the amount.
        per: Duration,
        /// How much gathers at most while nothing is sent.
        burst: u64,
    },
    /// A day of the CDN's calendar.
    Day(DayStart),
    /// Requests sent and not yet answered.
    Unanswered,
    /// Accepted and not yet over, whoever sent it.
    InProgress,
}

impl Counts {
    /// How many of these items it counts; one request, where it counts requests.
    pub fn of(self, items: &[Item]) -> u64 {
        match self {
            Self::Requests => 1,
            Self::Items(kinds) => {
                let counted = items
                    .iter()
                    .filter(|item| kinds.contains(&item.target.kind()));
                counted.count() as u64
            }
        }
    }

    /// The word in plans and in the ledger: `file`, `directory`, `file+directory`, `request`.
    pub fn word(self) -> String {
        match self {
            Self::Requests => "request".to_owned(),
            Self::Items(kinds) => kinds
                .iter()
                .map(|kind| kind.as_str())
                .collect::<Vec<_>>()
                .join("+"),
        }
    }
}

impl Window {
    /// So many requests a second, with bursts of at most a second's worth and at least one.
    ///
    /// Returns the budget's amount too.
    pub fn per_second(rate: f64) -> (u64, Self) {
        /// Long enough for the slowest rate that a manifest can set.
        const PER: Duration = Duration::from_secs(1000);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded"
        )]
        let whole = |number: f64| number.clamp(1.0, 1e9) as u64;
        let burst = whole(rate.floor());
        (
            whole(rate * PER.as_secs_f64()),
            Self::Rate { per: PER, burst },
        )
    }
}

impl Budget {
    /// The start and the end of the window that `now` is in, for those that the calendar turns.
    pub fn period(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        match self.window {
            Window::Day(start) => Some(start.period(now)),
            Window::Request | Window::Rate { .. } | Window::Unanswered | Window::InProgress => None,
        }
    }
}
