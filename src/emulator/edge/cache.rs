//! What the edge holds, and which purges are still to reach it. Pure but for tokio's clock.
//!
//! Keys are bytes, as in real caches: `/dir`, `/dir/` and `/dir/index.html` are three entries, and so
//! are raw and percent-encoded spellings. The scheme is no part of the key `[?]`.

use std::collections::{BTreeMap, VecDeque};

use axum::body::Bytes;
use tokio::time::Instant;

use crate::emulator::items::Kind;

/// Bytes of bodies held; the oldest entries go first. Room for a demo site, not for a memory hog.
pub const MAX_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// What is remembered of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) content_type: Option<String>,
    pub(crate) body: Bytes,
}

#[derive(Debug)]
struct Entry {
    object: Object,
    stored: Instant,
}

/// The cache of one edge.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: BTreeMap<String, Entry>,
    /// Keys in the order stored; may name keys that are gone.
    order: VecDeque<(String, Instant)>,
    bytes: usize,
    /// Purges by the instant they take effect; the number keeps apart what falls on one instant.
    pending: BTreeMap<(Instant, u64), Eviction>,
    purges: u64,
    /// Counts purges that took effect, so that a fetch that began before one is not stored after it.
    epoch: u64,
}

#[derive(Debug)]
struct Eviction {
    kind: Kind,
    key: String,
}

/// Proof that a fetch began after all purges so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

impl Cache {
    /// Lets a purge of `url` take effect at `when`.
    pub(crate) fn evict_at(&mut self, when: Instant, kind: Kind, url: &str) {
        self.purges += 1;
        let key = key_of_url(url);
        self.pending
            .insert((when, self.purges), Eviction { kind, key });
    }

    /// The object and its age in seconds, or leave to fetch it.
    pub(crate) fn get(&mut self, key: &str, now: Instant) -> Result<(Object, u64), Ticket> {
        self.settle(now);
        match self.entries.get(key) {
            Some(entry) => {
                let age = now.saturating_duration_since(entry.stored).as_secs();
                Ok((entry.object.clone(), age))
            }
            None => Err(Ticket(self.epoch)),
        }
    }

    /// Stores what was fetched, unless a purge took effect meanwhile: the bytes may be from before.
    pub(crate) fn put(&mut self, key: String, object: Object, ticket: Ticket, now: Instant) {
        self.settle(now);
        if ticket.0 != self.epoch || object.body.len() > MAX_CACHE_BYTES {
            return;
        }
        self.bytes += object.body.len();
        self.order.push_back((key.clone(), now));
        let entry = Entry {
            object,
            stored: now,
        };
        if let Some(replaced) = self.entries.insert(key, entry) {
            self.bytes -= replaced.object.body.len();
        }
        while self.bytes > MAX_CACHE_BYTES
            && let Some((oldest, stored)) = self.order.pop_front()
        {
            if self
                .entries
                .get(&oldest)
                .is_some_and(|entry| entry.stored == stored)
            {
                self.remove(&oldest);
            }
        }
    }

    /// Applies the purges that are due.
    fn settle(&mut self, now: Instant) {
        while let Some(first) = self.pending.first_entry()
            && first.key().0 <= now
        {
            let Eviction { kind, key } = first.remove();
            self.epoch += 1;
            match kind {
                Kind::File => self.remove(&key),
                Kind::Directory => {
                    // Some clients leave the last slash out; `/res` must not mean `/resources`.
                    let front = format!("{}/", key.trim_end_matches('/'));
                    let below: Vec<String> = self
                        .entries
                        .range(front.clone()..)
                        .map(|(found, _)| found)
                        .take_while(|found| found.starts_with(&front))
                        .cloned()
                        .collect();
                    for found in below {
                        self.remove(&found);
                    }
                }
            }
        }
        if self.entries.is_empty() {
            self.order.clear();
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.object.body.len();
        }
    }
}

/// The key of a request: lower-case host with port, path and query as received.
pub(crate) fn key(host: &str, path_and_query: &str) -> String {
    format!("{}{path_and_query}", host.to_ascii_lowercase())
}

/// The key that a purged URL means.
fn key_of_url(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let default_port = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else {
        ":80"
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = authority.strip_suffix(default_port).unwrap_or(authority);
    let slash = if tail.starts_with('/') { "" } else { "/" };
    key(host, &format!("{slash}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_urls() {
        assert_eq!(key_of_url("http://Example.com:80/A?b"), "example.com/A?b");
        assert_eq!(key_of_url("https://example.com:80"), "example.com:80/");
        assert_eq!(key_of_url("http://127.0.0.1:8080?x"), "127.0.0.1:8080/?x");
    }

    #[test]
    fn a_fetch_that_a_purge_overtook_is_not_stored() {
        let now = Instant::now();
        let object = Object {
            content_type: None,
            body: Bytes::from_static(b"old"),
        };
        let mut cache = Cache::default();
        let ticket = cache.get("h/a", now).unwrap_err();
        cache.evict_at(now, Kind::File, "http://h/a");
        cache.put("h/a".into(), object.clone(), ticket, now);
        let ticket = cache.get("h/a", now).unwrap_err();
        cache.put("h/a".into(), object, ticket, now);
        assert!(cache.get("h/a", now).is_ok());
    }

    #[test]
    fn the_oldest_make_room() {
        let now = Instant::now();
        let half = Object {
            content_type: None,
            body: vec![0; MAX_CACHE_BYTES / 2].into(),
        };
        let mut cache = Cache::default();
        for key in ["a", "b", "c"] {
            let ticket = cache.get(key, now).unwrap_err();
            cache.put(key.into(), half.clone(), ticket, now);
        }
        assert!(
            cache.get("a", now).is_err()
                && cache.get("b", now).is_ok()
                && cache.get("c", now).is_ok()
        );
        assert_eq!(cache.bytes, MAX_CACHE_BYTES);
    }
}
