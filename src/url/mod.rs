//! URL identity: one URL is one value, in any spelling.
//!
//! `HTTP://Example.com/%7ea` and `http://example.com/~a` are the same value here; `/dir`, `/dir/` and
//! `/dir?x` are not, because caches keep them apart. Knows nothing about manifests or CDNs.

mod error;
mod host;

use std::fmt::{self, Write as _};
use std::sync::Arc;

pub use error::UrlError;
pub use host::HostPattern;
use host::{canonical_host, is_plain_name, split_port};

/// Longest URL, in bytes after canonical encoding. No CDN documents a limit; browsers and proxies
/// commonly stop at 8 KiB, so a longer URL cannot be cached anyway.
pub const MAX_URL_BYTES: usize = 8192;

/// A canonical absolute `http` or `https` URL.
///
/// Scheme and host are lower case, an IDN host is punycode, a default port is dropped, and percent
/// escapes are upper case and used only where needed. Path and query keep their case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CdnUrl {
    text: Arc<str>,
    /// Byte offset of the host: 7 (`http://`) or 8 (`https://`).
    host_start: u8,
    /// Byte offset after the host, before a port or the path.
    host_end: u16,
    /// Byte offset of the path's first `/`.
    path_start: u16,
}

impl CdnUrl {
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        Self::read(raw, Trust::Declared)
    }

    /// As [`CdnUrl::parse`], for the URL of a directory.
    pub fn directory(raw: &str) -> Result<Self, UrlError> {
        Self::parse(raw)?.checked_directory()
    }

    /// Parses a URL that purgit has written: accepts everything that [`CdnUrl::below`] makes of a file
    /// name.
    pub fn recorded(text: &str) -> Result<Self, UrlError> {
        Self::read(text, Trust::Recorded)
    }

    /// Whether a text is obviously canonical, as nearly all are.
    pub(crate) fn is_plain(text: &str) -> bool {
        let rest = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"));
        let parts = rest.and_then(|rest| Some(rest.split_at(rest.find('/')?)));
        parts.is_some_and(|(host, path)| {
            text.len() <= MAX_URL_BYTES && is_plain_name(host) && path.bytes().all(is_path_byte)
        })
    }

    pub fn recorded_directory(text: &str) -> Result<Self, UrlError> {
        Self::recorded(text)?.checked_directory()
    }

    fn checked_directory(self) -> Result<Self, UrlError> {
        if self.text.contains('?') {
            Err(UrlError::DirectoryQuery)
        } else if self.text.ends_with('/') {
            Ok(self)
        } else {
            Err(UrlError::NoTrailingSlash)
        }
    }

    /// The URL of a file below this directory, by its path on disk: `/`-separated UTF-8, every
    /// character taken literally.
    pub fn below(&self, path: &str) -> Result<Self, UrlError> {
        let mut text = String::with_capacity(self.text.len() + path.len() + 8);
        text.push_str(&self.text);
        let mut rest = path;
        while !rest.is_empty() {
            rest = push_plain(&mut text, rest, is_path_byte);
            if let Some(odd) = rest.chars().next() {
                let (odd, behind) = rest.split_at(odd.len_utf8());
                odd.bytes().for_each(|byte| push(&mut text, byte, false));
                rest = behind;
            }
        }
        if text.len() > MAX_URL_BYTES {
            return Err(UrlError::TooLong(text.len()));
        }
        Ok(Self {
            text: text.into(),
            ..*self
        })
    }

    /// The same URL without its last `/`; `None` for a root.
    pub fn without_last_slash(&self) -> Option<Self> {
        let front = self.text.strip_suffix('/')?;
        let is_root = front.len() == usize::from(self.path_start);
        (!is_root).then(|| Self {
            text: front.into(),
            ..*self
        })
    }

    fn read(raw: &str, trust: Trust) -> Result<Self, UrlError> {
        // Canonicalising shrinks a text to a third at most.
        if raw.len() > 3 * MAX_URL_BYTES {
            return Err(UrlError::TooLong(raw.len()));
        }
        if raw.trim() != raw {
            return Err(UrlError::OuterSpace);
        }
        let is_graphic = raw.bytes().all(|byte| byte.is_ascii_graphic());
        let mut hidden = raw.char_indices().filter(|(_, c)| !is_graphic && hides(*c));
        if let Some((at, c)) = hidden.next() {
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
            trust,
        )?;
        match trust {
            Trust::Declared => refuse_dot_segments(&text[path_start..])?,
            Trust::Recorded => {}
        }
        if let Some(query) = query {
            text.push('?');
            encode(
                &mut text,
                query,
                offset + path.len() + 1,
                is_query_byte,
                trust,
            )?;
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

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The canonical host, without port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        &self.text[usize::from(self.host_start)..usize::from(self.host_end)]
    }

    pub fn path_and_query(&self) -> &str {
        &self.text[usize::from(self.path_start)..]
    }

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// Written by a user, who may have mistyped it.
    Declared,
    /// Written by purgit, perhaps for a file with an unusual name.
    Recorded,
}

/// Control characters, including C1, and characters that are invisible or reorder others.
fn hides(c: char) -> bool {
    // Most URLs are ASCII, so check that first.
    if c.is_ascii() {
        c.is_ascii_control()
    } else {
        c.is_control() || crate::escape::is_hidden(c)
    }
}

/// [`is_path_byte`] by byte. A table, because it is used for every byte of every file name.
const PATH_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let marks = b"-._~!$&'()*+,;=:@/";
    let mut at = 0;
    while at < marks.len() {
        table[marks[at] as usize] = true;
        at += 1;
    }
    table
};

/// RFC 3986 `pchar` and `/`, without `%`.
fn is_path_byte(byte: u8) -> bool {
    PATH_BYTES[usize::from(byte)]
}

/// RFC 3986 query characters, without `%`.
fn is_query_byte(byte: u8) -> bool {
    is_path_byte(byte) || byte == b'?'
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Appends `part` with canonical escapes; `offset` is its position in the user's text.
fn encode(
    out: &mut String,
    part: &str,
    offset: usize,
    is_plain: fn(u8) -> bool,
    trust: Trust,
) -> Result<(), UrlError> {
    // Usually the whole part.
    let rest = push_plain(out, part, is_plain);
    let bytes = part.as_bytes();
    let mut at = part.len() - rest.len();
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
            let escaped = digit(at + 1)
                .zip(digit(at + 2))
                .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                .ok_or(UrlError::BadEscape(offset + at))?;
            if trust == Trust::Declared && (escaped < 0x20 || escaped == 0x7f) {
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

/// Appends the prefix of `part` that needs no escapes, and returns the rest.
fn push_plain<'p>(out: &mut String, part: &'p str, is_plain: fn(u8) -> bool) -> &'p str {
    let odd = part.bytes().position(|byte| !is_plain(byte));
    // Plain bytes are ASCII, so this is a character boundary.
    let (plain, rest) = part.split_at(odd.unwrap_or(part.len()));
    out.push_str(plain);
    rest
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

/// Also between escaped separators, which some servers decode.
fn refuse_dot_segments(path: &str) -> Result<(), UrlError> {
    let segments = path.split('/').flat_map(|part| part.split("%2F"));
    for segment in segments.flat_map(|part| part.split("%5C")) {
        match segment {
            "." => return Err(UrlError::DotSegment(".")),
            ".." => return Err(UrlError::DotSegment("..")),
            _ => {}
        }
    }
    Ok(())
}
