//! The limits of a CDN, which a manifest can override.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Days, FixedOffset, NaiveTime, Offset as _, TimeZone as _, Utc};
use serde_json::{Value, json};

use crate::diagnostic::shown;
use crate::field::{
    Block as _, Fields, Found, Shape, Wrong, block, field, nested, number, parsed, whole, wrong,
};
use crate::yaml::problem::Problem;

/// Largest daily quota that can be set: far above any CDN's, and small enough to add up.
const MAX_PER_DAY: u64 = 1_000_000_000;
/// Most items per request: as many URLs of 8 KiB make a body of 80 MB, more than any API reads.
const MAX_ITEMS_PER_REQUEST: u64 = 10_000;
/// Requests per second. Slower than one in 1,000 s outlasts any run, and no purge API accepts a
/// tenth of the fastest.
const RATES: RangeInclusive<f64> = 0.001..=1000.0;
/// Most concurrent requests: the connections of one process to one host.
const MAX_CONCURRENT_REQUESTS: u64 = 256;
/// Offsets from UTC go up to 14 hours.
const MAX_OFFSET_SECONDS: i32 = 14 * 3600;

block! {
    /// The CDN's limits; defaults come from its provider.
    #[derive(PartialEq)]
    pub struct Limits(LimitsDraft) {
        /// File purges per day.
        files_per_day: u32 = field("filesPerDay", whole(0..=MAX_PER_DAY)).inherited(),
        /// Directory purges per day.
        directories_per_day: u32 = field("directoriesPerDay", whole(0..=MAX_PER_DAY)).inherited(),
        /// When the CDN's day starts: a time with its offset from UTC.
        day_starts_at: DayStart = field("dayStartsAt", day_start()).inherited(),
        /// Items per request.
        items_per_request: usize = field("itemsPerRequest", whole(1..=MAX_ITEMS_PER_REQUEST)).inherited(),
        /// Requests per second; as many may be sent in one burst.
        requests_per_second: f64 = field("requestsPerSecond", number(RATES)).inherited(),
        /// Concurrent requests.
        concurrent_requests: usize = field("concurrentRequests", whole(1..=MAX_CONCURRENT_REQUESTS)).inherited(),
        /// What is kept of the day's quotas for emergencies. Nothing without it.
        reserve: Option<Reserve> = field("reserve", nested()).optional(),
    }
}

block! {
    /// What is kept of the day's quotas for emergencies: only `purge --urgent` spends it, and what is purged again since the edge was proven to serve something older.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Reserve(ReserveDraft) {
        /// File purges.
        files: u32 = field("files", whole(0..=MAX_PER_DAY)).or(0),
        /// Directory purges.
        directories: u32 = field("directories", whole(0..=MAX_PER_DAY)).or(0),
    }
}

/// A time of day with its offset from UTC, as in `00:00+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DayStart {
    pub time: NaiveTime,
    pub offset: FixedOffset,
}

impl Default for DayStart {
    /// Midnight in UTC+8. It is not documented when the first CDN's day starts; it runs in China.
    fn default() -> Self {
        let offset = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| Utc.fix());
        Self {
            time: NaiveTime::MIN,
            offset,
        }
    }
}

impl Limits {
    pub(super) const NO_QUOTA: u32 = u32::MAX;

    /// Reports a reserve that is larger than its quota.
    pub(crate) fn check_reserve(
        &self,
        found: Option<&Found<Option<Reserve>>>,
        fields: &Fields<'_>,
    ) {
        let Some((found, reserve)) = found.and_then(|found| Some((found, found.value?))) else {
            return;
        };
        let kinds = [
            ("files", reserve.files, self.files_per_day),
            ("directories", reserve.directories, self.directories_per_day),
        ];
        for (kind, kept, amount) in kinds.into_iter().filter(|(_, kept, _)| *kept > 0) {
            let problem = match amount {
                Self::NO_QUOTA => Problem::warning(
                    found.span,
                    format!("a reserve of {kept} {kind} is kept of no quota"),
                )
                .hint(format!(
                    "set `limits.{kind}PerDay`, or leave the reserve out"
                )),
                _ if kept > amount => Problem::error(
                    found.span,
                    format!("a reserve of {kept} {kind} is more than the {amount} of a day"),
                )
                .hint(format!("keep fewer, or set `limits.{kind}PerDay`")),
                _ => continue,
            };
            fields.problems().push(problem);
        }
    }

    /// Each limit by its name in the manifest; quotas that do not exist are left out.
    pub fn named(&self) -> Vec<(&'static str, Value)> {
        let has_quotas = [self.files_per_day, self.directories_per_day] != [Self::NO_QUOTA; 2];
        let mut named = Vec::new();
        self.show(&mut |name, value| {
            let is_none = value == json!(Self::NO_QUOTA);
            if !is_none && (has_quotas || name != "dayStartsAt") {
                named.push((name, value));
            }
        });
        named
    }
}

impl DayStart {
    pub fn utc() -> Self {
        Self {
            time: NaiveTime::MIN,
            offset: Utc.fix(),
        }
    }

    /// The start of the day that contains `now`, and of the next one.
    pub fn period(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        let local = now.with_timezone(&self.offset);
        let today = match local.time() < self.time {
            true => local.date_naive() - Days::new(1),
            false => local.date_naive(),
        };
        let start_of = |date: chrono::NaiveDate| {
            // A fixed offset maps every local time to one instant.
            let start = self.offset.from_local_datetime(&date.and_time(self.time));
            start.single().map_or(now, |start| start.to_utc())
        };
        (start_of(today), start_of(today + Days::new(1)))
    }
}

impl fmt::Display for DayStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.time.format("%H:%M"), self.offset)
    }
}

fn day_start() -> Shape<DayStart> {
    parsed("time of day", parse_day_start)
        .pattern("^([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$")
        .with("examples", json!(["00:00+08:00", "00:00Z"]))
}

fn parse_day_start(text: &str) -> Result<DayStart, Wrong> {
    let whole = text.replace('Z', "+00:00");
    let instant = DateTime::parse_from_str(&format!("2000-01-01 {whole}"), "%Y-%m-%d %H:%M%:z");
    let start = instant.ok().map(|instant| DayStart {
        time: instant.time(),
        offset: *instant.offset(),
    });
    let in_range = |start: &DayStart| start.offset.local_minus_utc().abs() <= MAX_OFFSET_SECONDS;
    // chrono accepts `0:00 +8:00`, the pattern does not.
    start
        .filter(|start| in_range(start) && start.to_string() == whole.replace("-00:00", "+00:00"))
        .ok_or_else(|| {
            let what = "expected a time of day with an offset from UTC";
            let hint = "write it like `\"00:00+08:00\"` or `\"00:00Z\"`";
            wrong(format!("{what}, found `{}`", shown(text)), hint)
        })
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
