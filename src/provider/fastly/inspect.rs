//! What the CDN says about a token and a service.

use serde_json::Value;

use super::answers::{DIALECT, refused};
use super::config::Config;
use super::requests::Purge;
use crate::provider::excerpt::excerpt;
use crate::provider::json::{list, text};
use crate::provider::plain_http::Meaning;
use crate::provider::{ApiError, Effect, Inspection, Remark};
use crate::transport::Response;
use crate::transport::retry::RetryClass::Never;

/// The body of a success; `None` if the token may not ask. It may still purge `[?]`.
fn answer(response: &Response) -> Result<Option<Value>, ApiError> {
    let body = DIALECT.json(response)?;
    match response.status {
        200 if body.is_object() => Ok(Some(body)),
        200 => Err(DIALECT.unexpected(response)),
        403 => Ok(None),
        _ => Err(refused(&Purge::Everything, response, &body)),
    }
}

/// The answer to `/tokens/self`.
pub(super) fn token(config: &Config, response: &Response) -> Result<Inspection, ApiError> {
    let Some(body) = answer(response)? else {
        return Ok(Inspection::remark(
            "this token may not read its own permissions",
            "reading them needs the scope `global:read`",
        ));
    };
    let no_right = |summary: String| {
        let meaning = Meaning::new(Never, Effect::Credentials, DIALECT.credentials);
        Err(DIALECT.error(meaning, response, summary))
    };
    let texts = |name| list(&body, name).filter_map(Value::as_str).collect();
    let services: Vec<_> = texts("services");
    if !services.is_empty() && !services.contains(&&*config.service_id) {
        return no_right("the token is for other services".to_owned());
    }
    let scopes: Vec<_> = texts("scopes");
    let may = |scope| scopes.contains(&"global") || scopes.contains(&scope);
    let what = match (may("purge_select"), may("purge_all")) {
        (true, true) => "the token may purge",
        (true, false) => "the token may purge files and tags, not everything",
        (false, true) => "the token may purge everything, not files and tags",
        (false, false) => {
            let scopes = excerpt(&scopes.join(", "));
            return no_right(format!("the token may not purge; its scopes are {scopes}"));
        }
    };
    let mut inspection = Inspection::word(what);
    let ends = Remark::token_ends(text(&body, "expires_at"), response);
    inspection.remarks.extend(ends);
    Ok(inspection)
}

/// The answer to `/service/{id}/details`.
pub(super) fn service(response: &Response) -> Result<Inspection, ApiError> {
    let Some(body) = answer(response)? else {
        return Ok(Inspection::remark(
            "this token may not read the service, so its domains are not compared",
            "reading it needs the scope `global:read`",
        ));
    };
    let name = text(&body, "name").unwrap_or_default();
    let is_paused = body.get("paused").and_then(Value::as_bool) == Some(true);
    let version = body.get("active_version");
    let version = version.filter(|version| version.is_object());
    let mut words = vec![format!("its name is {}", excerpt(name))];
    words.extend(is_paused.then(|| "paused".to_owned()));
    if version.is_none() {
        words.push("no version of it is active".to_owned());
    }
    let domains = version.into_iter();
    let domains = domains.flat_map(|version| list(version, "domains"));
    Ok(Inspection {
        enabled: Some(version.is_some() && !is_paused),
        hosts: domains
            .filter_map(|domain| Some(excerpt(text(domain, "name")?)))
            .collect(),
        words,
        ..Inspection::default()
    })
}
