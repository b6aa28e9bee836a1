//! What a subscription has used of its day `[D]`. Pure; the day's start is `[?]`.
//!
//! A request that does not fit is refused whole and uses nothing `[?]`.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::items::Items;
use super::settings::Limits;
use super::tasks::TaskKind;
use crate::provider::DayStart;

/// What a subscription used of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// File purges.
    pub files: u32,
    /// Directory purges.
    pub directories: u32,
    /// Preloads.
    pub preloads: u32,
}

/// Use of the present day, by subscription.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    day: Option<NaiveDate>,
    used: BTreeMap<String, Used>,
}

impl Ledger {
    /// Books a request, or says which limit it would exceed.
    pub(super) fn book(
        &mut self,
        subscription: &str,
        kind: TaskKind,
        items: &Items,
        limits: &Limits,
        now: DateTime<Utc>,
    ) -> Result<(), String> {
        self.turn_page(limits, now);
        let used = self
            .used
            .entry(subscription.to_ascii_lowercase())
            .or_default();
        let mut after = *used;
        match kind {
            TaskKind::Purge => {
                after.files = add(used.files, items.files.len());
                after.directories = add(used.directories, items.directories.len());
            }
            TaskKind::Preload => after.preloads = add(used.preloads, items.len()),
        }
        for (what, after, limit) in [
            ("file purges", after.files, limits.files_per_day),
            (
                "directory purges",
                after.directories,
                limits.directories_per_day,
            ),
            ("preloads", after.preloads, limits.preloads_per_day),
        ] {
            if after > limit {
                return Err(format!("{after} {what} in a day, limit {limit}."));
            }
        }
        *used = after;
        Ok(())
    }

    /// What a subscription has used of the day that `now` is in.
    pub(super) fn used(&mut self, subscription: &str, limits: &Limits, now: DateTime<Utc>) -> Used {
        self.turn_page(limits, now);
        self.used
            .get(&subscription.to_ascii_lowercase())
            .copied()
            .unwrap_or_default()
    }

    fn turn_page(&mut self, limits: &Limits, now: DateTime<Utc>) {
        let today = Some(day(limits.day_starts_at, now));
        if self.day != today {
            self.day = today;
            self.used.clear();
        }
    }
}

fn add(used: u32, more: usize) -> u32 {
    used.saturating_add(u32::try_from(more).unwrap_or(u32::MAX))
}

/// The date of the quota day that `now` is in.
fn day(starts_at: DayStart, now: DateTime<Utc>) -> NaiveDate {
    let local = now.with_timezone(&starts_at.offset).naive_local();
    let since_midnight = starts_at.time.signed_duration_since(chrono::NaiveTime::MIN);
    (local - since_midnight).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_starts_where_it_is_set_to() {
        let at = |text: &str| day(DayStart::default(), text.parse().unwrap()).to_string();
        assert_eq!(at("2024-01-02T15:59:59Z"), "2024-01-02");
        assert_eq!(at("2024-01-02T16:00:00Z"), "2024-01-03");
    }

    #[test]
    fn what_does_not_fit_uses_nothing() {
        let limits = Limits {
            files_per_day: 2,
            ..Limits::default()
        };
        let now = "2024-01-02T00:00:00Z".parse().unwrap();
        let items = |count| Items {
            files: vec![String::new(); count],
            directories: vec![String::new()],
        };
        let mut ledger = Ledger::default();
        assert!(
            ledger
                .book("S", TaskKind::Purge, &items(3), &limits, now)
                .is_err()
        );
        assert_eq!(ledger.used("s", &limits, now), Used::default());
        assert!(
            ledger
                .book("S", TaskKind::Purge, &items(2), &limits, now)
                .is_ok()
        );
        assert_eq!(ledger.used("s", &limits, now).files, 2);
        assert!(
            ledger
                .book("S", TaskKind::Purge, &items(1), &limits, now)
                .is_err()
        );
        assert!(
            ledger
                .book("other", TaskKind::Purge, &items(1), &limits, now)
                .is_ok()
        );
    }
}
