//! Stage 6: computes from the state what people read, and writes it back.
//!
//! Pure except for [`mod@file`] and [`mod@git`]. [`document`] computes the whole document from manifests,
//! state and the last run. Only times of transitions and earlier revisions come from the previous
//! document.

pub(crate) mod causes;
mod conditions;
mod document;
mod entry;
pub mod file;
pub mod git;
mod verified;
mod views;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::desired::Desired;
use crate::entry::{EntryKey, ONE_OFF, Owner};
use crate::escape::Shown;
use crate::manifest::resource::{API_VERSION, Project, Suspension};
use crate::state::State;
use conditions::{Standing, manifest_conditions, project_conditions};
pub use document::{
    Condition, ConditionStatus, EntryCounts, KIND, LastRun, ManifestStatus, Metadata, ORIGIN_READY,
    PastRun, READY, RECONCILING, RunResult, STALLED, StatusDocument, Unusable, UnusableReason,
    VERIFIED,
};
pub use entry::{CauseStatus, EntryStatus};
use verified::{given_up, verified};
use views::by_owner;

/// Entries listed per manifest. If more are not as declared, their causes are listed instead.
pub const MAX_OUTCOMES: usize = 20;

/// Causes listed per manifest, the most frequent ones of each outcome first.
pub const MAX_CAUSES: usize = 20;

/// Past runs in a status document; the state keeps more.
pub const MAX_STATUS_HISTORY: usize = 10;

/// What a run that just ended reports about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    pub plan_id: String,
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub exit_code: u8,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// The safety checks that refused the plan, with their numbers; empty if none did.
    pub refused: Vec<String>,
    pub interrupted: bool,
    /// The error that ended it, in one sentence.
    pub error: Option<String>,
    /// Endpoints that could not be used at all, by name.
    pub unusable: BTreeMap<Arc<str>, Unusable>,
}

/// Which entries a document lists; it counts all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listed {
    /// Those that are not as declared or, if they are many, the causes.
    #[default]
    NotAsDeclared,
    Everything,
}

/// The status of a project at `now`. Without a `run`, the last run comes from the previous document. A
/// run that changes nothing else keeps the previous times.
pub fn document(
    project: &Project,
    desired: &Desired,
    state: &State,
    run: Option<&Run>,
    previous: Option<&StatusDocument>,
    listed: Listed,
    now: DateTime<Utc>,
) -> StatusDocument {
    let last_run = match run {
        Some(run) => Some(LastRun::of(run)),
        None => previous.and_then(|previous| previous.last_run.clone()),
    };
    let mut declarations = declarations(project, desired);
    let mut found = by_owner(project, desired, state, listed);
    for (owner, views) in &found {
        let undeclared = || Declaration::of_endpoint(views.endpoint);
        declarations
            .entry((*owner).clone())
            .or_insert_with(undeclared);
    }
    let is_served = |key: &EntryKey| project.endpoints.contains_key(&key.endpoint);
    let proofs = || state.proofs.iter().filter(|(key, _)| is_served(key));
    let mut standings = Vec::with_capacity(declarations.len());
    let mut manifests = Vec::with_capacity(declarations.len());
    for (owner, declaration) in &declarations {
        let (kind, name) = words(owner);
        let before = previous.and_then(|previous| previous.manifest(kind, name));
        let views = found.remove(owner).unwrap_or_default();
        let of_owner = proofs().filter(|(key, _)| key.owner == *owner);
        let mut standing = Standing::of(declaration, &views, last_run.as_ref());
        standing.verified = verified(of_owner);
        standing.stalled = standing.stalled.or_else(|| given_up(views.given_up));
        let wanted = views.revision.as_ref().map(Shown::from);
        manifests.push(ManifestStatus {
            kind: kind.to_owned(),
            name: name.to_owned(),
            endpoint: declaration.endpoint.to_owned(),
            last_attempted_revision: wanted
                .clone()
                .filter(|_| views.attempted)
                .or_else(|| before.and_then(|before| before.last_attempted_revision.clone())),
            last_applied_revision: wanted
                .clone()
                .filter(|_| standing.is_ready())
                .or_else(|| before.and_then(|before| before.last_applied_revision.clone())),
            desired_revision: wanted,
            conditions: manifest_conditions(&standing, before, now),
            causes: views.causes(listed),
            outcomes: views.outcomes(listed),
            entries: views.counts,
        });
        standings.push(standing);
    }
    let mut document = StatusDocument {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        metadata: Metadata {
            name: project.name.to_string(),
        },
        conditions: project_conditions(
            &standings,
            last_run.as_ref(),
            previous,
            verified(proofs()),
            now,
        ),
        last_run,
        manifests,
        history: history(state),
    };
    if let Some(previous) = previous {
        document.keep_times(previous);
    }
    document
}

/// The status after a one-off purge, which does not concern manifests.
#[must_use]
pub fn with_history(previous: StatusDocument, state: &State) -> StatusDocument {
    StatusDocument {
        history: history(state),
        ..previous
    }
}

fn history(state: &State) -> Vec<PastRun> {
    let latest = state.history.iter().rev().take(MAX_STATUS_HISTORY);
    latest.map(PastRun::of).collect()
}

struct Declaration<'a> {
    endpoint: &'a str,
    suspended: bool,
    suspension: Option<&'a Suspension>,
}

impl<'a> Declaration<'a> {
    fn of_endpoint(endpoint: &'a str) -> Self {
        Self {
            endpoint,
            suspended: false,
            suspension: None,
        }
    }
}

/// Every manifest of the project, including those that want nothing now.
fn declarations<'a>(project: &'a Project, desired: &Desired) -> BTreeMap<Owner, Declaration<'a>> {
    let mut declarations = BTreeMap::new();
    for purge in &project.purges {
        let owner = Owner::Purge(purge.name.clone());
        let declaration = Declaration {
            suspended: desired.suspended.contains(&owner),
            suspension: purge.suspension.as_ref(),
            ..Declaration::of_endpoint(&purge.endpoint)
        };
        declarations.insert(owner, declaration);
    }
    for site in &project.sites {
        let owner = Owner::Site(site.name.clone());
        let declaration = Declaration {
            suspended: desired.suspended.contains(&owner),
            suspension: site.suspension.as_ref(),
            ..Declaration::of_endpoint(&site.endpoint)
        };
        declarations.insert(owner, declaration);
    }
    declarations
}

fn words(owner: &Owner) -> (&'static str, &str) {
    match owner {
        // A one-off purge that is not done yet.
        Owner::OneOff => ("Purge", ONE_OFF),
        Owner::Purge(name) => ("Purge", name),
        Owner::Site(name) => ("Site", name),
    }
}
