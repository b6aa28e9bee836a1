//! The state in memory, stricter than the real backends.
//!
//! Several handles can share one store. It stores bytes, not values, so everything passes through
//! the format. It refuses at once what a real backend would only notice later, and tests can make it
//! fail in every way that a remote store may fail.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use purgit::state::{
    Held, Holder, Lease, Loaded, Record, Seq, Stamp, State, StateError, StateStore, Tail, format,
};

const PLACE: &str = "memory";

/// A handle to a state in memory. Clones are separate handles to the same state.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    shared: Arc<Shared>,
    /// Of the last read or write through this handle.
    stamp: Mutex<Option<Stamp>>,
}

impl Clone for MemoryStore {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            stamp: Mutex::default(),
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    held: Mutex<Kept>,
    resumed: Condvar,
}

#[derive(Debug, Default)]
struct Kept {
    /// `None` before the first write.
    snapshot: Option<(Seq, Vec<u8>)>,
    /// One line of JSON for each append after the snapshot.
    journal: Vec<u8>,
    seq: Seq,
    /// The current state, parsed once, so that an append costs only what it adds.
    present: Option<State>,
    writes: Vec<Vec<u8>>,
    epoch: u64,
    /// Holder of the current lease.
    holder: Option<Holder>,
    /// When the lease ends; `None` if it does not expire.
    ends: Option<Duration>,
    /// Time since the store was made; only [`MemoryStore::pass`] advances it.
    now: Duration,
    /// Calls of `append`, including refused ones.
    calls: usize,
    faults: Vec<(usize, Fault)>,
    paused: bool,
}

/// A failure of `append`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Fails with this kind of error and writes nothing.
    Io(io::ErrorKind),
    /// Writes the records, but reports an error.
    LostAnswer,
    /// The lease was lost before the call.
    LostLease,
    /// Another writer replaced the state.
    Conflict,
}

impl MemoryStore {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A store whose first write was `state`.
    pub(crate) fn with(state: &State) -> Self {
        let store = Self::default();
        let bytes = format::to_bytes(state);
        let mut held = store.kept();
        held.seq = Seq(state.serial);
        held.writes.push(bytes.clone());
        held.snapshot = Some((held.seq, bytes));
        drop(held);
        store
    }

    /// Replaces the state, as another writer would.
    pub(crate) fn replace(&self, state: &State) {
        let mut held = self.kept();
        held.seq = Seq(state.serial);
        held.snapshot = Some((held.seq, format::to_bytes(state)));
        held.journal.clear();
        held.present = None;
    }

    /// Makes the `nth` call of `append` from now on fail (1 is the next).
    pub(crate) fn fault(&self, nth: usize, fault: Fault) {
        let mut held = self.kept();
        let at = held.calls + nth;
        held.faults.push((at, fault));
    }

    /// Removes the faults that have not happened yet.
    pub(crate) fn heal(&self) {
        self.kept().faults.clear();
    }

    /// Blocks calls of `append` until [`Self::resume`].
    pub(crate) fn pause(&self) {
        self.kept().paused = true;
    }

    pub(crate) fn resume(&self) {
        self.kept().paused = false;
        self.shared.resumed.notify_all();
    }

    /// Advances the time, so that leases expire.
    pub(crate) fn pass(&self, time: Duration) {
        let mut held = self.kept();
        held.now += time;
        if held.ends.is_some_and(|ends| ends <= held.now) {
            held.holder = None;
        }
    }

    /// What the next process finds after this one was killed: all data, but no lease.
    #[must_use]
    pub(crate) fn after_a_crash(&self) -> Self {
        let held = self.kept();
        let copy = Self::default();
        *copy.kept() = Kept {
            snapshot: held.snapshot.clone(),
            journal: held.journal.clone(),
            seq: held.seq,
            writes: held.writes.clone(),
            epoch: held.epoch,
            ..Kept::default()
        };
        copy
    }

    /// The bytes of every append and snapshot, oldest first.
    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        self.kept().writes.clone()
    }

    /// The snapshot without the journal; `None` before the first one.
    pub(crate) fn snapshot(&self) -> Option<Vec<u8>> {
        let held = self.kept();
        held.snapshot.as_ref().map(|(_, bytes)| bytes.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.shared
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, held: &Kept) {
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        *stamp = Some(held.stamp());
    }

    fn fenced(&self) -> StateError {
        StateError::Fenced(self.place())
    }
}

impl Kept {
    fn folded(&self) -> Seq {
        self.snapshot.as_ref().map_or(Seq(0), |(seq, _)| *seq)
    }

    /// The records after the snapshot.
    fn records(&self) -> Result<Vec<Record>, StateError> {
        read_back(&self.journal, self.folded(), self.seq)
    }

    fn state(&self) -> Result<State, StateError> {
        let mut state = match &self.snapshot {
            Some((_, bytes)) => format::from_bytes(bytes, PLACE)?,
            None => State::default(),
        };
        state.extend(self.records()?);
        Ok(state)
    }

    fn stamp(&self) -> Stamp {
        let snapshot = self.snapshot.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let sums = [snapshot, &self.journal].map(crc32fast::hash);
        Stamp(sums.map(u32::to_le_bytes).concat())
    }

    fn lease(&self) -> Option<Held> {
        Some(Held {
            holder: self.holder.clone()?,
            epoch: self.epoch,
            left: self.ends.map(|ends| ends.saturating_sub(self.now)),
        })
    }

