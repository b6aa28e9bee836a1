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

/// What every account has used.
#[derive(Debug, Default)]
pub struct Budgets {
    days: BTreeMap<(String, &'static str), DayUsed>,
    /// What is left of a burst, and since when, by account.
    bursts: BTreeMap<String, (f64, Instant)>,
}

#[derive(Debug, Clone, Copy)]
struct DayUsed {
    starts_at: DayStart,
    day: NaiveDate,
    used: u32,
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
        let day = day(starts_at, now);
        let mut booked = Vec::new();
        for &(what, count, limit) in uses {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let used = self.used(account, what, now).saturating_add(count);
            if used > limit {
                return Err(format!("{used} {what} in a day, limit {limit}."));
            }
            let used = DayUsed {
                starts_at,
                day,
                used,
            };
            booked.push(((account.to_owned(), what), used));
        }
        self.days.extend(booked);
        Ok(())
    }

    /// What an account has used of the day that `now` is in.
    pub fn used(&self, account: &str, what: &'static str, now: DateTime<Utc>) -> u32 {
        let used = self.days.get(&(account.to_owned(), what));
        let today = used.filter(|used| used.day == day(used.starts_at, now));
        today.map_or(0, |used| used.used)
    }

    /// Takes one of so many a second, with bursts of one second's worth, or says how long to wait
    /// for the next.
    pub fn take(&mut self, account: &str, per_second: f64, now: Instant) -> Result<(), Duration> {
        let burst = per_second.max(1.0);
        let left = self.bursts.entry(account.to_owned());
        let (left, since) = left.or_insert((burst, now));
        let gained = now.saturating_duration_since(*since).as_secs_f64() * per_second;
        (*left, *since) = ((*left + gained).min(burst), now);
        if *left < 1.0 {
            let wait = Duration::try_from_secs_f64((1.0 - *left) / per_second);
            return Err(wait.unwrap_or(Duration::MAX));
        }
        *left -= 1.0;
        Ok(())
    }
}

/// The date of the quota day that `now` is in.
fn day(starts_at: DayStart, now: DateTime<Utc>) -> NaiveDate {
    let local = now.with_timezone(&starts_at.offset).naive_local();
    (local - starts_at.time.signed_duration_since(NaiveTime::MIN)).date()
}
