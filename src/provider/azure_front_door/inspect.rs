//! What Resource Manager says about an endpoint, its domains, and the identity's permissions.

use globset::GlobBuilder;
use serde_json::Value;

use super::config::Product;
use super::errors::{self, DIALECT};
use super::{AzureFrontDoor, requests};
use crate::provider::excerpt::excerpt;
use crate::provider::json::list;
use crate::provider::plain_http::Meaning;
use crate::provider::{ApiError, Auth, Effect, Inspection, Remark};
use crate::transport::retry::RetryClass::Never;
use crate::transport::{Request, Response};

/// API version of `Microsoft.Authorization`, which has its own versions `[D]`.
const PERMISSIONS_VERSION: &str = "2022-04-01";

/// Asks about the endpoint, the identity's permissions on it, and its domains. A classic endpoint has its
/// own domains; otherwise they belong to the profile, and routes name them `[D]`.
pub(super) fn requests(cdn: &AzureFrontDoor, auth: Auth<'_>) -> Vec<Request> {
    let config = &cdn.config;
    let (version, endpoint) = (&config.api_version, requests::endpoint(cdn));
    let permissions = format!("{endpoint}/providers/Microsoft.Authorization/permissions");
    let mut places = vec![
        (endpoint.clone(), version.as_str()),
        (permissions, PERMISSIONS_VERSION),
    ];
    match config.product {
        Product::ClassicCdn => places.push((format!("{endpoint}/customDomains"), version)),
        Product::FrontDoor => places.extend([
            (
                format!("{}/customDomains", requests::profile(cdn)),
                version.as_str(),
            ),
            (format!("{endpoint}/routes"), version),
        ]),
    }
    let get = |(place, version): (String, &str)| {
        requests::get(&format!("{place}?api-version={version}"), auth)
    };
    places.into_iter().map(get).collect()
}

pub(super) fn inspected(
    product: Product,
    before: &[Response],
    response: &Response,
) -> Result<Inspection, ApiError> {
    let Some(body) = body(response)? else {
        let message = match before.len() {
            0 => "this identity may not read the endpoint",
            1 => "this identity may not read its own permissions",
            _ => "the endpoint's domains cannot be read, so hosts are not compared",
        };
        return Ok(Inspection::remark(message, READER));
    };
    match (product, before) {
        (_, []) => endpoint(response, &body),
        (_, [_]) => permissions(product, response, &body),
        (Product::ClassicCdn, [of, ..]) => Ok(Inspection {
            hosts: all_hosts(&body, own_host(of)),
            ..Inspection::default()
        }),
        (Product::FrontDoor, [_, _]) => Ok(Inspection {
            remarks: list(&body, "value").filter_map(unvalidated).collect(),
            ..Inspection::default()
        }),
        (Product::FrontDoor, [of, _, domains, ..]) => Ok(routes(of, domains, &body)),
    }
}

const READER: &str =
    "purging does not need this permission; the role CDN Profile Reader includes it";

/// The body of a success; `None` if the identity may not ask.
fn body(response: &Response) -> Result<Option<Value>, ApiError> {
    match response.status {
        200 => {
            let body = DIALECT.json(response)?;
            match body.is_object() {
                true => Ok(Some(body)),
                false => Err(DIALECT.unexpected(response)),
            }
        }
        403 if errors::is_own(response) => Ok(None),
        _ => Err(errors::refused(response)),
    }
}

fn property<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get("properties")?.get(name)?.as_str()
}

fn endpoint(response: &Response, body: &Value) -> Result<Inspection, ApiError> {
    let text = |name: &str| property(body, name).map(excerpt);
    let host = text("hostName").ok_or_else(|| DIALECT.unexpected(response))?;
    let states = [
        ("provisioning", "provisioningState"),
        ("deployment", "deploymentStatus"),
        // Of classic endpoints [I].
        ("state", "resourceState"),
    ];
    let states = states
        .into_iter()
        .filter_map(|(of, name)| Some(format!("{of} {}", text(name)?)));
    let enabled = text("enabledState").map(|word| word.eq_ignore_ascii_case("enabled"));
    let running = text("resourceState").map(|word| word.eq_ignore_ascii_case("running"));
    Ok(Inspection {
        enabled: enabled.or(running),
        words: std::iter::once(format!("its own host is {host}"))
            .chain(states)
            .collect(),
        ..Inspection::default()
    })
}

