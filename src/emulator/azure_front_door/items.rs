//! The body of a purge.

use serde::Deserialize;

use super::errors::BAD_REQUEST;
use super::settings::AzureFrontDoor;
use crate::emulator::edge::{Eviction, Matching};
use crate::emulator::exchange::Reply;
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    content_paths: Vec<String>,
    #[serde(default)]
    domains: Option<Vec<String>>,
}

/// How purges match cached URLs `[D]`.
const LOOSE: Matching = Matching {
    ignore_case: true,
    ignore_query: true,
    ignore_port: true,
};

pub(super) fn read(
    body: &[u8],
    is_classic: bool,
    api: &AzureFrontDoor,
) -> Result<Vec<AcceptedItem>, Reply> {
    let refuse = |message: String| Err(BAD_REQUEST.reply(message));
    let body: Body = match serde_json::from_slice(body) {
        Ok(body) => body,
        Err(error) => return refuse(format!("The request content was invalid: {error}")),
    };
    let (count, limit) = (body.content_paths.len(), api.paths_per_request);
    if count == 0 || count > limit {
        return refuse(format!("{count} content paths, expected 1 to {limit}."));
    }
    if let Some(bad) = body.content_paths.iter().find(|path| !is_path(path)) {
        return refuse(format!(
            "Invalid ContentPath \"{bad}\". ContentPath for purge action must be a relative path: either for a single resource \"/path/pic.jpg\" or a wild card \"/path/*\"."
        ));
    }
    let domains = match body.domains {
        Some(domains) if !is_classic && !domains.is_empty() => domains,
        Some(_) | None if is_classic => Vec::new(),
        Some(_) | None => vec![AzureFrontDoor::own_host()],
    };
    let is_domain = |domain: &&String| {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        domain.chars().all(is_name) && api.serves(domain)
    };
    if let Some(bad) = domains.iter().find(|domain| !is_domain(domain)) {
        return refuse(format!("The domain \"{bad}\" is not one of the endpoint."));
    }
    let of_path = |path: &String| {
        let on = |host: &str| {
            let url = format!("{host}{path}");
            let (kind, evicts) = match url.strip_suffix('*') {
                Some(front) => (TargetKind::Directory, Eviction::prefix(front)),
                None => (TargetKind::File, Eviction::url(&url)),
            };
            AcceptedItem::new(kind, url.clone(), evicts.matching(LOOSE))
        };
        match domains.is_empty() {
            true => vec![on("")],
            false => domains.iter().map(|domain| on(domain)).collect(),
        }
    };
    Ok(body.content_paths.iter().flat_map(of_path).collect())
}

/// A path without query, and with `*` only as its whole last segment `[D]`; everything else is refused
/// `[?]`.
fn is_path(path: &str) -> bool {
    let front = path.strip_suffix("/*").unwrap_or(path);
    path.starts_with('/') && !front.contains(['*', '?', '#', ' ', '\\'])
}
