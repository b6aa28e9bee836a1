//! Parses answers. A purge is a long-running operation; its answer says where to poll.

use serde::{Deserialize, Serialize};

use super::errors::{self, DIALECT};
use crate::operation::Task;
use crate::provider::excerpt::excerpt;
use crate::provider::json::text;
use crate::provider::{Answer, ApiError, Effect, ItemReport, Progress};
use crate::transport::{Response, date};

/// Longest polling URL, in bytes. Real ones have about 3 kB, and Resource Manager asks clients to accept at
/// least 4 kB `[D]`.
const MAX_PLACE_BYTES: usize = 16 * 1024;

/// Where to poll; kept in [`Task::details`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    url: String,
    /// Whether the status word in the body decides; otherwise the HTTP status does.
    #[serde(default)]
    has_word: bool,
}

impl Place {
    /// A URL on another host is refused, because it would receive the token.
    fn of(api_url: &str, response: &Response) -> Option<Self> {
        let headers = [("azure-asyncoperation", true), ("location", false)];
        let mut places = headers.into_iter().filter_map(|(name, has_word)| {
            let url = response.header(name)?.to_owned();
            Some(Self { url, has_word })
        });
        places.next().filter(|place| place.is_at(api_url))
    }

    fn is_at(&self, api_url: &str) -> bool {
        let rest = self.url.strip_prefix(api_url);
        self.url.len() <= MAX_PLACE_BYTES
            && rest.is_some_and(|rest| {
                rest.starts_with('/') && rest.bytes().all(|byte| byte.is_ascii_graphic())
            })
    }

    /// The operation's id, for people: what follows `operationresults`.
    fn task(self) -> Task {
        let path = self.url.split('?').next().unwrap_or_default();
        let mut segments = path.split('/');
        let results = |segment: &&str| segment.eq_ignore_ascii_case("operationresults");
        let id = segments.by_ref().find(results).and(segments.next());
        let id = id.or(path.rsplit('/').next()).unwrap_or_default();
        Task {
            id: excerpt(id),
            // Texts and booleans can always be serialised.
            details: serde_json::to_value(&self).unwrap_or_default(),
        }
    }
}

/// Where to poll a task; `None` if it is not a task of this API.
fn kept(api_url: &str, task: &Task) -> Option<Place> {
    let place = Place::deserialize(&task.details).ok()?;
    place.is_at(api_url).then_some(place)
}

pub(super) fn polling_url(api_url: &str, task: &Task) -> Option<String> {
    Some(kept(api_url, task)?.url)
}

fn running(place: Place, response: &Response) -> Answer {
    Answer::Running {
        task: place.task(),
        known: Vec::new(),
        ask_after: date::retry_after(response),
    }
}

/// An empty body of the service itself.
fn is_empty(response: &Response) -> bool {
    response.body.trim_ascii().is_empty() && DIALECT.correlation_id(response).is_some()
}

/// 202 with a polling URL, or 200 if it is done already `[D]`.
pub(super) fn submitted(api_url: &str, response: &Response) -> Result<Answer, ApiError> {
    match response.status {
        202 => {
            let place = Place::of(api_url, response).ok_or_else(|| {
                let what = "the answer names no polling URL on the same host";
                DIALECT.unreadable(response, what, false)
            })?;
            Ok(running(place, response))
        }
        200 if is_empty(response) => Ok(Answer::succeeded()),
        200..=299 => Err(DIALECT.unexpected(response)),
        _ => Err(errors::refused(response)),
    }
}

/// `status` decides; every word except three means that it is still running `[D]`. `error` is present on
/// success too `[O]`.
pub(super) fn polled(api_url: &str, task: &Task, response: &Response) -> Result<Answer, ApiError> {
    let unknown = || {
        let what = "this is not the answer to a poll";
        DIALECT.unreadable(response, what, false)
    };
    let place = kept(api_url, task).ok_or_else(unknown)?;
    if !(200..=299).contains(&response.status) {
        let error = errors::refused(response);
        // The polling URL expired or never existed. Only Resource Manager itself can say so [I].
        let effect = match errors::is_own(response) {
            true => Effect::Forgotten,
            false => Effect::InDoubt,
        };
        return Err(match response.status {
            404 | 410 => ApiError { effect, ..error },
            _ => error,
        });
    }
    if !place.has_word {
        return match response.status {
            202 => Ok(running(
                Place::of(api_url, response).unwrap_or(place),
                response,
            )),
            204 | 200 if is_empty(response) => Ok(Answer::succeeded()),
            200 if DIALECT.json(response)?.is_object() => Ok(Answer::succeeded()),
            _ => Err(unknown()),
        };
    }
    let body = DIALECT.json(response)?;
    let word = text(&body, "status").ok_or_else(unknown)?;
    let word = word.to_ascii_lowercase();
    Ok(match &*word {
        "succeeded" => Answer::succeeded(),
        "failed" | "canceled" | "cancelled" => {
            let said = errors::said(&body).unwrap_or_else(|| format!("the operation is {word}"));
            Answer::Settled(vec![ItemReport {
                message: Some(said),
                ..ItemReport::rest(Progress::Failed)
            }])
        }
        _ => running(place, response),
    })
}
