//! The state in memory, stricter than the real backends, for tests and the demo.
//!
//! Several handles can share one store. It keeps bytes, not values, so all that is written passes
//! through the format; it refuses writes that a real backend would only regret later.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Holder, LockGuard, Snapshot, State, StateError, StateStore, Version, format};

const PLACE: &str = "memory";

/// A handle to a state in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// All bytes ever written, the present ones last.
    writes: Vec<Vec<u8>>,
    holder: Option<Holder>,
    /// Calls of `write`, also those refused.
    calls: usize,
    faults: Vec<(usize, Fault)>,
}

/// What goes wrong with a write, for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The backend fails with this kind of error; nothing is written.
    Io(io::ErrorKind),
    /// Someone else wrote first.
    Conflict,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that holds `state` already, as its first write.
    pub fn with(state: &State) -> Self {
        let store = Self::default();
        store.shared().writes.push(format::to_bytes(state));
        store
    }

    /// Lets the `nth` call of `write` from now on (1 is the next) go wrong.
    pub fn fault(&self, nth: usize, fault: Fault) {
        let mut shared = self.shared();
        let at = shared.calls + nth;
        shared.faults.push((at, fault));
    }

    /// All bytes ever written, oldest first.
    pub fn writes(&self) -> Vec<Vec<u8>> {
        self.shared().writes.clone()
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn version(&self) -> Option<Version> {
        let count = self.writes.len();
        (count > 0).then(|| Version(count.to_string()))
    }

    fn state(&self) -> Result<State, StateError> {
        match self.writes.last() {
            Some(bytes) => format::from_bytes(bytes, PLACE),
            None => Ok(State::default()),
        }
    }
}

impl StateStore for MemoryStore {
    fn place(&self) -> String {
        PLACE.to_owned()
    }

    fn read(&self) -> Result<Snapshot, StateError> {
        let shared = self.shared();
        Ok(Snapshot {
            state: shared.state()?,
            version: shared.version(),
        })
    }

    fn write(&self, state: &State, expected: Option<&Version>) -> Result<Version, StateError> {
        let mut shared = self.shared();
        shared.calls += 1;
        let calls = shared.calls;
        match shared.faults.iter().find(|(at, _)| *at == calls) {
            Some((_, Fault::Io(kind))) => {
                return Err(StateError::Io {
                    action: "write",
                    place: self.place(),
                    source: (*kind).into(),
                });
            }
            Some((_, Fault::Conflict)) => return Err(StateError::Conflict(self.place())),
            None => {}
        }
        if shared.version().as_ref() != expected {
            return Err(StateError::Conflict(self.place()));
        }
        let bytes = format::to_bytes(state);
        check_step(&shared.state()?, state)?;
        if format::from_bytes(&bytes, PLACE)? != *state {
            return Err(refusal("it does not read back as it was".to_owned()));
        }
        shared.writes.push(bytes);
        Ok(Version(shared.writes.len().to_string()))
    }

    fn lock(&self, holder: &Holder) -> Result<Box<dyn LockGuard>, StateError> {
        let mut shared = self.shared();
        if let Some(other) = &shared.holder {
            return Err(StateError::Locked(Some(other.clone())));
        }
        shared.holder = Some(holder.clone());
        Ok(Box::new(MemoryLock(self.clone())))
    }
}

/// The rules for who writes: one serial a write, one lineage for ever.
fn check_step(before: &State, after: &State) -> Result<(), StateError> {
    if before.serial.checked_add(1) != Some(after.serial) {
        return Err(refusal(format!(
            "`serial` went from {} to {}",
            before.serial, after.serial
        )));
    }
    if after.lineage.is_empty() {
        return Err(refusal("`lineage` is empty".to_owned()));
    }
    if !before.lineage.is_empty() && before.lineage != after.lineage {
        return Err(refusal("`lineage` changed".to_owned()));
    }
    Ok(())
}

fn refusal(reason: String) -> StateError {
    StateError::Corrupt {
        place: PLACE.to_owned(),
        reason,
    }
}

#[derive(Debug)]
struct MemoryLock(MemoryStore);

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.shared().holder = None;
    }
}
