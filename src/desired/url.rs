//! URL identity: one URL is one value, however it was spelt.
//!
//! Caches key on bytes, so `HTTP://Example.com/%7ea` and `http://example.com/~a` must become the
//! same value here, and `/dir`, `/dir/` and `/dir?x` must not. Knows nothing of manifests or CDNs.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use thiserror::Error;

/// Longest URL accepted, in bytes after canonical encoding. No CDN documents one; browsers and
/// proxies commonly stop at 8 KiB, so a longer one cannot be cached to begin with.
pub const MAX_URL_BYTES: usize = 8192;

/// What a purge of a URL covers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Exactly this URL.
    File,
    /// Everything whose path starts with this URL's path; it ends in `/`.
    Directory,
}

impl Kind {
    /// The word used in addresses, plans and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Directory => "directory",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A canonical absolute `http` or `https` URL.
///
/// Scheme and host are lower-case, an IDN host is punycode, a default port is dropped, percent
/// escapes are upper-case and used only where needed; the case of path and query is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdnUrl {
    text: Arc<str>,
    /// Byte offset of the host: 7 (`http://`) or 8 (`https://`).
    host_start: u8,
    /// Byte offset behind the host, before a port or the path.
    host_end: u16,
    /// Byte offset of the `/` that opens the path.
    path_start: u16,
}

/// Why a text is not a URL that can be purged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// No `http://` or `https://` in front.
    #[error("the URL must be absolute and start with `https://` or `http://`")]
    NotAbsolute,
    /// A host that is empty or cannot be encoded.
    #[error("the host `{0}` is not a valid host name")]
    BadHost(String),
    /// A port that is not a number below 65,536.
    #[error("the port `{0}` is not a number from 1 to 65535")]
    BadPort(String),
    /// `user:password@` in the authority.
    #[error("the URL must not carry a user name or password")]
    UserInfo,
    /// A `#fragment`, which never reaches a CDN.
    #[error("the URL must not have a fragment (`#…`): it never reaches the CDN")]
    Fragment,
    /// A control character, raw or percent-encoded.
    #[error("the URL has a control character at byte {0}")]
    Control(usize),
    /// White space before or behind it.
    #[error("the URL has white space around it")]
    OuterSpace,
    /// A raw character that hides itself or reorders its neighbours; percent-encoded it is plain
    /// to see, and allowed.
    #[error("the URL has the invisible character U+{:04X}", u32::from(*.0))]
    Invisible(char),
    /// A backslash, which some software reads as `/`.
    #[error("the URL has a backslash at byte {0}: write `/` or `%5C`")]
    Backslash(usize),
    /// A `.` or `..` path segment, raw or percent-encoded.
    #[error("the path has a `{0}` segment: write the path that is meant")]
    DotSegment(&'static str),
    /// A `%` without two hexadecimal digits behind it.
    #[error("the `%` at byte {0} is not followed by two hexadecimal digits: write `%25`")]
    BadEscape(usize),
    /// A directory that does not end in `/`.
    #[error("a directory must end in `/`")]
    NoTrailingSlash,
    /// A directory with a query string.
    #[error("a directory must not have a query string")]
    DirectoryQuery,
    /// Longer than [`MAX_URL_BYTES`].
    #[error("the URL has {0} bytes, limit {MAX_URL_BYTES}")]
    TooLong(usize),
}

impl UrlError {
    /// What to write instead, where that can be told from the text.
    pub fn hint(&self, raw: &str, kind: Kind) -> Option<String> {
        if Self::may_hold_password(raw) {
            return None;
        }
        match self {
            Self::NoTrailingSlash => Some(format!("write `{raw}/`, or list it under `files`")),
            Self::DirectoryQuery => {
                let path = raw.split('?').next().unwrap_or(raw);
                Some(format!("write `{path}`, or list it under `files`"))
            }
            Self::NotAbsolute if raw.contains("://") => None,
            Self::NotAbsolute if raw.starts_with('/') => Some(format!(
                "write `https://www.example.com{raw}` with your host"
            )),
            Self::NotAbsolute => Some(format!("did you mean `https://{raw}`?")),
            Self::Fragment => {
                let front = raw.split('#').next().unwrap_or(raw);
                Some(format!("write `{front}`, or `%23` for a `#` in a name"))
            }
            Self::Backslash(_) => Some(format!("write `{}`", raw.replace('\\', "/"))),
            Self::BadHost(host) if host.contains('*') => {
                Some("a URL names one host; wildcards belong to an endpoint's `hosts`".to_owned())
            }
            Self::OuterSpace => Some(format!("write `{}`", raw.trim())),
            Self::Invisible(_) => Some("type the URL anew, or percent-encode the character".into()),
            Self::TooLong(_) if kind == Kind::File => {
                Some("purge its directory instead".to_owned())
            }
            Self::BadHost(_)
            | Self::BadPort(_)
            | Self::UserInfo
            | Self::Control(_)
            | Self::DotSegment(_)
            | Self::BadEscape(_)
            | Self::TooLong(_) => None,
        }
    }

