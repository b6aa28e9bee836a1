//! What a CDN charges for purges.

use std::sync::Arc;

use chrono::{DateTime, Datelike as _, Months, NaiveTime, Utc};

use super::Counts;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The account that pays. Endpoints with the same scope share the free ones.
    pub scope: Arc<str>,
    pub counts: Counts,
    /// Price of each, in millionths of a US dollar.
    pub microdollars: u64,
    /// How many are free per calendar month in UTC, for the whole account.
    pub free_a_month: u64,
}

impl Price {
    /// The start of the month that is charged, and of the next one.
    pub fn month(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let today = now.date_naive();
        let first = today.with_day(1).unwrap_or(today);
        let start = |date: chrono::NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        (start(first), start(first + Months::new(1)))
    }

    /// The cost of `charged` of them in dollars, when no free ones are left.
    pub fn of(&self, charged: u64) -> String {
        let total = charged.saturating_mul(self.microdollars);
        let cents = format!("{}.{:06}", total / 1_000_000, total % 1_000_000);
        // Shows whole cents, and smaller fractions only if needed.
        let least = cents.len() - 4;
        let shown = cents.trim_end_matches('0').len().max(least);
        cents[..shown].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_at_least_in_cents() {
        let price = Price {
            scope: "account".into(),
            counts: Counts::Requests,
            microdollars: 5000,
            free_a_month: 0,
        };
        for (charged, amount) in [
            (0, "0.00"),
            (1, "0.005"),
            (2, "0.01"),
            (20, "0.10"),
            (1001, "5.005"),
            (200_000, "1000.00"),
        ] {
            assert_eq!(price.of(charged), amount);
        }
    }

    #[test]
    fn a_month_is_one_of_the_calendar() {
        let price = Price {
            scope: "account".into(),
            counts: Counts::Requests,
            microdollars: 1,
            free_a_month: 0,
        };
        let month = |now: &str| {
            let (from, to) = price.month(now.parse().unwrap());
            (from.to_string(), to.to_string())
        };
        let december = ("2026-12-01 00:00:00 UTC", "2027-01-01 00:00:00 UTC");
        let december = (december.0.to_owned(), december.1.to_owned());
        assert_eq!(month("2026-12-01T00:00:00Z"), december);
        assert_eq!(month("2026-12-31T23:59:59Z"), december);
        assert_ne!(month("2027-01-01T00:00:00Z"), december);
    }
}
