//! From a response that is no success to an error: the CDN's own refusals by their type, anything
//! else by its HTTP status.
//!
//! The HTTP code of a type is documented nowhere, so a type that is known decides alone.

use super::error_type::{ErrorType, Meaning};
use crate::provider::excerpt::{excerpt, html_excerpt};
use crate::provider::{ApiError, Effect};
use crate::transport::retry::RetryClass;
use crate::transport::{Response, date};

/// Response header with the CDN's id of the request `[D]`.
pub const CORRELATION_HEADER: &str = "x-correlation-id";

impl Meaning {
    const EXHAUSTED: Self = Self {
        retry: RetryClass::Never,
        effect: Effect::Exhausted { until: None },
        hint: Some(
            "the rest stays planned: run `purgit apply` when the CDN's day turns, or purge directories instead of many files",
        ),
    };

    fn error(self, response: &Response, summary: String) -> ApiError {
        ApiError {
            summary,
            retry: self.retry,
            effect: self.effect,
            hint: self.hint.map(ToOwned::to_owned),
            correlation_id: correlation_id(response),
            retry_after: date::retry_after(response),
        }
    }

    /// By HTTP status alone `[I]`.
    fn of_status(status: u16) -> Self {
        use RetryClass::{Never, Throttled, Transient};
        let (retry, effect, hint) = match status {
            300..=399 => (
                Never,
                Effect::Endpoint,
                Some(
                    "check `apiUrl`: a signed request is good for one host and path, so redirects are not followed",
                ),
            ),
            401 | 403 => (
                Never,
                Effect::Credentials,
                Some("check `keyId` and `keyValue`"),
            ),
            404 => (
                Never,
                Effect::Step,
                Some(
                    "check `apiUrl`, `subscriptionId` and `endpointId`; a task that the CDN has forgotten is purged again by the next run",
                ),
            ),
            407 => (
                Never,
                Effect::Endpoint,
                Some("check the proxy's credentials in `HTTPS_PROXY`"),
            ),
            413 => (
                Never,
                Effect::Items,
                Some("lower `itemsPerRequest` in the endpoint's `limits`"),
            ),
            429 => (
                Throttled,
                Effect::Step,
                Some(
                    "lower `requestsPerSecond` or `concurrentRequests` in the endpoint's `limits`",
                ),
            ),
            408 | 425 | 500..=599 => (Transient, Effect::InDoubt, None),
            400..=499 => (Never, Effect::Step, None),
            _ => (Never, Effect::InDoubt, None),
        };
        Self {
            retry,
            effect,
            hint,
        }
    }
}

/// The CDN's id of the request, for its support.
pub(super) fn correlation_id(response: &Response) -> Option<String> {
    let id = excerpt(response.header(CORRELATION_HEADER)?);
    (!id.is_empty()).then_some(id)
}

/// A refusal in the CDN's own envelope.
pub(super) fn refused(response: &Response, kind: Option<&str>, message: Option<&str>) -> ApiError {
    let status = response.status;
    let kind = kind.map(ErrorType::parse);
    let message = message.map(excerpt).filter(|message| !message.is_empty());
    let mut summary = match &kind {
        Some(kind) => format!(
            "the CDN refused the request with `{}`",
            excerpt(kind.as_str())
        ),
        None => format!("the CDN refused the request without a reason (HTTP {status})"),
    };
    if let Some(message) = message {
        summary = format!("{summary}: {message}");
    }
    let known = kind.as_ref().and_then(ErrorType::meaning);
    let meaning = known.unwrap_or_else(|| {
        let meaning = Meaning::of_status(status);
        // The CDN itself says no, so there is no doubt, whatever the status.
        let effect = match meaning.effect == Effect::InDoubt {
            true => Effect::Step,
            false => meaning.effect,
        };
        Meaning { effect, ..meaning }
    });
    let is_exhausted = match &kind {
        Some(ErrorType::Other(word)) if speaks_of_quota(word) => true,
        Some(_) | None => meaning.retry == RetryClass::Throttled && speaks_of_quota(&summary),
    };
    let meaning = if is_exhausted {
        Meaning::EXHAUSTED
    } else {
        meaning
    };
    meaning.error(response, summary)
}

/// Whether a refusal is about the day's quota. No type exists for that `[?]`, so the words of a type
/// that nobody documents decide, and those of a throttled request `[I]`: trying again within seconds
/// would be in vain.
fn speaks_of_quota(text: &str) -> bool {
    const WORDS: [&str; 6] = ["quota", "in a day", "per day", "a day", "daily", "today"];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}

/// A status that is no success, with a body that is not the CDN's.
pub(super) fn by_status(response: &Response) -> ApiError {
    let status = response.status;
    let meaning = Meaning::of_status(status);
    if (300..=399).contains(&status) {
        let target = response
            .header("location")
            .map_or_else(|| "elsewhere".to_owned(), location_host);
        let summary = format!("the answer is a redirect to {target} (HTTP {status})");
        return meaning.error(response, summary);
    }
    meaning.error(
        response,
        format!(
            "HTTP {status} without a reason of the CDN{}",
            shown(response)
        ),
    )
}

/// A success by its status, with a body that cannot be understood. `cut_short` when it ends in the
/// middle, so that a second try may bring the rest.
pub(super) fn unreadable(response: &Response, what: &str, cut_short: bool) -> ApiError {
    let meaning = Meaning {
        retry: if cut_short {
            RetryClass::Transient
        } else {
            RetryClass::Never
        },
        effect: Effect::InDoubt,
        hint: (!cut_short).then_some(
            "check `apiUrl` and the proxy: something other than the CDN's API may have answered",
        ),
    };
    meaning.error(
        response,
        format!("{what} (HTTP {}){}", response.status, shown(response)),
    )
}

/// `: <what the body says>`, or nothing for an empty body.
fn shown(response: &Response) -> String {
    let text = html_excerpt(&String::from_utf8_lossy(&response.body));
    if text.is_empty() {
        String::new()
    } else {
        format!(": {text}")
    }
}

/// The host a `Location` leads to; the rest of it may be long or hold a token.
fn location_host(location: &str) -> String {
    match url::Url::parse(location) {
        Ok(url) => url.host_str().map_or_else(
            || "elsewhere".to_owned(),
            |host| format!("`{}`", excerpt(host)),
        ),
        Err(_) => "another path of the same host".to_owned(),
    }
}
