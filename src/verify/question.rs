//! What is asked, of whom, and how.

use chrono::{DateTime, Utc};

use super::{Encoding, Settings};
use crate::entry::{EntryKey, Generation};
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

/// Every way in which a question is asked: each edge, each encoding.
pub fn way(settings: &Settings) -> Vec<(Option<Connect>, Encoding)> {
    let named = settings.edges.is_empty().then_some(None);
    let edges = settings.edges.iter().copied().map(Some).chain(named);
    let both = |edge| {
        settings
            .accept_encoding
            .iter()
            .map(move |encoding| (edge, *encoding))
    };
    edges.flat_map(both).collect()
}
