//! The requests and answers of common cache configurations, which docs/http-caches.md describes. `[R]` was
//! run against the real cache, `[D]` is documented or read in the tool's source, `[I]` is inferred.

use std::collections::BTreeMap;

use super::way::{Confirm, Way};
use crate::credential::header::HeaderText;
use crate::entry::TargetKind;
use crate::transport::node::interned;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    Varnish,
    VarnishFos,
    NginxPurge,
    NginxRefresh,
    TrafficServer,
    Squid,
    Drupal,
    Wordpress,
    Magento,
    Souin,
}

/// The header in which the configurations of docs/http-caches.md report what they did.
const RESULT: &str = "Cache-Purge-Result";

/// Marks Varnish's own answers; a forwarded answer has the origin's `Server`.
const BY_VARNISH: (&str, &str) = ("Server", "^Varnish$");

impl Preset {
    pub(super) const WORDS: &'static [(&'static str, Self)] = &[
        ("varnish", Self::Varnish),
        ("varnish-xkey", Self::Varnish),
        ("varnish-fos", Self::VarnishFos),
        ("nginx-purge", Self::NginxPurge),
        ("nginx-refresh", Self::NginxRefresh),
        ("trafficserver", Self::TrafficServer),
        ("squid", Self::Squid),
        ("drupal", Self::Drupal),
        ("wordpress", Self::Wordpress),
        ("magento", Self::Magento),
        ("souin", Self::Souin),
    ];

    pub(super) fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, preset)| *preset == self);
        found.map_or("", |(word, _)| word)
    }

    /// How it purges a kind of target; `None` if it cannot.
    pub(super) fn way(self, kind: TargetKind, soft: bool) -> Option<Way> {
        match self {
            Self::Varnish => varnish(kind, soft),
            Self::VarnishFos => Some(fos(kind, soft)),
            Self::NginxPurge => (kind == TargetKind::File).then(|| {
                let marked = way("PURGE", "{path_query}", &[]).mark((RESULT, "^exact"));
                marked.absent(&[404, 412])
            }),
            // `add_header` reports a refresh only on success [D].
            Self::NginxRefresh => (kind == TargetKind::File).then(|| {
                way("GET", "{path_query}", &[("x-refresh", "1")]).mark(("X-Cache", "^BYPASS$"))
            }),
            Self::TrafficServer => traffic_server(kind),
            // A forwarded answer keeps the origin's `Server` [R].
            Self::Squid => (kind == TargetKind::File).then(|| {
                let marked = way("PURGE", "{path_query}", &[]).mark(("Server", "^squid/"));
                marked.absent(&[404])
            }),
            Self::Drupal => drupal(kind),
            Self::Wordpress => wordpress(kind),
            Self::Magento => magento(kind),
            Self::Souin => Some(souin(kind)),
        }
    }
}

fn way(method: &str, target: &str, headers: &[(&str, &str)]) -> Way {
    let headers = headers.iter();
    let headers =
        headers.map(|(name, text)| (interned(name), HeaderText::Text((*text).to_owned())));
    Way {
        method: Some(interned(method)),
        target: Some(target.to_owned()),
        headers: Some(headers.collect()),
        ..Way::default()
    }
}

impl Way {
    fn confirm(self, confirm: Confirm) -> Self {
        Self {
            confirm: Some(confirm),
            ..self
        }
    }

    fn mark(self, (name, pattern): (&str, &str)) -> Self {
        self.confirm(Confirm {
            header: Some(BTreeMap::from([(name.to_owned(), pattern.to_owned())])),
            ..Confirm::default()
        })
    }

    fn body(self, pattern: &str) -> Self {
        self.confirm(Confirm {
            body: Some(pattern.to_owned()),
            ..Confirm::default()
        })
    }

    fn absent(self, statuses: &[u16]) -> Self {
        Self {
            absent: Some(statuses.to_vec()),
            ..self
        }
    }

    fn separated(self, separator: &str) -> Self {
        Self {
            separator: Some(separator.to_owned()),
            ..self
        }
    }
}

/// The configuration of docs/http-caches.md `[R]`. Its bans are for one host.
fn varnish(kind: TargetKind, soft: bool) -> Option<Way> {
    Some(match (kind, soft) {
        (TargetKind::File, _) => way("PURGE", "{path_query}", &[]).mark((RESULT, "^exact")),
        (TargetKind::Directory, _) => {
            way("BAN", "/", &[("x-url", "^{path_regex}")]).mark((RESULT, "^ban"))
        }
        (TargetKind::Host, _) => way("BAN", "/", &[("x-url", "^/")]).mark((RESULT, "^ban")),
        (TargetKind::Tag, false) => {
            way("PURGEKEYS", "/", &[("xkey-purge", "{tags}")]).mark((RESULT, "^tags"))
        }
        (TargetKind::Tag, true) => {
            way("PURGEKEYS", "/", &[("xkey-softpurge", "{tags}")]).mark((RESULT, "^soft"))
        }
        (TargetKind::Everything, _) => return None,
    })
}

