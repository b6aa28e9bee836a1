//! Pending operations by the entries they are about: what is under way, and what is in doubt. The
//! diff and the status go by the same notion.

use std::collections::{HashMap, HashSet};

use super::{Operations, PendingOperation};
use crate::entry::{EntryKey, Generation};

/// See the module.
pub(crate) struct Pending<'a> {
    /// The last accepted operation of each entry, and the generation it leads to.
    pub(crate) accepted: HashMap<&'a EntryKey, (&'a PendingOperation, Option<&'a Generation>)>,
    /// Entries of intents that were never seen accepted.
    pub(crate) in_doubt: HashSet<&'a EntryKey>,
}

impl<'a> Pending<'a> {
    /// Looks through all operations once.
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
}
