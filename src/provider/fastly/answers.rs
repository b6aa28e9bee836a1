//! Parses answers, which have no common form `[O]`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::requests::Purge;
use crate::provider::excerpt::excerpt;
use crate::provider::json::text;
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{ApiError, Effect, ItemReport, Progress};
use crate::transport::retry::{MAX_RETRY_AFTER, RetryClass::Never};
use crate::transport::{Response, date};

pub(super) const DIALECT: Dialect = Dialect {
    // No such header is documented `[?]`; the answer to a purge has an id in its body.
    request_id: None,
    credentials: "check that `apiToken` may purge this service: the scope `purge_select` for files and tags, `purge_all` for everything",
    not_found: "check `serviceId`, and that the endpoint's `hosts` are domains of the service",
};

/// The answer to a purge is final: there is nothing to poll `[D]`.
pub(super) fn purged(purge: &Purge, response: &Response) -> Result<Vec<ItemReport>, ApiError> {
    let body = DIALECT.json(response)?;
    if !(200..=299).contains(&response.status) {
        return Err(refused(purge, response, &body));
    }
    let done = match purge {
        Purge::Url(_) | Purge::Everything => match text(&body, "status") {
            Some("ok") => vec![ItemReport::rest(Progress::Succeeded)],
            Some(_) | None => Vec::new(),
        },
        // A map from key to id `[D]`; a missing key is in doubt `[?]`.
        Purge::Keys(keys) => {
            let has_id = |key: &&String| text(&body, key).is_some_and(is_id);
            let done = keys.iter().filter(has_id);
            done.map(|key| ItemReport::item(&**key, Progress::Succeeded))
                .collect()
        }
    };
    match done.is_empty() {
        true => Err(DIALECT.unexpected(response)),
        false => Ok(done),
    }
}

/// As in `4151-1635861748-11035` `[D]`.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// The id of the purge.
pub(super) fn correlation_id(response: &Response) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let ids = body.as_object()?.values();
    let mut ids = ids.filter_map(Value::as_str).filter(|text| is_id(text));
    ids.next().map(excerpt)
}

/// The error message, in one of four forms `[O]`; `None` if the body has none of them.
fn said(body: &Value) -> Option<String> {
    let first = body.get("errors").and_then(|errors| errors.get(0));
    let error = first.unwrap_or(body);
    let words = [
        "msg", "title", "reason", "detail", "details", "message", "code",
    ];
    let words = words.iter().filter_map(|name| text(error, name));
    let said = words.collect::<Vec<_>>().join(": ");
    (!said.is_empty()).then(|| excerpt(&said))
}

pub(super) fn refused(purge: &Purge, response: &Response, body: &Value) -> ApiError {
    let Some(said) = said(body) else {
        return DIALECT.by_status(response);
    };
    let items = |hint| Meaning::new(Never, Effect::Items, hint);
    let meaning = match (response.status, purge) {
        (400 | 414, Purge::Url(_)) => items(
            "look for unusual characters in this URL, or purge it by a surrogate key under `tags`",
        ),
        (400, Purge::Keys(_)) => items(
            "lower `itemsPerRequest` in the endpoint's `limits`, and look at the length of the tags",
        ),
        (404, Purge::Url(_)) => Meaning::new(
            Never,
            Effect::Step,
            "the service is found by the URL's host: check that it is a domain of a service that `apiToken` is for",
        ),
        (404, Purge::Keys(_) | Purge::Everything) => {
            Meaning::new(Never, Effect::Endpoint, "check `serviceId`")
        }
        (status, _) => DIALECT.of_refusal(status),
    };
    let summary = format!("the CDN refused the request: {said}");
    let error = DIALECT.error(meaning, response, summary);
    match response.status {
        429 => until_reset(error, response),
        _ => error,
    }
}

/// There is no `Retry-After`; a header has the reset time in Unix seconds `[O]`. Longer waits are left to
/// the next run.
fn until_reset(error: ApiError, response: &Response) -> ApiError {
    let header = response.header("fastly-ratelimit-reset");
    let reset = header.and_then(|text| text.trim().parse().ok());
    let Some(reset) = reset.and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0)) else {
        return error;
    };
    let wait = date::date(response).map(|date| (reset - date).to_std().unwrap_or(Duration::ZERO));
    match wait {
        Some(wait) if wait <= MAX_RETRY_AFTER => ApiError {
            retry_after: error.retry_after.or(Some(wait)),
            ..error
        },
        Some(_) | None => ApiError {
            retry: Never,
            effect: Effect::Exhausted { until: Some(reset) },
            ..error
        },
    }
}
