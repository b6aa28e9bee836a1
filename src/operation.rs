//! What one request purges, and what runs at the CDN after it was accepted. The plan makes
//! operations, a provider turns them into requests, the state remembers what became of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation, Target};

/// A target as one API sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// A request holds items of one group only, and groups are sent in their order.
    pub group: Arc<str>,
    /// What goes into the request: equal keys of one group are one item.
    pub key: Arc<str>,
    /// The target; the first one in order, where several are one item.
    pub target: Target,
    /// Bytes that it adds to a request, for APIs that limit those.
    pub bytes: usize,
}

/// An entry that an operation serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// The entry.
    pub key: EntryKey,
    /// The generation it reaches when the purge is confirmed; `None` for a deletion.
    pub generation: Option<Generation>,
    /// Index of the item that serves it.
    pub item: usize,
}

/// One request, with all that it serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Given before the request is sent (UUID v7); an API with idempotent requests gets it too.
    pub id: String,
    /// Name of the endpoint.
    pub endpoint: Arc<str>,
    /// Of one group, each key once.
    pub items: Vec<Item>,
    /// Every entry once.
    pub serves: Vec<Serve>,
}

/// What the CDN runs after a request was accepted. Kept in the state, so it must be enough to ask
/// about it from another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id in the CDN's words, for people and for the CDN's support.
    pub id: String,
    /// Whatever else the provider needs to ask about it; only the provider reads it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub details: serde_json::Value,
}
