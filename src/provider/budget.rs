//! What a CDN lets through: how much of what, within which window, in whose account.
//!
//! Batching, forecast, throttling and the ledger read the same table.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Days, FixedOffset, NaiveTime, Offset as _, TimeZone as _, Utc};

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

/// `spec.limits` of an endpoint; the provider states the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// File purges a day.
    pub files_per_day: u32,
    /// Directory purges a day.
    pub directories_per_day: u32,
    /// When the CDN's day starts.
    pub day_starts_at: DayStart,
    /// Items in one request, at least 1.
    pub items_per_request: usize,
    /// Requests a second, above 0; as many may go out in one burst.
    pub requests_per_second: f64,
    /// Requests sent and not yet answered, at least 1.
    pub concurrent_requests: usize,
}

/// A time of day with its offset from UTC, as in `00:00+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayStart {
    /// Local time at which the day starts.
    pub time: NaiveTime,
    /// Offset of that local time.
    pub offset: FixedOffset,
}

impl Default for DayStart {
    /// Midnight in UTC+8. Nobody documents when the first CDN's day rolls over; it runs in China.
    fn default() -> Self {
        let offset = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| Utc.fix());
        Self {
            time: NaiveTime::MIN,
            offset,
        }
    }
}

impl DayStart {
    /// The start of the day that `now` is in, and of the next one.
    pub fn period(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let local = now.with_timezone(&self.offset);
        let today = match local.time() < self.time {
            true => local.date_naive() - Days::new(1),
            false => local.date_naive(),
        };
        let start_of = |date: chrono::NaiveDate| {
            // An offset without seasons maps every local time to one instant.
            let start = self.offset.from_local_datetime(&date.and_time(self.time));
            start.single().map_or(now, |start| start.to_utc())
        };
        (start_of(today), start_of(today + Days::new(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_starts_by_the_cdns_clock() {
        let period = |now: &str| {
            let (from, to) = DayStart::default().period(now.parse().unwrap());
            (from.to_rfc3339(), to.to_rfc3339())
        };
        let day = |from: &str, to: &str| (format!("{from}+00:00"), format!("{to}+00:00"));
        let first = day("2026-01-01T16:00:00", "2026-01-02T16:00:00");
        assert_eq!(period("2026-01-01T16:00:00Z"), first);
        assert_eq!(period("2026-01-02T15:59:59Z"), first);
        let next = day("2026-01-02T16:00:00", "2026-01-03T16:00:00");
        assert_eq!(period("2026-01-02T16:00:00Z"), next);
    }
}
