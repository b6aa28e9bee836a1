//! Checks where a request may go. Pure.

use std::net::{IpAddr, Ipv4Addr};

use url::{Host, Position, Url};

use super::{Request, TransportErrorKind};

/// Metadata services of virtual machines, containers and pods. Never routed.
const METADATA_SERVICES: [Ipv4Addr; 3] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(169, 254, 170, 23),
];

/// Whether a URL points to this machine: `localhost` or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost")
        || literal_address(url).is_some_and(|address| address.is_loopback())
}

/// The address in a URL; `None` if its host is a name.
pub(super) fn literal_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Whether a URL points to this machine or its host, which a proxy cannot reach.
pub fn is_near(url: &Url) -> bool {
    let is_host = |service: Ipv4Addr| literal_address(url) == Some(service.into());
    is_loopback(url) || METADATA_SERVICES.into_iter().any(is_host)
}

/// The parsed URL of a request that may be sent.
///
/// # Errors
/// [`TransportErrorKind::Insecure`] for plain http to another machine.
/// [`TransportErrorKind::Invalid`] for anything that is not an http(s) URL, that has a user name,
/// or whose path and query an HTTP client would change after they were signed.
pub fn destination(request: &Request) -> Result<Url, TransportErrorKind> {
    let url = as_sent(request)?;
    match url.scheme() == "http" && !is_near(&url) {
        true => Err(TransportErrorKind::Insecure),
        false => Ok(url),
    }
}

/// Whether an HTTP client sends this path and query unchanged.
pub fn is_sent_as_written(target: &str) -> bool {
    let url = Url::parse(&format!("http://h{target}"));
    url.is_ok_and(|url| url[Position::BeforePath..] == *target)
}

pub(super) fn as_sent(request: &Request) -> Result<Url, TransportErrorKind> {
    let url = Url::parse(&request.url).map_err(|_| TransportErrorKind::Invalid)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(TransportErrorKind::Invalid);
    }
    let (_, rest) = request
        .url
        .split_once("://")
        .ok_or(TransportErrorKind::Invalid)?;
    let target = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    if !bare || url[Position::BeforePath..] != *target {
        return Err(TransportErrorKind::Invalid);
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Method;

    fn go(url: &str) -> Result<Url, TransportErrorKind> {
        destination(&Request {
            method: Method::Get,
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for local in [
            "http://127.0.0.1:80/a?b=c",
            "http://127.9.9.9/",
            "http://[::1]:8080/",
            "http://LOCALHOST/",
            "https://cdn.example/a",
        ] {
            assert!(go(local).is_ok(), "{local}");
        }
        for away in [
            "http://cdn.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://[::2]/",
        ] {
            assert_eq!(go(away), Err(TransportErrorKind::Insecure), "{away}");
        }
    }

    #[test]
    fn what_would_be_sent_otherwise_is_refused() {
        for url in [
            "",
            "/a",
            "ftp://cdn.example/",
            "https:///a",
            "https://cdn.example",
            "https://cdn.example?a",
            "https://cdn.example/a/../b",
            "https://cdn.example/a/%2e%2e/b",
            "https://cdn.example/a b",
            "https://cdn.example/é",
            "https://cdn.example/a#b",
            "https://user@cdn.example/",
            "https://user:secret@cdn.example/",
            "https:\\\\cdn.example/a",
        ] {
            assert_eq!(go(url), Err(TransportErrorKind::Invalid), "{url}");
        }
    }
}
