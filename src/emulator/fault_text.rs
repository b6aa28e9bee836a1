//! How a fault is written: `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, parsed from the end. Knows no
//! API; whether an operation or error exists is checked elsewhere.

use std::str::FromStr;
use std::time::Duration;

use chrono::TimeDelta;
use globset::GlobBuilder;

use super::exchange::Trouble;
use super::faults::{Fault, FaultError, FaultKind, Instead};

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

const NOTHING: &str = "no value";
const DURATION: &str = "a duration such as `2s`";

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
            // A `*` in a glob.
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
        "drop-before" => (NOTHING, bare(FaultKind::Instead(Instead::Cut))),
        "drop-after" => (NOTHING, bare(FaultKind::DropAfter)),
        "truncate" => (NOTHING, bare(FaultKind::Truncate)),
        "stuck" => (NOTHING, bare(FaultKind::Stuck)),
        "exhausted" => (NOTHING, bare(refuse(Trouble::Exhausted))),
        "expire" => (NOTHING, bare(refuse(Trouble::Expired))),
        "status" => {
            let kind = code(400).map(Instead::Status);
            ("an HTTP code from 400 to 599", kind.map(FaultKind::Instead))
        }
        "html" => {
            let kind = value.map_or(Some(502), |_| code(300)).map(Instead::Page);
            ("an HTTP code from 300 to 599", kind.map(FaultKind::Instead))
        }
        "throttle" => {
            let wait = value.map(str::parse).transpose().ok();
            let wait = wait.map(|wait| Trouble::Throttled(wait.map(Duration::from_secs)));
            ("a number of seconds", wait.map(refuse))
        }
        "error" | "leak" => {
            let leak = name == "leak";
            let kind = word().map(|name| Instead::Documented { name, leak });
            ("the name of an error", kind.map(FaultKind::Instead))
        }
        "drip" => (
            DURATION,
            duration(value.unwrap_or("1s")).map(FaultKind::Drip),
        ),
        "slow" => (DURATION, value.and_then(duration).map(FaultKind::Slow)),
        "skew" => {
            let value = value.unwrap_or_default();
            let magnitude = duration(value.strip_prefix('-').unwrap_or(value));
            let skew = magnitude.and_then(|skew| TimeDelta::from_std(skew).ok());
            let skew = skew.map(|skew| if value.starts_with('-') { -skew } else { skew });
            (
                "a duration such as `1h` or `-1h`",
                skew.map(FaultKind::Skew),
            )
        }
        "fail-url" => {
            let build = |glob: String| GlobBuilder::new(&glob).literal_separator(true).build();
            let glob = word().and_then(|glob| build(glob).ok());
            (
                "a glob of URLs such as `https://www.example.com/**`",
                glob.map(FaultKind::FailUrl),
            )
        }
        "status-word" => ("a word", word().map(FaultKind::StatusWord)),
        _ => return Err(FaultError::Unknown("fault", name.to_owned(), kinds())),
    };
    let value = value.unwrap_or_default();
    kind.ok_or_else(|| FaultError::BadValue(name.to_owned(), needs, value.to_owned()))
}

const fn refuse(trouble: Trouble) -> FaultKind {
    FaultKind::Instead(Instead::Refuse(trouble))
}
