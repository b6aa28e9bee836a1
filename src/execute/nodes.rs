//! The nodes of a fleet during a run: which there are, and which of them do not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// Purges in a row that came to nothing, retries and all, after which an endpoint or a node is given up
/// for the run. One may be the fault of its items; three are an outage, and with many operations
/// more would be a siege.
pub(super) const MAX_FRUITLESS: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// Held while looking up, so that all who wait share what is found.
    pub(super) latest: tokio::sync::Mutex<Option<Arc<Lookup>>>,
    /// Purges in a row that came to nothing, by node.
    fruitless: Mutex<BTreeMap<String, usize>>,
}

/// The nodes that a name had.
#[derive(Debug)]
pub(super) struct Lookup {
    /// When it began.
    pub(super) at: DateTime<Utc>,
    pub(super) found: BTreeSet<String>,
}

impl Nodes {
    /// Notes that a node answered.
    pub(super) fn answered(&self, node: &str) {
        self.counts(|counts| {
            counts.remove(node);
        });
    }

    /// Notes that a purge of a node came to nothing, retries and all.
    pub(super) fn missed(&self, node: &str) {
        self.counts(|counts| *counts.entry(node.to_owned()).or_default() += 1);
    }

    /// Whether a node is left alone for the rest of the run.
    pub(super) fn is_given_up(&self, node: &str) -> bool {
        self.counts(|counts| {
            counts
                .get(node)
                .is_some_and(|count| *count >= MAX_FRUITLESS)
        })
    }

    fn counts<T>(&self, with: impl FnOnce(&mut BTreeMap<String, usize>) -> T) -> T {
        with(
            &mut self
                .fruitless
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