    /// Whether a text that was refused may hold a password, so that it must not be repeated.
    pub fn may_hold_password(raw: &str) -> bool {
        let authority = raw.split("://").nth(1).unwrap_or(raw);
        authority
            .split('/')
            .next()
            .is_some_and(|part| part.contains('@'))
    }
}

impl CdnUrl {
    /// Reads and canonicalises `raw`.
    ///
    /// # Errors
    /// The first reason why `raw` cannot name something a CDN caches.
    pub fn parse(raw: &str, kind: Kind) -> Result<Self, UrlError> {
        if raw.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong(raw.len()));
        }
        if raw.trim() != raw {
            return Err(UrlError::OuterSpace);
        }
        if let Some((at, c)) = raw.char_indices().find(|(_, c)| hides(*c)) {
            return Err(if c.is_control() {
                UrlError::Control(at)
            } else {
                UrlError::Invisible(c)
            });
        }
        let (scheme, rest) = raw.split_once("://").ok_or(UrlError::NotAbsolute)?;
        let (scheme, default_port) = match () {
            () if scheme.eq_ignore_ascii_case("https") => ("https://", 443),
            () if scheme.eq_ignore_ascii_case("http") => ("http://", 80),
            () => return Err(UrlError::NotAbsolute),
        };
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_end);
        if let Some(at) = rest.find('\\') {
            return Err(UrlError::Backslash(raw.len() - rest.len() + at));
        }
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host, port) = split_port(authority)?;
        let host = canonical_host(host)?;

        let mut text = String::with_capacity(raw.len() + 8);
        text.push_str(scheme);
        text.push_str(&host);
        let host_end = text.len();
        if let Some(port) = port.filter(|port| *port != default_port) {
            // Writing to a String cannot fail.
            let _ = write!(text, ":{port}");
        }
        let path_start = text.len();
        let (path, query) = match tail.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (tail, None),
        };
        let offset = raw.len() - tail.len();
        encode(
            &mut text,
            if path.is_empty() { "/" } else { path },
            offset,
            is_path_byte,
        )?;
        refuse_dot_segments(&text[path_start..])?;
        if kind == Kind::Directory {
            if query.is_some() {
                return Err(UrlError::DirectoryQuery);
            }
            if !text.ends_with('/') {
                return Err(UrlError::NoTrailingSlash);
            }
        }
        if let Some(query) = query {
            text.push('?');
            encode(&mut text, query, offset + path.len() + 1, is_query_byte)?;
        }
        let too_long = UrlError::TooLong(text.len());
        if text.len() > MAX_URL_BYTES {
            return Err(too_long);
        }
        Ok(Self {
            host_start: u8::try_from(scheme.len()).map_err(|_| too_long.clone())?,
            host_end: u16::try_from(host_end).map_err(|_| too_long.clone())?,
            path_start: u16::try_from(path_start).map_err(|_| too_long)?,
            text: text.into(),
        })
    }

    /// The whole canonical URL.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical host, without port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        &self.text[usize::from(self.host_start)..usize::from(self.host_end)]
    }

    /// Path and query, from the first `/` on.
    pub fn path_and_query(&self) -> &str {
        &self.text[usize::from(self.path_start)..]
    }

    /// The path, from the first `/` up to a query.
    pub fn path(&self) -> &str {
        let tail = self.path_and_query();
        tail.split_once('?').map_or(tail, |(path, _)| path)
    }
}

