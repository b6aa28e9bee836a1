//! `spec.limits` of an `Endpoint`, over the defaults of its provider.

use chrono::{FixedOffset, NaiveTime};
use serde_json::json;

use crate::diagnostic::shown;
use crate::field::{
    Fields, Found, Member, Need, Row, Shape, Wrong, block, field, form_of, group, nested, number,
    parsed, whole,
};
use crate::provider::{DayStart, Limits, REGISTRY};

/// Most purges a day that can be set: far over any CDN's, and small enough to add up.
const MAX_PER_DAY: u64 = 1_000_000_000;
/// Most items in one request: URLs of 8 KiB make a body of 80 MB then, more than any API reads.
const MAX_ITEMS_PER_REQUEST: u64 = 10_000;
/// Slowest rate: one request in 1,000 s; slower ones outlast any run.
const MIN_REQUESTS_PER_SECOND: f64 = 0.001;
/// Fastest rate: no API for purging takes a tenth of it.
const MAX_REQUESTS_PER_SECOND: f64 = 1000.0;
/// Most requests at once: the connections of one process to one host.
const MAX_CONCURRENT_REQUESTS: u64 = 256;
/// Offsets from UTC go up to 14 hours.
const MAX_OFFSET_HOURS: i32 = 14;

block! {
    /// What the manifest says of limits.
    pub struct DeclaredLimits(DeclaredLimitsDraft) {
        /// File purges a day.
        files_per_day: Option<u32> = field("filesPerDay", whole(0..=MAX_PER_DAY)).optional(),
        /// Directory purges a day.
        directories_per_day: Option<u32> = field("directoriesPerDay", whole(0..=MAX_PER_DAY)).optional(),
        /// When the CDN's day starts: a time with its offset from UTC.
        day_starts_at: Option<DayStart> = field("dayStartsAt", day_start()).optional(),
        /// Items in one request.
        items_per_request: Option<usize> = field("itemsPerRequest", whole(1..=MAX_ITEMS_PER_REQUEST)).optional(),
        /// Requests a second; as many may go out in one burst.
        requests_per_second: Option<f64> = field("requestsPerSecond", number(MIN_REQUESTS_PER_SECOND..=MAX_REQUESTS_PER_SECOND)).optional(),
        /// Requests under way at once.
        concurrent_requests: Option<usize> = field("concurrentRequests", whole(1..=MAX_CONCURRENT_REQUESTS)).optional(),
    }
}

impl DeclaredLimits {
    /// What holds: what is declared, else the default.
    fn over(self, default: &Limits) -> Limits {
        Limits {
            files_per_day: self.files_per_day.unwrap_or(default.files_per_day),
            directories_per_day: self
                .directories_per_day
                .unwrap_or(default.directories_per_day),
            day_starts_at: self.day_starts_at.unwrap_or(default.day_starts_at),
            items_per_request: self.items_per_request.unwrap_or(default.items_per_request),
            requests_per_second: self
                .requests_per_second
                .unwrap_or(default.requests_per_second),
            concurrent_requests: self
                .concurrent_requests
                .unwrap_or(default.concurrent_requests),
        }
    }
}

impl From<&Limits> for DeclaredLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            files_per_day: Some(limits.files_per_day),
            directories_per_day: Some(limits.directories_per_day),
            day_starts_at: Some(limits.day_starts_at),
            items_per_request: Some(limits.items_per_request),
            requests_per_second: Some(limits.requests_per_second),
            concurrent_requests: Some(limits.concurrent_requests),
        }
    }
}

/// The limits that hold for the provider that is named beside them.
pub(super) fn limits() -> Member<Limits> {
    const KEY: &str = "limits";
    let find = |fields: &mut Fields<'_>| {
        let is_named = |kind: &&&crate::provider::ProviderKind| fields.peek(kind.field).is_some();
        // Without a provider they are read all the same, for the problems in them.
        let kind = REGISTRY.iter().find(is_named).or(REGISTRY.first())?;
        let default = (kind.default_limits)();
        let declared = fields
            .optional(KEY)
            .and_then(|value| nested::<DeclaredLimits>().read(value));
        Some(match declared {
            Some(found) => found.map(|declared| declared.over(&default)),
            None => Found {
                value: default,
                span: fields.span(),
                items: Vec::new(),
            },
        })
    };
    let rows = || {
        vec![Row {
            key: KEY,
            about: "What the CDN lets through; the defaults are its provider's.".to_owned(),
            need: Need::Optional,
            default: None,
            form: form_of::<DeclaredLimits>(),
        }]
    };
    group(rows, find, |limits, show| {
        show(KEY, nested().show(&DeclaredLimits::from(limits)))
    })
}

fn day_start() -> Shape<DayStart> {
    let parse = |text: &str| {
        parse_day_start(text).ok_or_else(|| {
            let message = format!(
                "expected a time of day with an offset from UTC, found `{}`",
                shown(text)
            );
            Wrong::new(message, "write it like `\"00:00+08:00\"` or `\"00:00Z\"`")
        })
    };
    parsed("time of day", parse)
        .pattern("^([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$")
        .with("examples", json!(["00:00+08:00", "00:00Z"]))
}

fn parse_day_start(text: &str) -> Option<DayStart> {
    let digits = |text: &str| -> Option<i32> {
        let two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        two.then(|| text.parse().ok()).flatten()
    };
    let clock = |text: &str| -> Option<(i32, i32)> {
        let (hours, minutes) = text.split_once(':')?;
        Some((digits(hours)?, digits(minutes)?)).filter(|(_, minutes)| *minutes < 60)
    };
    let at = text.find(['Z', '+', '-'])?;
    let (time, offset) = text.split_at(at);
    let (hours, minutes) = clock(time)?;
    let (hours, minutes) = (u32::try_from(hours).ok()?, u32::try_from(minutes).ok()?);
    let time = NaiveTime::from_hms_opt(hours, minutes, 0)?;
    let seconds = match offset.split_at(1) {
        ("Z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = clock(offset)?;
            let seconds = (hours * 60 + minutes) * 60;
            let in_range = seconds <= MAX_OFFSET_HOURS * 3600;
            match sign {
                "+" if in_range => seconds,
                "-" if in_range => -seconds,
                _ => return None,
            }
        }
    };
    let offset = FixedOffset::east_opt(seconds)?;
    Some(DayStart { time, offset })
}
