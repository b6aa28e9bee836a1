//! `[io]` The state on its own git ref, here and on a remote, so CI commits nothing to a branch.
//!
//! ```text
//! refs/purgit/state ─▶ commit ─▶ store.json           {"version":2,"seq":44,"lease":{…},…}
//!                        │       state.json            the snapshot, as in a file
//!                        │       journal/0…042         later records: one line per append
//!                        ▼       journal/0…044
//!                      commit    the state before the last append
//! ```
//! The tree of the last commit is the whole state; older commits are history for people. Each append is
//! one commit and, with a remote, one push. The push is the compare-and-swap: of two writers on the same
//! commit one is refused, looks again, and finds that it is fenced off. So:
//!
//! - **Leases.** `store.json` says who may write, with which epoch, and until when. Each append renews the
//!   lease. Machines' clocks differ, so another machine takes over [`SKEW`] later than the lease says. If
//!   even that is too early, the slower writer's next push is refused: requests in flight may be purged
//!   twice, but nothing is lost.
//! - **Few round trips.** A change is made on top of the last known commit, and the remote is asked only
//!   if the push fails. [`StateStore::release`] records, folds and ends the lease in one commit;
//!   [`StateStore::append_alone`] takes and ends a lease in one commit; [`StateStore::ahead`] records
//!   intents in advance.
//! - **Bounded growth.** Many records are folded into the snapshot; a small change leaves a large snapshot
//!   alone. Every [`MAX_COMMITS`] commits the history restarts with a commit without parents. Readers of
//!   the old history see another snapshot and reload.
//! - **Without a network** reads use the last fetch, with a warning. Writes fail.

mod contents;
mod head;
mod inner;
mod lease;
mod position;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Held, Holder, Lease, Loaded, Record, Seq, Stamp, StateError, StateStore, Tail};
use crate::clock::Clock;
use crate::git::own_ref::OwnRef;
use head::LeasePart;
use inner::{Inner, locked};
use lease::GitLease;

/// Commits after which the ref's history restarts: weeks of runs, and a fetch of a few hundred objects.
pub const MAX_COMMITS: u64 = 400;

/// Largest clock difference at which a lease is not taken over too early. Machines that sync their
/// clocks are within a second.
pub const SKEW: Duration = Duration::from_secs(30);

/// How long the remote's last answer counts as current, for steps that notice if it is not.
pub const FRESH: Duration = Duration::from_secs(3);

/// Intents recorded ahead if there is a remote: one round trip then covers the requests of a second or
/// more. After a crash at most these are in doubt.
const AHEAD: usize = 256;

/// Attempts to make a change on top of what other writers pushed.
const ATTEMPTS: usize = 20;

#[derive(Debug)]
pub struct GitStore {
    inner: Arc<Inner>,
}

