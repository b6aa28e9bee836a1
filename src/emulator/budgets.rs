//! What callers have used of their budgets: daily quotas, and rates with bursts.
//!
//! A request that does not fit is refused as a whole and uses nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use tokio::time::Instant;

use crate::provider::DayStart;

/// One use of a daily quota: what is counted (for messages), how many, and the quota.
pub type DayUse = (&'static str, usize, u32);

#[derive(Debug, Default)]
pub struct Budgets {
    /// When the day starts, the current day, and its use.
    days: BTreeMap<(String, &'static str), (DayStart, NaiveDate, u32)>,
    /// What is left of a burst, and since when, by account.
    bursts: BTreeMap<String, (f64, Instant)>,
}

impl Budgets {
    /// Books all uses on the account's day; or books none and returns what would exceed its quota.
    pub fn book(
        &mut self,
        account: &str,
        uses: &[DayUse],
        starts_at: DayStart,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        let today = day(starts_at, now);
        let mut booked = Vec::new();
        for &(what, count, limit) in uses {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let after = self.used(account, what, now).saturating_add(count);
            if after > limit {
                return Err(format!("{after} {what} in a day, limit {limit}."));
            }
            booked.push(((account.to_owned(), what), (starts_at, today, after)));
        }
        self.days.extend(booked);
        Ok(())
    }

    pub fn used(&self, account: &str, what: &'static str, now: DateTime<Utc>) -> u32 {
        match self.days.get(&(account.to_owned(), what)) {
            Some((starts_at, today, used)) if *today == day(*starts_at, now) => *used,
            Some(_) | None => 0,
        }
    }

    pub fn take(
        &mut self,
        account: &str,
        count: f64,
        bucket: Bucket,
        now: Instant,
    ) -> Result<(), Duration> {
        let burst = bucket.burst.max(1.0);
        let left = self.bursts.entry(account.to_owned());
        let (left, since) = left.or_insert((burst, now));
        let gained = now.saturating_duration_since(*since).as_secs_f64() * bucket.per_second;
        (*left, *since) = ((*left + gained).min(burst), now);
        let needed = count.min(burst);
        if *left < needed {
            let wait = Duration::try_from_secs_f64((needed - *left) / bucket.per_second);
            return Err(wait.unwrap_or(Duration::MAX));
        }
        *left -= needed;
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// Refill rate per second, above 0.
    pub per_second: f64,
    /// Capacity, at least 1.
    pub burst: f64,
}

impl Bucket {
    pub const fn of_second(per_second: f64) -> Self {
        Self {
            per_second,
            burst: per_second,
        }
    }
}

/// The date of the quota day that contains `now`.
fn day(starts_at: DayStart, now: DateTime<Utc>) -> NaiveDate {
    let local = now.with_timezone(&starts_at.offset).naive_local();
    (local - starts_at.time.signed_duration_since(NaiveTime::MIN)).date()
}
