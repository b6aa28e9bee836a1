//! Texts that more than one block has: paths, instants, GUIDs and base URLs.

use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;

use super::form::Form;
use super::shape::{Shape, parsed, url};
use super::value::{Value, Wrong};
use crate::url::{CdnUrl, UrlError};

/// A path; `parse` says which.
pub fn path(parse: impl Fn(&str) -> Result<PathBuf, Wrong> + 'static) -> Shape<PathBuf> {
    parsed("path", move |text| {
        Ok(parse(text)?.to_string_lossy().into_owned())
    })
    .via(
        |text| Some(text.into()),
        |path: &PathBuf| path.to_string_lossy().into_owned(),
    )
}

/// A folder with `/` that stays below the root; empty for the root itself.
pub fn relative_folder(text: &str) -> Result<PathBuf, Wrong> {
    match text.trim_end_matches('/') {
        "" if text.starts_with('/') => Err(OUTSIDE.into()),
        "." => Ok(PathBuf::new()),
        trimmed => relative_path(trimmed),
    }
}

const OUTSIDE: &str = "the path must be relative to the root";

/// A path with `/` that stays below the root.
pub fn relative_path(text: &str) -> Result<PathBuf, Wrong> {
    if text.contains('\\') {
        return Err("the path must have `/` between folders".into());
    }
    let mut path = PathBuf::new();
    for component in Path::new(text).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return Err("the path must not leave the root (`..`)".into()),
            Component::RootDir | Component::Prefix(_) => return Err(OUTSIDE.into()),
        }
    }
    if path.as_os_str().is_empty() || text.ends_with('/') {
        return Err("the path must name a file".into());
    }
    Ok(path)
}

/// An instant: RFC 3339, or a date for its first moment in UTC.
pub fn instant() -> Shape<DateTime<Utc>> {
    let parse = |text: &str| {
        let instant = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
        // chrono takes `2026-1-2`, which the format of a date does not.
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
        let date = date.filter(|date| date.to_string() == text);
        let midnight = date.map(|date| date.and_time(NaiveTime::MIN).and_utc());
        instant.ok().or(midnight)
    };
    let read = move |value: Value<'_>| {
        let found = value.text()?;
        parse(found).or_else(|| {
            let hint = "write it like `2026-12-01` or `2026-12-01T08:00:00+08:00`";
            value.unfit("a date or an RFC 3339 time", Some(hint))
        })
    };
    let pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$";
    let form = move || {
        Form::new(
            "date or time",
            json!({ "type": "string", "pattern": pattern }),
        )
    };
    Shape::new(form, read, |instant| json!(instant.to_rfc3339()))
}

/// A GUID, kept in lower case.
pub fn guid() -> Shape<String> {
    parsed("GUID", parse_guid)
        .pattern("^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$")
}

fn parse_guid(text: &str) -> Result<String, Wrong> {
    if is_guid(text) {
        return Ok(text.to_ascii_lowercase());
    }
    let hint = match is_guid(text.trim_matches(['{', '}', '(', ')'])) {
        true => "write it without brackets",
        false => "32 hexadecimal digits, as in `00000000-0000-0000-0000-000000000001`",
    };
    Err(Wrong::new("this is not a GUID", hint))
}

/// Digits in groups of 8, 4, 4, 4 and 12: the only form that the paths of APIs have.
fn is_guid(text: &str) -> bool {
    let is_group = |group: &str| group.bytes().all(|b| b.is_ascii_hexdigit());
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_group)
}

/// The base URL of an API, without `/` at its end: https, or http to this machine.
pub fn api_url() -> Shape<String> {
    url(parse_api_url).pattern("^[hH][tT][tT][pP][sS]?://[^/?#@]+/?$")
}

fn parse_api_url(text: &str) -> Result<String, Wrong> {
    let url = CdnUrl::parse(text).map_err(|error| Wrong {
        message: error.to_string(),
        hint: None,
        secret: UrlError::may_hold_password(text),
    })?;
    if url.path_and_query() != "/" {
        return Err("the URL must have neither path nor query".into());
    }
    if url.as_str().starts_with("http://") && !is_loopback(url.host()) {
        return Err(
            "the URL must start with `https://`: plain http is for this machine only".into(),
        );
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let address = address.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
