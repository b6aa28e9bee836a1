//! How a fault is written: `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, read from the end. Knows no
//! API, so whether an operation or an error exists is asked elsewhere.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use globset::GlobBuilder;

use super::exchange::Trouble;
use super::faults::{Fault, FaultError, FaultKind, Instead};

/// The grammar for people.
pub(super) const HELP: &str = "\
Faults are written KIND[=VALUE][@OPERATION][*TIMES][+SKIP]:
  drop-before         the connection is reset before the request has any effect
  drop-after          the request has its effect, then the connection is reset
  truncate            the request has its effect, the answer is cut short
  slow=DURATION       the request has its effect, the answer comes late (always)
  drip[=DURATION]     the request has its effect, the body comes one byte a second (always)
  status=CODE         an error without a documented type, e.g. status=503
  html[=CODE]         a page of a proxy between: 502, or e.g. html=404 or html=302
  throttle[=SECONDS]  too many requests, with Retry-After if seconds are given
  exhausted           others have used up the quota (always)
  expire              the signature or token counts as too old
  error=TYPE          an error that the API documents
  leak=TYPE           the same, with a message that repeats the credentials
  skew=[-]DURATION    the service's clock is that much ahead (always)
  stuck               tasks that start now never end (always)
  fail-url=GLOB       URLs of tasks that start now fail (always)
  status-word=WORD    progress is reported with this word (always)
TIMES is a number or `always`, by default 1 or as above; SKIP lets so many requests through first.
E.g. --fault drop-after@purge --fault 'throttle=2@purge*20' --fault 'status=503@query*3'";

/// Every kind in [`HELP`].
fn kinds() -> String {
    let kinds = HELP.lines().filter_map(|line| line.strip_prefix("  "));
    let names = kinds.filter_map(|line| line.split(['=', '[', ' ']).next());
    names.collect::<Vec<_>>().join(", ")
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let bad_times = |text: &str| FaultError::BadTimes(text.to_owned());
        let number = |text: &str| text.parse::<u32>().map_err(|_| bad_times(text));
        let (rest, skip) = match text.rsplit_once('+') {
            Some((rest, skip)) if is_number(skip) => (rest, number(skip)?),
            Some(_) | None => (text, 0),
        };
        let (rest, times) = match rest.rsplit_once('*') {
            Some((rest, "always")) => (rest, Some(None)),
            Some((_, "0")) => return Err(bad_times("0")),
            Some((rest, times)) if is_number(times) => (rest, Some(Some(number(times)?))),
            // A `*` inside a glob.
            Some(_) if rest.starts_with("fail-url=") => (rest, None),
            Some((_, other)) => return Err(bad_times(other)),
            None => (rest, None),
        };
        let (text, operation) = match rest.rsplit_once('@') {
            Some((text, operation)) => (text, Some(operation.to_owned())),
            None => (rest, None),
        };
        let kind = read_kind(text)?;
        Ok(Self {
            times: times.unwrap_or(kind.reach().1),
            kind,
            text: text.to_owned(),
            operation,
            skip,
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn read_kind(text: &str) -> Result<FaultKind, FaultError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let word = || value.filter(|value| !value.is_empty()).map(str::to_owned);
    let bare = |kind| value.is_none().then_some(kind);
    let duration = |text: &str| humantime::parse_duration(text).ok();
    let code = |least: u16| {
        let code = value.and_then(|value| value.parse().ok());
        code.filter(|code| (least..600).contains(code))
    };
    let (needs, kind) = match name {
        "drop-before" => ("no value", bare(FaultKind::Instead(Instead::Cut))),
        "drop-after" => ("no value", bare(FaultKind::DropAfter)),
        "truncate" => ("no value", bare(FaultKind::Truncate)),
        "stuck" => ("no value", bare(FaultKind::Stuck)),
        "exhausted" => ("no value", bare(refuse(Trouble::Exhausted))),
        "expire" => ("no value", bare(refuse(Trouble::Expired))),
        "status" => (
            "an HTTP code from 400 to 599",
            code(400).map(|code| FaultKind::Instead(Instead::Status(code))),
        ),
        "html" => (
            "an HTTP code from 300 to 599",
            value
                .map_or(Some(502), |_| code(300))
                .map(|code| FaultKind::Instead(Instead::Page(code))),
        ),
        "throttle" => (
            "a number of seconds",
            match value.map(str::parse) {
                None => Some(refuse(Trouble::Throttled(None))),
                Some(seconds) => seconds
                    .ok()
                    .map(|seconds| refuse(Trouble::Throttled(Some(Duration::from_secs(seconds))))),
            },
        ),
        "error" | "leak" => (
            "the name of an error",
            word().map(|error| {
                let leak = name == "leak";
                FaultKind::Instead(Instead::Documented { name: error, leak })
            }),
        ),
        "drip" => (
            "a duration such as `1s`",
            value
                .map_or(Some(Duration::from_secs(1)), duration)
                .map(FaultKind::Drip),
        ),
        "slow" => (
            "a duration such as `2s`",
            value.and_then(duration).map(FaultKind::Slow),
        ),
        "skew" => {
            let value = value.unwrap_or_default();
            let (sign, magnitude) = match value.strip_prefix('-') {
                Some(magnitude) => (-1, magnitude),
                None => (1, value),
            };
            let magnitude = duration(magnitude).and_then(|skew| TimeDelta::from_std(skew).ok());
            (
                "a duration such as `1h` or `-1h`",
                magnitude.map(|magnitude| FaultKind::Skew(magnitude * sign)),
            )
        }
        "fail-url" => (
            "a glob of URLs such as `https://www.example.com/**`",
            word()
                .and_then(|glob| GlobBuilder::new(&glob).literal_separator(true).build().ok())
                .map(FaultKind::FailUrl),
        ),
        "status-word" => ("a word", word().map(FaultKind::StatusWord)),
        _ => {
            return Err(FaultError::Unknown {
                what: "fault",
                name: name.to_owned(),
                known: kinds(),
            });
        }
    };
    kind.ok_or_else(|| FaultError::BadValue {
        kind: name.to_owned(),
        needs,
        value: value.unwrap_or_default().to_owned(),
    })
}

const fn refuse(trouble: Trouble) -> FaultKind {
    FaultKind::Instead(Instead::Refuse(trouble))
}
