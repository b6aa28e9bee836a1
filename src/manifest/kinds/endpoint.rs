//! `kind: Endpoint`: a place to purge, with its provider, hosts, limits and polling.

use std::sync::Arc;
use std::time::Duration;

use chrono::{FixedOffset, NaiveTime};
use serde_json::{Map, Value as Json, json};

use super::{Drafts, Head, Kind};
use crate::diagnostic::{listed, shown};
use crate::manifest::resource::Poll;
use crate::provider::{DayStart, Limits};
use crate::provider::{Provider, REGISTRY};
use crate::url::HostPattern;
use crate::yaml::fields::Fields;
use crate::yaml::problem::Problem;
use crate::yaml::value::Value;

/// Most purges a day that can be set: far over any CDN's, and small enough to add up.
const MAX_PER_DAY: u64 = 1_000_000_000;
/// Most URLs in one request: at 8 KiB each they make a body of 80 MB, more than any API reads.
const MAX_ITEMS_PER_REQUEST: u64 = 10_000;
/// Slowest rate: one request in 1,000 s; slower ones outlast any run.
const MIN_REQUESTS_PER_SECOND: f64 = 0.001;
/// Fastest rate: no API for purging takes a tenth of it.
const MAX_REQUESTS_PER_SECOND: f64 = 1000.0;
/// Most requests at once: the connections of one process to one host.
const MAX_CONCURRENT_REQUESTS: u64 = 256;
/// Shortest pause between questions: below it the answer to the last one is still on its way.
const MIN_INTERVAL: Duration = Duration::from_millis(1);
/// Longest pause between questions: a purge takes minutes.
const MAX_INTERVAL: Duration = Duration::from_secs(60 * 60);
/// Longest wait for a task: a CDN's day.
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Offsets from UTC go up to 14 hours.
const MAX_OFFSET_HOURS: i32 = 14;

pub(in crate::manifest) static KIND: Kind = Kind {
    name: "Endpoint",
    description: "A place to purge: one CDN endpoint, with its hosts, provider and limits.",
    spec_optional: false,
    read,
    schema,
};

/// `spec` of an `Endpoint`; what is `None` was wrong.
#[derive(Debug, Default)]
pub(in crate::manifest) struct EndpointDraft {
    pub(in crate::manifest) hosts: Option<Vec<HostPattern>>,
    pub(in crate::manifest) provider: Option<(Arc<dyn Provider>, Limits)>,
    pub(in crate::manifest) poll: Poll,
}

fn read(head: Head, spec: Option<Value<'_>>, drafts: &mut Drafts) {
    let mut draft = EndpointDraft::default();
    if let Some(spec) = spec {
        spec.mapping(|fields| read_spec(fields, &mut draft));
    }
    drafts.endpoints.push(head.draft(draft));
}

fn read_spec(fields: &mut Fields<'_>, draft: &mut EndpointDraft) {
    draft.hosts = fields.required("hosts").and_then(read_hosts);
    draft.provider = read_provider(fields);
    if let Some(value) = fields.optional("limits") {
        // Without a provider the limits are read all the same, for the problems in them.
        let mut unused = REGISTRY.first().map(|kind| (kind.default_limits)());
        let limits = draft.provider.as_mut().map(|(_, limits)| limits);
        if let Some(limits) = limits.or(unused.as_mut()) {
            value.mapping(|fields| read_limits(fields, limits));
        }
    }
    if let Some(poll) = fields.optional("poll") {
        poll.mapping(|fields| read_poll(fields, &mut draft.poll));
    }
}

fn read_hosts(value: Value<'_>) -> Option<Vec<HostPattern>> {
    let items = value.items()?;
    let count = items.len();
    let mut hosts: Vec<HostPattern> = Vec::with_capacity(count);
    for item in items {
        let Some(text) = item.text() else { continue };
        match HostPattern::parse(text) {
            Ok(host) if hosts.contains(&host) => {
                let message = format!("the host `{host}` is listed twice");
                item.push(Problem::warning(item.span(), message));
            }
            Ok(host) => hosts.push(host),
            Err(_) => {
                let message = format!("`{}` is not a host", shown(text));
                let hint = "write a host name, such as `www.example.com` or `*.example.com`, without scheme, port or path";
                item.push(item.problem(message).hint(hint));
            }
        }
    }
    if count == 0 {
        let hint = "list the host names of the URLs it serves";
        value.push(value.problem("`hosts` is empty").hint(hint));
    }
    (!hosts.is_empty()).then_some(hosts)
}

fn read_provider(fields: &mut Fields<'_>) -> Option<(Arc<dyn Provider>, Limits)> {
    let mut given = Vec::new();
    for kind in REGISTRY {
        if let Some(value) = fields.optional(kind.field) {
            given.push((kind, value));
        }
    }
    let names = || listed(REGISTRY.iter().map(|kind| kind.field));
    if given.is_empty() {
        let hint = format!("add the block of its provider: {}", names());
        let problem = Problem::error(fields.span(), "the endpoint has no provider");
        fields.push(problem.hint(hint));
    }
    for (_, value) in given.iter().skip(1) {
        let problem = value.problem("the endpoint has more than one provider");
        value.push(problem.hint(format!("keep one of {}", names())));
    }
    let (kind, value) = *given.first()?;
    let provider = value.mapping(|fields| (kind.read)(fields))??;
    Some((provider, (kind.default_limits)()))
}

