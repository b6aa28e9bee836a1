//! The `verify` block of an `Endpoint`.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::json;

use crate::diagnostic::shown;
use crate::field::{Shape, block, boolean, duration, field, list_of, one_of, parsed, whole, wrong};
use crate::transport::dns::Resolver;
use crate::transport::fetch::Connect;
use crate::word_enum::word_enum;

/// Most entries of a sample: more questions are a load test.
const MAX_SAMPLE: u64 = 10_000;

/// Most edges: each is asked every question.
const MAX_EDGES: usize = 20;

/// Most resolvers: each may lead to [`MAX_ADDRESSES`](crate::transport::dns::MAX_ADDRESSES) edges.
const MAX_RESOLVERS: usize = 8;

/// An edge that is stale for an hour is not just lagging.
const WAITS: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60 * 60);

/// Most repeated purges in one run: what is stale after so many is not stale because of a race.
const MAX_REBOUNDS: u64 = 3;

block! {
    /// What is asked of the edges after a purge, as users ask, to prove what they get.
    #[derive(PartialEq, Eq)]
    pub struct Settings(SettingsDraft): Default {
        /// Entries asked for after a run, when it purged more.
        sample: usize = field("sample", whole(1..=MAX_SAMPLE)).or(50),
        /// Addresses to connect to, with the name of the URL for TLS and `Host`: an IP address, with a port if it is another, with `http://` in front for one without TLS. Without any, wherever the name leads.
        edges: Vec<Connect> = field("edges", edges()).or(Vec::new()),
        /// DNS resolvers, such as those of users elsewhere: the addresses to which they lead are asked too, up to four of each. An IP address, with a port if it is another than 53.
        resolvers: Vec<Resolver> = field("resolvers", resolvers()).or(Vec::new()),
        /// Encodings that users' browsers ask for; each is kept by itself in most caches.
        accept_encoding: Vec<Encoding> = field("acceptEncoding", encodings()).or(vec![Encoding::Identity, Encoding::Gzip, Encoding::Br]),
        /// How long an edge may lag behind what its CDN called done.
        timeout: Duration = field("timeout", duration(WAITS)).or(Duration::from_secs(5 * 60)),
        /// How often in one run what is proven stale is purged again.
        rebound: usize = field("rebound", whole(0..=MAX_REBOUNDS)).or(1),
        /// Whether only what is proven fresh counts as success.
        required: bool = field("required", boolean()).or(false),
    }
}

word_enum! {
    serde
    /// What a client accepts, and is asked for by itself.
    pub enum Encoding {
        /// The bytes as they are.
        Identity = "identity",
        Gzip = "gzip",
        /// Brotli.
        Br = "br",
    }
}

fn encodings() -> Shape<Vec<Encoding>> {
    list_of(
        one_of(Encoding::WORDS),
        1..=Encoding::WORDS.len(),
        "leave the field out for all",
    )
}

fn edges() -> Shape<Vec<Connect>> {
    list_of(
        edge(),
        0..=MAX_EDGES,
        "name a few that stand for the others",
    )
}

/// An address to connect to in place of that of a name.
pub(crate) fn edge() -> Shape<Connect> {
    let edge = parsed("edge", |text| {
        parse_edge(text).ok_or_else(|| {
            let hint = "write an IP address, as in `203.0.113.10`, `203.0.113.10:8443` or `[2001:db8::1]:443`";
            wrong(format!("`{}` is not an address", shown(text)), hint)
        })
    });
    let edge = edge.pattern("^(http://)?(\\[[0-9A-Fa-f:.]+\\](:[0-9]+)?|[0-9A-Fa-f:.]+)$");
    edge.with("examples", json!(["203.0.113.10", "[2001:db8::1]:443"]))
}

fn resolvers() -> Shape<Vec<Resolver>> {
    let resolver = parsed("resolver", |text| {
        Resolver::parse(text).ok_or_else(|| {
            let hint = "write an IP address, as in `223.5.5.5`, `[2001:4860:4860::8888]:53` or `127.0.0.1:5353`";
            wrong(format!("`{}` is not an address", shown(text)), hint)
        })
    });
    let resolver = resolver.pattern("^(\\[[0-9A-Fa-f:.]+\\]:[0-9]+|[0-9A-Fa-f:.]+)$");
    let resolver = resolver.with("examples", json!(["223.5.5.5", "8.8.8.8"]));
    list_of(
        resolver,
        0..=MAX_RESOLVERS,
        "name a few that stand for the others",
    )
}

fn parse_edge(text: &str) -> Option<Connect> {
    let bare = text.strip_prefix("http://");
    let rest = bare.unwrap_or(text);
    let plain = bare.is_some();
    let connect = |address, port| Connect {
        address,
        port,
        plain,
    };
    if let Ok(whole) = rest.parse::<std::net::SocketAddr>() {
        // Nobody listens at port 0.
        return (whole.port() > 0).then(|| connect(whole.ip(), Some(whole.port())));
    }
    let address = rest
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = address.unwrap_or(rest).parse::<IpAddr>().ok()?;
    Some(connect(address, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_listens_at_port_0() {
        for edge in ["203.0.113.10:1", "http://[2001:db8::1]:1"] {
            assert!(parse_edge(edge).is_some(), "{edge}");
        }
        for edge in ["203.0.113.10:0", "http://[2001:db8::1]:0"] {
            assert_eq!(parse_edge(edge), None, "{edge}");
        }
        assert_eq!(Resolver::parse("203.0.113.10:0"), None);
    }
}
