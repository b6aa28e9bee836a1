//! Notes about a plan, one sentence each. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::inputs::Inputs;
use super::{Note, NoteSeverity, Step, count};
use crate::entry::{EntryKey, Owner};
use crate::operation::sweep::Sweep;
use crate::verify::MAX_REPEATS;

pub(super) fn notes(
    inputs: Inputs<'_>,
    steps: &[Step],
    left_out: usize,
    forgotten: &[EntryKey],
) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |severity, message| notes.push(Note { severity, message });
    if left_out > 0 {
        let message = format!(
            "{} left out by `--target` or `--exclude`",
            count(left_out, "change")
        );
        note(NoteSeverity::Warning, message);
    }
    for owner in &inputs.desired.suspended {
        note(
            NoteSeverity::Info,
            format!("{} is suspended: left as it is", owner.address()),
        );
    }
    if inputs.revisions.is_some_and(|revisions| revisions.dirty) {
        let message = "the work tree has uncommitted changes, and the plan is about them too";
        note(NoteSeverity::Warning, message.to_owned());
    }
    for (owner, added) in unbased_sites(inputs) {
        let asked = match inputs.looked {
            Some(_) => "",
            None => ", `purgit apply --verify` those that the edges serve already",
        };
        let message = format!(
            "{owner} has {} and none was purged so far: `purgit state baseline {owner}` adopts them as they are{asked}",
            count(added, "entry"),
        );
        note(NoteSeverity::Info, message);
    }
    // One-off purges are not gated.
    let is_gated = |step: &&Step| {
        let mut owners = step.serves.iter().map(|serve| &serve.key.owner);
        owners.any(|owner| *owner != Owner::OneOff)
    };
    let gated = steps.iter().filter(is_gated);
    let endpoints: BTreeSet<_> = gated.map(|step| &step.endpoint).collect();
    for endpoint in endpoints {
        let endpoint = inputs.project.endpoints.get(endpoint);
        let origin = endpoint.and_then(|endpoint| Some((endpoint, endpoint.origin.as_ref()?)));
        if let Some((endpoint, origin)) = origin {
            let timeout = humantime::format_duration(origin.timeout);
            let message = format!(
                "[{}] purges are sent once the origin {} has the new files, and held back if that takes longer than {timeout}",
                endpoint.name, origin.url
            );
            note(NoteSeverity::Info, message);
        }
    }
    let given_up = given_up(inputs);
    if given_up > 0 {
        let message = format!(
            "{} still stale after {} purges or more of the same content: `apply` purges again, `watch` does not",
            count(given_up, "entry"),
            MAX_REPEATS + 1,
        );
        note(NoteSeverity::Warning, message);
    }
    if !forgotten.is_empty() {
        let message = format!(
            "{} no longer declared: forgotten, not purged",
            count(forgotten.len(), "entry")
        );
        note(NoteSeverity::Info, message);
    }
    for operation in inputs
        .state
        .pending_operations
        .iter()
        .filter(|op| op.task.is_none())
    {
        let message = format!(
            "a purge of {} on {} was begun at {} and may or may not have arrived: planned again",
            count(operation.entries.len(), "entry"),
            operation.endpoint,
            operation.intended_at.format("%Y-%m-%d %H:%M:%SZ"),
        );
        note(NoteSeverity::Warning, message);
    }
    for message in fleets(inputs, steps) {
        note(NoteSeverity::Info, message);
    }
    notes
}

fn given_up(inputs: Inputs<'_>) -> usize {
    let wanted = |key: &EntryKey| {
        let entries = &inputs.desired.entries;
        let found = entries.binary_search_by(|entry| entry.key.cmp(key));
        found.ok().map(|at| &entries[at].generation)
    };
    let keys = inputs.state.proofs.keys();
    keys.filter(|key| inputs.state.is_given_up(key, wanted(key)))
        .count()
}

/// The nodes that each request goes to, for endpoints purged node by node, and what earlier requests left.
fn fleets(inputs: Inputs<'_>, steps: &[Step]) -> Vec<String> {
    let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for operation in &inputs.state.pending_operations {
        if let Some(task) = operation
            .task
            .as_ref()
            .filter(|task| Sweep::is_recorded_in(task))
        {
            *open.entry((&operation.endpoint, &task.id)).or_default() += operation.entries.len();
        }
    }
    let open = open.into_iter().map(|((endpoint, id), entries)| {
        let entries = count(entries, "entry");
        format!("{entries} on {endpoint} still {id}: `apply` goes on there alone")
    });
    let names: BTreeSet<_> = steps.iter().map(|step| &step.endpoint).collect();
    let planned = names.into_iter().filter_map(|name| {
        let fleet = inputs.project.endpoints.get(name)?.provider.fleet()?;
        let fixed = fleet.fixed().len();
        let fixed = (fixed > 0).then(|| count(fixed, "node"));
        let by_name = fleet
            .name()
            .map(|(host, _)| format!("every address of `{host}`"));
        let nodes: Vec<_> = fixed.into_iter().chain(by_name).collect();
        let again = fleet.second_pass().map(humantime::format_duration);
        let again = again.map_or_else(String::new, |gap| format!(", and once more {gap} later"));
        Some(format!(
            "each request to {name} goes to {}{again}",
            nodes.join(" and ")
        ))
    });
    open.chain(planned).collect()
}

/// Fewest entries of a new site that are worth a hint: fewer are soon purged.
const BASELINE_HINT_FROM: usize = 100;

/// Large sites that were never purged, with the number of their entries.
fn unbased_sites(inputs: Inputs<'_>) -> Vec<(String, usize)> {
    let unchanged = inputs.desired.unchanged.iter();
    let unchanged = unchanged.filter(|same| same.entries > 0);
    let known: BTreeSet<_> = inputs
        .state
        .entries
        .keys()
        .map(|key| &key.owner)
        .chain(unchanged.map(|same| &same.owner))
        .collect();
    let owners = inputs
        .desired
        .entries
        .chunk_by(|a, b| a.key.owner == b.key.owner);
    let sites = owners.filter_map(
        |entries| match entries.first().map(|entry| &entry.key.owner) {
            Some(owner @ Owner::Site(_)) if !known.contains(owner) => {
                Some((owner.address(), entries.len()))
            }
            Some(Owner::Site(_) | Owner::Purge(_) | Owner::OneOff) | None => None,
        },
    );
    sites
        .filter(|(_, entries)| *entries >= BASELINE_HINT_FROM)
        .collect()
}