fn read_limits(fields: &mut Fields<'_>, limits: &mut Limits) {
    for (name, slot) in [
        ("filesPerDay", &mut limits.files_per_day),
        ("directoriesPerDay", &mut limits.directories_per_day),
    ] {
        let value = fields.optional(name);
        if let Some(count) = value.and_then(|value| value.unsigned(0..=MAX_PER_DAY)) {
            *slot = u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
    let start = fields.optional("dayStartsAt");
    if let Some(start) = start.and_then(read_day_start) {
        limits.day_starts_at = start;
    }
    for (name, most, slot) in [
        (
            "itemsPerRequest",
            MAX_ITEMS_PER_REQUEST,
            &mut limits.items_per_request,
        ),
        (
            "concurrentRequests",
            MAX_CONCURRENT_REQUESTS,
            &mut limits.concurrent_requests,
        ),
    ] {
        let value = fields.optional(name);
        if let Some(count) = value.and_then(|value| value.unsigned(1..=most)) {
            *slot = usize::try_from(count).unwrap_or(usize::MAX);
        }
    }
    let rate = fields.optional("requestsPerSecond");
    let range = MIN_REQUESTS_PER_SECOND..=MAX_REQUESTS_PER_SECOND;
    if let Some(rate) = rate.and_then(|value| value.number(range)) {
        limits.requests_per_second = rate;
    }
}

fn read_day_start(value: Value<'_>) -> Option<DayStart> {
    let text = value.text()?;
    let start = parse_day_start(text);
    if start.is_none() {
        let message = format!(
            "`dayStartsAt`: expected a time of day with an offset from UTC, found `{}`",
            shown(text)
        );
        value.push(
            value
                .problem(message)
                .hint("write it like `\"00:00+08:00\"` or `\"00:00Z\"`"),
        );
    }
    start
}

const DAY_START_PATTERN: &str =
    "^([01][0-9]|2[0-3]):[0-5][0-9](Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)$";

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

fn read_poll(fields: &mut Fields<'_>, poll: &mut Poll) {
    let interval = fields.optional("interval");
    let max_interval = fields.optional("maxInterval");
    let timeout = fields.optional("timeout");
    for (value, most, slot) in [
        (interval, MAX_INTERVAL, &mut poll.interval),
        (max_interval, MAX_INTERVAL, &mut poll.max_interval),
        (timeout, MAX_TIMEOUT, &mut poll.timeout),
    ] {
        if let Some(duration) = value.and_then(|value| value.duration(MIN_INTERVAL..=most)) {
            *slot = duration;
        }
    }
    if poll.interval > poll.max_interval
        && let Some(value) = interval.or(max_interval)
    {
        let (first, longest) = (poll.interval, poll.max_interval);
        let message = format!(
            "`interval` ({}) is longer than `maxInterval` ({})",
            humantime::format_duration(first),
            humantime::format_duration(longest)
        );
        value.push(value.problem(message));
    }
}

fn schema() -> Json {
    let mut properties = Map::new();
    properties.insert(
        "hosts".into(),
        json!({
            "description": "Host names of the URLs it serves. `*.` in front stands for exactly one more label.",
            "type": "array",
            "minItems": 1,
            "items": { "type": "string", "minLength": 1, "pattern": "^[^/:@?# ]+$|^\\[" , "examples": ["www.example.com", "*.img.example.com"] }
        }),
    );
    for kind in REGISTRY {
        properties.insert(kind.field.into(), (kind.schema)());
    }
    properties.insert("limits".into(), limits_schema());
    properties.insert("poll".into(), poll_schema());
    let one_of: Vec<_> = REGISTRY
        .iter()
        .map(|kind| json!({ "required": [kind.field] }))
        .collect();
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["hosts"],
        "oneOf": one_of,
        "properties": properties
    })
}

fn limits_schema() -> Json {
    let whole = |what: &str, least: u64, most: u64| json!({ "description": what, "type": "integer", "minimum": least, "maximum": most });
    json!({
        "description": "What the CDN lets through; the defaults are its provider's.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "filesPerDay": whole("File purges a day.", 0, MAX_PER_DAY),
            "directoriesPerDay": whole("Directory purges a day.", 0, MAX_PER_DAY),
            "dayStartsAt": {
                "description": "When the CDN's day starts: a time with its offset from UTC.",
                "type": "string",
                "pattern": DAY_START_PATTERN,
                "examples": ["00:00+08:00", "00:00Z"]
            },
            "itemsPerRequest": whole("URLs in one request.", 1, MAX_ITEMS_PER_REQUEST),
            "requestsPerSecond": {
                "description": "Requests a second; as many may go out in one burst.",
                "type": "number",
                "minimum": MIN_REQUESTS_PER_SECOND,
                "maximum": MAX_REQUESTS_PER_SECOND
            },
            "concurrentRequests": whole("Requests under way at once.", 1, MAX_CONCURRENT_REQUESTS)
        }
    })
}

fn poll_schema() -> Json {
    let defaults = Poll::default();
    let duration = |what: &str, default: Duration| {
        let default = humantime::format_duration(default).to_string();
        json!({
            "description": what,
            "type": "string",
            "pattern": "^([0-9]+(ms|s|m|h|d))+$",
            "default": default,
            "examples": [default, "1m30s"]
        })
    };
    json!({
        "description": "How to wait for the CDN.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "interval": duration("Pause before the first question about a task.", defaults.interval),
            "maxInterval": duration("Longest pause between two questions.", defaults.max_interval),
            "timeout": duration("How long to wait for a task before leaving it to the next run.", defaults.timeout)
        }
    })
}