/// Whether a role of the identity grants the action without excluding it again `[D]`.
fn permissions(
    product: Product,
    response: &Response,
    body: &Value,
) -> Result<Inspection, ApiError> {
    let action = match product {
        Product::FrontDoor => "Microsoft.Cdn/profiles/afdEndpoints/purge/action",
        Product::ClassicCdn => "Microsoft.Cdn/profiles/endpoints/purge/action",
    };
    let has = |role: &Value, name: &str| {
        let patterns = list(role, name).filter_map(Value::as_str);
        let mut globs = patterns.filter_map(|pattern| {
            let glob = GlobBuilder::new(pattern).case_insensitive(true).build();
            Some(glob.ok()?.compile_matcher())
        });
        globs.any(|glob| glob.is_match(action))
    };
    let mut roles = list(body, "value");
    if roles.any(|role| has(role, "actions") && !has(role, "notActions")) {
        return Ok(Inspection::word("the identity may purge it"));
    }
    let meaning = Meaning::new(Never, Effect::Credentials, DIALECT.credentials);
    let summary = format!("no role of the identity has {action}");
    Err(DIALECT.error(meaning, response, summary))
}

fn own_host(endpoint: &Response) -> Option<String> {
    let body = DIALECT.json(endpoint).ok()?;
    property(&body, "hostName").map(excerpt)
}

/// All hosts of a list of domains; empty if the list is incomplete.
fn all_hosts(domains: &Value, own: Option<String>) -> Vec<String> {
    let is_whole = domains.get("nextLink").is_none_or(Value::is_null);
    let hosts = list(domains, "value");
    let hosts = hosts.filter_map(|domain| property(domain, "hostName").map(excerpt));
    hosts.chain(own).filter(|_| is_whole).collect()
}

fn unvalidated(domain: &Value) -> Option<Remark> {
    let state = property(domain, "domainValidationState")?;
    let host = excerpt(property(domain, "hostName")?);
    (!state.eq_ignore_ascii_case("approved")).then(|| {
        let message = format!("the domain {host} is not validated: {}", excerpt(state));
        Remark::new(
            message,
            "finish its validation where the profile is managed",
        )
    })
}

/// The hosts of the endpoint: the profile's domains that its routes name.
fn routes(endpoint: &Response, domains: &Response, body: &Value) -> Inspection {
    if list(body, "value").next().is_none() {
        return Inspection::remark(
            "the endpoint has no route, so it serves nothing",
            "add a route where the profile is managed",
        );
    }
    let mut inspection = Inspection::default();
    let Ok(mut all) = DIALECT.json(domains) else {
        return inspection;
    };
    let routed: Vec<_> = list(body, "value")
        .filter_map(|route| route.get("properties")?.get("customDomains")?.as_array())
        .flatten()
        .filter_map(|domain| domain.get("id")?.as_str())
        .collect();
    let links_own = list(body, "value").any(|route| {
        property(route, "linkToDefaultDomain")
            .is_some_and(|word| word.eq_ignore_ascii_case("enabled"))
    });
    let Some(list) = all.get_mut("value").and_then(Value::as_array_mut) else {
        return inspection;
    };
    // Ids are case-insensitive [O].
    list.retain(|domain| {
        let id = domain.get("id").and_then(Value::as_str);
        id.is_some_and(|id| routed.iter().any(|routed| routed.eq_ignore_ascii_case(id)))
    });
    let is_whole = body.get("nextLink").is_none_or(Value::is_null);
    if is_whole {
        inspection.hosts = all_hosts(&all, own_host(endpoint).filter(|_| links_own));
    }
    inspection
}
