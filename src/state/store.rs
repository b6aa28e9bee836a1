//! The port to a state's storage: a snapshot, the records after it, and a lease for the writer.
//!
//! Records are numbered without gaps over the whole life of a state ([`State::serial`]). An append
//! names the number it follows and its lease, so an outdated writer is always fenced off.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Held, Holder, Record, State, StateError};

/// Number of a record; 0 is before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    #[must_use]
    pub fn after(self, count: usize) -> Self {
        Self(self.0.saturating_add(count as u64))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The snapshot with all later records applied; the default state if nothing was ever recorded.
    pub state: Arc<State>,
    pub seq: Seq,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Tail {
    Records(Vec<Record>),
    /// They are already folded into the snapshot.
    Reload,
}

/// Identifies a state in a store, so that two can be compared without reading them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(pub Vec<u8>);

/// The right to write for a limited time. Released when dropped.
pub trait Lease: fmt::Debug + Send + Sync {
    /// Increases with every lease of the same state.
    fn epoch(&self) -> u64;

    /// How long it certainly lasts; `None` if as long as this process.
    fn left(&self) -> Option<Duration>;

    /// Its full duration when taken or renewed; `None` as for [`Self::left`].
    fn lasts(&self) -> Option<Duration> {
        None
    }

    /// Whether it is lost, as far as known without a network.
    fn lost(&self) -> bool;

    /// Renews it for its full duration; [`StateError::Fenced`] if it was lost.
    fn renew(&self) -> Result<(), StateError>;
}

/// Keeps one state. Calls block; callers in async code use a blocking thread.
pub trait StateStore: fmt::Debug + Send + Sync {
    fn place(&self) -> String;

    /// Reads the newest state. Needs no lease.
    fn load(&self) -> Result<Loaded, StateError>;

    /// What was recorded after `from`. Needs no lease.
    fn tail(&self, from: Seq) -> Result<Tail, StateError>;

    /// Takes the right to write for `ttl`; [`StateError::Locked`] if somebody else holds it.
    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError>;

    fn held(&self) -> Result<Option<Held>, StateError>;

    /// Breaks the lease with this number; its holder is then fenced off. Returns false if nobody
    /// holds it.
    fn break_lease(&self, epoch: u64) -> Result<bool, StateError>;

    /// Adds records after number `at`: all of them, durably, or none. Returns the last number.
    ///
    /// # Errors
    /// [`StateError::Fenced`] if the lease was lost or `at` is not the last number; nothing is
    /// added then. After any other error the records may have been written or not.
    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError>;

    /// Folds the records up to `upto`, the last number, into the snapshot. Fails like
    /// [`Self::append`].
    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError>;

    /// Appends the last records of a lease, folds if `folds`, and releases the lease. Fails like
    /// [`Self::append`]. A backend overrides it if one step saves time.
    fn release(
        &self,
        lease: &dyn Lease,
        at: Seq,
        records: &[Record],
        folds: bool,
    ) -> Result<Seq, StateError> {
        let seq = match records {
            [] => at,
            records => self.append(lease, at, records)?,
        };
        if folds {
            self.compact(lease, seq)?;
        }
        Ok(seq)
    }

    /// Appends records under a lease taken only for them. Fails like [`Self::lease`] and
    /// [`Self::append`]. A backend overrides it if one step saves time.
    fn append_alone(
        &self,
        holder: &Holder,
        ttl: Duration,
        at: Seq,
        records: &[Record],
        folds: bool,
    ) -> Result<Seq, StateError> {
        let lease = self.lease(holder, ttl)?;
        self.release(&*lease, at, records, folds)
    }

    /// How many intents to record before the first of their requests is sent: 1 if an append is quick.
    fn ahead(&self) -> usize {
        1
    }

    /// A warning about the last read.
    fn warning(&self) -> Option<String> {
        None
    }

    /// Identifies the state that this handle last read or wrote; `None` if it cannot tell.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether the store still holds the state of a stamp from any handle. If so, records can be
    /// appended without loading it.
    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let _ = stamp;
        Ok(false)
    }
}
