//! What callers have used of their budgets: so much a day, and so much a second with bursts.
//!
//! What does not fit is refused whole and uses nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use tokio::time::Instant;

use crate::provider::DayStart;

/// One use of a budget of the day: what is counted, in words for messages, how many of it, and how
/// many a day has.
pub type DayUse = (&'static str, usize, u32);

#[derive(Debug, Default)]
pub struct Budgets {
    /// When the day starts, which day it is, and what is used of it.
    days: BTreeMap<(String, &'static str), (DayStart, NaiveDate, u32)>,
    /// What is left of a burst, and since when, by account.
    bursts: BTreeMap<String, (f64, Instant)>,
}

impl Budgets {
    /// Books all uses on the account's day, or none and says what would be too much.
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

    /// What an account has used of the day that `now` is in.
    pub fn used(&self, account: &str, what: &'static str, now: DateTime<Utc>) -> u32 {
        match self.days.get(&(account.to_owned(), what)) {
            Some((starts_at, today, used)) if *today == day(*starts_at, now) => *used,
            Some(_) | None => 0,
        }
    }

    /// Takes so much from an account's bucket, or says how long to wait for it.
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

/// What fills up over time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// So much a second, above 0.
    pub per_second: f64,
    /// Until there is so much, at least 1.
    pub burst: f64,
}

impl Bucket {
    /// So many a second, with bursts of one second's worth.
    pub const fn of_second(per_second: f64) -> Self {
        Self {
            per_second,
            burst: per_second,
        }
    }
}

/// The date of the quota day that `now` is in.
fn day(starts_at: DayStart, now: DateTime<Utc>) -> NaiveDate {
    let local = now.with_timezone(&starts_at.offset).naive_local();
    (local - starts_at.time.signed_duration_since(NaiveTime::MIN)).date()
}
