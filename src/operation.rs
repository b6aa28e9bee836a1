//! What one request purges, and what runs at the CDN after it was accepted. The plan makes
//! operations, a provider turns them into requests, the state remembers their outcome.

pub mod sweep;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::entry::{EntryKey, Generation, Target};
use crate::url::CdnUrl;

/// A target as one API sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// A request holds items of one group; groups are sent in their order.
    pub group: Arc<str>,
    /// What the request contains: equal keys of one group are one item.
    pub key: Arc<str>,
    /// The target; if several targets are one item, the first one.
    pub target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    pub key: EntryKey,
    /// The generation it reaches when the purge is confirmed; `None` for a deletion.
    pub generation: Option<Generation>,
    pub item: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// A UUID v7, made before the request is sent; an API with idempotent requests gets it too.
    pub id: String,
    pub endpoint: Arc<str>,
    /// All of one group, each key once.
    pub items: Vec<Item>,
    pub serves: Vec<Serve>,
}

/// What the CDN runs after it accepted a request. Stored in the state, so it must contain everything to
/// poll it from another process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The CDN's id, for people and for the CDN's support.
    pub id: String,
    /// Whatever else the provider needs to poll it; only the provider reads it.
    #[serde(default, skip_serializing_if = "serde_json::Value::is_null")]
    pub details: serde_json::Value,
}

impl Operation {
    pub fn entries(&self) -> Vec<(EntryKey, Option<Generation>)> {
        let entries = self.serves.iter();
        entries
            .map(|serve| (serve.key.clone(), serve.generation.clone()))
            .collect()
    }

    /// Directories that are purged instead of the entries below them.
    pub fn directories(&self) -> Vec<CdnUrl> {
        let covered = self.serves.iter().filter_map(|serve| {
            let target = &self.items.get(serve.item)?.target;
            match target {
                Target::Directory(url) if *target != serve.key.target => Some(url.clone()),
                Target::Directory(_)
                | Target::File(_)
                | Target::Tag(_)
                | Target::Host(_)
                | Target::Everything => None,
            }
        });
        let mut directories: Vec<_> = covered.collect();
        directories.dedup();
        directories
    }

    /// Splits the items between two operations with new ids, which are derived from the original one.
    pub fn split(self, in_first: impl Fn(usize, &Item) -> bool) -> (Self, Self) {
        let part = |number: u8| Self {
            id: format!("{}.{number}", self.id),
            endpoint: self.endpoint.clone(),
            items: Vec::new(),
            serves: Vec::new(),
        };
        let mut parts = [part(1), part(2)];
        let mut places = Vec::with_capacity(self.items.len());
        for (index, item) in self.items.into_iter().enumerate() {
            let part = usize::from(!in_first(index, &item));
            places.push((part, parts[part].items.len()));
            parts[part].items.push(item);
        }
        for serve in self.serves {
            let (part, item) = places[serve.item];
            parts[part].serves.push(Serve { item, ..serve });
        }
        parts.into()
    }
}

/// The items that serve these entries, by group and target without duplicates, and what each serves.
pub fn itemize(mut entries: Vec<(Item, EntryKey, Option<Generation>)>) -> (Vec<Item>, Vec<Serve>) {
    entries.sort_by(|(a, a_key, _), (b, b_key, _)| {
        (&a.group, &a.target, a_key).cmp(&(&b.group, &b.target, b_key))
    });
    let mut items: Vec<Item> = Vec::new();
    let mut serves = Vec::with_capacity(entries.len());
    let mut known: HashMap<(Arc<str>, Arc<str>), usize> = HashMap::with_capacity(entries.len());
    for (item, key, generation) in entries {
        let next = items.len();
        let index = *known
            .entry((item.group.clone(), item.key.clone()))
            .or_insert(next);
        if index == next {
            items.push(item);
        }
        serves.push(Serve {
            key,
            generation,
            item: index,
        });
    }
    serves.sort_by_key(|serve| serve.item);
    (items, serves)
}
