//! Answers that are not the CDN's own: what a bare status means, and unreadable bodies.

use serde_json::Value;

use super::excerpt::{excerpt, html_excerpt};
use super::{ApiError, Effect};
use crate::transport::retry::RetryClass;
use crate::transport::{Response, date};

#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    pub(super) retry: RetryClass,
    pub(super) effect: Effect,
    pub(super) hint: Option<&'static str>,
}

/// What all answers of one API have in common.
#[derive(Debug)]
pub(super) struct Dialect {
    /// The header with the CDN's request id, if it has one.
    pub(super) request_id: Option<&'static str>,
    /// What to do about 401 and 403.
    pub(super) credentials: &'static str,
    /// What to do about 404.
    pub(super) not_found: &'static str,
}

impl Meaning {
    pub(super) const fn new(retry: RetryClass, effect: Effect, hint: &'static str) -> Self {
        Self {
            retry,
            effect,
            hint: Some(hint),
        }
    }

    pub(super) const fn bare(retry: RetryClass, effect: Effect) -> Self {
        Self {
            retry,
            effect,
            hint: None,
        }
    }
}

impl Dialect {
    pub(super) fn correlation_id(&self, response: &Response) -> Option<String> {
        let id = excerpt(response.header(self.request_id?)?);
        (!id.is_empty()).then_some(id)
    }

    pub(super) fn error(&self, meaning: Meaning, response: &Response, summary: String) -> ApiError {
        ApiError {
            summary,
            retry: meaning.retry,
            effect: meaning.effect,
            hint: meaning.hint.map(ToOwned::to_owned),
            correlation_id: self.correlation_id(response),
            retry_after: date::retry_after(response),
        }
    }

    /// The meaning of a bare HTTP status `[I]`.
    pub(super) const fn of_status(&self, status: u16) -> Meaning {
        use RetryClass::{Never, Throttled, Transient};
        match status {
            300..=399 => Meaning::new(
                Never,
                Effect::Endpoint,
                "check `apiUrl`: a request is valid for one host and path, so redirects are not followed",
            ),
            401 | 403 => Meaning::new(Never, Effect::Credentials, self.credentials),
            404 => Meaning::new(Never, Effect::Step, self.not_found),
            407 => Meaning::new(
                Never,
                Effect::Endpoint,
                "check the proxy's credentials in `HTTPS_PROXY`",
            ),
            413 => Meaning::new(
                Never,
                Effect::Items,
                "lower `itemsPerRequest` in the endpoint's `limits`",
            ),
            429 => Meaning::new(
                Throttled,
                Effect::Step,
                "lower `requestsPerSecond` or `concurrentRequests` in the endpoint's `limits`",
            ),
            408 | 425 | 500..=599 => Meaning::bare(Transient, Effect::InDoubt),
            400..=499 => Meaning::bare(Never, Effect::Step),
            _ => Meaning::bare(Never, Effect::InDoubt),
        }
    }

    /// The meaning of a status if the CDN itself refuses: then nothing is in doubt.
    pub(super) fn of_refusal(&self, status: u16) -> Meaning {
        let meaning = self.of_status(status);
        let effect = match meaning.effect == Effect::InDoubt {
            true => Effect::Step,
            false => meaning.effect,
        };
        Meaning { effect, ..meaning }
    }

    /// An unsuccessful status with a body that is not the CDN's.
    pub(super) fn by_status(&self, response: &Response) -> ApiError {
        let status = response.status;
        let summary = match status {
            300..=399 => {
                let target = response.header("location").and_then(location_host);
                let target = target.as_deref().unwrap_or("elsewhere");
                format!("the answer is a redirect to {target} (HTTP {status})")
            }
            _ => format!(
                "HTTP {status} without an error message of the CDN{}",
                shown(response)
            ),
        };
        self.error(self.of_status(status), response, summary)
    }

    /// A successful status with an unreadable body. `cut_short` if it is truncated, so that a retry
    /// may bring the rest.
    pub(super) fn unreadable(&self, response: &Response, what: &str, cut_short: bool) -> ApiError {
        let meaning = match cut_short {
            true => Meaning::bare(RetryClass::Transient, Effect::InDoubt),
            false => Meaning::new(
                RetryClass::Never,
                Effect::InDoubt,
                "check `apiUrl` and the proxy: something other than the CDN's API may have answered",
            ),
        };
        let summary = format!("{what} (HTTP {}){}", response.status, shown(response));
        self.error(meaning, response, summary)
    }

    /// A successful status with a readable body that answers something else.
    pub(super) fn unexpected(&self, response: &Response) -> ApiError {
        self.unreadable(response, "the answer is not what was asked for", false)
    }

    pub(super) fn json(&self, response: &Response) -> Result<Value, ApiError> {
        let body = response.body.strip_prefix(b"\xef\xbb\xbf");
        let body = body.unwrap_or(&response.body);
        serde_json::from_slice(body).map_err(|error| {
            if !(200..=299).contains(&response.status) {
                return self.by_status(response);
            }
            let (what, cut_short) = match (body.trim_ascii_start().first(), error.is_eof()) {
                (None, _) => ("the answer is empty", true),
                (Some(b'<'), _) => ("the answer is a page instead of JSON", false),
                (Some(_), true) => ("the answer ends in the middle", true),
                (Some(_), false) => ("the answer is not JSON", false),
            };
            self.unreadable(response, what, cut_short)
        })
    }
}

/// `: <what the body says>`, or nothing for an empty body.
fn shown(response: &Response) -> String {
    match html_excerpt(&String::from_utf8_lossy(&response.body)) {
        text if text.is_empty() => text,
        text => format!(": {text}"),
    }
}

/// The host in a `Location`; the rest may be long or contain a token.
fn location_host(location: &str) -> Option<String> {
    match url::Url::parse(location) {
        Ok(url) => Some(format!("`{}`", excerpt(url.host_str()?))),
        Err(_) => Some("another path of the same host".to_owned()),
    }
}
