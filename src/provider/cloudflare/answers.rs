//! Parses answers. `success` decides, not the HTTP status `[D]`; an answer without it is not the CDN's.

use serde_json::Value;

use crate::provider::excerpt::excerpt;
use crate::provider::json::{list, text};
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{Answer, ApiError, Effect};
use crate::transport::Response;
use crate::transport::retry::RetryClass::{Never, Throttled};

pub(super) const DIALECT: Dialect = Dialect {
    request_id: Some("cf-ray"),
    credentials: "check that `apiToken` is a token with the permission Zone, Cache Purge for this zone",
    not_found: "check `apiUrl` and `zoneId`",
};

/// Most errors of one answer that are shown; further ones repeat them.
const MAX_ERRORS: usize = 3;

/// The answer to a purge is final: there is no task, and `result.id` is not one `[O]`.
pub(super) fn submitted(response: &Response) -> Result<Answer, ApiError> {
    let body = DIALECT.json(response)?;
    let is_success = (200..=299).contains(&response.status);
    match body.get("success").and_then(Value::as_bool) {
        Some(true) if is_success => Ok(Answer::succeeded()),
        Some(false) => Err(refused(response, &body)),
        Some(true) | None if is_success => Err(DIALECT.unexpected(response)),
        Some(true) | None => Err(DIALECT.by_status(response)),
    }
}

pub(super) fn code(error: &Value) -> Option<u64> {
    error.get("code").and_then(Value::as_u64)
}

/// An answer may have several errors, each with a chain of others. The first known code decides.
pub(super) fn refused(response: &Response, body: &Value) -> ApiError {
    let errors = || list(body, "errors");
    let said: Vec<_> = errors().take(MAX_ERRORS).filter_map(shown).collect();
    let summary = match &*said {
        [] => format!(
            "the CDN refused the request without a reason (HTTP {})",
            response.status
        ),
        said => format!("the CDN refused the request: {}", said.join("; ")),
    };
    let with_chain = |error| std::iter::once(error).chain(list(error, "error_chain"));
    let mut known = errors()
        .flat_map(with_chain)
        .filter_map(|error| meaning(code(error)?));
    let meaning = match response.status {
        429 => None,
        _ => known.next(),
    };
    let meaning = meaning.unwrap_or_else(|| DIALECT.of_refusal(response.status));
    DIALECT.error(meaning, response, summary)
}

/// `1082: Unable to purge …`
fn shown(error: &Value) -> Option<String> {
    let message = text(error, "message").map(excerpt);
    let message = message.filter(|message| !message.is_empty());
    match (code(error), message) {
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (Some(code), None) => Some(code.to_string()),
        (None, message) => message,
    }
}

/// Only 1092, 1134 and 1136 are in today's official texts; the others are from older official lists and from
/// what clients saw `[O]`.
fn meaning(code: u64) -> Option<Meaning> {
    let credentials = |hint| Meaning::new(Never, Effect::Credentials, hint);
    let endpoint = |hint| Meaning::new(Never, Effect::Endpoint, hint);
    let items = |hint| Meaning::new(Never, Effect::Items, hint);
    let throttled = |hint| Meaning::new(Throttled, Effect::Step, hint);
    Some(match code {
        // Also for the zone of another account, and for an account's id.
        10000 | 9109 | 1095 => credentials(
            "check `zoneId`, and that `apiToken` may purge its cache (Zone, Cache Purge)",
        ),
        1000 | 6003 | 6103 | 6111 => credentials(
            "check `apiToken`: it must be an API token alone, without spaces, quotes or line ends",
        ),
        1001 | 7000 | 7003 => endpoint(
            "check `zoneId`: it is the id of the zone, not its name, and not the account's",
        ),
        1096 => endpoint("activate the zone: Cloudflare does not serve it now"),
        1082 => items("check the endpoint's `hosts`: a zone purges its own hosts only"),
        1015 | 1016 | 1084 => items("look for unusual characters in these URLs"),
        1094 | 1101 | 1111 => items("lower `itemsPerRequest` in the endpoint's `limits`"),
        1100 | 1114 | 1115 => {
            items("check these tags and hosts: they are too long or not valid hosts")
        }
        1136 => items(
            "purge files through the zone without `environmentId`, or use tags, directories or hosts: a rule of this environment selects by visitor",
        ),
        1107 | 1112 => items("list files: the zone's plan does not include this kind of purge"),
        1134 | 1083 | 1102 | 1113 => {
            throttled("check `plan`: it decides how many requests a second are sent")
        }
        _ => return None,
    })
}
