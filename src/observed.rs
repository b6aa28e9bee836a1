//! Stage 2, the other side: what counts as purged. The state says so, or, with `--since REV`, the
//! desired set at that revision. Pure.

use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::state::{Observed, State};

/// The base of a plan that is made from git history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// What the manifests wanted at the base revision, of the content at that revision.
    pub base: Desired,
    /// Which revisions were compared.
    pub revisions: Revisions,
}

/// Which revisions a plan compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// Commit id of the base; empty for the `HEAD` of a branch without commits.
    pub from: String,
    /// Commit id that is wanted; empty likewise.
    pub to: String,
    /// Whether what is wanted differs from `to`, since the work tree has uncommitted changes.
    pub dirty: bool,
}

/// The state as a plan sees it: every entry wanted at the base counts as purged then, and what the
/// state knows of purges that were not confirmed stays true.
pub fn observed(since: Option<&Since>, state: &State) -> State {
    let Some(since) = since else {
        return state.clone();
    };
    let entries = since.base.entries.iter().map(|entry| {
        let known = state.entries.get(&entry.key);
        let observed = Observed {
            generation: Some(entry.generation.clone()),
            confirmed_at: None,
            attempt: known.and_then(|known| known.attempt.clone()),
        };
        (entry.key.clone(), observed)
    });
    let unconfirmed = state
        .entries
        .iter()
        .filter(|(_, known)| known.attempt.is_some());
    let unconfirmed = unconfirmed.map(|(key, known)| (key.clone(), known.clone()));
    State {
        entries: unconfirmed.chain(entries).collect(),
        ..state.clone()
    }
}
