//! The body that creates an invalidation.

use percent_encoding::percent_decode_str;
use quick_xml::de;
use serde::Deserialize;

use super::documents::NAMESPACE;
use super::errors as E;
use super::settings::Cloudfront;
use crate::emulator::edge::{Eviction, Matching};
use crate::emulator::exchange::Reply;
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

/// `[D]`
const MAX_PATH_CHARS: usize = 4000;
/// `[D]`
const MAX_TAG_CHARS: usize = 256;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    #[serde(rename = "@xmlns", default)]
    namespace: String,
    #[serde(rename = "Paths")]
    paths: Option<Paths>,
    #[serde(rename = "CallerReference")]
    caller_reference: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Paths {
    quantity: Option<usize>,
    items: Option<Items>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Items {
    #[serde(rename = "Path", default)]
    paths: Vec<String>,
}

pub(super) struct Wanted {
    pub(super) reference: String,
    pub(super) paths: Vec<String>,
}

fn null(member: &str) -> Reply {
    E::MALFORMED_INPUT.with(&format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

pub(super) fn read(body: &[u8], api: &Cloudfront) -> Result<Wanted, Reply> {
    if body.trim_ascii().is_empty() {
        return Err(E::MISSING_BODY.usual());
    }
    let malformed = || E::MALFORMED_XML.usual();
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    let start = text.find("<InvalidationBatch");
    let batch: Batch = de::from_str(text).map_err(|_| malformed())?;
    if start.is_none() || batch.namespace != NAMESPACE {
        return Err(malformed());
    }
    let reference = batch.caller_reference.filter(|text| !text.is_empty());
    let reference = reference.ok_or_else(|| null("invalidationBatch.callerReference"))?;
    let paths = batch.paths.ok_or_else(|| null("invalidationBatch.paths"))?;
    let quantity = paths.quantity;
    let quantity = quantity.ok_or_else(|| null("invalidationBatch.paths.quantity"))?;
    let paths = paths.items.map(|items| items.paths).unwrap_or_default();
    if quantity != paths.len() {
        return Err(E::INCONSISTENT.usual());
    }
    let wildcards = paths.iter().filter(|path| path.ends_with('*')).count();
    if paths.len() > api.paths_per_request || wildcards > api.wildcards_in_progress {
        return Err(E::TOO_LARGE.usual());
    }
    let is_good = |path: &String| match path.strip_prefix('#') {
        Some(tag) => api.tag_header.is_some() && is_tag(tag),
        None => is_path(path),
    };
    if paths.is_empty() || !paths.iter().all(is_good) {
        return Err(E::INVALID_ARGUMENT.usual());
    }
    Ok(Wanted { reference, paths })
}

fn is_tag(tag: &str) -> bool {
    let is_byte = |b: u8| b.is_ascii_graphic() && !b",*".contains(&b);
    (1..=MAX_TAG_CHARS).contains(&tag.len()) && tag.bytes().all(is_byte)
}

/// `*` only at the end `[D]`; `~` is refused `[O]`, and here also characters that must be escaped `[D]`.
fn is_path(path: &str) -> bool {
    let is_byte = |b: u8| b.is_ascii_graphic() && !b"<>\"{}|\\^[]`#~*".contains(&b);
    let front = path.strip_suffix('*').unwrap_or(path);
    path.starts_with('/') && path.len() <= MAX_PATH_CHARS && front.bytes().all(is_byte)
}

pub(super) fn accept(path: &str) -> AcceptedItem {
    let item = |kind, evicts| AcceptedItem::new(kind, path.to_owned(), evicts);
    if let Some(tag) = path.strip_prefix('#') {
        let evicts = Eviction::tag(tag).matching(Matching::IGNORE_CASE);
        return item(TargetKind::Tag, evicts);
    }
    let (kind, evicts) = match path.strip_suffix('*') {
        Some(front) => (TargetKind::Directory, Eviction::prefix(front)),
        None => (TargetKind::File, Eviction::url(path)),
    };
    match is_plain(path) {
        true => item(kind, evicts),
        false => item(kind, Eviction::nothing()),
    }
}

/// Whether only characters that must be escaped are escaped: a path with other escapes is accepted and
/// purges nothing `[D]`.
fn is_plain(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let escapes = path.split('%').skip(1).filter_map(|rest| rest.get(..2));
    escapes.into_iter().all(|digits| {
        let escape = format!("%{digits}");
        let byte = percent_decode_str(&escape).next();
        byte.is_some_and(|b| !b.is_ascii_graphic() || b"<>\"#%{}|\\^[]`".contains(&b))
    })
}
