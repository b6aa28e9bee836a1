//! What a CDN lets through.

use std::fmt;

use chrono::{FixedOffset, NaiveTime, Offset as _, Utc};

/// `spec.limits` of an endpoint; the provider states the defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// File purges a day.
    pub files_per_day: u32,
    /// Directory purges a day.
    pub directories_per_day: u32,
    /// When the CDN's day starts.
    pub day_starts_at: DayStart,
    /// URLs in one request, at least 1.
    pub items_per_request: usize,
    /// Requests a second, above 0; as many may go out in one burst.
    pub requests_per_second: f64,
    /// Requests under way at once, at least 1.
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

impl fmt::Display for DayStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.time.format("%H:%M"), self.offset)
    }
}
