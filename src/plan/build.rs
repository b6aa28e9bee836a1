//! From changes to a plan. Pure: the same inputs give the same plan on any machine.

use super::checks::{self, Force, Share};
use super::select::{SelectError, Selection};
use super::steps::{self, Load};
use super::{Base, Note, NoteSeverity, Plan, Quota, StateBase, id};
use crate::desired::{Desired, EntryKey, Kind};
use crate::diff::{Difference, diff};
use crate::manifest::resource::{Endpoint, Project};
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
    let difference = diff(inputs.desired, inputs.state);
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
            state,
            quota: &forecast,
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
        of(Kind::File, load.files.len(), endpoint.limits.files_per_day),
        of(
            Kind::Directory,
            load.directories.len(),
            endpoint.limits.directories_per_day,
        ),
    ]
}

fn notes(inputs: Inputs<'_>, left_out: usize, forgotten: &[EntryKey]) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut note = |severity, message| notes.push(Note { severity, message });
    if left_out > 0 {
        let message = format!("{left_out} changes are left out by `--target` or `--exclude`");
        note(NoteSeverity::Warning, message);
    }
    for owner in &inputs.desired.suspended {
        note(
            NoteSeverity::Info,
            format!("{} is suspended: left as it is", owner.address()),
        );
    }
    if !forgotten.is_empty() {
        let message = format!(
            "{} entries are no longer declared: forgotten, not purged",
            forgotten.len()
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
            "a purge of {} entries on {} was begun at {} and may or may not have arrived: they are planned again",
            operation.entries.len(),
            operation.endpoint,
            operation.intended_at.format("%Y-%m-%d %H:%M:%SZ"),
        );
        note(NoteSeverity::Warning, message);
    }
    notes
}
