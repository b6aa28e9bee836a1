//! Pending operations by entry: which are accepted and which are in doubt.

use std::collections::{HashMap, HashSet};

use super::{Operations, PendingOperation};
use crate::entry::{EntryKey, Generation};

pub(crate) struct Pending<'a> {
    /// Per entry: the last accepted operation and the generation it leads to.
    pub(crate) accepted: HashMap<&'a EntryKey, (&'a PendingOperation, Option<&'a Generation>)>,
    /// Entries whose intent was recorded but never accepted.
    pub(crate) in_doubt: HashSet<&'a EntryKey>,
}

impl<'a> Pending<'a> {
    pub(crate) fn of(operations: &'a Operations) -> Self {
        let mut pending = Self {
            accepted: HashMap::new(),
            in_doubt: HashSet::new(),
        };
        for operation in operations {
            for (key, generation) in &operation.entries {
                if operation.task.is_some() {
                    let leads_to = (operation, generation.as_ref());
                    pending.accepted.insert(key, leads_to);
                } else {
                    pending.in_doubt.insert(key);
                }
            }
        }
        pending
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.accepted.is_empty() && self.in_doubt.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a EntryKey> {
        let in_doubt = self.in_doubt.iter();
        let in_doubt = in_doubt.filter(|key| !self.accepted.contains_key(*key));
        self.accepted.keys().chain(in_doubt).copied()
    }
}
