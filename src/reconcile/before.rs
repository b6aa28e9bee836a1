//! Before the first request: recording what a later plan could not find again, and getting credentials.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Reconciler, deferring};
use crate::credential::Credentials;
use crate::credential::source::{self, MissingCredentials};
use crate::diff::Change;
use crate::entry::{EntryKey, Generation, Owner, TargetKind};
use crate::execute::EndpointClient;
use crate::observed::Since;
use crate::plan::{CheckStatus, Plan};
use crate::state::recorder::Recorder;
use crate::state::{PendingOperation, Record, State, StateError};
use crate::verify::{Proof, sample};

/// The message of entries that a killed run did not send.
const UNSENT: &str = "not attempted: the run ended before it was sent";

pub(super) type Clients<'a> = BTreeMap<Arc<str>, EndpointClient<'a>>;
pub(super) type OriginCredentials = BTreeMap<Arc<str>, Credentials>;

impl Reconciler<'_> {
    /// Records what a later plan could not find again: changes against a revision, changes asked for on
    /// the command line, forced changes (which stay approved), and that files differ from what was
    /// confirmed.
    pub(super) async fn remember(
        &self,
        plan: &Plan,
        since: Option<&Since>,
        state: &State,
        newly_deferred: &[(&Change, DateTime<Utc>)],
        recorder: &Recorder,
    ) -> Result<(), StateError> {
        let mut records = Vec::new();
        let entries = self.to_prove(plan, state);
        if !entries.is_empty() {
            records.push(Record::Prove { entries });
        }
        let at = self.clock.now();
        let mut checks = plan.checks.iter();
        let forced = checks.any(|check| check.status == CheckStatus::Forced);
        let is_one_off = |change: &Change| change.key.owner == Owner::OneOff;
        if forced || since.is_some() || plan.changes.iter().any(is_one_off) {
            // A deferred change that is already due need not be recorded again by each run.
            let is_recorded = |change: &Change| {
                let due = state.due.get(&change.key);
                plan.deferred.contains_key(&change.key)
                    && deferring::is_due(change, state)
                    && (!forced || due.is_some_and(|due| due.forced))
            };
            let changes = plan.changes.iter();
            let entries: Vec<_> = changes
                .filter(|change| !is_recorded(change))
                .map(aim)
                .collect();
            if !entries.is_empty() {
                records.push(Record::Due {
                    entries,
                    forced,
                    at,
                });
            }
        } else {
            let entries = unsent(plan, state);
            if !entries.is_empty() {
                let message = UNSENT.to_owned();
                records.push(Record::Skip {
                    entries,
                    message,
                    at,
                });
            }
        }
        records.extend(deferring::records(newly_deferred, at));
        // Uncommitted changes belong to no revision.
        let compared = since
            .map(|since| &since.revisions)
            .filter(|compared| !compared.dirty && plan.complete);
        records.extend(compared.map(|compared| Record::Applied {
            revision: compared.to.clone(),
        }));
        record(recorder, records).await
    }

    /// A sample of the plan for each endpoint with a `verify` block.
    fn to_prove(&self, plan: &Plan, state: &State) -> Vec<(EntryKey, Proof)> {
        let endpoints = self.project.endpoints.values();
        let proofs = endpoints.filter_map(|endpoint| Some((endpoint, endpoint.verify.as_ref()?)));
        let proofs = proofs.flat_map(|(endpoint, settings)| {
            let changes = plan.changes.iter().filter(|change| {
                change.key.endpoint == endpoint.name
                    && change.key.owner != Owner::OneOff
                    && !plan.deferred.contains_key(&change.key)
            });
            let is_needed = |change: &&Change| change.key.target.kind() != TargetKind::File;
            let changes = changes.collect();
            sample(
                changes,
                settings.sample,
                &plan.id,
                |change| &change.key,
                is_needed,
            )
        });
        let expecting = |change: &Change| {
            let known = state.proofs.get(&change.key);
            let proof = Proof::expecting(known, change.after.clone(), change.before.as_ref());
            (change.key.clone(), proof)
        };
        proofs.map(expecting).collect()
    }

    /// Drops entries and tasks that are no longer declared, and resolves requests that are in doubt.
    pub(super) async fn tidy(
        &self,
        state: &State,
        forgotten: Vec<EntryKey>,
        recorder: &Recorder,
    ) -> Result<(), StateError> {
        let pending = &state.pending_operations;
        let endpoints = pending.iter().map(|operation| &operation.endpoint);
        let endpoints: BTreeSet<_> = endpoints
            .filter(|name| !self.project.endpoints.contains_key(*name))
            .collect();
        let mut records = Vec::new();
        if !endpoints.is_empty() {
            let endpoints = endpoints.into_iter().cloned().collect();
            records.push(Record::Abandon { endpoints });
        }
        if !forgotten.is_empty() {
            records.push(Record::Forget { keys: forgotten });
        }
        if pending.iter().any(|operation| operation.task.is_none()) {
            let at = self.clock.now();
            records.push(Record::Resolve { at });
        }
        record(recorder, records).await
    }

    /// A client for each endpoint, and separately the credentials of their origins.
    pub(super) async fn clients(
        &self,
        plan: &Plan,
        resumed: &[PendingOperation],
        asks_origins: bool,
    ) -> Result<(Clients<'_>, OriginCredentials), MissingCredentials> {
        let planned = plan.steps.iter().map(|step| &step.endpoint);
        let resumed = resumed.iter().map(|operation| &operation.endpoint);
        let named = planned.chain(resumed);
        let endpoints: BTreeMap<_, _> = named
            .filter_map(|name| self.project.endpoints.get_key_value(name))
            .collect();
        let references = endpoints.values().map(|endpoint| {
            let needed = match asks_origins {
                true => endpoint.credentials(),
                false => endpoint.provider.credentials(),
            };
            (endpoint.name.clone(), needed)
        });
        let mut credentials = source::resolve_all(self.credentials, references).await?;
        let (mut clients, mut of_origins) = (Clients::new(), OriginCredentials::new());
        for (name, endpoint) in endpoints {
            let mut credentials = credentials.remove(name).unwrap_or_default();
            let origin = endpoint.origin.iter();
            let own = origin.flat_map(|origin| origin.credentials().map(|(name, _)| name));
            of_origins.insert(name.clone(), credentials.take(own));
            let client = EndpointClient {
                endpoint,
                credentials,
                source: Some(self.credentials),
                given_up: self.waiting.cancel.child_token(),
            };
            clients.insert(name.clone(), client);
        }
        Ok((clients, of_origins))
    }
}

/// Files that differ from what was confirmed, unless the state knows: if this run is killed and the files
/// are changed back, the edge may still hold what they are now.
fn unsent(plan: &Plan, state: &State) -> Vec<(EntryKey, Option<Generation>)> {
    let is_added = |change: &Change| change.before.is_none();
    // If nothing was ever confirmed, nothing is known about the edge either.
    if plan.noop == 0 && plan.changes.iter().all(is_added) {
        return Vec::new();
    }
    let is_unknown = |change: &&Change| {
        let known = state.entries.get(&change.key);
        let attempt = known.and_then(|known| known.attempt.as_ref());
        let is_file = matches!(change.key.owner, Owner::Site(_));
        is_file
            && !plan.deferred.contains_key(&change.key)
            && change.before != change.after
            && attempt.is_none_or(|attempt| attempt.generation != change.after)
    };
    plan.changes.iter().filter(is_unknown).map(aim).collect()
}

fn aim(change: &Change) -> (EntryKey, Option<Generation>) {
    (change.key.clone(), change.after.clone())
}

async fn record(recorder: &Recorder, records: Vec<Record>) -> Result<(), StateError> {
    match records.is_empty() {
        true => Ok(()),
        false => recorder.record_all(records).await,
    }
}
