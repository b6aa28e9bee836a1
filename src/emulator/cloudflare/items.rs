//! The body of a purge: one kind, and what is refused.

use serde_json::{Map, Value};
use url::Url;

use super::errors::{self as E, ErrorCode, Refusal};
use super::settings::Cloudflare;
use crate::emulator::edge::{Eviction, Matching};
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

/// Tags, hosts or prefixes in one request `[D]`.
const OTHERS_PER_REQUEST: usize = 100;
/// `[D]`
const MAX_TAG_CHARS: usize = 1024;
/// `[O]`
const MAX_HOST_CHARS: usize = 200;
/// Separators in a prefix `[D]`.
const MAX_PREFIX_SEPARATORS: usize = 31;

/// The fields that list targets, with the refusal of too many.
const LISTS: [(&str, TargetKind, ErrorCode); 4] = [
    ("files", TargetKind::File, E::TOO_MANY_FILES),
    ("tags", TargetKind::Tag, E::TOO_MANY_TAGS),
    ("hosts", TargetKind::Host, E::TOO_MANY_HOSTS),
    // A code of its own is not known `[?]`.
    ("prefixes", TargetKind::Directory, E::TOO_MANY_FILES),
];

/// Reads and checks a body. Unknown fields are ignored `[?]`.
pub(super) fn read(body: &[u8], zone: &Cloudflare) -> Result<Vec<AcceptedItem>, Refusal> {
    let fields: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| E::NO_KIND.usual())?;
    let mut lists = LISTS
        .into_iter()
        .filter_map(|(name, kind, code)| Some((name, kind, code, fields.get(name)?)));
    let (first, second) = (lists.next(), lists.next());
    if let Some(everything) = fields.get("purge_everything") {
        return match (everything, first) {
            (_, Some(_)) => Err(E::EVERYTHING_AND.usual()),
            (Value::Bool(true), None) => {
                let evicts = Eviction::everything();
                let item = AcceptedItem::new(TargetKind::Everything, String::new(), evicts);
                Ok(vec![item])
            }
            (_, None) => Err(E::NOT_TRUE.usual()),
        };
    }
    let (Some((name, kind, too_many, list)), None) = (first, second) else {
        return Err(E::NO_KIND.usual());
    };
    let no_array = || E::NO_ARRAY.with(format!("'{name}' must be an array"));
    let list = list.as_array().ok_or_else(no_array)?;
    if list.is_empty() {
        return Err(E::NO_KIND.usual());
    }
    let limit = match kind {
        TargetKind::File => zone.urls_per_request,
        TargetKind::Directory | TargetKind::Tag | TargetKind::Host | TargetKind::Everything => {
            OTHERS_PER_REQUEST
        }
    };
    if list.len() > limit {
        return Err(too_many.with(format!(
            "Exceeded maximum amount of {limit} {name} that can be purged on a single request"
        )));
    }
    // A list has one of two types; what a mixed one does is unknown `[?]`.
    let are_texts = list.iter().all(Value::is_string);
    let items = list.iter().map(|item| {
        let text = match (kind, are_texts) {
            (TargetKind::File, false) => with_headers(item),
            _ => item.as_str(),
        };
        let text = text.ok_or_else(no_array)?;
        let evicts = evicts(kind, text, zone)?;
        Ok(AcceptedItem::new(kind, text.to_owned(), evicts))
    });
    items.collect()
}

fn with_headers(item: &Value) -> Option<&str> {
    let headers = item.get("headers")?.as_object()?;
    let texts = headers.values().all(Value::is_string);
    item.get("url")?.as_str().filter(|_| texts)
}

fn evicts(kind: TargetKind, text: &str, zone: &Cloudflare) -> Result<Eviction, Refusal> {
    Ok(match kind {
        TargetKind::File => {
            let host = host_of_file(text)?;
            check_zone(&host, zone)?;
            Eviction::url(text)
        }
        TargetKind::Directory => {
            let is_prefix = !text.contains("://") && !text.contains(['?', '#', '*', ' ']);
            if !is_prefix || text.matches('/').count() > MAX_PREFIX_SEPARATORS {
                return Err(invalid(text));
            }
            check_zone(text.split('/').next().unwrap_or_default(), zone)?;
            Eviction::prefix(text)
        }
        TargetKind::Tag => {
            let is_tag = text.bytes().all(|byte| byte.is_ascii_graphic());
            if text.is_empty() || text.len() > MAX_TAG_CHARS || !is_tag {
                return Err(E::LONG_TAG.usual());
            }
            Eviction::tag(text).matching(Matching::IGNORE_CASE)
        }
        TargetKind::Host => {
            if text.len() > MAX_HOST_CHARS {
                return Err(E::LONG_HOST.usual());
            }
            let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
            if text.is_empty() || !text.chars().all(is_host) {
                return Err(E::BAD_HOST.usual());
            }
            check_zone(text, zone)?;
            Eviction::host(text)
        }
        TargetKind::Everything => Eviction::everything(),
    })
}

fn invalid(text: &str) -> Refusal {
    E::INVALID_URL.with(format!("Unable to purge{text}, which is an invalid URL."))
}

/// Absolute, with scheme and host, without wildcard `[D]`.
fn host_of_file(text: &str) -> Result<String, Refusal> {
    let url = Url::parse(text).map_err(|_| invalid(text))?;
    let is_web = matches!(url.scheme(), "http" | "https");
    match url.host_str() {
        Some(host) if is_web && !text.contains(['*', '#', ' ']) => Ok(host.to_owned()),
        Some(_) | None => Err(invalid(text)),
    }
}

/// A host of another zone gives two errors `[O]`.
fn check_zone(host: &str, zone: &Cloudflare) -> Result<(), Refusal> {
    if zone.serves(host) {
        return Ok(());
    }
    let message = format!("Unable to purge {host}. You can only purge files for this zone.");
    Err(E::OTHER_ZONES_URL
        .with(message)
        .and(E::PURGE_ERRORS.usual()))
}
