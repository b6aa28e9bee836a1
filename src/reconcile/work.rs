//! The work of the executor: operations to submit, and operations of earlier runs to ask about. Pure.

use std::collections::HashSet;

use crate::execute::EntryOutcome;
use crate::operation::Operation;
use crate::plan::Plan;
use crate::state::{Outcome, PendingOperation, State};

pub(super) fn operations(plan: &Plan, new_id: fn() -> String) -> Vec<Operation> {
    let steps = plan.steps.iter();
    steps.map(|step| step.operation(new_id())).collect()
}

/// Accepted operations that this run does not ask about and that may still be running at the CDN.
pub(super) fn left(state: &State, resumed: &[PendingOperation]) -> Vec<PendingOperation> {
    let resumed: HashSet<_> = resumed.iter().map(|operation| &operation.id).collect();
    let pending = state.pending_operations.iter();
    pending
        .filter(|operation| operation.task.is_some() && !resumed.contains(&operation.id))
        .cloned()
        .collect()
}

/// Accepted operations to ask about, and their entries that this run purges anew; a deferred purge
/// supersedes nothing yet.
pub(super) fn resumable(state: &State, plan: &Plan) -> (Vec<PendingOperation>, Vec<EntryOutcome>) {
    let changes = plan.changes.iter().map(|change| &change.key);
    let anew: HashSet<_> = changes
        .filter(|key| !plan.deferred.contains_key(*key))
        .collect();
    let mut resumed = Vec::new();
    let mut overtaken = Vec::new();
    for operation in state
        .pending_operations
        .iter()
        .filter(|operation| operation.task.is_some())
    {
        let (theirs, ours): (Vec<_>, Vec<_>) = operation
            .entries
            .iter()
            .cloned()
            .partition(|(key, _)| anew.contains(key));
        overtaken.extend(theirs.into_iter().map(|(key, generation)| EntryOutcome {
            key,
            generation,
            outcome: Outcome::Superseded,
            message: None,
            hint: None,
        }));
        if !ours.is_empty() {
            resumed.push(PendingOperation {
                entries: ours,
                ..operation.clone()
            });
        }
    }
    (resumed, overtaken)
}
