//! The requests to Azure Resource Manager.

use serde_json::json;

use super::config::Product;
use super::{AzureFrontDoor, tokens};
use crate::entry::Target;
use crate::operation::Item;
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

/// Everything below a root `[D]`.
const ALL: &str = "/*";

pub(super) fn purge(cdn: &AzureFrontDoor, items: &[Item], auth: Auth<'_>) -> Request {
    let config = &cdn.config;
    let url = format!("{}/purge?api-version={}", endpoint(cdn), config.api_version);
    let paths: Vec<_> = items.iter().map(|item| path(&item.target)).collect();
    let host = items.first().and_then(|item| item.target.host());
    let body = match (config.product, host) {
        (Product::ClassicCdn, _) => json!({ "contentPaths": paths }),
        (Product::FrontDoor, Some(host)) => json!({ "contentPaths": paths, "domains": [host] }),
        (Product::FrontDoor, None) => json!({ "contentPaths": paths, "domains": cdn.domains }),
    };
    Request {
        method: Method::Post,
        url,
        headers: vec![bearer(auth), ("content-type", "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

pub(super) fn profile(cdn: &AzureFrontDoor) -> String {
    let config = &cdn.config;
    format!(
        "{}/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Cdn/profiles/{}",
        cdn.api_url, config.subscription_id, config.resource_group, config.profile,
    )
}

pub(super) fn endpoint(cdn: &AzureFrontDoor) -> String {
    let collection = match cdn.config.product {
        Product::FrontDoor => "afdEndpoints",
        Product::ClassicCdn => "endpoints",
    };
    format!("{}/{collection}/{}", profile(cdn), cdn.config.endpoint)
}

/// The path as the URL spells it. Unsupported targets were refused earlier.
fn path(target: &Target) -> String {
    match target {
        Target::File(url) => {
            let path = url.path_and_query();
            path.split('?').next().unwrap_or(path).to_owned()
        }
        Target::Directory(url) => format!("{}*", url.path_and_query()),
        Target::Tag(_) | Target::Host(_) | Target::Everything => ALL.to_owned(),
    }
}

/// Polls a URL exactly as given: it is signed `[O]`.
pub(super) fn get(place: &str, auth: Auth<'_>) -> Request {
    Request {
        method: Method::Get,
        url: place.to_owned(),
        headers: vec![bearer(auth)],
        body: Vec::new(),
    }
}

fn bearer(auth: Auth<'_>) -> (&'static str, HeaderValue) {
    let token = match auth.token {
        Some(token) => token.value.expose().to_owned(),
        None => tokens::given(auth.credentials),
    };
    let value = HeaderValue::secret(format!("Bearer {token}"));
    ("authorization", value)
}
