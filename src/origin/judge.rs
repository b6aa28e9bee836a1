//! What one answer of an origin proves.

use super::Expected;
use crate::content::blob_id;
use crate::entry::Generation;
use crate::escape;
use crate::transport::TransportError;
use crate::transport::fetch::{Fetched, MAX_FETCHED_BYTES};

const MAX_TEXT: usize = 120;

const MAX_DIGITS: usize = 12;

/// How a release file may end after its text.
const LINE_ENDS: [&str; 3] = ["", "\n", "\r\n"];

const OTHER_BYTES: &str = "where the origin changes bytes on their way, let `origin.expect` name a header or a file of the release";
const TOO_LONG: &str = "for such files, let `origin.expect` name a header or a file of the release";
const REDIRECTED: &str = "name the origin itself in `origin.url`; where files that are gone redirect, add the status to `origin.gone`";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotYet,
    /// The answer proves neither. Never taken for ready.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub readiness: Readiness,
    /// A phrase that continues "the origin".
    pub why: String,
    pub hint: Option<&'static str>,
}

impl Seen {
    fn new(readiness: Readiness, why: impl Into<String>, hint: Option<&'static str>) -> Self {
        Self {
            readiness,
            why: why.into(),
            hint,
        }
    }
}

/// `earlier` are the URL's earlier generations, and `gone` the statuses of a file that is gone.
pub fn judge(
    expected: &Expected,
    earlier: &[Generation],
    gone: &[u16],
    fetched: Result<&Fetched, &TransportError>,
) -> Seen {
    use Readiness::{NotYet, Ready, Unknown};
    let fetched = match fetched {
        Ok(fetched) => fetched,
        Err(error) => {
            let why = format!("gives no answer: {}", error.brief());
            return Seen::new(Unknown, short(&why), None);
        }
    };
    let status = fetched.status;
    let is_gone = gone.contains(&status);
    let is_found = (200..400).contains(&status);
    let is_ready = match expected {
        Expected::Content(generation) => content(fetched).as_ref() == Some(generation),
        Expected::Gone => is_gone,
        Expected::Found => is_found,
        Expected::Header {
            name,
            value,
            may_be_gone,
        } => {
            let is_same = fetched.header(name).map(str::trim) == Some(value.trim());
            (is_found && is_same) || (*may_be_gone && (is_gone || is_same))
        }
        Expected::Text(text) => {
            let id = fetched.id.filter(|_| status == 200);
            let is_text = |end: &str| Some(blob_id(format!("{text}{end}").as_bytes())) == id;
            LINE_ENDS.iter().any(|end| is_text(end))
        }
    };
    if is_ready {
        return Seen::new(Ready, "has it", None);
    }
    let (readiness, why) = match expected {
        _ if (300..400).contains(&status) && !is_gone => {
            let to = fetched.header("location").map(short);
            let to = to.map_or_else(String::new, |to| format!(" to `{to}`"));
            let why = format!("redirects{to} ({status}), which is not followed");
            return Seen::new(Unknown, why, Some(REDIRECTED));
        }
        Expected::Gone => (NotYet, format!("still answers {status} for what is gone")),
        Expected::Content(_) | Expected::Text(_) if status != 200 => {
            (NotYet, format!("answers {status}"))
        }
        Expected::Content(_) if fetched.id.is_none() => {
            let limit = MAX_FETCHED_BYTES / 1024 / 1024;
            let why = format!("serves more than {limit} MiB, which are not compared");
            return Seen::new(Unknown, why, Some(TOO_LONG));
        }
        Expected::Content(_) => {
            let Some(found) = content(fetched).filter(|found| earlier.contains(found)) else {
                let why = "serves other bytes than the wanted ones, and not those of an earlier generation";
                return Seen::new(Unknown, why, Some(OTHER_BYTES));
            };
            let digits: String = found.as_str().chars().take(MAX_DIGITS).collect();
            let why = format!("still serves the bytes of generation {digits}");
            (NotYet, why)
        }
        Expected::Text(text) => {
            let why = format!("serves another release than `{}`", short(text));
            (NotYet, why)
        }
        Expected::Header { .. } if !is_found => (NotYet, format!("answers {status}")),
        Expected::Header { name, value, .. } => match fetched.header(name) {
            Some(found) => {
                let (found, wanted) = (short(found), short(value));
                (NotYet, format!("says `{name}: {found}`, not `{wanted}`"))
            }
            None => (NotYet, format!("answers {status} without `{name}`")),
        },
        Expected::Found => (NotYet, format!("answers {status}")),
    };
    Seen::new(readiness, why, None)
}

fn content(fetched: &Fetched) -> Option<Generation> {
    let id = fetched.id.filter(|_| fetched.status == 200);
    id.map(|id| Generation::of_content(&id))
}

fn short(text: &str) -> String {
    escape::line(text).chars().take(MAX_TEXT).collect()
}
