//! The body of a purge or preload: which URLs, and whether they may be purged. Pure.
//!
//! The shape of the body and that URLs are absolute is `[D]`; what is malicious about a path and
//! what else is refused is `[?]`, and strict on purpose.

use serde_json::{Map, Value};
use url::Url;

use super::account::Endpoint;
use super::errors::{ErrorType, Refusal};
use super::settings::ItemRules;

/// What a URL of a request is to be purged as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Exactly this URL.
    File,
    /// Everything below it.
    Directory,
}

/// The URLs of a request, as sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Items {
    /// `Files`
    pub(super) files: Vec<String>,
    /// `Directories`
    pub(super) directories: Vec<String>,
}

impl Items {
    /// URLs of both lists.
    pub(super) fn len(&self) -> usize {
        self.files.len() + self.directories.len()
    }
}

/// Reads and checks a body.
pub(super) fn read(
    content_type: Option<&str>,
    body: &[u8],
    endpoint: &Endpoint,
    rules: &ItemRules,
) -> Result<Items, Refusal> {
    check_content_type(content_type)?;
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| invalid(format!("The body is not JSON: {error}.")))?;
    let Value::Object(mut fields) = value else {
        return Err(invalid("The body must be a JSON object."));
    };
    let items = Items {
        files: take_list(&mut fields, "Files")?,
        directories: take_list(&mut fields, "Directories")?,
    };
    if items.len() == 0 {
        return Err(Refusal::new(
            ErrorType::ParameterMissing,
            "Files or Directories must name at least one URL.",
        ));
    }
    if items.len() > rules.per_request {
        return Err(invalid(format!(
            "The request has {} items, limit {}.",
            items.len(),
            rules.per_request
        )));
    }
    let files = items.files.iter().map(|url| (Kind::File, url));
    let directories = items.directories.iter().map(|url| (Kind::Directory, url));
    for (kind, url) in files.chain(directories) {
        check_url(kind, url, endpoint, rules)?;
    }
    Ok(items)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorType::ParameterInvalid, message)
}

/// `application/json`, with or without parameters `[D]`.
fn check_content_type(content_type: Option<&str>) -> Result<(), Refusal> {
    let essence = content_type.and_then(|text| text.split(';').next());
    match essence {
        Some(essence) if essence.trim().eq_ignore_ascii_case("application/json") => Ok(()),
        Some(_) | None => Err(invalid("The Content-Type must be application/json.")),
    }
}

/// A list of texts; absent and `null` are empty, as clients leave the other key out or null `[O]`.
fn take_list(fields: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    let wrong = || invalid(format!("{name} must be a list of URLs."));
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) => values
            .into_iter()
            .map(|value| match value {
                Value::String(text) => Ok(text),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Array(_)
                | Value::Object(_) => Err(wrong()),
            })
            .collect(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Err(wrong())
        }
    }
}

fn check_url(kind: Kind, raw: &str, endpoint: &Endpoint, rules: &ItemRules) -> Result<(), Refusal> {
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
        return Err(Refusal::new(
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
    match kind {
        Kind::File if raw.contains('*') => {
            Err(invalid(format!("{raw:?} is a pattern, not a file.")))
        }
        Kind::Directory if tail.contains('?') || raw.contains('*') => Err(invalid(format!(
            "{raw:?} has a query or a pattern, which a directory cannot."
        ))),
        Kind::Directory if rules.directory_slash && !raw.ends_with('/') => {
            Err(invalid(format!("The directory {raw:?} must end in /.")))
        }
        Kind::File | Kind::Directory => Ok(()),
    }
}

/// Whether a path climbs, hides a separator or carries control characters, raw or percent-encoded
/// once or twice.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, url: &str) -> Result<(), ErrorType> {
        let mut endpoint = Endpoint::new("e", "www.example.com");
        endpoint.hosts = vec!["www.example.com".into()];
        check_url(kind, url, &endpoint, &ItemRules::default()).map_err(|refusal| refusal.error)
    }

    #[test]
    fn paths_that_climb_are_malicious() {
        for path in [
            "../x",
            "a/..",
            "%2e%2e/x",
            ".%2E/x",
            "%252e%252e/x",
            "a\\b",
            "a%5cb",
            "a%00",
            "a\nb",
        ] {
            let url = format!("http://www.example.com/{path}");
            assert_eq!(
                check(Kind::File, &url),
                Err(ErrorType::MaliciousItemPathDetected),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_and_is_not_a_url_of_the_endpoint() {
        for url in [
            "http://www.example.com/a.png",
            "HTTPS://WWW.example.com/a%20b?x=..",
            "http://www.example.com",
            "http://www.example.com:8080/",
            "http://www.example.com/a..b",
            "http://www.example.com/图",
        ] {
            assert_eq!(check(Kind::File, url), Ok(()), "{url}");
        }
        for url in [
            "/a.png",
            "www.example.com/a",
            "ftp://www.example.com/a",
            "http:///a",
            "http://example.org/a",
            "http://www.example.com/*",
            "http://u@www.example.com/",
            "http://www.example.com/#a",
            "http://www.example.com/a b",
        ] {
            assert_eq!(
                check(Kind::File, url),
                Err(ErrorType::ParameterInvalid),
                "{url}"
            );
        }
        assert_eq!(check(Kind::Directory, "http://www.example.com/a/"), Ok(()));
        assert_eq!(check(Kind::Directory, "http://www.example.com/a"), Ok(()));
        for url in ["http://www.example.com/a/?x/", "http://www.example.com/*/"] {
            assert_eq!(
                check(Kind::Directory, url),
                Err(ErrorType::ParameterInvalid),
                "{url}"
            );
        }
    }
}
