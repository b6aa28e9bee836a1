//! Texts that several blocks use: paths, instants, GUIDs and base URLs.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;

use super::shape::{Shape, long, parsed};
use super::value::{Value, Wrong, wrong};
use crate::diagnostic::shown;
use crate::url::CdnUrl;

pub(crate) fn path(parse: impl Fn(&str) -> Result<PathBuf, Wrong> + 'static) -> Shape<PathBuf> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let parse = move |text: &str| Ok(parse(text)?.to_string_lossy().into_owned());
    parsed("path", parse).via(|path| Some(path.into()), text)
}

/// A `/`-separated folder below the root; empty for the root itself.
pub(crate) fn relative_folder(text: &str) -> Result<PathBuf, Wrong> {
    match text.trim_end_matches('/') {
        "." => Ok(PathBuf::new()),
        "" => relative_path(text),
        trimmed => relative_path(trimmed),
    }
}

/// A `/`-separated path below the root.
pub(crate) fn relative_path(text: &str) -> Result<PathBuf, Wrong> {
    let mut path = PathBuf::new();
    let mut why = text.contains('\\').then_some("have `/` between folders");
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => why = why.or(Some("not leave the root (`..`)")),
            Component::RootDir | Component::Prefix(_) => {
                why = why.or(Some("be relative to the root"));
            }
        }
    }
    let is_folder = path.as_os_str().is_empty() || text.ends_with('/');
    match why.or(is_folder.then_some("name a file")) {
        None => Ok(path),
        Some(why) => Err(wrong(format!("the path must {why}"), "")),
    }
}

/// An instant: RFC 3339, or a date, which means its first moment in UTC.
pub(crate) fn instant() -> Shape<DateTime<Utc>> {
    let parse = |text: &str| {
        parse_instant(text).ok_or_else(|| {
            let hint = "write it like `2026-12-01` or `2026-12-01T08:00:00+08:00`";
            let found = shown(text);
            let message = format!("expected a date or an RFC 3339 time, found `{found}`");
            wrong(message, hint)
        })
    };
    parsed("date or time", parse).pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$")
}

pub(crate) fn parse_instant(text: &str) -> Option<DateTime<Utc>> {
    let instant = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    // chrono accepts `2026-1-2`, which is not an RFC 3339 date.
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let date = date.filter(|date| date.to_string() == text);
    let midnight = date.map(|date| date.and_time(NaiveTime::MIN).and_utc());
    instant.ok().or(midnight)
}

/// A GUID with groups of 8, 4, 4, 4 and 12 digits, the only form in API paths. Stored in lower case.
pub(crate) fn guid() -> Shape<String> {
    let is_guid = |text: &str| {
        let is_group = |group: &str| group.bytes().all(|b| b.is_ascii_hexdigit());
        let lengths = text.split('-').map(str::len);
        lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_group)
    };
    let parse = move |text: &str| {
        let hint = match is_guid(text.trim_matches(['{', '}', '(', ')'])) {
            _ if is_guid(text) => return Ok(text.to_ascii_lowercase()),
            true => "write it without brackets",
            false => "32 hexadecimal digits, as in `00000000-0000-0000-0000-000000000001`",
        };
        Err(wrong("this is not a GUID", hint))
    };
    parsed("GUID", parse).pattern("^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
}

/// Whether this can name a method or a header field (RFC 9110).
pub(crate) fn is_http_token(text: &str) -> bool {
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !text.is_empty() && text.bytes().all(is_token)
}

pub(crate) fn is_header_text(text: &str) -> bool {
    text.bytes().all(|c| (b' '..=b'~').contains(&c))
}

/// Request headers, by name. The values are plain text, so they must not be secrets.
pub(crate) fn headers() -> Shape<BTreeMap<String, String>> {
    let read = move |value: Value<'_>| {
        let mut headers = BTreeMap::new();
        let mut is_whole = true;
        for (name, header) in value.entries()? {
            let text = header.text();
            match text.filter(|text| is_header_text(text)) {
                Some(text) if is_http_token(name) => {
                    headers.insert(name.to_owned(), text.to_owned());
                }
                _ => {
                    is_whole = false;
                    let message = format!("`{}` is not a header with a value", shown(name));
                    text.and_then(|_| header.push::<()>(message, None));
                }
            }
        }
        is_whole.then_some(headers)
    };
    let schema = || json!({ "title": "headers", "type": "object", "additionalProperties": { "type": "string" } });
    Shape::new(schema, read, |headers| json!(headers))
}

/// The base URL of an API without trailing `/`: https, or http to this machine.
pub(crate) fn api_url() -> Shape<String> {
    api_url_before("")
}

/// Like [`api_url`], and drops the path that the API appends if the URL already has it.
pub(crate) fn api_url_before(path: &'static str) -> Shape<String> {
    let parse = move |text: &str| {
        let whole = text.trim_end_matches('/');
        let url = CdnUrl::parse(whole.strip_suffix(path).unwrap_or(whole));
        let url = url.map_err(|error| wrong(error.to_string(), ""))?;
        let host = url.host().trim_start_matches('[').trim_end_matches(']');
        let address = host.parse::<IpAddr>();
        let is_local = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        Err(wrong(
            match url.path_and_query() {
                "/" if url.as_str().starts_with("https://") || is_local => {
                    return Ok(url.as_str().trim_end_matches('/').to_owned());
                }
                "/" => "the URL must start with `https://`: plain http is for this machine only",
                _ => "the URL must have neither path nor query",
            },
            "",
        ))
    };
    let pattern = format!("^[hH][tT][tT][pP][sS]?://[^/?#@]+({path})?/?$");
    long("URL", parse)
        .with("type", "string")
        .with("pattern", pattern.replace("()?", ""))
}
