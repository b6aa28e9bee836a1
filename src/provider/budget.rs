//! What a CDN lets through: how much of what, within which window, in whose account.
//!
//! Batching, forecast, throttling and the ledger read the same table.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::limits::{DayStart, Limits};
use crate::entry::TargetKind;
use crate::operation::Item;

/// How much an account may use within a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The account: endpoints with the same scope share the budget.
    pub scope: Arc<str>,
    pub counts: Counts,
    pub amount: u64,
    pub window: Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counts {
    /// Requests of any sort; of a window that the calendar turns, only those that purge.
    Requests,
    /// Requests that purge items of these kinds.
    RequestsWith(&'static [TargetKind]),
    Items(&'static [TargetKind]),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
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
        let of_kinds = |kinds: &[TargetKind]| {
            let items = items.iter();
            items
                .filter(|item| kinds.contains(&item.target.kind()))
                .count() as u64
        };
        match self {
            Self::Requests => 1,
            Self::RequestsWith(kinds) => of_kinds(kinds).min(1),
            Self::Items(kinds) => of_kinds(kinds),
        }
    }

    /// Whether it counts items of a kind, as such.
    pub fn has(self, kind: TargetKind) -> bool {
        match self {
            Self::Requests | Self::RequestsWith(_) => false,
            Self::Items(kinds) => kinds.contains(&kind),
        }
    }

    /// Whether it counts requests, whatever the number of their items.
    pub const fn is_requests(self) -> bool {
        match self {
            Self::Requests | Self::RequestsWith(_) => true,
            Self::Items(_) => false,
        }
    }

    /// The word in plans and in the ledger: `file`, `directory`, `file+directory`, `request`.
    pub fn word(self) -> String {
        match self {
            Self::Requests | Self::RequestsWith(_) => "request".to_owned(),
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
    /// The quotas of the day that there are, of one account.
    pub(super) fn quotas(limits: &Limits, scope: &Arc<str>) -> impl Iterator<Item = Self> {
        const FILES: &[TargetKind] = &[TargetKind::File];
        const DIRECTORIES: &[TargetKind] = &[TargetKind::Directory];
        let quotas = [
            (FILES, limits.files_per_day),
            (DIRECTORIES, limits.directories_per_day),
        ];
        let (scope, window) = (scope.clone(), Window::Day(limits.day_starts_at));
        let quotas = quotas.into_iter();
        let declared = quotas.filter(|(_, amount)| *amount != Limits::NO_QUOTA);
        declared.map(move |(kinds, amount)| Self {
            scope: scope.clone(),
            counts: Counts::Items(kinds),
            amount: amount.into(),
            window,
        })
    }

    /// The start and the end of the window that `now` is in, for those that the calendar turns.
    pub fn period(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        match self.window {
            Window::Day(start) => Some(start.period(now)),
            Window::Request | Window::Rate { .. } | Window::Unanswered | Window::InProgress => None,
        }
    }
}