    fn has(&self, lease: &dyn Lease) -> bool {
        self.holder.is_some() && self.epoch == lease.epoch()
    }

    /// Checks what every backend relies on: written records read back, and a state keeps its
    /// lineage.
    fn add(&mut self, records: &[Record]) -> Result<(), StateError> {
        let mut state = match self.present.take() {
            Some(state) => state,
            None => self.state()?,
        };
        let begins = |record: &Record| matches!(record, Record::Begin { .. });
        if !state.lineage.is_empty() && records.iter().any(begins) {
            return Err(refusal("`lineage` is given twice".to_owned()));
        }
        let seq = self.seq.after(records.len());
        let mut bytes = serde_json::to_vec(records).expect("records are JSON");
        bytes.push(b'\n');
        let read = read_back(&bytes, self.seq, seq)?;
        if read != *records {
            return Err(refusal("a record does not read back as it was".to_owned()));
        }
        state.extend(read);
        if state.serial != seq.0 {
            return Err(refusal(format!("`serial` is {}", state.serial)));
        }
        if state.lineage.is_empty() {
            return Err(refusal("`lineage` is empty".to_owned()));
        }
        if format::from_bytes(&format::to_bytes(&state), PLACE)? != state {
            return Err(refusal("it does not read back as it was".to_owned()));
        }
        self.journal.extend_from_slice(&bytes);
        self.seq = seq;
        self.present = Some(state);
        self.writes.push(bytes);
        Ok(())
    }
}

impl StateStore for MemoryStore {
    fn place(&self) -> String {
        PLACE.to_owned()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        let held = self.kept();
        self.note(&held);
        Ok(Loaded {
            state: Arc::new(held.state()?),
            seq: held.seq,
        })
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        let held = self.kept();
        if from < held.folded() || from > held.seq {
            return Ok(Tail::Reload);
        }
        let known = usize::try_from(from.0 - held.folded().0).unwrap_or(usize::MAX);
        let records = held.records()?.into_iter().skip(known);
        Ok(Tail::Records(records.collect()))
    }

    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError> {
        let mut held = self.kept();
        if let Some(other) = held.lease() {
            return Err(StateError::Locked(Some(Box::new(other))));
        }
        held.epoch += 1;
        held.holder = Some(holder.clone());
        held.ends = held.now.checked_add(ttl);
        Ok(Box::new(MemoryLease {
            store: self.clone(),
            epoch: held.epoch,
            ttl,
        }))
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        Ok(self.kept().lease())
    }

    fn break_lease(&self, epoch: u64) -> Result<bool, StateError> {
        let mut held = self.kept();
        let is_held = held.lease().is_some_and(|held| held.epoch == epoch);
        if is_held {
            held.holder = None;
        }
        Ok(is_held)
    }

    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError> {
        let failed = |source: io::ErrorKind| StateError::Io {
            action: "write",
            place: self.place(),
            source: Arc::new(source.into()),
        };
        let mut held = self.kept();
        held.calls += 1;
        let calls = held.calls;
        while held.paused {
            let resumed = self.shared.resumed.wait(held);
            held = resumed.unwrap_or_else(PoisonError::into_inner);
        }
        let fault = held.faults.iter().find(|(at, _)| *at == calls);
        let fault = fault.map(|(_, fault)| *fault);
        match fault {
            Some(Fault::Io(kind)) => return Err(failed(kind)),
            Some(Fault::Conflict) => return Err(StateError::Conflict(self.place())),
            Some(Fault::LostLease) => held.holder = None,
            Some(Fault::LostAnswer) | None => {}
        }
        if !held.has(lease) || held.seq != at {
            return Err(self.fenced());
        }
        if records.is_empty() {
            return Err(refusal("an append of nothing".to_owned()));
        }
        held.add(records)?;
        if let Some(Fault::LostAnswer) = fault {
            return Err(failed(io::ErrorKind::TimedOut));
        }
        self.note(&held);
        Ok(held.seq)
    }

    fn stamp(&self) -> Option<Stamp> {
        let stamp = self.stamp.lock();
        stamp.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        let held = self.kept();
        let is_same = held.stamp() == *stamp;
        if is_same {
            self.note(&held);
        }
        Ok(is_same)
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        let mut held = self.kept();
        if !held.has(lease) || held.seq != upto {
            return Err(self.fenced());
        }
        if held.journal.is_empty() {
            return Ok(());
        }
        let bytes = format::to_bytes(&held.state()?);
        held.writes.push(bytes.clone());
        held.snapshot = Some((upto, bytes));
        held.journal.clear();
        self.note(&held);
        Ok(())
    }
}

/// A lease that one handle holds.
#[derive(Debug)]
struct MemoryLease {
    store: MemoryStore,
    epoch: u64,
    ttl: Duration,
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

/// Parses these lines, which must start after `from` and end at `to`.
fn read_back(lines: &[u8], from: Seq, to: Seq) -> Result<Vec<Record>, StateError> {
    let mut records: Vec<Record> = Vec::new();
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        let appended: Vec<Record> = serde_json::from_slice(line)
            .map_err(|error| refusal(format!("its records do not read back: {error}")))?;
        records.extend(appended);
    }
    match from.after(records.len()) == to {
        true => Ok(records),
        false => Err(refusal("its records have other numbers".to_owned())),
    }
}

fn refusal(reason: String) -> StateError {
    StateError::Corrupt {
        place: PLACE.to_owned(),
        reason,
    }
}
