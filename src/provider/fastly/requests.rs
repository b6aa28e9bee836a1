//! The requests: one URL, or a batch of keys, or everything `[D]`.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::{API_TOKEN, Config};
use crate::entry::TargetKind;
use crate::operation::Item;
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

/// What one request purges. Kept in a task, to purge it a second time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Purge {
    /// Host, path and query.
    Url(String),
    Keys(Vec<String>),
    Everything,
}

impl Purge {
    /// The items are of one group; URLs come one at a time.
    pub(super) fn of(items: &[Item]) -> Self {
        let keys = || items.iter().map(|item| item.key.to_string());
        match items.first().map(|item| item.target.kind()) {
            Some(TargetKind::File) => Self::Url(keys().next().unwrap_or_default()),
            Some(TargetKind::Everything) => Self::Everything,
            // Other kinds are never lowered. The CDN refuses an empty batch.
            Some(TargetKind::Tag | TargetKind::Directory | TargetKind::Host) | None => {
                Self::Keys(keys().collect())
            }
        }
    }

    /// Keys go into the body: a header holds only 16,384 bytes `[D]`, and a path no `/` `[O]`.
    pub(super) fn request(&self, config: &Config, auth: Auth<'_>) -> Request {
        let service = format!("/service/{}", config.service_id);
        let (path, body) = match self {
            Self::Url(url) => (format!("/purge/{url}"), Vec::new()),
            Self::Keys(keys) => {
                let body = json!({ "surrogate_keys": keys }).to_string();
                (format!("{service}/purge"), body.into_bytes())
            }
            Self::Everything => (format!("{service}/purge_all"), Vec::new()),
        };
        let mut request = Request {
            method: Method::Post,
            body,
            ..get(config, &path, auth)
        };
        if !request.body.is_empty() {
            let json = ("content-type", "application/json".into());
            request.headers.push(json);
        }
        // Its presence counts, not its value [D].
        if config.soft && *self != Self::Everything {
            request.headers.push(("fastly-soft-purge", "1".into()));
        }
        request
    }
}

pub(super) fn get(config: &Config, path: &str, auth: Auth<'_>) -> Request {
    let token = auth.credentials.get(API_TOKEN);
    Request {
        method: Method::Get,
        url: format!("{}{path}", config.api_url),
        headers: vec![
            ("fastly-key", HeaderValue::secret(token)),
            ("accept", "application/json".into()),
        ],
        body: Vec::new(),
    }
}
