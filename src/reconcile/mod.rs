//! All stages in one screen; the only place that knows their order.
//!
//! `apply`, `purge`, `status --refresh` and `watch` call [`Reconciler::run`] and differ in what
//! they hand in. Everything it needs is an argument, and what it did is a value.

mod outcome;
mod ports;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::credential::source::{self, CredentialSource, MissingCredentials};
use crate::desired::Desired;
use crate::diff::{Change, Difference};
use crate::entry::{EntryKey, Owner};
use crate::error::chain;
use crate::execute::{self, EndpointClient, Execution, Observer, Ports, Waiting};
use crate::exit::Exit;
use crate::manifest::resource::Project;
use crate::observed::{Since, observed};
use crate::plan::build::{self, Inputs};
use crate::plan::checks::Force;
use crate::plan::select::Selection;
use crate::plan::{Check, CheckStatus, Plan, PlanError};
use crate::provider::Effect;
use crate::state::recorder::Recorder;
use crate::state::{
    self, HistoryRecord, Holder, Known, PendingOperation, Record, State, StateError, StateStore,
};
use crate::status::file::StatusSink;
use crate::status::{self, Run, Unusable, UnusableReason};
use crate::transport::Transport;
use outcome::verdict;
pub use outcome::{ReconcileError, Reconciled, Verdict};
pub use ports::{Approval, Gate, Interruption};

/// What to reconcile.
#[derive(Debug, Clone)]
pub enum Intent {
    /// What the manifests declare, against the state or against a revision.
    Manifests(Option<Since>),
    /// These changes, whatever is confirmed, and nothing that manifests declare: `purgit purge`.
    OneOff(Vec<Change>),
    /// Nothing new; only ask about what is under way: `purgit status --refresh`.
    Refresh,
}

/// Everything a run needs.
#[derive(Debug)]
pub struct Reconciler<'a> {
    /// The validated manifests.
    pub project: &'a Project,
    /// Digest of the manifests.
    pub manifests_digest: String,
    /// Where the state is kept.
    pub store: Arc<dyn StateStore>,
    /// Who takes the lock.
    pub holder: Holder,
    /// How long to wait for it.
    pub lock_timeout: Duration,
    /// Entries to purge again, whatever is confirmed: for a while, something else was served.
    pub again: Vec<EntryKey>,
    /// `--target` and `--exclude`.
    pub selection: Selection,
    /// `--force`.
    pub forces: Vec<Force>,
    /// How to wait.
    pub waiting: Waiting,
    /// Asked when the waiting was cancelled.
    pub interruption: &'a dyn Interruption,
    /// The door to the network.
    pub transport: &'a dyn Transport,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Reads credentials.
    pub credentials: &'a dyn CredentialSource,
    /// Is told what happens.
    pub observer: &'a dyn Observer,
    /// Is shown the plan.
    pub gate: &'a dyn Gate,
    /// Takes the status.
    pub status: &'a dyn StatusSink,
    /// Gives ids: of intents, and of the state's line of descent.
    pub new_id: fn() -> String,
}

/// The plan for what is wanted, against the state or against a revision. No network, no
/// credentials, no lock.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(
    project: &Project,
    manifests_digest: &str,
    wanted: &Desired,
    since: Option<&Since>,
    known: &Known,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Plan, PlanError> {
    let observed = since.map(|_| observed(since, wanted, &known.state));
    build::plan(Inputs {
        project,
        manifests_digest,
        desired: wanted,
        state: observed.as_ref().unwrap_or(&known.state),
        state_digest: known.digest.as_deref(),
        revisions: since.map(|since| &since.revisions),
        selection,
        forces: &[],
        now,
    })
}

