//! Cache nodes: the user's own servers, nearby and mostly without TLS.
//!
//! A request may carry a secret, so plain http may go only to loopback and private addresses, and to names
//! that resolve only to those. `http` checks the addresses of a name when it connects.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::destination::{as_sent, literal_address};
use super::{Request, TransportErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    pub connect: Duration,
    /// For connecting and the whole answer.
    pub answer: Duration,
}

impl Patience {
    /// The deadline from now on, capped by the caller's own.
    pub(super) fn until(self, deadline: Option<Instant>) -> Instant {
        let own = Instant::now() + self.answer;
        deadline.map_or(own, |deadline| deadline.min(own))
    }
}

/// The parsed URL of a request that may be sent to a node.
///
/// # Errors
/// As [`super::destination::destination`], but plain http to private addresses and to names is
/// allowed.
pub fn node_destination(request: &Request) -> Result<Url, TransportErrorKind> {
    let url = as_sent(request)?;
    let is_public = literal_address(&url).is_some_and(|address| !is_private(address));
    match url.scheme() == "http" && is_public {
        true => Err(TransportErrorKind::Insecure),
        false => Ok(url),
    }
}

pub fn is_private(address: IpAddr) -> bool {
    let v4 = |v4: Ipv4Addr| {
        let [first, second, ..] = v4.octets();
        // Carrier-grade NAT, which clusters use internally (RFC 6598).
        let is_shared = first == 100 && (64..128).contains(&second);
        v4.is_loopback() || v4.is_private() || v4.is_link_local() || is_shared
    };
    let v6 = |v6: Ipv6Addr| {
        let mapped = v6.to_ipv4_mapped().is_some_and(v4);
        v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || mapped
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// The base URLs of the nodes at a name's addresses.
///
/// # Errors
/// There is no address, or none that plain http may go to.
pub fn named(host: &str, addresses: &[SocketAddr]) -> Result<BTreeSet<String>, String> {
    match addresses.iter().find(|address| !is_private(address.ip())) {
        Some(public) => Err(format!(
            "`{host}` has the public address {}, and plain http is for private networks only",
            public.ip()
        )),
        None if addresses.is_empty() => Err(format!("`{host}` has no address")),
        None => Ok(addresses
            .iter()
            .map(|address| format!("http://{address}"))
            .collect()),
    }
}

/// An equal static text. Names of methods, header fields and credentials are static; those from manifests
/// become static here, for the life of the process.
pub fn interned(text: &str) -> &'static str {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(found) = known.get(text) {
        return found;
    }
    let text: &'static str = Box::leak(text.into());
    known.insert(text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Method;

    #[test]
    fn plain_http_to_nodes_stays_in_private_networks() {
        let go = |url: &str| {
            let request = Request {
                method: Method::Purge,
                url: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            node_destination(&request).map(drop)
        };
        for near in [
            "http://127.0.0.1:6081/",
            "http://10.1.2.3/a?b",
            "http://172.31.0.1/",
            "http://192.168.0.9/",
            "http://100.64.0.1/",
            "http://169.254.1.1/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://varnish-0.varnish/",
            "https://192.0.2.1/",
        ] {
            assert_eq!(go(near), Ok(()), "{near}");
        }
        for far in [
            "http://192.0.2.1/",
            "http://100.128.0.1/",
            "http://172.32.0.1/",
            "http://[2001:db8::1]/",
            "http://[::ffff:192.0.2.1]/",
        ] {
            assert_eq!(go(far), Err(TransportErrorKind::Insecure), "{far}");
        }
        assert_eq!(go("http://10.0.0.1/a b"), Err(TransportErrorKind::Invalid));
    }

    #[test]
    fn equal_texts_are_interned_once() {
        let twice = [interned("x-purge-token"), interned("x-purge-token")];
        assert!(std::ptr::eq(twice[0], twice[1]));
        assert_ne!(interned("a"), interned("b"));
    }
}
