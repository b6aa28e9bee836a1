//! The requests to Azure Resource Manager.

use serde_json::json;

use super::config::Product;
use super::{AzureFrontDoor, tokens};
use crate::entry::Target;
use crate::operation::Item;
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

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

/// As the URL spells it. Unsupported targets were refused earlier.
fn path(target: &Target) -> String {
    match target {
        Target::File(url) => url.path().to_owned(),
        Target::Directory(url) => format!("{}*", url.path_and_query()),
        // Everything below a root [D].
        Target::Tag(_) | Target::Host(_) | Target::Everything => "/*".to_owned(),
    }
}

/// A polling URL must stay as it is, because it is signed `[O]`.
pub(super) fn get(url: &str, auth: Auth<'_>) -> Request {
    Request {
        method: Method::Get,
        url: url.to_owned(),
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
