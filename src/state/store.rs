//! The port to where a state is kept: a snapshot, the records since, and a lease for who writes.
//!
//! Records are numbered without gaps over the whole life of a state ([`State::serial`]). An append
//! names the number it follows and the lease it is made under, so a writer who was overtaken is
//! fenced off, whatever it believes. That is all a file, a git ref or an object store needs to offer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Held, Holder, Record, State, StateError};

/// Number of a record; 0 stands before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

impl Seq {
    /// The number `count` records later.
    #[must_use]
    pub fn after(self, count: usize) -> Self {
        Self(self.0.saturating_add(count as u64))
    }
}

/// A state as it was loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The snapshot with all records since; the default state where nothing was ever recorded.
    pub state: Arc<State>,
    /// Number of the last record in it.
    pub seq: Seq,
}

/// What was recorded since a known number.
#[derive(Debug, Clone, PartialEq)]
pub enum Tail {
    /// The records that follow it, in order.
    Records(Vec<Record>),
    /// They are in the snapshot by now.
    Reload,
}

/// Tells one state in a store from another, without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(pub Vec<u8>);

/// The right to write, for a while. Given back when dropped.
pub trait Lease: fmt::Debug + Send + Sync {
    /// Grows with every lease on the same state.
    fn epoch(&self) -> u64;

    /// How long it certainly lasts; `None` when that is as long as this process.
    fn left(&self) -> Option<Duration>;

    /// How long it lasts from when it is taken or prolonged; `None` as for [`Self::left`].
    fn lasts(&self) -> Option<Duration> {
        None
    }

    /// Whether it is known to be lost, as far as that can be told without a network.
    fn lost(&self) -> bool;

    /// Makes it last as long as it did when it was taken.
    ///
    /// # Errors
    /// [`StateError::Fenced`] when it was lost.
    fn renew(&self) -> Result<(), StateError>;
}

/// Keeps one state. Calls block; callers in async code use a blocking thread.
pub trait StateStore: fmt::Debug + Send + Sync {
    /// Where the state is, for messages.
    fn place(&self) -> String;

    /// Reads the newest state. Needs no lease.
    ///
    /// # Errors
    /// [`StateError::Corrupt`], [`StateError::Journal`], [`StateError::TooNew`] or
    /// [`StateError::Io`].
    fn load(&self) -> Result<Loaded, StateError>;

    /// What was recorded since `from`. Needs no lease.
    ///
    /// # Errors
    /// As [`Self::load`].
    fn tail(&self, from: Seq) -> Result<Tail, StateError>;

    /// Takes the right to write for `ttl`, unless somebody else has it.
    ///
    /// # Errors
    /// [`StateError::Locked`] when it is taken.
    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError>;

    /// Who has the right to write now, if anybody.
    ///
    /// # Errors
    /// [`StateError::Io`].
    fn held(&self) -> Result<Option<Held>, StateError>;

    /// Takes the lease of that number away from whoever has it, who is fenced off from then on. False
    /// when nobody has it (any more).
    ///
    /// # Errors
    /// [`StateError::Io`].
    fn break_lease(&self, epoch: u64) -> Result<bool, StateError>;

    /// Adds records behind number `at`: all of them, durably, or none. Returns the last number.
    ///
    /// # Errors
    /// [`StateError::Fenced`] when the lease was lost or `at` is not the last number; then nothing
    /// is added. After another error the records may be there or not.
    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError>;

    /// Folds the records up to `upto`, the last number, into the snapshot. Changes no state.
    ///
    /// # Errors
    /// As [`Self::append`].
    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError>;

    /// Adds the last records under a lease, as [`Self::append`] does, folds them with all others where
    /// that is asked for, and gives the lease back, if it is one that a commit gives back. At once,
    /// where that saves time.
    ///
    /// # Errors
    /// As [`Self::append`].
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

    /// Adds records under a lease that is only taken for them. At once, where that saves time.
    ///
    /// # Errors
    /// [`StateError::Locked`] when somebody has the lease, and as [`Self::append`].
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

    /// How many intents are worth recording before the first of their requests goes out: 1 where an
    /// append is quick.
    fn ahead(&self) -> usize {
        1
    }

    /// What a reader should know of what was read last.
    fn warning(&self) -> Option<String> {
        None
    }

    /// What tells the state that was last read or written through this handle from every other;
    /// `None` where nothing does.
    fn stamp(&self) -> Option<Stamp> {
        None
    }

    /// Whether the store still holds the state of a stamp, which any handle may have given. Then it
    /// can be appended to as if it had been loaded.
    ///
    /// # Errors
    /// [`StateError::Io`].
    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let _ = stamp;
        Ok(false)
    }
}
