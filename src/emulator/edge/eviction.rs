//! What a purge removes from the edge's cache.
//!
//! Keys are compared byte by byte, as in real caches: `/dir`, `/dir/` and `/dir/index.html` are three keys,
//! and so are raw and percent-encoded spellings; [`Matching`] is for CDNs that are less exact. The scheme is
//! not part of a key.

use regex::Regex;

/// What one target of a purge removes from the edge's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eviction {
    /// `None` for every host.
    host: Option<String>,
    reach: Reach,
    matching: Matching,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reach {
    Exactly(String),
    /// All paths with this prefix, whether or not a segment ends there.
    Below(String),
    Tag(String),
    /// All paths, with their queries, that match a regular expression.
    Pattern(String),
    All,
    Nothing,
}

/// How an API's purges find what is cached; by default byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Matching {
    /// In paths and tags.
    pub ignore_case: bool,
    /// A path matches with every query.
    pub ignore_query: bool,
    /// A host matches on every port.
    pub ignore_port: bool,
}

impl Matching {
    pub(in crate::emulator) const IGNORE_CASE: Self = Self {
        ignore_case: true,
        ignore_query: false,
        ignore_port: false,
    };
}

impl Eviction {
    fn new(host: Option<String>, reach: Reach) -> Self {
        Self {
            host,
            reach,
            matching: Matching::default(),
        }
    }

    /// Exactly this URL: absolute, without its scheme, or a path on every host.
    pub fn url(url: &str) -> Self {
        let (host, target) = split(url);
        Self::new(host, Reach::Exactly(target))
    }

    /// Everything with this prefix, written as for [`Eviction::url`].
    pub fn prefix(url: &str) -> Self {
        let (host, target) = split(url);
        Self::new(host, Reach::Below(target))
    }

    /// Everything of a host whose path and query match a regular expression; nothing if it is invalid.
    pub fn pattern(host: &str, pattern: &str) -> Self {
        let host = Some(host.to_ascii_lowercase());
        Self::new(host, Reach::Pattern(pattern.to_owned()))
    }

    pub fn tag(tag: &str) -> Self {
        Self::new(None, Reach::Tag(tag.to_owned()))
    }

    pub fn host(host: &str) -> Self {
        Self::new(Some(host.to_ascii_lowercase()), Reach::All)
    }

    pub fn everything() -> Self {
        Self::new(None, Reach::All)
    }

    /// For purges that are accepted and have no effect.
    pub fn nothing() -> Self {
        Self::new(None, Reach::Nothing)
    }

    #[must_use]
    pub fn matching(self, matching: Matching) -> Self {
        Self { matching, ..self }
    }

    /// Whether it removes what the edge holds for that host (in lower case, with the port unless it is the
    /// default), path and query, with these tags.
    pub fn takes(&self, host: &str, target: &str, tags: &[String]) -> bool {
        let rules = self.matching;
        let case = |text: &str| match rules.ignore_case {
            true => text.to_lowercase(),
            false => text.to_owned(),
        };
        let path = |target: &str| match target.split_once('?') {
            Some((path, _)) if rules.ignore_query => case(path),
            Some(_) | None => case(target),
        };
        let name = |host: &str| match host.rsplit_once(':') {
            Some((name, port)) if rules.ignore_port && !port.contains(']') => name.to_owned(),
            Some(_) | None => host.to_owned(),
        };
        let own = self.host.as_deref();
        own.is_none_or(|own| name(own) == name(host))
            && match &self.reach {
                Reach::Exactly(own) => path(own) == path(target),
                Reach::Below(front) => case(target).starts_with(&path(front)),
                Reach::Tag(tag) => tags.iter().any(|found| case(found) == case(tag)),
                Reach::Pattern(pattern) => {
                    Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(target))
                }
                Reach::All => true,
                Reach::Nothing => false,
            }
    }
}

/// The host, if any, and what follows.
fn split(url: &str) -> (Option<String>, String) {
    if url.starts_with('/') {
        return (None, url.to_owned());
    }
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let default_port = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else {
        ":80"
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = authority.strip_suffix(default_port).unwrap_or(authority);
    let slash = if tail.starts_with('/') { "" } else { "/" };
    (Some(host.to_ascii_lowercase()), format!("{slash}{tail}"))
}
