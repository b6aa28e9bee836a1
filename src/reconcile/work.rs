//! What a plan gives the executor to do: jobs to submit, and operations of earlier runs to ask
//! about. Pure.

use std::collections::{HashMap, HashSet};

use crate::entry::{EntryKey, Generation, Target};
use crate::execute::{EntryOutcome, Job};
use crate::plan::{Plan, Step};
use crate::state::{Outcome, PendingOperation, State};

/// Each step with the entries that want its URLs.
pub(super) fn jobs(plan: &Plan, new_id: fn() -> String) -> Vec<Job> {
    type Wanting<'a> = HashMap<(&'a str, &'a Target), Vec<(EntryKey, Option<Generation>)>>;
    let mut wanting: Wanting<'_> = HashMap::new();
    for change in &plan.changes {
        let key = &change.key;
        wanting
            .entry((&key.endpoint, &key.target))
            .or_default()
            .push((key.clone(), change.after.clone()));
    }
    let job = |step: &Step| Job {
        id: new_id(),
        entries: step
            .targets
            .iter()
            .filter_map(|target| wanting.get(&(&*step.endpoint, target)))
            .flatten()
            .cloned()
            .collect(),
        step: step.clone(),
    };
    plan.steps.iter().map(job).collect()
}

/// Accepted operations to ask about, and the entries of theirs that the plan purges anew.
pub(super) fn resumable(state: &State, plan: &Plan) -> (Vec<PendingOperation>, Vec<EntryOutcome>) {
    let anew: HashSet<_> = plan.changes.iter().map(|change| &change.key).collect();
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