/// The configuration of `FOSHttpCache` `[D]`: a ban that lacks one of the headers bans nothing but
/// answers 200.
fn fos(kind: TargetKind, soft: bool) -> Way {
    let ban = |host, url| {
        let headers = [("x-host", host), ("x-url", url), ("x-content-type", ".*")];
        way("BAN", "/", &headers).mark(BY_VARNISH)
    };
    match (kind, soft) {
        (TargetKind::File, _) => way("PURGE", "{path_query}", &[]).mark(BY_VARNISH),
        (TargetKind::Directory, _) => ban("^{host_regex}$", "^{path_regex}"),
        (TargetKind::Host, _) => ban("^{host_regex}$", ".*"),
        (TargetKind::Everything, _) => ban(".*", ".*"),
        (TargetKind::Tag, false) => {
            let headers = [
                ("x-host", ".*"),
                ("x-url", ".*"),
                ("x-content-type", ".*"),
                ("x-cache-tags", "(^|,)({tags_regex})(,|$)"),
            ];
            way("BAN", "/", &headers).mark(BY_VARNISH)
        }
        (TargetKind::Tag, true) => {
            way("PURGEKEYS", "/", &[("xkey-softpurge", "{tags}")]).mark(BY_VARNISH)
        }
    }
}

/// Its own answers have an empty body, also for 404, and no `Age`; another host gets an HTML page `[R]`.
/// `remap_purge` purges only trees declared to it, and says so in the body `[R]`.
fn traffic_server(kind: TargetKind) -> Option<Way> {
    match kind {
        TargetKind::File => Some(
            way("PURGE", "{path_query}", &[])
                .confirm(Confirm {
                    body: Some("^$".to_owned()),
                    without: Some(vec!["age"]),
                    ..Confirm::default()
                })
                .absent(&[404]),
        ),
        TargetKind::Directory => Some(Way {
            trees: Some(Vec::new()),
            ..way("PURGE", "{path}", &[]).body("^PURGED")
        }),
        TargetKind::Tag | TargetKind::Host | TargetKind::Everything => None,
    }
}

/// The usual configuration of `varnish_purge` `[D]`.
fn drupal(kind: TargetKind) -> Option<Way> {
    match kind {
        TargetKind::File => Some(way("URIBAN", "{path_query}", &[]).mark(BY_VARNISH)),
        TargetKind::Tag => {
            let tags = [("cache-tags", "(^| )({tags_regex})( |$)")];
            Some(way("BAN", "/", &tags).mark(BY_VARNISH))
        }
        TargetKind::Directory | TargetKind::Host | TargetKind::Everything => None,
    }
}

/// The configuration of Proxy Cache Purge `[D]`.
fn wordpress(kind: TargetKind) -> Option<Way> {
    let purge = |target, how| way("PURGE", target, &[("x-purge-method", how)]).mark(BY_VARNISH);
    match kind {
        TargetKind::File => Some(purge("{path_query}", "default")),
        TargetKind::Directory => Some(purge("{path_regex}.*", "regex")),
        TargetKind::Host => Some(purge("/.*", "regex")),
        TargetKind::Tag => {
            let headers = [
                ("x-purge-method", "tags"),
                ("x-cache-tags-pattern", "(^|[ ,])({tags_regex})([ ,]|$)"),
            ];
            Some(way("PURGE", "/", &headers).mark((RESULT, "^tags")))
        }
        TargetKind::Everything => None,
    }
}

/// Magento's own configuration `[D]`: it only supports patterns of tags.
fn magento(kind: TargetKind) -> Option<Way> {
    let purge =
        |pattern| way("PURGE", "/", &[("x-magento-tags-pattern", pattern)]).mark(BY_VARNISH);
    match kind {
        TargetKind::Tag => Some(purge("(^|,)({tags_regex})(,|$)")),
        TargetKind::Everything => Some(purge(".*")),
        TargetKind::File | TargetKind::Directory | TargetKind::Host => None,
    }
}

/// Souin's API at its default path, which always answers 204; its keys are `GET-http-HOST-PATH` `[D]`.
fn souin(kind: TargetKind) -> Way {
    let purge = |target, headers: &[(&str, &str)]| {
        way("PURGE", target, headers).confirm(Confirm {
            status: Some(vec![204]),
            ..Confirm::default()
        })
    };
    let api = "/souin-api/souin";
    match kind {
        TargetKind::File => purge(
            &format!("{api}/.+-{{host_regex}}-{{path_query_regex}}$"),
            &[],
        ),
        TargetKind::Directory => purge(&format!("{api}/.+-{{host_regex}}-{{path_regex}}.*"), &[]),
        TargetKind::Host => purge(&format!("{api}/.+-{{host_regex}}-/.*"), &[]),
        TargetKind::Everything => purge(&format!("{api}/flush"), &[]),
        TargetKind::Tag => purge(api, &[("surrogate-key", "{tags}")]).separated(", "),
    }
}
