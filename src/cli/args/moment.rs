//! A moment on the command line: a date, an RFC 3339 time, or a duration from now.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::field::parse_instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    /// From now, forwards or back.
    Within(Duration),
}

impl Moment {
    /// The moment in the future, to the second.
    pub fn after(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Within(time) => {
                let end = now.checked_add_signed(TimeDelta::from_std(time).ok()?)?;
                DateTime::from_timestamp(end.timestamp(), 0)
            }
        }
    }

    /// The moment in the past.
    pub fn before(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::At(at) => Some(at),
            Self::Within(time) => now.checked_sub_signed(TimeDelta::from_std(time).ok()?),
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = || humantime::parse_duration(text).map(Self::Within).ok();
        parse_instant(text).map(Self::At).or_else(time).ok_or(
            "write a date or time like `2026-12-01` or `2026-12-01T08:00:00+08:00`, or a duration \
             like `36h` or `7d`",
        )
    }
}