impl GitStore {
    /// A store on that ref of the repository that contains `root`. Does not touch the ref yet.
    pub fn open(
        root: &Path,
        name: &str,
        remote: Option<&str>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StateError> {
        let own = OwnRef::open(root, name, remote).map_err(|source| StateError::Git {
            action: "find",
            place: name.to_owned(),
            source: Arc::new(source),
        })?;
        let inner = Inner {
            own,
            clock,
            fresh: FRESH,
            seen: Mutex::default(),
            head: Mutex::default(),
            held: Mutex::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Replaces [`FRESH`], for tests.
    #[must_use]
    pub fn asking_after(self, fresh: Duration) -> Self {
        match Arc::try_unwrap(self.inner) {
            Ok(inner) => Self {
                inner: Arc::new(Inner { fresh, ..inner }),
            },
            Err(inner) => Self { inner },
        }
    }
}

impl StateStore for GitStore {
    fn place(&self) -> String {
        self.inner.own.place()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        let mut seen = locked(&self.inner.seen);
        let position = self.inner.look(&mut seen)?;
        let state = Arc::new(self.inner.state(position)?);
        let (seq, stamp) = (position.head.seq, position.stamp());
        seen.stamp = Some(stamp);
        Ok(Loaded { state, seq })
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        let mut seen = locked(&self.inner.seen);
        let position = self.inner.look(&mut seen)?;
        let head = &position.head;
        if from < head.snapshot || from > head.seq {
            return Ok(Tail::Reload);
        }
        let known = usize::try_from(from.0 - head.snapshot.0).unwrap_or(usize::MAX);
        let records = self.inner.records(position)?.into_iter().skip(known);
        Ok(Tail::Records(records.collect()))
    }

    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError> {
        let inner = &self.inner;
        let mut seen = locked(&inner.seen);
        inner.change(&mut seen, "lock", |at| {
            let now = inner.clock.now();
            at.head.free(now)?;
            let mut next = at.same(format!("purgit {}: takes the lock", holder.command));
            next.head.epoch += 1;
            next.head.lease = Some(LeasePart::new(holder.clone(), now, ttl));
            Ok(Some(next))
        })?;
        let epoch = seen.at.as_ref().map_or(0, |at| at.head.epoch);
        *locked(&inner.held) = Some(epoch);
        Ok(Box::new(GitLease {
            inner: inner.clone(),
            epoch,
            ttl,
        }))
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        let mut seen = locked(&self.inner.seen);
        let position = self.inner.look(&mut seen)?;
        Ok(position.head.held(self.inner.clock.now()))
    }

    fn break_lease(&self, epoch: u64) -> Result<bool, StateError> {
        let inner = &self.inner;
        let mut seen = locked(&inner.seen);
        inner
            .own
            .refresh(Duration::ZERO)
            .map_err(inner.failed("unlock"))?;
        let broken = AtomicBool::new(false);
        inner.change(&mut seen, "unlock", |at| {
            let held = at.head.held(inner.clock.now());
            let is_held = held.is_some_and(|held| held.epoch == epoch);
            broken.store(is_held, Ordering::Relaxed);
            let mut next = at.same(format!("purgit: takes lock {epoch} away"));
            next.head.lease = None;
            Ok(is_held.then_some(next))
        })?;
        Ok(broken.into_inner())
    }

    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError> {
        let inner = &self.inner;
        let ttl = lease.lasts();
        inner.change(&mut locked(&inner.seen), "write", |position| {
            inner.under_lease(position, (lease.epoch(), ttl), (at, records), false)
        })?;
        Ok(at.after(records.len()))
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        let inner = &self.inner;
        let ttl = lease.lasts();
        inner.change(&mut locked(&inner.seen), "write", |position| {
            let next = inner.under_lease(position, (lease.epoch(), ttl), (upto, &[]), true)?;
            Ok(next.filter(|_| position::folds(&position.files, &position.head, true)))
        })
    }

    fn release(
        &self,
        lease: &dyn Lease,
        at: Seq,
        records: &[Record],
        folds: bool,
    ) -> Result<Seq, StateError> {
        let inner = &self.inner;
        inner.change(&mut locked(&inner.seen), "write", |position| {
            inner.under_lease(position, (lease.epoch(), None), (at, records), folds)
        })?;
        *locked(&inner.held) = None;
        Ok(at.after(records.len()))
    }

    fn append_alone(
        &self,
        holder: &Holder,
        _: Duration,
        at: Seq,
        records: &[Record],
        folds: bool,
    ) -> Result<Seq, StateError> {
        let inner = &self.inner;
        inner.change(&mut locked(&inner.seen), "write", |position| {
            position.head.free(inner.clock.now())?;
            if position.head.seq != at {
                return Err(inner.fenced());
            }
            let is_due = || position::folds(&position.files, &position.head, true);
            if records.is_empty() && !(folds && is_due()) {
                return Ok(None);
            }
            let mut next = inner.with(position, records, folds, &holder.command)?;
            next.head.epoch += 1;
            next.head.lease = None;
            Ok(Some(next))
        })?;
        Ok(at.after(records.len()))
    }

    fn ahead(&self) -> usize {
        match self.inner.own.is_remote() {
            true => AHEAD,
            false => 1,
        }
    }

    fn warning(&self) -> Option<String> {
        locked(&self.inner.seen).warning.clone()
    }

    fn stamp(&self) -> Option<Stamp> {
        locked(&self.inner.seen).stamp.clone()
    }

    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let mut seen = locked(&self.inner.seen);
        let is_same = self.inner.look(&mut seen)?.stamp() == *stamp;
        if is_same {
            seen.stamp = Some(stamp.clone());
        }
        Ok(is_same)
    }
}
