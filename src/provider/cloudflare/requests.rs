//! The requests: one kind of target in each `[D]`.

use serde_json::{Value, json};

use super::config::{API_TOKEN, BASE_PATH, Config, Mode};
use crate::entry::TargetKind;
use crate::operation::Item;
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

pub(super) fn purge(config: &Config, items: &[Item], auth: Auth<'_>) -> Request {
    let zone = &config.zone_id;
    let environment = config.environment_id.as_ref();
    let environment = environment.map_or_else(String::new, |id| format!("/environments/{id}"));
    let verb = match config.mode {
        Mode::Delete => "purge_cache",
        Mode::Invalidate => "invalidate_cache",
    };
    let path = format!("/zones/{zone}{environment}/{verb}");
    let mut request = Request {
        method: Method::Post,
        body: body(config, items).to_string().into_bytes(),
        ..get(config, &path, auth)
    };
    let json = ("content-type", "application/json".into());
    request.headers.push(json);
    request
}

pub(super) fn get(config: &Config, path: &str, auth: Auth<'_>) -> Request {
    let token = auth.credentials.get(API_TOKEN);
    // With a capital B: lower case once failed [O].
    let bearer = HeaderValue::secret(format!("Bearer {token}"));
    Request {
        method: Method::Get,
        url: format!("{}{BASE_PATH}{path}", config.api_url),
        headers: vec![("authorization", bearer)],
        body: Vec::new(),
    }
}

fn body(config: &Config, items: &[Item]) -> Value {
    let keys = || items.iter().map(|item| &*item.key).collect::<Vec<_>>();
    match items.first().map(|item| item.target.kind()) {
        Some(TargetKind::File) if config.variants.is_empty() => json!({ "files": keys() }),
        Some(TargetKind::File) => {
            let variants = |url| {
                let headers = config.variants.iter();
                headers.map(move |headers| json!({ "url": url, "headers": headers }))
            };
            let files: Vec<_> = keys().into_iter().flat_map(variants).collect();
            json!({ "files": files })
        }
        Some(TargetKind::Directory) => json!({ "prefixes": keys() }),
        Some(TargetKind::Tag) => json!({ "tags": keys() }),
        Some(TargetKind::Host) => json!({ "hosts": keys() }),
        Some(TargetKind::Everything) => json!({ "purge_everything": true }),
        // The CDN refuses it with a clear error.
        None => json!({}),
    }
}
