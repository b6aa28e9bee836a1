//! How a fault is written.
//!
//! `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, e.g. `drop-after@purge`, `status=503@query*3`,
//! `slow=2s*always`, `fail-url=https://www.example.com/a/**@purge`, `expire+2`.
//!
//! | kind | effect | times |
//! |---|---|---|
//! | `drop-before` | the connection is reset before the request has any effect | 1 |
//! | `drop-after` | the request has its effect, then the connection is reset | 1 |
//! | `status=CODE` | an error without a documented type, e.g. `status=503`; no effect | 1 |
//! | `html` | a proxy's 502 in HTML; no effect | 1 |
//! | `truncate` | the request has its effect, the answer is cut short | 1 |
//! | `throttle[=SECONDS]` | `RequestThrottled`, with `Retry-After` if seconds are given; no effect | 1 |
//! | `expire` | `AuthorizationHeaderExpired`; no effect | 1 |
//! | `error=TYPE` | any documented error type; no effect | 1 |
//! | `slow=DURATION` | the request has its effect at once, the answer comes late | always |
//! | `skew=[-]DURATION` | the service's clock is that much ahead | always |
//! | `stuck` | tasks that start now never end | always |
//! | `fail-url=GLOB` | URLs of tasks that start now fail | always |
//! | `status-word=WORD` | progress is told with this word | always |
//!
//! `OPERATION` is `purge`, `query`, `preload`, `query-preload`, `operation`, `endpoints` or
//! `endpoint`; without it, every request that the kind can strike. `TIMES` is a number or `always`.
//! `SKIP` lets so many requests through first. Suffixes are read from the end, in this order.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use globset::GlobBuilder;
use thiserror::Error;

use super::errors::ErrorType;
use super::faults::{Fault, FaultKind, Times};
use super::routes::Operation;

/// The grammar for people, for `purgit emulator --help`.
pub const FAULT_HELP: &str = "\
Faults are written KIND[=VALUE][@OPERATION][*TIMES][+SKIP]:
  drop-before         the connection is reset before the request has any effect
  drop-after          the request has its effect, then the connection is reset
  status=CODE         an error without a documented type, e.g. status=503
  html                a proxy's 502 in HTML
  truncate            the request has its effect, the answer is cut short
  throttle[=SECONDS]  RequestThrottled, with Retry-After if seconds are given
  expire              AuthorizationHeaderExpired
  error=TYPE          any documented error type
  slow=DURATION       the answer comes late
  skew=[-]DURATION    the service's clock is that much ahead
  stuck               tasks that start now never end
  fail-url=GLOB       URLs of tasks that start now fail
  status-word=WORD    progress is told with this word
OPERATION is purge, query, preload, query-preload, operation, endpoints or endpoint.
TIMES is a number or `always`; SKIP lets so many requests through first.
E.g. --fault drop-after@purge --fault 'status=503@query*3'";

