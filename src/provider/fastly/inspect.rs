//! What the CDN says about a token and a service.

use serde_json::Value;

use super::answers::{DIALECT, refused};
use super::config::Config;
use super::requests::Purge;
use crate::provider::excerpt::excerpt;
use crate::provider::plain_http::Meaning;
use crate::provider::{ApiError, Effect, Inspection, Remark};
use crate::transport::Response;
use crate::transport::retry::RetryClass::Never;

/// The body of a success; `None` if the token may not ask. It may still purge `[?]`.
fn answer(response: &Response) -> Result<Option<Value>, ApiError> {
    let body = DIALECT.json(response)?;
    match response.status {
        200 if body.is_object() => Ok(Some(body)),
        200 => {
            let what = "the answer is not what was asked for";
            Err(DIALECT.unreadable(response, what, false))
        }
        403 => Ok(None),
        _ => Err(refused(&Purge::Everything, response, &body)),
    }
}

fn remark(message: &str, hint: &str) -> Inspection {
    Inspection {
        remarks: vec![Remark::new(message, hint)],
        ..Inspection::default()
    }
}

fn texts<'v>(value: &'v Value, name: &str) -> Vec<&'v str> {
    let list = value.get(name).and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The answer to `/tokens/self`.
pub(super) fn token(config: &Config, response: &Response) -> Result<Inspection, ApiError> {
    let Some(body) = answer(response)? else {
        let message = "this token may not read its own permissions";
        return Ok(remark(
            message,
            "reading them needs the scope `global:read`",
        ));
    };
    let no_right = |summary: String| {
        let meaning = Meaning::new(Never, Effect::Credentials, DIALECT.credentials);
        Err(DIALECT.error(meaning, response, summary))
    };
    let services = texts(&body, "services");
    if !services.is_empty() && !services.contains(&&*config.service_id) {
        return no_right("the token is for other services".to_owned());
    }
    let scopes = texts(&body, "scopes");
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
    let mut inspection = Inspection {
        words: vec![what.to_owned()],
        ..Inspection::default()
    };
    let ends = body.get("expires_at").and_then(Value::as_str);
    let ends = Remark::token_ends(ends, response);
    inspection.remarks.extend(ends);
    Ok(inspection)
}

/// The answer to `/service/{id}/details`.
pub(super) fn service(response: &Response) -> Result<Inspection, ApiError> {
    let Some(body) = answer(response)? else {
        let message = "this token may not read the service, so its domains are not compared";
        return Ok(remark(message, "reading it needs the scope `global:read`"));
    };
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let is_paused = body.get("paused").and_then(Value::as_bool) == Some(true);
    let version = body
        .get("active_version")
        .filter(|version| version.is_object());
    let mut words = vec![format!("its name is {}", excerpt(name))];
    words.extend(is_paused.then(|| "paused".to_owned()));
    words.extend(
        version
            .is_none()
            .then(|| "no version of it is active".to_owned()),
    );
    let domains = version.and_then(|version| version.get("domains")?.as_array());
    let domains = domains.into_iter().flatten();
    Ok(Inspection {
        enabled: Some(version.is_some() && !is_paused),
        hosts: domains
            .filter_map(|domain| Some(excerpt(domain.get("name")?.as_str()?)))
            .collect(),
        words,
        ..Inspection::default()
    })
}
