//! The questions to edges: URL, variant, address and encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Utc};

use super::{Encoding, Settings};
use crate::entry::{EntryKey, Generation};
use crate::transport::dns::MAX_ADDRESSES;
use crate::transport::fetch::Connect;
use crate::transport::node::interned;
use crate::transport::{Method, Request};
use crate::url::CdnUrl;

const ACCEPT_ENCODING: &str = "accept-encoding";

/// Request header fields for which a cache keeps a separate answer. In lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Variant(BTreeMap<String, String>);

impl Variant {
    /// The distinct variants of these sets of header fields; the empty one if there are none. Encodings are
    /// left out, since all are asked for anyway.
    pub fn all<'s>(sets: impl IntoIterator<Item = &'s BTreeMap<String, String>>) -> Vec<Self> {
        let variant = |set: &BTreeMap<String, String>| {
            let fields = set.iter();
            let fields = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
            Self(fields.filter(|(name, _)| name != ACCEPT_ENCODING).collect())
        };
        let all: BTreeSet<_> = sets.into_iter().map(variant).collect();
        match all.is_empty() {
            true => vec![Self::default()],
            false => all.into_iter().collect(),
        }
    }

    /// Sets the header fields of a request.
    pub fn put_into(&self, request: &mut Request) {
        request
            .headers
            .retain(|(name, _)| !self.0.contains_key(*name));
        let own = self.0.iter();
        let own = own.map(|(name, value)| (interned(name), value.as_str().into()));
        request.headers.extend(own);
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        f.write_str(&fields.join(", "))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The bytes of this content id.
    Content(Generation),
    /// Nothing: 404 or 410.
    Gone,
    /// The bytes are not declared.
    Anything,
}

/// One URL, and the entry that it represents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub key: EntryKey,
    /// The entry's own, or one that its purge covers.
    pub url: CdnUrl,
    pub wanted: Wanted,
    pub earlier: Vec<Generation>,
    pub since: Option<DateTime<Utc>>,
    pub variant: Variant,
}

impl Question {
    pub(super) fn other_url(&self) -> Option<&str> {
        (self.key.target.url() != Some(&self.url)).then(|| self.url.as_str())
    }

    /// The same request as a user's: nothing in it bypasses caches.
    pub(super) fn request(&self, accept_encoding: Encoding) -> Request {
        let mut request = Request {
            method: Method::Get,
            url: self.url.as_str().to_owned(),
            headers: vec![
                ("accept", "*/*".into()),
                (ACCEPT_ENCODING, accept_encoding.as_str().into()),
            ],
            body: Vec::new(),
        };
        self.variant.put_into(&mut request);
        request
    }

    pub(super) fn other_variant(&self) -> Option<String> {
        (self.variant != Variant::default()).then(|| self.variant.to_string())
    }
}

/// Every combination of edge and encoding; `found` are the edges that resolvers gave.
pub(super) fn ways(
    settings: &Settings,
    found: &BTreeSet<Connect>,
) -> Vec<(Option<Connect>, Encoding)> {
    let named = settings.edges.is_empty() && settings.resolvers.is_empty();
    let edges = settings.edges.iter().chain(found).copied().map(Some);
    let edges: BTreeSet<_> = edges.chain(named.then_some(None)).collect();
    let both = |edge| {
        settings
            .accept_encoding
            .iter()
            .map(move |encoding| (edge, *encoding))
    };
    edges.into_iter().flat_map(both).collect()
}

/// Most requests for one question.
pub fn most_ways(settings: &Settings) -> usize {
    let edges = settings.edges.len() + settings.resolvers.len() * MAX_ADDRESSES;
    edges.max(1) * settings.accept_encoding.len()
}
