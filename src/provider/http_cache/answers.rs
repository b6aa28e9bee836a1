//! Judges answers. A status proves nothing: a 200 may come from the origin, which ignores purges, and a 404
//! may mean another cache key `[R]`.

use super::recipe::Recipe;
use crate::provider::plain_http::{Dialect, Meaning};
use crate::provider::{ApiError, Effect};
use crate::transport::Response;
use crate::transport::retry::RetryClass::{Never, Throttled, Transient};

pub(super) const DIALECT: Dialect = Dialect {
    request_id: Some("x-varnish"),
    credentials: "check the secret header fields, and the node's list of who may purge",
    not_found: "check the node's configuration",
};

pub(super) fn confirmed(recipe: &Recipe, response: &Response) -> Result<(), ApiError> {
    let status = response.status;
    let missing = recipe.marks.missing(response);
    let is_success = recipe.status.contains(&status);
    let is_absent = recipe.absent.contains(&status);
    match missing {
        None if is_success || is_absent => Ok(()),
        Some(missing) if is_success || is_absent => {
            let summary = format!(
                "HTTP {status}, but {missing}: something other than the cache may have answered"
            );
            let meaning = match status {
                500..=599 => SERVER_FAULT,
                _ => Meaning::new(Never, Effect::InDoubt, MISMATCH),
            };
            Err(DIALECT.error(meaning, response, summary))
        }
        Some(_) | None => Err(refused(recipe, response)),
    }
}

const MISMATCH: &str = "let the node take the method and mark its answers, as docs/http-caches.md shows, or set `confirm` to what it says";

const SERVER_FAULT: Meaning = Meaning::bare(Transient, Effect::InDoubt);

fn refused(recipe: &Recipe, response: &Response) -> ApiError {
    let (status, method) = (response.status, recipe.method);
    let (what, meaning) = match status {
        202 => (
            "taken, and not yet carried out".to_owned(),
            Meaning::new(
                Never,
                Effect::InDoubt,
                "add 202 to `confirm.status` if that counts as done",
            ),
        ),
        200..=299 => (
            "not the status that confirms".to_owned(),
            Meaning::new(Never, Effect::InDoubt, MISMATCH),
        ),
        404 | 412 => (
            "not in the cache, or not under this key".to_owned(),
            Meaning::new(
                Never,
                Effect::Step,
                "check `host` and `variants`; if the answer means that nothing was cached, list its status in `absent`",
            ),
        ),
        401 | 403 => (
            "the node does not allow this machine to purge".to_owned(),
            Meaning::new(Never, Effect::Credentials, DIALECT.credentials),
        ),
        400 | 405 | 501 => (
            format!("the node does not take {method} like this"),
            Meaning::new(
                Never,
                Effect::Endpoint,
                "compare the node's configuration with `preset` and the fields beside it; docs/http-caches.md has both",
            ),
        ),
        429 => (
            "too many requests".to_owned(),
            Meaning::new(
                Throttled,
                Effect::Step,
                "lower `requestsPerSecond` in the endpoint's `limits`",
            ),
        ),
        408 | 425 | 500..=599 => ("the node is not well".to_owned(), SERVER_FAULT),
        _ => return DIALECT.by_status(response),
    };
    DIALECT.error(
        meaning,
        response,
        format!("{method}: HTTP {status}, {what}"),
    )
}
