//! Operations that waited before they were submitted, while other runs may have purged the same.

use super::session::Session;
use super::{EntryOutcome, Event};
use crate::operation::{Operation, Serve};
use crate::state::{Outcome, State};

const OVERTAKEN: &str = "another run purged it while this one waited";

/// Whether another run has purged everything meanwhile. The lease is held, so the state is current.
pub(super) fn is_overtaken(session: &Session<'_>, operation: &Operation) -> bool {
    let state = session.ports.recorder.snapshot();
    let mut serves = operation.serves.iter();
    serves.all(|serve| is_purged(&state, serve))
}

fn is_purged(state: &State, serve: &Serve) -> bool {
    if state.due.contains_key(&serve.key) || state.is_stale(&serve.key) {
        return false;
    }
    if let Some(pending) = state.pending_operations.of(&serve.key) {
        // The run that had it accepted follows it, or the run after that.
        let mut entries = pending.entries.iter();
        return pending.task.is_some()
            && entries
                .any(|(key, generation)| *key == serve.key && *generation == serve.generation);
    }
    match state.entries.get(&serve.key) {
        Some(known) => known.attempt.is_none() && known.generation == serve.generation,
        None => serve.generation.is_none(),
    }
}

pub(super) fn overtaken(session: &Session<'_>, operation: Operation) -> Vec<EntryOutcome> {
    session.event(Event::Settled {
        endpoint: operation.endpoint,
        outcome: Outcome::Superseded,
        urls: operation.items.len(),
        message: Some(OVERTAKEN.to_owned()),
    });
    let outcome = |serve: Serve| EntryOutcome {
        key: serve.key,
        generation: serve.generation,
        outcome: Outcome::Superseded,
        message: Some(OVERTAKEN.to_owned()),
        hint: None,
    };
    operation.serves.into_iter().map(outcome).collect()
}
