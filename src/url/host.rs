//! Hosts: their canonical form, and the patterns that endpoints serve.

use std::fmt;
use std::net::Ipv4Addr;

use super::UrlError;
use crate::diagnostic::shown;

/// Limit of the DNS, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// Limit of the DNS, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// A host that an endpoint serves: exact, or `*.` for exactly one more label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern {
    /// Canonical host; for a wildcard, without `*.`.
    host: String,
    wildcard: bool,
}

impl HostPattern {
    /// Parses `www.example.com`, `*.img.example.com`, an IDN host or an IP address.
    pub fn parse(raw: &str) -> Result<Self, UrlError> {
        let (host, wildcard) = match raw.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (raw, false),
        };
        if host.contains('*') {
            return Err(UrlError::BadHost(shown(raw)));
        }
        let host = canonical_host(host)?;
        // An address cannot have a subdomain.
        let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
        if wildcard && is_address {
            return Err(UrlError::BadHost(shown(raw)));
        }
        Ok(Self { host, wildcard })
    }

    /// Whether the pattern matches a canonical host (see [`super::CdnUrl::host`]).
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

pub(super) fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    if authority.starts_with('[') && !authority.contains(']') {
        return Err(UrlError::BadHost(shown(authority)));
    }
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
    let is_number = port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(number) if is_number && number > 0 => Ok((host, Some(number))),
        _ => Err(UrlError::BadPort(shown(port))),
    }
}

/// Lower case, punycode, and addresses in their canonical form.
pub(super) fn canonical_host(raw: &str) -> Result<String, UrlError> {
    let bad = || UrlError::BadHost(shown(raw));
    // The `url` crate accepts percent escapes in hosts; that would be a second spelling.
    if raw.is_empty() || raw.contains('%') {
        return Err(bad());
    }
    if is_plain_name(raw) {
        return Ok(raw.to_owned());
    }
    let host = url::Host::parse(raw).map_err(|_| bad())?.to_string();
    // The `url` crate allows `*`, `!` and the like; names must not have them.
    let is_name_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len()) && label.bytes().all(is_name_byte)
    };
    let fits =
        host.starts_with('[') || host.len() <= MAX_HOST_BYTES && host.split('.').all(is_label);
    if fits { Ok(host) } else { Err(bad()) }
}

/// Whether a host is plain ASCII that is canonical already. Most are, and a state has one per
/// entry. False if it might be an address or has an IDN label (`xn--`).
pub(super) fn is_plain_name(host: &str) -> bool {
    let is_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.bytes().all(is_byte)
            && !label.starts_with("xn--")
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= MAX_HOST_BYTES
        && last.starts_with(|first: char| first.is_ascii_lowercase())
        && host.split('.').all(is_label)
}
