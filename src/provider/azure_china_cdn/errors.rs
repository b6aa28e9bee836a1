//! Turns an unsuccessful response into an error: the CDN's own refusals by their type, everything
//! else by HTTP status.
//!
//! The HTTP code of a type is not documented, so a known type alone decides.

use super::error_type::ErrorType;
use crate::provider::excerpt::excerpt;
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{ApiError, Effect};
use crate::transport::Response;
use crate::transport::retry::RetryClass;

pub(super) const DIALECT: Dialect = Dialect {
    // [D]
    request_id: Some("x-correlation-id"),
    credentials: "check `keyId` and `keyValue`",
    not_found: "check `apiUrl`, `subscriptionId` and `endpointId`; a task that the CDN has forgotten is purged again by the next run",
};

const EXHAUSTED: Meaning = Meaning::new(
    RetryClass::Never,
    Effect::Exhausted { until: None },
    "the rest stays planned: run `purgit apply` when the CDN's day turns, or purge directories instead of many files",
);

pub(super) fn refused(response: &Response, kind: Option<&str>, message: Option<&str>) -> ApiError {
    let status = response.status;
    let known = kind.and_then(ErrorType::parse);
    let mut summary = match kind {
        Some(kind) => {
            let kind = known.map_or(kind, |known| known.as_str());
            format!("the CDN refused the request with `{}`", excerpt(kind))
        }
        None => format!("the CDN refused the request without a reason (HTTP {status})"),
    };
    if let Some(message) = message.map(excerpt).filter(|text| !text.is_empty()) {
        summary = format!("{summary}: {message}");
    }
    let meaning = known.map_or_else(|| DIALECT.of_refusal(status), ErrorType::meaning);
    let is_exhausted = match (kind, known) {
        (Some(word), None) if speaks_of_quota(word) => true,
        _ => meaning.retry == RetryClass::Throttled && speaks_of_quota(&summary),
    };
    let meaning = if is_exhausted { EXHAUSTED } else { meaning };
    DIALECT.error(meaning, response, summary)
}

/// Whether a refusal is about the daily quota, so that a retry within seconds would fail. There is no type
/// for it `[?]`, so the word of an undocumented type decides, or the message of a throttled request `[I]`.
fn speaks_of_quota(text: &str) -> bool {
    const WORDS: [&str; 6] = ["quota", "in a day", "per day", "a day", "daily", "today"];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}
