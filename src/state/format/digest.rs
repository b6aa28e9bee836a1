//! A digest of everything that a plan depends on: entries, due purges and pending operations, but no
//! times or messages.
//!
//! It is the sum of its parts' digests, so a part can be added or removed without the others.

use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::entry::{EntryKey, Generation};
use crate::state::{Due, Observed, PendingOperation, State};

/// As `sha256:` and 64 hexadecimal digits; see [`Digest`].
pub fn digest(state: &State) -> String {
    Digest::of(state).to_string()
}

/// A sum of SHA-256 values modulo 2²⁵⁶. It detects accidental changes, not crafted collisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest([u64; 4]);

impl Digest {
    pub fn of(state: &State) -> Self {
        let entries: Vec<_> = state.entries.iter().collect();
        let entries = entries
            .par_iter()
            .map(|(key, observed)| Self::of_entry(key, observed));
        let due = state.due.iter().map(|(key, due)| Self::of_due(key, due));
        let operations = state.pending_operations.iter().map(Self::of_operation);
        let rest = due.chain(operations).fold(Self::default(), Self::plus);
        entries.reduce(Self::default, Self::plus).plus(rest)
    }

    pub fn of_entry(key: &EntryKey, observed: &Observed) -> Self {
        let mut part = Part::new("entry");
        part.item(key, observed.generation.as_ref());
        let attempt = observed.attempt.as_ref();
        part.text(attempt.map(|attempt| attempt.outcome.as_str()));
        part.generation(attempt.and_then(|attempt| attempt.generation.as_ref()));
        part.sum()
    }

    pub fn of_due(key: &EntryKey, due: &Due) -> Self {
        let mut part = Part::new("due");
        part.item(key, due.generation.as_ref());
        part.text(due.forced.then_some("forced"));
        part.sum()
    }

    pub fn of_operation(operation: &PendingOperation) -> Self {
        let mut part = Part::new("pending");
        part.text(Some(&operation.id));
        part.text(Some(&operation.endpoint));
        part.text(operation.task.as_ref().map(|task| task.id.as_str()));
        for (key, generation) in &operation.entries {
            part.item(key, generation.as_ref());
        }
        part.sum()
    }

    pub fn to_bytes(self) -> [u8; 32] {
        std::array::from_fn(|at| self.0[at / 8].to_le_bytes()[at % 8])
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        let (limbs, _) = bytes.as_chunks::<8>();
        Self(std::array::from_fn(|limb| u64::from_le_bytes(limbs[limb])))
    }

    #[must_use]
    pub fn plus(self, part: Self) -> Self {
        let mut carry = false;
        Self(std::array::from_fn(|limb| {
            let (sum, one) = self.0[limb].overflowing_add(part.0[limb]);
            let (sum, two) = sum.overflowing_add(u64::from(carry));
            carry = one || two;
            sum
        }))
    }

    #[must_use]
    pub fn minus(self, part: Self) -> Self {
        let one = Self([1, 0, 0, 0]);
        self.plus(Self(part.0.map(|limb| !limb))).plus(one)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("sha256:")?;
        let mut limbs = self.0.iter().rev();
        limbs.try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

struct Part(Sha256);

impl Part {
    fn new(what: &str) -> Self {
        let mut part = Self(Sha256::new());
        part.text(Some(what));
        part
    }

    fn text(&mut self, text: Option<&str>) {
        // The length prefix separates adjacent texts.
        let length = text.map_or(u64::MAX, |text| text.len() as u64);
        self.0.update(length.to_le_bytes());
        self.0.update(text.unwrap_or_default());
    }

    fn generation(&mut self, generation: Option<&Generation>) {
        self.text(generation.map(Generation::as_str));
    }

    fn item(&mut self, key: &EntryKey, generation: Option<&Generation>) {
        self.text(Some(&key.address()));
        self.text(Some(key.target.kind().as_str()));
        self.text(Some(key.target.as_str()));
        self.text(Some(&key.endpoint));
        self.generation(generation);
    }

    fn sum(self) -> Digest {
        Digest::from_bytes(self.0.finalize().into())
    }
}
