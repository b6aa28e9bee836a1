//! What is asked, of whom, and how.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{Encoding, Settings};
use crate::entry::{EntryKey, Generation};
use crate::transport::dns::MAX_ADDRESSES;
use crate::transport::fetch::Connect;
use crate::transport::{Method, Request};
use crate::url::CdnUrl;

/// What users must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The bytes of this content id.
    Content(Generation),
    /// Nothing: 404 or 410.
    Gone,
    /// Nobody declares which bytes.
    Anything,
}

/// One URL, and the entry that it speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub key: EntryKey,
    /// The entry's own, or one of what its purge took.
    pub url: CdnUrl,
    pub wanted: Wanted,
    pub earlier: Vec<Generation>,
    pub since: Option<DateTime<Utc>>,
}

impl Question {
    pub(super) fn other_url(&self) -> Option<&str> {
        (self.key.target.url() != Some(&self.url)).then(|| self.url.as_str())
    }

    /// The request, just as a user's: nothing in it asks a cache to step aside.
    pub(super) fn request(&self, accept_encoding: Encoding) -> Request {
        Request {
            method: Method::Get,
            url: self.url.as_str().to_owned(),
            headers: vec![
                ("accept", "*/*".into()),
                ("accept-encoding", accept_encoding.as_str().into()),
            ],
            body: Vec::new(),
        }
    }
}

/// Every way in which a question is asked: each edge, those to which resolvers led among them, and each
/// encoding.
pub(super) fn way(
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

/// Most ways in which one question is asked.
pub fn most_ways(settings: &Settings) -> usize {
    let edges = settings.edges.len() + settings.resolvers.len() * MAX_ADDRESSES;
    edges.max(1) * settings.accept_encoding.len()
}
