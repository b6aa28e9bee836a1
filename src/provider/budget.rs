//! What a CDN allows: how many of what, per window and account. Batching, forecast, throttling and the
//! ledger use the same table.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::limits::{DayStart, Limits};
use crate::entry::TargetKind;
use crate::operation::Item;

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
    Day(DayStart),
    Unanswered,
    /// Tasks that were accepted and are not finished, whoever sent them.
    InProgress,
}

impl Counts {
    /// How many of these items count; 1 if it counts requests.
    pub fn of(self, items: &[Item]) -> u64 {
        let of_kinds = |kinds: &[TargetKind]| {
            let counted = items.iter();
            let counted = counted.filter(|item| kinds.contains(&item.target.kind()));
            counted.count() as u64
        };
        match self {
            Self::Requests => 1,
            Self::RequestsWith(kinds) => of_kinds(kinds).min(1),
            Self::Items(kinds) => of_kinds(kinds),
        }
    }

    pub fn has(self, kind: TargetKind) -> bool {
        match self {
            Self::Requests | Self::RequestsWith(_) => false,
            Self::Items(kinds) => kinds.contains(&kind),
        }
    }

    /// How much of a daily budget is kept for emergencies.
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
    /// A rate per second as a budget's amount and window, with a burst of one second's worth, at least one
    /// request.
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
    pub(super) fn new(scope: &Arc<str>, counts: Counts, amount: u64, window: Window) -> Self {
        Self {
            scope: scope.clone(),
            counts,
            amount,
            window,
        }
    }

    pub(super) fn requests(limits: &Limits, scope: &Arc<str>) -> [Self; 2] {
        let (rate, second) = Window::per_second(limits.requests_per_second);
        let concurrent = limits.concurrent_requests as u64;
        [
            Self::new(scope, Counts::Requests, rate, second),
            Self::new(scope, Counts::Requests, concurrent, Window::Unanswered),
        ]
    }

    /// The daily quotas of one account, without those that are unlimited.
    pub(super) fn quotas(limits: &Limits, scope: &Arc<str>) -> impl Iterator<Item = Self> {
        const FILES: &[TargetKind] = &[TargetKind::File];
        const DIRECTORIES: &[TargetKind] = &[TargetKind::Directory];
        let quotas = [
            (FILES, limits.files_per_day),
            (DIRECTORIES, limits.directories_per_day),
        ];
        let window = Window::Day(limits.day_starts_at);
        let declared = quotas.into_iter();
        let declared = declared.filter(|(_, amount)| *amount != Limits::NO_QUOTA);
        declared.map(move |(kinds, amount)| {
            Self::new(scope, Counts::Items(kinds), amount.into(), window)
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