impl fmt::Display for CdnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for CdnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CdnUrl({})", self.text)
    }
}

impl serde::Serialize for CdnUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// A host that an endpoint serves: exact, or `*.` for exactly one more label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern {
    /// Canonical host, for a wildcard without its `*.`.
    host: String,
    wildcard: bool,
}

impl HostPattern {
    /// Reads `www.example.com`, `*.img.example.com`, an IDN host or an IP address.
    ///
    /// # Errors
    /// [`UrlError::BadHost`] when it is not a host.
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        let (host, wildcard) = match raw.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (raw, false),
        };
        if host.contains('*') {
            return Err(UrlError::BadHost(raw.to_owned()));
        }
        Ok(Self {
            host: canonical_host(host)?,
            wildcard,
        })
    }

    /// Whether a canonical host (see [`CdnUrl::host`]) is meant by this pattern.
    pub fn matches(&self, host: &str) -> bool {
        if !self.wildcard {
            return self.host == host;
        }
        host.strip_suffix(&self.host)
            .and_then(|front| front.strip_suffix('.'))
            .is_some_and(|label| !label.is_empty() && !label.contains('.'))
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.wildcard { "*." } else { "" }, self.host)
    }
}

/// Control characters, C1 included, and characters that hide themselves or reorder others.
fn hides(c: char) -> bool {
    // Most URLs are ASCII, so that comes first.
    if c.is_ascii() {
        c.is_ascii_control()
    } else {
        c.is_control() || crate::diagnostic::is_invisible(c)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    let colon = match authority.rfind(']') {
        Some(bracket) => authority[bracket..].find(':').map(|at| bracket + at),
        None => authority.find(':'),
    };
    let Some(colon) = colon else {
        return Ok((authority, None));
    };
    let (host, port) = (&authority[..colon], &authority[colon + 1..]);
    if port.is_empty() {
        return Ok((host, None));
    }
    let number = port
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| port.parse::<u16>().ok())
        .flatten();
    match number {
        Some(number) if number > 0 => Ok((host, Some(number))),
        _ => Err(UrlError::BadPort(port.to_owned())),
    }
}

fn canonical_host(raw: &str) -> Result<String, UrlError> {
    let bad = || UrlError::BadHost(raw.to_owned());
    // The `url` crate accepts percent escapes in hosts; two spellings of one host are one too many.
    if raw.is_empty() || raw.contains('%') {
        return Err(bad());
    }
    let host = url::Host::parse(raw).map_err(|_| bad())?.to_string();
    let labels_fit = host.starts_with('[')
        || host.len() <= 253
            && host
                .split('.')
                .all(|label| !label.is_empty() && label.len() <= 63);
    if labels_fit { Ok(host) } else { Err(bad()) }
}

/// RFC 3986 `pchar` and `/`, without `%`.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

/// RFC 3986 query characters, without `%`.
fn is_query_byte(byte: u8) -> bool {
    is_path_byte(byte) || byte == b'?'
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Appends `part` with canonical escapes; `offset` is where it starts in the text of the user.
fn encode(
    out: &mut String,
    part: &str,
    offset: usize,
    is_plain: fn(u8) -> bool,
) -> Result<(), UrlError> {
    let bytes = part.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let escaped = bytes
                .get(at + 1..at + 3)
                .and_then(|digits| hex::decode(digits).ok())
                .and_then(|decoded| decoded.first().copied())
                .ok_or(UrlError::BadEscape(offset + at))?;
            if escaped < 0x20 || escaped == 0x7f {
                return Err(UrlError::Control(offset + at));
            }
            push(out, escaped, is_unreserved(escaped));
            at += 3;
        } else {
            push(out, byte, is_plain(byte));
            at += 1;
        }
    }
    Ok(())
}

fn push(out: &mut String, byte: u8, plain: bool) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if plain {
        out.push(char::from(byte));
    } else {
        out.push('%');
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

fn refuse_dot_segments(path: &str) -> Result<(), UrlError> {
    path.split('/').try_for_each(|segment| match segment {
        "." => Err(UrlError::DotSegment(".")),
        ".." => Err(UrlError::DotSegment("..")),
        _ => Ok(()),
    })
}
