//! A lease that expires when a test advances the time.

use std::time::Duration;

use super::MemoryStore;
use crate::state::{Lease, StateError};

/// A lease that one handle holds.
#[derive(Debug)]
pub(super) struct MemoryLease {
    pub(super) store: MemoryStore,
    pub(super) epoch: u64,
    pub(super) ttl: Duration,
}

impl Lease for MemoryLease {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn left(&self) -> Option<Duration> {
        let held = self.store.kept();
        if !held.has(self) {
            return Some(Duration::ZERO);
        }
        held.ends.map(|ends| ends.saturating_sub(held.now))
    }

    fn lost(&self) -> bool {
        !self.store.kept().has(self)
    }

    fn renew(&self) -> Result<(), StateError> {
        let mut held = self.store.kept();
        if !held.has(self) {
            return Err(self.store.fenced());
        }
        held.ends = held.now.checked_add(self.ttl);
        Ok(())
    }
}

impl Drop for MemoryLease {
    fn drop(&mut self) {
        let mut held = self.store.kept();
        if held.has(self) {
            held.holder = None;
        }
    }
}
