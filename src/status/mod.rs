//! Stage 6: from the state of entries to what people read, and writing it back.
//!
//! Pure but for [`mod@file`]. [`document`] computes the whole document anew from manifests, state
//! and the last run; of the previous document it only takes what cannot be computed: when a
//! condition last changed, and which revisions were attempted and applied before.

mod conditions;
mod document;
mod entry;
pub mod file;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::desired::Desired;
use crate::entry::{Entry, Owner};
use crate::manifest::resource::{API_VERSION, Project, Suspension};
use crate::state::State;
use crate::state::pending::Pending;
use conditions::{Standing, manifest_conditions, project_conditions};
pub use document::{
    Condition, ConditionStatus, EntryCounts, EntryOutcome, KIND, LastRun, ManifestStatus, Metadata,
    PastRun, READY, RECONCILING, RunResult, STALLED, StatusDocument, Unusable,
};
use entry::{View, revision};

/// Past runs shown in a status document; the state keeps more.
pub const MAX_STATUS_HISTORY: usize = 10;

/// What a run that just ended says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Run {
    /// The plan it carried out or refused; empty when it did not get that far.
    pub plan_id: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Its exit code.
    pub exit_code: u8,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// The safety checks that refused the plan, with their arithmetic; empty when none did.
    pub refused: Vec<String>,
    /// Whether a signal ended it.
    pub interrupted: bool,
    /// The error that ended it, in one sentence.
    pub error: Option<String>,
    /// Endpoints that could not be used at all, by name.
    pub unusable: BTreeMap<Arc<str>, Unusable>,
}

/// The status of a project as of `now`. Without a `run`, the previous document's one is the last.
pub fn document(
    project: &Project,
    desired: &Desired,
    state: &State,
    run: Option<&Run>,
    previous: Option<&StatusDocument>,
    now: DateTime<Utc>,
) -> StatusDocument {
    let last_run = match run {
        Some(run) => Some(LastRun::of(run)),
        None => previous.and_then(|previous| previous.last_run.clone()),
    };
    let pending = Pending::of(&state.pending_operations);
    let mut declarations = declarations(project, desired);
    for entries in desired.entries.chunk_by(|a, b| a.key.owner == b.key.owner) {
        // Of one chunk, the owner and the endpoint are the same; a chunk is never empty.
        if let Some(first) = entries.first() {
            let declaration = declarations.entry(first.key.owner.clone());
            declaration
                .or_insert_with(|| Declaration::of_endpoint(&first.key.endpoint))
                .entries = entries;
        }
    }
    let mut standings = Vec::with_capacity(declarations.len());
    let mut manifests = Vec::with_capacity(declarations.len());
    for (owner, declaration) in &declarations {
        let (kind, name) = words(owner);
        let before = previous.and_then(|previous| previous.manifest(kind, name));
        let views: Vec<View<'_>> = declaration
            .entries
            .iter()
            .map(|entry| View::of(entry, state, &pending))
            .collect();
        let standing = Standing::of(declaration, &views, last_run.as_ref());
        let wanted = revision(declaration.entries);
        let attempted = views.iter().any(View::was_attempted);
        manifests.push(ManifestStatus {
            kind: kind.to_owned(),
            name: name.to_owned(),
            endpoint: declaration.endpoint.to_string(),
            last_attempted_revision: wanted
                .clone()
                .filter(|_| attempted)
                .or_else(|| before.and_then(|before| before.last_attempted_revision.clone())),
            last_applied_revision: wanted
                .clone()
                .filter(|_| standing.is_ready())
                .or_else(|| before.and_then(|before| before.last_applied_revision.clone())),
            desired_revision: wanted,
            conditions: manifest_conditions(&standing, before, now),
            entries: EntryCounts::of(&views),
            outcomes: views.iter().map(View::outcome).collect(),
        });
        standings.push(standing);
    }
    let history = state.history.iter().rev().take(MAX_STATUS_HISTORY);
    StatusDocument {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        metadata: Metadata {
            name: project.name.to_string(),
        },
        conditions: project_conditions(&standings, last_run.as_ref(), previous, now),
        last_run,
        manifests,
        history: history.map(PastRun::of).collect(),
    }
}

/// What a manifest declares, as far as its status is concerned.
struct Declaration<'a> {
    endpoint: &'a str,
    suspended: bool,
    suspension: Option<&'a Suspension>,
    /// Sorted; of one owner.
    entries: &'a [Entry],
}

impl<'a> Declaration<'a> {
    fn of_endpoint(endpoint: &'a str) -> Self {
        Self {
            endpoint,
            suspended: false,
            suspension: None,
            entries: &[],
        }
    }
}

/// Every manifest of the project, also those that want nothing now. One block per kind.
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

/// Kind and name of the manifest that an owner is.
fn words(owner: &Owner) -> (&'static str, &str) {
    match owner {
        // No manifest wants a one-off, so none is ever described.
        Owner::OneOff => ("Purge", ""),
        Owner::Purge(name) => ("Purge", name),
        Owner::Site(name) => ("Site", name),
    }
}
