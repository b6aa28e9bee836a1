//! The targets of a purge, and what is refused.

use serde::Deserialize;

use super::errors as E;
use super::settings::Fastly;
use crate::emulator::edge::Eviction;
use crate::emulator::exchange::Reply;
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

/// `[D]`
const MAX_URL_BYTES: usize = 8 * 1024;
/// `[D]`
const MAX_KEY_BYTES: usize = 1024;

/// Other fields of a batch are ignored `[?]`.
#[derive(Deserialize)]
struct Body {
    surrogate_keys: Vec<String>,
}

/// The URL after `/purge/`, with its query; the scheme is optional `[O]`.
pub(super) fn url(text: &str, service: &Fastly) -> Result<AcceptedItem, Reply> {
    if text.len() > MAX_URL_BYTES {
        return Err(E::LONG_URL.usual());
    }
    let front = ["http://", "https://"].map(|scheme| text.strip_prefix(scheme));
    let rest = front.into_iter().flatten().next().unwrap_or(text);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    let is_escaped = text.to_ascii_uppercase().contains("%2F");
    if host.is_empty() || host.contains(['%', '@']) || is_escaped {
        return Err(E::MALFORMED.usual());
    }
    if !service.serves(host) {
        return Err(E::NO_HOST.usual());
    }
    let evicts = Eviction::url(text);
    Ok(AcceptedItem::new(TargetKind::File, text.to_owned(), evicts))
}

/// The keys of a batch, from the header or the body. Both or neither are refused here `[?]`.
pub(super) fn batch(
    header: Option<&str>,
    body: &[u8],
    service: &Fastly,
) -> Result<Vec<AcceptedItem>, Reply> {
    let bad = || E::BAD_BATCH.usual();
    let keys: Vec<String> = match (header, body.trim_ascii()) {
        (Some(header), []) => {
            let keys = header.split(' ').filter(|key| !key.is_empty());
            keys.map(str::to_owned).collect()
        }
        (None, body) => {
            let body: Body = serde_json::from_slice(body).map_err(|_| bad())?;
            body.surrogate_keys
        }
        (Some(_), _) => return Err(bad()),
    };
    if keys.is_empty() {
        return Err(bad());
    }
    if keys.len() > service.keys_per_request {
        return Err(E::TOO_MANY_KEYS.usual());
    }
    keys.iter().map(|text| key(text)).collect()
}

pub(super) fn key(text: &str) -> Result<AcceptedItem, Reply> {
    if text.len() > MAX_KEY_BYTES {
        return Err(E::LONG_KEY.usual());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(E::BAD_BATCH.usual());
    }
    let evicts = Eviction::tag(text);
    Ok(AcceptedItem::new(TargetKind::Tag, text.to_owned(), evicts))
}
