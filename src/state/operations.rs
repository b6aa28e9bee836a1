//! Pending operations with indexes by id and by entry.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt;

use super::PendingOperation;
use crate::entry::{EntryKey, Generation};

/// An entry and the generation it will reach; `None` for a deletion.
pub type Aim = (EntryKey, Option<Generation>);

/// Operations in order of submission. Every entry is in at most one of them: the latest.
#[derive(Clone, Default)]
pub struct Operations {
    by_place: BTreeMap<u64, PendingOperation>,
    places: HashMap<String, u64>,
    holders: HashMap<EntryKey, u64>,
    next: u64,
}

impl Operations {
    pub fn len(&self) -> usize {
        self.by_place.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &PendingOperation> {
        self.by_place.values()
    }

    pub fn first(&self) -> Option<&PendingOperation> {
        self.iter().next()
    }

    pub fn get(&self, id: &str) -> Option<&PendingOperation> {
        self.by_place.get(self.places.get(id)?)
    }

    pub fn of(&self, key: &EntryKey) -> Option<&PendingOperation> {
        self.by_place.get(self.holders.get(key)?)
    }

    /// Adds or replaces an operation. Returns its entries that were in other operations.
    pub fn insert(&mut self, operation: PendingOperation) -> Vec<Aim> {
        let place = if let Some(place) = self.places.get(&operation.id) {
            for (key, _) in &self.by_place[place].entries {
                self.holders.remove(key);
            }
            *place
        } else {
            self.next += 1;
            self.places.insert(operation.id.clone(), self.next);
            self.next
        };
        let keys: HashSet<&EntryKey> = operation.entries.iter().map(|(key, _)| key).collect();
        let holders = keys.iter().filter_map(|key| self.holders.get(*key));
        let holders: BTreeSet<u64> = holders.copied().collect();
        let mut overtaken = Vec::new();
        for holder in holders {
            overtaken.extend(self.take_at(holder, |key| keys.contains(key)));
        }
        for (key, _) in &operation.entries {
            self.holders.insert(key.clone(), place);
        }
        self.by_place.insert(place, operation);
        overtaken
    }

    pub fn remove(&mut self, id: &str) -> Option<PendingOperation> {
        let place = *self.places.get(id)?;
        self.remove_at(place)
    }

    /// Returns the removed operations in order.
    pub fn remove_all(
        &mut self,
        matches: impl Fn(&PendingOperation) -> bool,
    ) -> Vec<PendingOperation> {
        let places = self.by_place.iter().filter(|(_, one)| matches(one));
        let places: Vec<u64> = places.map(|(place, _)| *place).collect();
        let removed = places.into_iter().filter_map(|place| self.remove_at(place));
        removed.collect()
    }

    /// Updates an operation. Must not change its id or its entries.
    pub(super) fn update(&mut self, id: &str, change: impl FnOnce(&mut PendingOperation)) {
        let operation = self.places.get(id);
        if let Some(operation) = operation.and_then(|place| self.by_place.get_mut(place)) {
            change(operation);
        }
    }

    /// Removes entries from an operation, and the operation itself when none is left.
    pub(super) fn take(&mut self, id: &str, is_taken: impl Fn(&EntryKey) -> bool) -> Vec<Aim> {
        match self.places.get(id) {
            Some(place) => self.take_at(*place, is_taken),
            None => Vec::new(),
        }
    }

    fn take_at(&mut self, place: u64, is_taken: impl Fn(&EntryKey) -> bool) -> Vec<Aim> {
        let Some(operation) = self.by_place.get_mut(&place) else {
            return Vec::new();
        };
        let entries = std::mem::take(&mut operation.entries);
        let (taken, left): (Vec<_>, _) = entries.into_iter().partition(|(key, _)| is_taken(key));
        operation.entries = left;
        if operation.entries.is_empty() {
            self.remove_at(place);
        }
        for (key, _) in &taken {
            self.holders.remove(key);
        }
        taken
    }

    fn remove_at(&mut self, place: u64) -> Option<PendingOperation> {
        let removed = self.by_place.remove(&place)?;
        self.places.remove(&removed.id);
        for (key, _) in &removed.entries {
            self.holders.remove(key);
        }
        Some(removed)
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Operations {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Extend<PendingOperation> for Operations {
    fn extend<I: IntoIterator<Item = PendingOperation>>(&mut self, operations: I) {
        for operation in operations {
            self.insert(operation);
        }
    }
}

impl FromIterator<PendingOperation> for Operations {
    fn from_iter<I: IntoIterator<Item = PendingOperation>>(operations: I) -> Self {
        let mut all = Self::default();
        all.extend(operations);
        all
    }
}

impl From<Vec<PendingOperation>> for Operations {
    fn from(operations: Vec<PendingOperation>) -> Self {
        operations.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Operations {
    type Item = &'a PendingOperation;
    type IntoIter = std::collections::btree_map::Values<'a, u64, PendingOperation>;

    fn into_iter(self) -> Self::IntoIter {
        self.by_place.values()
    }
}