/// Every kind, as written.
const KINDS: [&str; 13] = [
    "drop-before",
    "drop-after",
    "status",
    "html",
    "truncate",
    "throttle",
    "expire",
    "error",
    "slow",
    "skew",
    "stuck",
    "fail-url",
    "status-word",
];

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// No such kind.
    #[error("there is no fault `{0}`; there are: {list}", list = KINDS.join(", "))]
    UnknownKind(String),
    /// No such operation.
    #[error("there is no operation `{0}`; there are: {list}", list = Operation::ALL.map(Operation::as_str).join(", "))]
    UnknownOperation(String),
    /// A number that is none.
    #[error("`{0}` is neither a number of times from 1 up nor `always`")]
    BadTimes(String),
    /// A kind without the value it needs, or with a wrong one.
    #[error("the fault `{kind}` needs {needs}, not `{value}`")]
    BadValue {
        /// The kind.
        kind: String,
        /// What it needs.
        needs: &'static str,
        /// What it got.
        value: String,
    },
    /// A kind with a value it does not take.
    #[error("the fault `{0}` takes no value")]
    NoValue(String),
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (rest, skip) = match text.rsplit_once('+') {
            Some((rest, number)) if is_number(number) => (
                rest,
                number
                    .parse()
                    .map_err(|_| FaultError::BadTimes(number.to_owned()))?,
            ),
            Some(_) | None => (text, 0),
        };
        let (rest, times) = match rest.rsplit_once('*') {
            Some((rest, "always")) => (rest, Some(Times::Always)),
            Some((rest, number)) if is_number(number) => {
                let count = number.parse().ok().filter(|&count| count > 0);
                let count = count.ok_or_else(|| FaultError::BadTimes(number.to_owned()))?;
                (rest, Some(Times::Count(count)))
            }
            // A `*` inside a glob.
            Some(_) if rest.starts_with("fail-url=") => (rest, None),
            Some((_, other)) => return Err(FaultError::BadTimes(other.to_owned())),
            None => (rest, None),
        };
        let (rest, operation) = match rest.rsplit_once('@') {
            Some((rest, name)) => {
                let operation = Operation::ALL
                    .into_iter()
                    .find(|known| known.as_str() == name);
                let operation =
                    operation.ok_or_else(|| FaultError::UnknownOperation(name.to_owned()))?;
                (rest, Some(operation))
            }
            None => (rest, None),
        };
        let kind = parse_kind(rest)?;
        Ok(Self {
            operation,
            times: times.unwrap_or_else(|| kind.default_times()),
            skip,
            kind,
        })
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_kind(text: &str) -> Result<FaultKind, FaultError> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let bad = |needs| FaultError::BadValue {
        kind: name.to_owned(),
        needs,
        value: value.unwrap_or_default().to_owned(),
    };
    let bare = |kind| match value {
        None => Ok(kind),
        Some(_) => Err(FaultError::NoValue(name.to_owned())),
    };
    let duration = |text: Option<&str>| text.and_then(|text| humantime::parse_duration(text).ok());
    match name {
        "drop-before" => bare(FaultKind::DropBefore),
        "drop-after" => bare(FaultKind::DropAfter),
        "html" => bare(FaultKind::Html),
        "truncate" => bare(FaultKind::Truncate),
        "expire" => bare(FaultKind::Expire),
        "stuck" => bare(FaultKind::Stuck),
        "status" => value
            .and_then(|value| value.parse().ok())
            .filter(|code| (400..600).contains(code))
            .map(FaultKind::Status)
            .ok_or_else(|| bad("an HTTP code from 400 to 599")),
        "throttle" => match value {
            None => Ok(FaultKind::Throttle(None)),
            Some(value) => value
                .parse()
                .map(|seconds| FaultKind::Throttle(Some(Duration::from_secs(seconds))))
                .map_err(|_| bad("a number of seconds")),
        },
        "error" => value
            .and_then(ErrorType::named)
            .map(FaultKind::Error)
            .ok_or_else(|| bad("a documented error type such as `WrongSignature`")),
        "slow" => duration(value)
            .map(FaultKind::Slow)
            .ok_or_else(|| bad("a duration such as `2s`")),
        "skew" => {
            let (sign, magnitude) = match value.and_then(|value| value.strip_prefix('-')) {
                Some(magnitude) => (-1, Some(magnitude)),
                None => (1, value),
            };
            duration(magnitude)
                .and_then(|magnitude| TimeDelta::from_std(magnitude).ok())
                .map(|magnitude| FaultKind::Skew(magnitude * sign))
                .ok_or_else(|| bad("a duration such as `1h` or `-1h`"))
        }
        "fail-url" => value
            .filter(|value| !value.is_empty())
            .and_then(|value| GlobBuilder::new(value).literal_separator(true).build().ok())
            .map(FaultKind::FailUrl)
            .ok_or_else(|| bad("a glob of URLs such as `https://www.example.com/**`")),
        "status-word" => value
            .filter(|value| !value.is_empty())
            .map(|value| FaultKind::StatusWord(value.to_owned()))
            .ok_or_else(|| bad("a word")),
        _ => Err(FaultError::UnknownKind(name.to_owned())),
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropBefore => f.write_str("drop-before"),
            Self::DropAfter => f.write_str("drop-after"),
            Self::Status(code) => write!(f, "status={code}"),
            Self::Html => f.write_str("html"),
            Self::Truncate => f.write_str("truncate"),
            Self::Throttle(None) => f.write_str("throttle"),
            Self::Throttle(Some(wait)) => write!(f, "throttle={}", wait.as_secs()),
            Self::Expire => f.write_str("expire"),
            Self::Error(error) => write!(f, "error={error}"),
            Self::Slow(wait) => write!(f, "slow={}", humantime::format_duration(*wait)),
            Self::Skew(skew) => {
                let sign = if *skew < TimeDelta::zero() { "-" } else { "" };
                let magnitude = skew.abs().to_std().unwrap_or_default();
                write!(f, "skew={sign}{}", humantime::format_duration(magnitude))
            }
            Self::Stuck => f.write_str("stuck"),
            Self::FailUrl(glob) => write!(f, "fail-url={glob}"),
            Self::StatusWord(word) => write!(f, "status-word={word}"),
        }
    }
}
