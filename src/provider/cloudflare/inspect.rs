//! What the CDN says about a token and a zone.

use serde_json::Value;

use super::answers::{DIALECT, code, refused};
use crate::provider::excerpt::excerpt;
use crate::provider::json::{list, text};
use crate::provider::plain_http::Meaning;
use crate::provider::{ApiError, Effect, Inspection, Remark};
use crate::transport::Response;
use crate::transport::retry::RetryClass::Never;

/// The refusal of a body without any target `[D]`.
const NO_KIND: u64 = 1012;

/// The `result` of a success; `None` if the token may not ask `[O]`.
fn result(response: &Response) -> Result<Option<Value>, ApiError> {
    let mut body = DIALECT.json(response)?;
    let succeeded = body.get("success").and_then(Value::as_bool);
    match (succeeded, response.status) {
        (Some(true), 200) => Ok(body.get_mut("result").map(Value::take)),
        (_, 403) => Ok(None),
        (Some(false), _) => Err(refused(response, &body)),
        (Some(true) | None, _) => Err(DIALECT.by_status(response)),
    }
}

/// The answer to `/user/tokens/verify`, which account tokens may not request `[O]`.
pub(super) fn token(response: &Response) -> Result<Inspection, ApiError> {
    let Some(token) = result(response)? else {
        return Ok(Inspection::default());
    };
    let mut inspection = match text(&token, "status") {
        Some("active") => Inspection::word("the token is active"),
        word => {
            let hint = "make another token, or activate this one";
            let meaning = Meaning::new(Never, Effect::Credentials, hint);
            let word = excerpt(word.unwrap_or("not active"));
            return Err(DIALECT.error(meaning, response, format!("the token is {word}")));
        }
    };
    let ends = Remark::token_ends(text(&token, "expires_on"), response);
    inspection.remarks.extend(ends);
    Ok(inspection)
}

/// The zone, which needs the permission Zone, Read `[I]`.
pub(super) fn zone(response: &Response) -> Result<Inspection, ApiError> {
    let Some(zone) = result(response)? else {
        return Ok(Inspection::remark(
            "this token may not read the zone, so hosts are not compared",
            "reading needs the permission Zone, Read; purging does not",
        ));
    };
    let status = text(&zone, "status");
    let is_paused = zone.get("paused").and_then(Value::as_bool) == Some(true);
    let state = status.map(|word| format!("zone {}", excerpt(word)));
    let paused = is_paused.then(|| "paused".to_owned());
    Ok(Inspection {
        enabled: status.map(|word| word == "active" && !is_paused),
        domains: text(&zone, "name").map(excerpt).into_iter().collect(),
        words: state.into_iter().chain(paused).collect(),
        ..Inspection::default()
    })
}

/// The answer to an empty purge: refused because it is empty, not because of the caller.
pub(super) fn purge_of_nothing(response: &Response) -> Result<Inspection, ApiError> {
    let body = DIALECT.json(response)?;
    match list(&body, "errors").any(|error| code(error) == Some(NO_KIND)) {
        true => Ok(Inspection::word("the token may purge the zone")),
        false => Err(refused(response, &body)),
    }
}
