//! The nodes of a fleet during a run: which exist, and which do not answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// Failed purges in a row, each with its retries, after which an endpoint or a node is given up for the
/// run. One may be the fault of its items; three are an outage, and more would hammer the CDN.
pub(super) const MAX_FRUITLESS: usize = 3;

#[derive(Debug, Default)]
pub(super) struct Nodes {
    /// Held while looking up, so that all waiters share the result.
    pub(super) latest: tokio::sync::Mutex<Option<Arc<Lookup>>>,
    /// Failed purges in a row, by node.
    fruitless: Mutex<BTreeMap<String, usize>>,
}

#[derive(Debug)]
pub(super) struct Lookup {
    /// When it began.
    pub(super) at: DateTime<Utc>,
    pub(super) found: BTreeSet<String>,
}

impl Nodes {
    pub(super) fn answered(&self, node: &str) {
        self.counts(|counts| counts.remove(node));
    }

    /// Notes a purge of a node that failed with all its retries.
    pub(super) fn missed(&self, node: &str) {
        self.counts(|counts| *counts.entry(node.to_owned()).or_default() += 1);
    }

    pub(super) fn is_given_up(&self, node: &str) -> bool {
        self.counts(|counts| counts.get(node) >= Some(&MAX_FRUITLESS))
    }

    fn counts<T>(&self, with: impl FnOnce(&mut BTreeMap<String, usize>) -> T) -> T {
        let mut counts = self
            .fruitless
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        with(&mut counts)
    }
}
