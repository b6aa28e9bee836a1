//! What a CDN allows: how many of what, per window and account.
//!
//! Batching, forecast, throttling and the ledger use the same table.

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
    /// All requests; for calendar windows, only purge requests.
    Requests,
    /// Requests that purge items of these kinds.
    RequestsWith(&'static [TargetKind]),
    Items(&'static [TargetKind]),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Window {
    Request,
    /// An average rate: a token bucket.
    Rate {
        /// Time in which the bucket fills up by `amount`.
        per: Duration,
        /// Most tokens that accumulate while nothing is sent.
        burst: u64,
    },
    /// A day of the CDN's calendar.
    Day(DayStart),
    /// Requests that were sent and are not answered yet.
    Unanswered,
    /// Tasks that were accepted and are not finished, whoever sent them.
    InProgress,
}

impl Counts {
    /// How many of these items count; one request if it counts requests.
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

    /// Whether it counts items of this kind.
    pub fn has(self, kind: TargetKind) -> bool {
        match self {
            Self::Requests | Self::RequestsWith(_) => false,
            Self::Items(kinds) => kinds.contains(&kind),
        }
    }

    /// How much of a budget of the day that counts so is kept for emergencies.
    pub fn reserve(self, limits: &Limits) -> u64 {
        let Some(reserve) = limits.reserve else {
            return 0;
        };
        let kinds = [
            (TargetKind::File, reserve.files),
            (TargetKind::Directory, reserve.directories),
        ];
        let kinds = kinds.into_iter().filter(|(kind, _)| self.has(*kind));
        kinds.map(|(_, amount)| u64::from(amount)).sum()
    }

    /// Whether it counts requests, however many items they have.
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
    /// A rate per second, with a burst of one second's worth, at least one request.
    ///
    /// Also returns the budget's amount.
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
    /// The daily quotas of one account, without those that are unlimited.
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

    /// The start and the end of the calendar window that contains `now`; `None` for other windows.
    pub fn period(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        match self.window {
            Window::Day(start) => Some(start.period(now)),
            Window::Request | Window::Rate { .. } | Window::Unanswered | Window::InProgress => None,
        }
    }
}
