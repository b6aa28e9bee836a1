//! From changes to a plan. Pure: the same inputs give the same plan on any machine.

use std::collections::BTreeSet;

use super::checks::{self, Force, Share};
use super::select::{SelectError, Selection};
use super::steps::{self, Load};
use super::{Base, Note, NoteSeverity, Plan, Quota, StateBase, count, id};
use crate::desired::Desired;
use crate::diff::{Difference, diff};
use crate::entry::{EntryKey, Owner, TargetKind};
use crate::manifest::resource::{Endpoint, Project};
use crate::observed::Revisions;
use crate::state::State;

/// Everything a plan is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The validated manifests.
    pub project: &'a Project,
    /// Their digest.
    pub manifests_digest: &'a str,
    /// What is wanted.
    pub desired: &'a Desired,
    /// What is confirmed.
    pub state: &'a State,
    /// Digest of the state's entries and pending operations; `None` where there is no state yet.
    pub state_digest: Option<&'a str>,
    /// The revisions compared, with `--since`.
    pub revisions: Option<&'a Revisions>,
    /// `--target` and `--exclude`.
    pub selection: &'a Selection,
    /// `--force`.
    pub forces: &'a [Force],
}

/// Compares, batches, forecasts and checks.
///
/// # Errors
/// [`SelectError::NoMatch`] when a selection is about nothing.
pub fn plan(inputs: Inputs<'_>) -> Result<Plan, SelectError> {
    let difference = diff(inputs.desired, inputs.state).served_by(inputs.project);
    plan_changes(inputs, difference)
}

/// A plan for changes that were found by other means than comparing.
///
/// # Errors
/// As [`plan`].
pub fn plan_changes(inputs: Inputs<'_>, difference: Difference) -> Result<Plan, SelectError> {
    let Inputs { project, state, .. } = inputs;
    let found = difference.changes.len();
    let wanted = inputs
        .desired
        .entries
        .iter()
        .map(|entry| entry.key.address());
    let known = wanted.chain(state.entries.keys().map(EntryKey::address));
    let changes = inputs.selection.apply(difference.changes, known)?;
    let complete = changes.len() == found;

    let loads = steps::loads(&changes);
    let steps = steps::steps(project, &loads);
    let mut quota = Vec::new();
    let mut checks = Vec::new();
    for (name, load) in &loads {
        let Some(endpoint) = project.endpoints.get(name) else {
            continue;
        };
        let forecast = forecast(endpoint, load);
        let share = Share {
            endpoint,
            load,
            changes: &changes,
            desired: inputs.desired,
            state,
            quota: &forecast,
            has_sites: project
                .sites
                .iter()
                .any(|site| site.endpoint == endpoint.name),
        };
        checks.extend(checks::checks(&share, &project.safety, inputs.forces));
        quota.extend(forecast);
    }
    let base = Base {
        state: inputs.state_digest.map(|digest| StateBase {
            lineage: state.lineage.clone(),
            serial: state.serial,
            digest: digest.to_owned(),
        }),
        git: inputs.revisions.cloned(),
        manifests_digest: inputs.manifests_digest.to_owned(),
    };
    Ok(Plan {
        id: id::plan_id(&base, complete, &changes, &steps, &quota),
        diagnostics: notes(inputs, found - changes.len(), &difference.forgotten),
        base,
        changes,
        steps,
        quota,
        checks,
        noop: difference.noop,
        in_progress: difference.in_progress,
        complete,
    })
}

fn forecast(endpoint: &Endpoint, load: &Load) -> Vec<Quota> {
    let of = |kind, planned, limit| Quota {
        endpoint: endpoint.name.clone(),
        kind,
        used: 0,
        planned,
        limit,
    };
    vec![
        of(
            TargetKind::File,
            load.of_kind(TargetKind::File).count(),
            endpoint.limits.files_per_day,
        ),
        of(
            TargetKind::Directory,
            load.of_kind(TargetKind::Directory).count(),
            endpoint.limits.directories_per_day,
        ),
    ]
}

fn notes(inputs: Inputs<'_>, left_out: usize, forgotten: &[EntryKey]) -> Vec<Note> {
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
        let message = format!(
            "{owner} has {} and none was purged so far: `purgit state baseline {owner}` adopts them as they are",
            count(added, "entry"),
        );
        note(NoteSeverity::Info, message);
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
    notes
}

/// Entries from which on the first plan of a site is worth a hint: fewer are soon purged.
const BASELINE_HINT_FROM: usize = 100;

/// Large sites of which nothing was ever purged, with the number of their entries.
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
