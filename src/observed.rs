//! Stage 2, the other side: what counts as purged. From the state or, with `--since REV`, from what
//! was desired at that revision. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::entry::EntryKey;
use crate::state::{Observed, State};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// What the manifests wanted at the base revision, for the content at that revision.
    pub base: Desired,
    pub revisions: Revisions,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// Commit id of the base; empty for the `HEAD` of a branch without commits.
    pub from: String,
    /// Commit id of the wanted content; may be empty too.
    pub to: String,
    /// Whether the wanted content differs from `to` because of uncommitted changes.
    pub dirty: bool,
}

/// The state that a plan compares with: every entry wanted at the base counts as purged. Exceptions
/// come from the state: a purge that was skipped or failed in an earlier run is planned again, even if
/// the base is later, and entries confirmed at the wanted generation are not purged again.
pub fn observed(since: &Since, desired: &Desired, state: &State) -> State {
    let entries = since.base.entries.iter().map(|entry| {
        let observed = Observed {
            generation: Some(entry.generation.clone()),
            ..Observed::default()
        };
        (entry.key.clone(), observed)
    });
    let mut entries: BTreeMap<_, _> = entries.collect();
    let is_wanted = |key: &EntryKey, known: &Observed| {
        let wanted = &desired.entries;
        let found = wanted.binary_search_by(|entry| entry.key.cmp(key));
        found
            .ok()
            .map(|at| Some(&wanted[at].generation) == known.generation.as_ref())
    };
    for (key, known) in &state.entries {
        if known.attempt.is_some() {
            entries.insert(key.clone(), known.clone());
            continue;
        }
        match is_wanted(key, known) {
            Some(true) => {
                entries.insert(key.clone(), known.clone());
            }
            None if known.is_gone() => {
                entries.remove(key);
            }
            Some(false) | None => {}
        }
    }
    State {
        serial: state.serial,
        lineage: state.lineage.clone(),
        last_applied: state.last_applied.clone(),
        entries,
        due: state.due.clone(),
        pending_operations: state.pending_operations.clone(),
        proofs: state.proofs.clone(),
        ledger: state.ledger.clone(),
        told: state.told.clone(),
        history: state.history.clone(),
        unknown: state.unknown.clone(),
    }
}
