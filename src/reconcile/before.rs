//! What is done before the first request: recording what a later plan could not find again, and getting
//! credentials.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reconciler;
use crate::credential::source::{self, MissingCredentials};
use crate::diff::Change;
use crate::entry::Owner;
use crate::execute::EndpointClient;
use crate::observed::Since;
use crate::plan::{Check, CheckStatus, Plan};
use crate::state::recorder::Recorder;
use crate::state::{PendingOperation, Record, State, StateError};

impl Reconciler<'_> {
    /// Records what a later plan could not find again, before any of it is done: what differs from a
    /// revision, what was asked for on the command line, and what was forced, which so stays approved.
    pub(super) async fn remember_due(
        &self,
        plan: &Plan,
        since: Option<&Since>,
        recorder: &Recorder,
    ) -> Result<(), StateError> {
        let mut records = Vec::new();
        let is_forced = |check: &Check| check.status == CheckStatus::Forced;
        let forced = plan.checks.iter().any(is_forced);
        let is_one_off = |change: &Change| change.key.owner == Owner::OneOff;
        let needed = forced || since.is_some() || plan.changes.iter().any(is_one_off);
        if needed && !plan.is_empty() {
            let entries = plan.changes.iter();
            records.push(Record::Due {
                entries: entries
                    .map(|change| (change.key.clone(), change.after.clone()))
                    .collect(),
                forced,
                at: self.clock.now(),
            });
        }
        // The changes of work that is not committed are of no revision.
        let compared = since
            .map(|since| &since.revisions)
            .filter(|compared| !compared.dirty && plan.complete);
        records.extend(compared.map(|compared| Record::Applied {
            revision: compared.to.clone(),
        }));
        match records.is_empty() {
            true => Ok(()),
            false => recorder.record_all(records).await,
        }
    }

    /// Drops tasks of endpoints that are no longer declared: nobody could ask about them.
    pub(super) async fn abandon(
        &self,
        state: &State,
        recorder: &Recorder,
    ) -> Result<(), StateError> {
        let operations = state.pending_operations.iter();
        let mut endpoints: Vec<_> = operations
            .map(|operation| operation.endpoint.clone())
            .filter(|name| !self.project.endpoints.contains_key(name))
            .collect();
        if endpoints.is_empty() {
            return Ok(());
        }
        endpoints.sort_unstable();
        endpoints.dedup();
        recorder.record(Record::Abandon { endpoints }).await
    }

    /// The endpoints that are needed, with their credentials.
    pub(super) async fn clients(
        &self,
        plan: &Plan,
        resumed: &[PendingOperation],
    ) -> Result<BTreeMap<Arc<str>, EndpointClient<'_>>, MissingCredentials> {
        let planned = plan.steps.iter().map(|step| &step.endpoint);
        let resumed = resumed.iter().map(|operation| &operation.endpoint);
        let named = planned.chain(resumed);
        let endpoints: BTreeMap<_, _> = named
            .filter_map(|name| self.project.endpoints.get_key_value(name))
            .collect();
        let references = endpoints
            .values()
            .map(|endpoint| (endpoint.name.clone(), endpoint.provider.credentials()));
        let mut credentials = source::resolve_all(self.credentials, references).await?;
        let clients = endpoints.into_iter().map(|(name, endpoint)| {
            let credentials = credentials.remove(name).unwrap_or_default();
            let client = EndpointClient {
                endpoint,
                credentials,
            };
            (name.clone(), client)
        });
        Ok(clients.collect())
    }
}
