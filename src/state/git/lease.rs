//! [io] The lease on a ref: valid until the time in the last commit.

use std::sync::Arc;
use std::time::Duration;

use super::inner::{Inner, locked};
use crate::state::{Lease, Seq, StateError};

#[derive(Debug)]
pub(super) struct GitLease {
    pub(super) inner: Arc<Inner>,
    pub(super) epoch: u64,
    pub(super) ttl: Duration,
}

impl GitLease {
    /// Commits a renewal, or the end of the lease if `ttl` is `None`.
    fn change(&self, ttl: Option<Duration>, what: &str) -> Result<(), StateError> {
        let inner = &self.inner;
        inner.change(&mut locked(&inner.seen), "lock", |at| {
            let seq: Seq = at.head.seq;
            let next = inner.under_lease(at, (self.epoch, ttl), (seq, &[]), false)?;
            Ok(next.map(|mut next| {
                what.clone_into(&mut next.message);
                next
            }))
        })
    }
}

impl Lease for GitLease {
    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn left(&self) -> Option<Duration> {
        Some(self.inner.left(self.epoch))
    }

    fn lasts(&self) -> Option<Duration> {
        Some(self.ttl)
    }

    fn lost(&self) -> bool {
        !self.inner.has(self.epoch)
    }

    fn renew(&self) -> Result<(), StateError> {
        self.change(Some(self.ttl), "purgit: keeps the lock")
    }
}

impl Drop for GitLease {
    /// Ends the lease early; otherwise it would expire by itself.
    fn drop(&mut self) {
        let held = locked(&self.inner.held).take_if(|held| *held == self.epoch);
        if held.is_some() && self.inner.has(self.epoch) {
            let _ = self.change(None, "purgit: gives the lock back");
        }
    }
}
