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

/// Response header with the CDN's request id `[D]`.
pub const CORRELATION_HEADER: &str = "x-correlation-id";

pub(super) const DIALECT: Dialect = Dialect {
    request_id: Some(CORRELATION_HEADER),
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
    let meaning = known.unwrap_or_else(|| DIALECT.of_refusal(status));
    let is_exhausted = match &kind {
        Some(ErrorType::Other(word)) if speaks_of_quota(word) => true,
        Some(_) | None => meaning.retry == RetryClass::Throttled && speaks_of_quota(&summary),
    };
    let meaning = if is_exhausted { EXHAUSTED } else { meaning };
    DIALECT.error(meaning, response, summary)
}

/// Whether a refusal is about the daily quota. There is no type for it `[?]`, so the message of an
/// undocumented type decides, or that of a throttled request `[I]`: a retry within seconds would
/// fail.
fn speaks_of_quota(text: &str) -> bool {
    const WORDS: [&str; 6] = ["quota", "in a day", "per day", "a day", "daily", "today"];
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}