impl Reconciler<'_> {
    /// Lock, read, plan, show, send, follow, record, write the status.
    ///
    /// # Errors
    /// See [`ReconcileError`]. The status is written on those paths too, as far as the state could
    /// be read.
    pub async fn run(
        &self,
        wanted: &Desired,
        intent: Intent,
    ) -> Result<Reconciled, ReconcileError> {
        let (store, holder) = (self.store.clone(), self.holder.clone());
        let recorder = Recorder::open(store, holder, self.lock_timeout, (self.new_id)()).await?;
        if !self.again.is_empty() {
            let entries = self.again.iter().map(|key| (key.clone(), None));
            let due = Record::Due {
                entries: entries.collect(),
                forced: false,
                at: self.clock.now(),
            };
            recorder.record(due).await?;
        }
        let snapshot = recorder.snapshot();
        let previous = self.status.previous()?;
        let started_at = self.clock.now();
        let mut run = Run {
            started_at,
            ..Run::default()
        };

        // Looking is no run of its own: what the last one said still holds.
        let is_run = !matches!(intent, Intent::Refresh);
        let is_one_off = matches!(intent, Intent::OneOff(_));
        let mut result = self
            .reconcile(intent, wanted, &snapshot, &recorder, &mut run)
            .await;
        drop(snapshot);
        let state = match recorder.clone().finish().await {
            Ok(state) => state,
            Err(error) => {
                result = result.and(Err(error.into()));
                recorder.snapshot()
            }
        };
        drop(recorder);
        run.ended_at = self.clock.now();
        match &result {
            Ok((plan, execution)) => {
                run.exit_code = self.exit(plan, execution.as_ref()).code();
            }
            Err(error) => {
                run.exit_code = error.exit().code();
                run.error = Some(chain(error));
                run.unusable.extend(error.unusable());
            }
        }
        let document = match is_one_off {
            // Nothing was listed, so manifests stand as they did.
            true => previous.map(|previous| status::with_history(previous, &state)),
            false => Some(status::document(
                self.project,
                wanted,
                &state,
                is_run.then_some(&run),
                previous.as_ref(),
                run.ended_at,
            )),
        };
        let written = document.map(|document| self.status.write(&document));
        let (plan, execution) = result?;
        Ok(Reconciled {
            exit: self.exit(&plan, execution.as_ref()),
            plan,
            execution,
            status_error: written.and_then(Result::err),
        })
    }

    async fn reconcile(
        &self,
        intent: Intent,
        wanted: &Desired,
        snapshot: &State,
        recorder: &Recorder,
        run: &mut Run,
    ) -> Result<(Plan, Option<Execution>), ReconcileError> {
        let digest = (snapshot.serial > 0).then(|| state::format::digest(snapshot));
        let since = match &intent {
            Intent::Manifests(since) => since.clone(),
            Intent::OneOff(_) | Intent::Refresh => None,
        };
        let since = since.as_ref();
        let is_one_off = matches!(intent, Intent::OneOff(_));
        let observed = since.map(|_| observed(since, wanted, snapshot));
        let inputs = Inputs {
            project: self.project,
            manifests_digest: &self.manifests_digest,
            desired: wanted,
            state: observed.as_ref().unwrap_or(snapshot),
            state_digest: digest.as_deref(),
            revisions: since.map(|since| &since.revisions),
            selection: &self.selection,
            forces: &self.forces,
            now: run.started_at,
        };
        let (difference, resume) = match intent {
            Intent::Manifests(_) => (
                crate::diff::diff(wanted, inputs.state).served_by(self.project),
                true,
            ),
            Intent::OneOff(changes) => (
                Difference {
                    changes,
                    ..Difference::default()
                },
                false,
            ),
            Intent::Refresh => (Difference::default(), true),
        };
        let forgotten = difference.forgotten.clone();
        let plan = build::plan_changes(inputs, difference)?;
        run.plan_id.clone_from(&plan.id);
        let approval = self.gate.planned(&plan, snapshot);
        if !plan.is_applyable() {
            let failed = plan
                .checks
                .iter()
                .filter(|check| check.status == CheckStatus::Failed);
            run.refused = failed.map(|check| check.detail.clone()).collect();
            return Ok((plan, None));
        }
        if approval == Approval::Decline {
            return Ok((plan, None));
        }
        let (resumed, overtaken) = if resume {
            work::resumable(snapshot, &plan)
        } else {
            Default::default()
        };
        // A later run must find what differs from history even if this one has no credentials; but
        // what was asked for on the command line and could not be sent is asked for again.
        if !is_one_off {
            self.remember_due(&plan, since, recorder).await?;
        }
        let clients = self.clients(&plan, &resumed);
        let Some(clients) = self.waiting.cancel.run_until_cancelled(clients).await else {
            run.interrupted = true;
            return Ok((plan, Some(Execution::interrupted())));
        };
        let clients = clients?;
        if is_one_off {
            self.remember_due(&plan, since, recorder).await?;
        }
        let operations = work::operations(&plan, self.new_id);
        self.abandon(snapshot, recorder).await?;
        if !forgotten.is_empty() {
            recorder.record(Record::Forget { keys: forgotten }).await?;
        }
        if snapshot
            .pending_operations
            .iter()
            .any(|operation| operation.task.is_none())
        {
            let at = self.clock.now();
            recorder.record(Record::Resolve { at }).await?;
        }
        if operations.is_empty() && resumed.is_empty() {
            return Ok((plan, Some(Execution::default())));
        }
        let ports = Ports {
            transport: self.transport,
            clock: self.clock,
            recorder,
            observer: self.observer,
        };
        let mut execution =
            execute::run(&clients, operations, resumed, &self.waiting, ports).await?;
        execution.entries.extend(overtaken);
        execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
        run.interrupted = execution.interrupted;
        run.requests = execution.requests;
        for (endpoint, failure) in &execution.failures {
            let reason = match failure.effect == Effect::Credentials {
                true => UnusableReason::CredentialsRejected,
                false => UnusableReason::EndpointUnusable,
            };
            let message = (&failure.message).into();
            run.unusable
                .insert(endpoint.clone(), Unusable { reason, message });
        }
        let record = self.record(&plan, &execution);
        recorder.record(Record::Remember(record)).await?;
        Ok((plan, Some(execution)))
    }

    /// Records what a later plan could not find again, before any of it is done: what differs from a
    /// revision, what was asked for on the command line, and what was forced, which so stays approved.
    async fn remember_due(
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
    async fn abandon(&self, state: &State, recorder: &Recorder) -> Result<(), StateError> {
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
    async fn clients(
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

    fn record(&self, plan: &Plan, execution: &Execution) -> HistoryRecord {
        let outcomes = execution.entries.iter().map(|entry| entry.outcome);
        HistoryRecord {
            at: self.clock.now(),
            plan_id: plan.id.clone(),
            outcomes: state::transition::tally(outcomes),
            requests: execution.requests,
            exit_code: self.exit(plan, Some(execution)).code(),
        }
    }

    fn exit(&self, plan: &Plan, execution: Option<&Execution>) -> Exit {
        match verdict(plan, execution) {
            Verdict::Interrupted => self.interruption.exit(),
            other => other.exit(),
        }
    }
}
