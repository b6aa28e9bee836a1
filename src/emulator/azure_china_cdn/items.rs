//! The body of a purge or preload: its URLs, and whether they may be purged.
//!
//! The body's form and absolute URLs are `[D]`. Which paths are malicious and what else is refused is `[?]`,
//! and strict on purpose.

use std::collections::BTreeMap;

use serde_json::Value;
use url::Url;

use super::account::AccountEndpoint;
use super::errors::{ApiRefusal, ErrorType, refuse};
use super::settings::AzureChinaCdn;
use crate::emulator::edge::Eviction;
use crate::emulator::exchange::ApiRequest;
use crate::emulator::tasks::AcceptedItem;
use crate::entry::TargetKind;

/// Reads and checks a body: files first, then directories.
pub(super) fn read(
    request: &ApiRequest,
    endpoint: &AccountEndpoint,
    settings: &AzureChinaCdn,
) -> Result<Vec<AcceptedItem>, ApiRefusal> {
    // With or without parameters [D].
    let content_type = request.header("content-type").unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    if !essence.trim().eq_ignore_ascii_case("application/json") {
        return Err(invalid("The Content-Type must be application/json."));
    }
    let mut fields: BTreeMap<String, Value> = serde_json::from_slice(request.body())
        .map_err(|error| invalid(format!("The body is no JSON object: {error}.")))?;
    let mut items = Vec::new();
    for (name, kind) in [
        ("Files", TargetKind::File),
        ("Directories", TargetKind::Directory),
    ] {
        // Missing and `null` mean empty: clients leave the other key out or set it to null [O].
        let urls: Option<Vec<String>> =
            serde_json::from_value(fields.remove(name).unwrap_or_default())
                .map_err(|_| invalid(format!("{name} must be a list of URLs.")))?;
        items.extend(urls.into_iter().flatten().map(|url| (kind, url)));
    }
    if items.is_empty() {
        return Err(refuse(
            ErrorType::ParameterMissing,
            "Files or Directories must name at least one URL.",
        ));
    }
    let limit = settings.items_per_request;
    if items.len() > limit {
        return Err(invalid(format!(
            "The request has {} items, limit {limit}.",
            items.len()
        )));
    }
    let items = items.into_iter().map(|(kind, url)| {
        let is_directory = kind == TargetKind::Directory;
        check_url(is_directory, &url, endpoint, settings.directory_slash)?;
        let evicts = match is_directory {
            // Some clients omit the last slash; `/res` must not mean `/resources`.
            true => Eviction::prefix(&format!("{}/", url.trim_end_matches('/'))),
            false => Eviction::url(&url),
        };
        Ok(AcceptedItem::new(kind, url, evicts))
    });
    items.collect()
}

fn invalid(message: impl Into<String>) -> ApiRefusal {
    refuse(ErrorType::ParameterInvalid, message)
}

fn check_url(
    is_directory: bool,
    raw: &str,
    endpoint: &AccountEndpoint,
    needs_slash: bool,
) -> Result<(), ApiRefusal> {
    let scheme_end = raw.find("://").map(|at| at + 3);
    let absolute = scheme_end.filter(|&end| {
        raw[..end].eq_ignore_ascii_case("http://") || raw[..end].eq_ignore_ascii_case("https://")
    });
    let Some(authority_start) = absolute else {
        return Err(invalid(format!("{raw:?} is not an absolute URL.")));
    };
    let rest = &raw[authority_start..];
    let path_start = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(path_start);
    let path = tail.split(['?', '#']).next().unwrap_or_default();
    if is_malicious(raw, path) {
        return Err(refuse(
            ErrorType::MaliciousItemPathDetected,
            format!("{raw:?} has a path that leads elsewhere."),
        ));
    }
    if raw.contains('#') || raw.contains(' ') || authority.contains('@') {
        return Err(invalid(format!(
            "{raw:?} has a fragment, a blank or a user name."
        )));
    }
    let parsed =
        Url::parse(raw).map_err(|error| invalid(format!("{raw:?} is not a URL: {error}.")))?;
    let host = parsed.host_str().unwrap_or_default();
    if !endpoint.serves(host) {
        return Err(invalid(format!(
            "{raw:?} is not below the domain of the endpoint."
        )));
    }
    if raw.contains('*') {
        return Err(invalid(format!("{raw:?} is a pattern, not a URL.")));
    }
    if is_directory && tail.contains('?') {
        let message = format!("{raw:?} has a query, which a directory cannot.");
        return Err(invalid(message));
    }
    if is_directory && needs_slash && !raw.ends_with('/') {
        return Err(invalid(format!("The directory {raw:?} must end in /.")));
    }
    Ok(())
}

/// Whether a path contains dot segments, hidden separators or control characters, raw or percent-encoded once
/// or twice.
fn is_malicious(raw: &str, path: &str) -> bool {
    let once = decode(path);
    let twice = decode(&once);
    raw.chars().any(char::is_control)
        || raw.contains('\\')
        || [path, &once, &twice].into_iter().any(|path| {
            path.contains('\\')
                || path.chars().any(char::is_control)
                || path.split('/').any(|segment| segment == "..")
        })
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}
