//! What the edge holds, and which purges will reach it. Pure except for tokio's clock.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::behaviour::Behaviour;
use super::eviction::Eviction;

/// Bytes of bodies held; the oldest go first. Enough for a demo site.
pub const MAX_CACHE_BYTES: usize = 64 * 1024 * 1024;

/// The host in lower case, with the port unless it is the default; then path and query as received.
pub(super) type Key = (String, String);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Object {
    pub(super) content_type: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) body: Bytes,
}

impl IntoResponse for Object {
    fn into_response(self) -> Response {
        let mut response = Response::new(self.body.into());
        if let Some(Ok(content_type)) = self.content_type.as_deref().map(HeaderValue::from_str) {
            response.headers_mut().insert(CONTENT_TYPE, content_type);
        }
        response
    }
}

#[derive(Debug, Default)]
pub(in crate::emulator) struct EdgeCache {
    objects: BTreeMap<Key, (Object, Instant)>,
    bytes: usize,
    /// Purges by the instant they take effect, numbered because several may have the same instant.
    pending: BTreeMap<(Instant, u64), Eviction>,
    purges: u64,
    /// Counts purges that took effect, so that a fetch that began before one is not stored after it.
    epoch: u64,
    behaviour: Behaviour,
}

/// Proof that a fetch began after all purges so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(u64);

impl EdgeCache {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            ..Self::default()
        }
    }

    /// Lets a purge take effect at `when`, plus this edge's lag.
    pub(in crate::emulator) fn evict_at(&mut self, when: Instant, eviction: Eviction) {
        if !self.behaviour.deaf {
            self.purges += 1;
            let when = when + self.behaviour.lag;
            self.pending.insert((when, self.purges), eviction);
        }
    }

    /// The object and its age in seconds, or a ticket to fetch it.
    pub(super) fn get(&mut self, key: &Key, now: Instant) -> Result<(Object, u64), Ticket> {
        self.settle(now);
        let (object, stored) = self.objects.get(key).ok_or(Ticket(self.epoch))?;
        let age = now.saturating_duration_since(*stored).as_secs();
        Ok((object.clone(), age))
    }

    /// Stores what was fetched, unless a purge took effect meanwhile: the bytes may be older. An edge that
    /// races stores them all the same.
    pub(super) fn put(&mut self, key: Key, object: Object, ticket: Ticket, now: Instant) {
        self.settle(now);
        if ticket.0 != self.epoch && !self.behaviour.races {
            return;
        }
        self.bytes += object.body.len();
        if let Some((replaced, _)) = self.objects.insert(key, (object, now)) {
            self.bytes -= replaced.body.len();
        }
        while self.bytes > MAX_CACHE_BYTES {
            let oldest = self.objects.iter().min_by_key(|(_, (_, stored))| stored);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else {
                return;
            };
            if let Some((removed, _)) = self.objects.remove(&key) {
                self.bytes -= removed.body.len();
            }
        }
    }

    fn settle(&mut self, now: Instant) {
        while let Some(first) = self.pending.first_entry()
            && first.key().0 <= now
        {
            let eviction = first.remove();
            self.epoch += 1;
            self.objects.retain(|key, (object, _)| {
                let is_evicted = eviction.takes(&key.0, &key.1, &object.tags);
                self.bytes -= if is_evicted { object.body.len() } else { 0 };
                !is_evicted
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_fetch_that_a_purge_overtook_is_not_stored() {
        let now = Instant::now();
        let key = ("h".to_owned(), "/a".to_owned());
        let mut cache = EdgeCache::default();
        let ticket = cache.get(&key, now).unwrap_err();
        cache.evict_at(now, Eviction::url("http://h/a"));
        cache.put(key.clone(), Object::default(), ticket, now);
        let ticket = cache.get(&key, now).unwrap_err();
        cache.put(key.clone(), Object::default(), ticket, now);
        assert!(cache.get(&key, now).is_ok());
    }

    #[test]
    fn an_edge_that_races_stores_it_all_the_same() {
        let now = Instant::now();
        let key = ("h".to_owned(), "/a".to_owned());
        let mut cache = EdgeCache::new("race".parse().unwrap());
        let ticket = cache.get(&key, now).unwrap_err();
        cache.evict_at(now, Eviction::url("http://h/a"));
        cache.put(key.clone(), Object::default(), ticket, now);
        assert!(cache.get(&key, now).is_ok());
        // What is there when a purge comes goes.
        cache.evict_at(now, Eviction::url("http://h/a"));
        assert!(cache.get(&key, now).is_err());
    }

    #[test]
    fn the_oldest_make_room() {
        let now = Instant::now();
        let half = Object {
            body: vec![0; MAX_CACHE_BYTES / 2].into(),
            ..Object::default()
        };
        let mut cache = EdgeCache::default();
        let keys = ["/c", "/b", "/a"].map(|path| ("h".to_owned(), path.to_owned()));
        for (key, millis) in keys.iter().zip(0..) {
            let now = now + Duration::from_millis(millis);
            let ticket = cache.get(key, now).unwrap_err();
            cache.put(key.clone(), half.clone(), ticket, now);
        }
        let kept = keys.map(|key| cache.get(&key, now).is_ok());
        assert_eq!(kept, [false, true, true]);
        assert_eq!(cache.bytes, MAX_CACHE_BYTES);
    }
}
