//! The requests of the classic API: built once, signed, and sent unchanged.
//!
//! Does not read answers. Paths, headers and bodies are `[D]` unless noted.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::answers::Question;
use super::config::Config;
use super::{KEY_ID, KEY_VALUE, signing};
use crate::entry::TargetKind;
use crate::operation::{Item, Task};
use crate::provider::Auth;
use crate::transport::{HeaderValue, Method, Request};

/// The only query parameter; sent with every request and signed.
const API_VERSION: (&str, &str) = ("apiVersion", "1.0");

/// A kind without URLs is left out: working clients sent no key `[O]`, the documents print both keys with
/// URLs `[D]`, and nobody ever showed that an empty list is accepted.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PurgeBody<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    directories: Vec<&'a str>,
}

pub(super) fn add_purge(config: &Config, items: &[Item], auth: Auth<'_>) -> Request {
    let urls = |kind| {
        let of_kind = items.iter().filter(move |item| item.target.kind() == kind);
        of_kind.map(|item| item.target.as_str()).collect()
    };
    let body = PurgeBody {
        files: urls(TargetKind::File),
        directories: urls(TargetKind::Directory),
    };
    // Lists of texts can always be serialised; the CDN would refuse an empty body.
    let body = serde_json::to_vec(&body).unwrap_or_default();
    let mut request = signed(config, Method::Post, &endpoint(config, "/purges"), auth);
    request
        .headers
        .push(("content-type", "application/json".into()));
    request.body = body;
    request
}

/// Query purge or get operation; the tracking id is the purge id `[D]` and the operation id `[I]`.
pub(super) fn poll(config: &Config, task: &Task, auth: Auth<'_>) -> Request {
    let collection = match Question::about(task) {
        Question::Items => "purges",
        Question::Operation | Question::OperationOnly => "operations",
    };
    let tail = format!("/{collection}/{}", segment(&task.id));
    signed(config, Method::Get, &endpoint(config, &tail), auth)
}

pub(super) fn get_endpoint(config: &Config, auth: Auth<'_>) -> Request {
    signed(config, Method::Get, &endpoint(config, ""), auth)
}

fn endpoint(config: &Config, tail: &str) -> String {
    format!(
        "/subscriptions/{}/endpoints/{}{tail}",
        config.subscription_id, config.endpoint_id
    )
}

/// Everything except letters, digits and `-._~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An id as one path segment: an id from an answer must not change the path. GUIDs become lower case,
/// because the vendor's samples disagree on whether the signature covers the path as sent or in lower case.
fn segment(id: &str) -> String {
    let lower =
        uuid::Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |_| id.to_ascii_lowercase());
    utf8_percent_encode(&lower, RESERVED).to_string()
}

/// Signs exactly the path that is sent, with the base URL's own path.
fn signed(config: &Config, method: Method, path: &str, auth: Auth<'_>) -> Request {
    let (origin, base_path) = split_base(&config.api_url);
    let path = format!("{base_path}{path}");
    let date = signing::request_date(auth.now);
    let text = signing::string_to_sign(&path, &[API_VERSION], &date, method.as_str());
    let signature = signing::signature(auth.credentials.get(KEY_VALUE), &text);
    let (name, version) = API_VERSION;
    Request {
        method,
        url: format!("{origin}{path}?{name}={version}"),
        headers: vec![
            (signing::DATE_HEADER, date.into()),
            (
                "authorization",
                HeaderValue::secret(signing::authorization(
                    auth.credentials.get(KEY_ID),
                    &signature,
                )),
            ),
        ],
        body: Vec::new(),
    }
}

/// `https://host:port`, and the path after it without a trailing slash.
fn split_base(base: &str) -> (&str, &str) {
    let base = base.trim_end_matches('/');
    let authority = base.find("://").map_or(0, |at| at + "://".len());
    let path = base[authority..]
        .find('/')
        .map_or(base.len(), |at| authority + at);
    base.split_at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_one_segment() {
        let guid = "B520C544-EC34-4AC4-86F5-5394363919C3";
        assert_eq!(segment(guid), guid.to_ascii_lowercase());
        assert_eq!(segment("Purge-7.b"), "Purge-7.b");
        assert_eq!(segment("a/../b?c#d é"), "a%2F..%2Fb%3Fc%23d%20%C3%A9");
    }

    #[test]
    fn a_base_may_have_a_path() {
        assert_eq!(split_base("https://h:1"), ("https://h:1", ""));
        assert_eq!(split_base("https://h/"), ("https://h", ""));
        assert_eq!(split_base("https://h/api/"), ("https://h", "/api"));
    }
}
