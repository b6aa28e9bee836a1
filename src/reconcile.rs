//! All stages in one screen; the only place that knows their order.
//!
//! `apply`, `purge`, `status --refresh` and `watch` call [`Reconciler::run`] and differ in what
//! they hand in. Everything it needs is an argument, and what it did is a value.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use thiserror::Error;
use tokio::task::spawn_blocking;

use crate::clock::Clock;
use crate::credential_source::{self, CredentialError, CredentialSource};
use crate::desired::{Desired, EntryKey, Generation, Kind};
use crate::diff::{Change, Difference};
use crate::error::chain;
use crate::execute::{self, Execution, Job, Line, Observer, Ports, Waiting};
use crate::exit::Exit;
use crate::manifest::resource::Project;
use crate::observed::{Since, observed};
use crate::plan::build::{self, Inputs};
use crate::plan::checks::Force;
use crate::plan::select::{SelectError, Selection};
use crate::plan::{CheckStatus, Plan, Step};
use crate::provider::Effect;
use crate::state::recorder::Recorder;
use crate::state::{
    self, HistoryRecord, Holder, Outcome, PendingOperation, Snapshot, State, StateError, StateStore,
};
use crate::status::file::StatusError;
use crate::status::{self, Run, StatusDocument, Unusable};
use crate::transport::Transport;

/// What to reconcile.
#[derive(Debug, Clone)]
pub enum Intent {
    /// What the manifests declare, against the state or against a revision.
    Manifests(Option<Since>),
    /// These changes, whatever is confirmed: `purgit purge`.
    OneOff(Vec<Change>),
    /// Nothing new; only ask about what is under way: `purgit status --refresh`.
    Refresh,
}

/// How far a run goes, decided once the plan is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Carry it out.
    Go,
    /// Leave everything as it is.
    Decline,
}

/// Is shown the plan before anything is sent, and may decline it.
pub trait Gate: fmt::Debug + Send + Sync {
    /// The plan, refused ones included; the answer counts only when the plan is applyable.
    fn planned(&self, plan: &Plan, state: &State) -> Approval;
}

/// Where the status goes.
pub trait StatusSink: fmt::Debug + Send + Sync {
    /// What was written last, for transition times.
    ///
    /// # Errors
    /// When what is there is not a status.
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError>;

    /// Writes.
    ///
    /// # Errors
    /// When it cannot be written.
    fn write(&self, document: &StatusDocument) -> Result<(), StatusError>;
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
    /// `--target` and `--exclude`.
    pub selection: Selection,
    /// `--force`.
    pub forces: Vec<Force>,
    /// How to wait.
    pub waiting: Waiting,
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

/// What a run did.
#[derive(Debug)]
pub struct Reconciled {
    /// The plan; it was refused when it is not applyable.
    pub plan: Plan,
    /// What was sent and became of it; `None` when the plan was refused or declined.
    pub execution: Option<Execution>,
    /// Why the status could not be written, which undoes nothing else.
    pub status_error: Option<StatusError>,
}

/// Why a run could not be carried out.
#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The state cannot be read, locked or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// A selection is about nothing.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A credential is not there.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The status that is there is not one of ours.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// A blocking task was torn down.
    #[error("the runtime is shutting down")]
    Shutdown,
}

impl ReconcileError {
    /// How a process ends with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::State(StateError::Locked(_)) => Exit::Locked,
            Self::Credentials(_) => Exit::Credentials,
            Self::State(_) | Self::Select(_) | Self::Status(_) | Self::Shutdown => Exit::Error,
        }
    }

    /// The endpoint that could not be used, and why.
    fn unusable(&self) -> Option<(Arc<str>, Unusable)> {
        match self {
            Self::Credentials(error) => {
                let unusable = Unusable {
                    credentials: true,
                    message: chain(error),
                };
                Some((error.endpoint.clone(), unusable))
            }
            Self::State(_) | Self::Select(_) | Self::Status(_) | Self::Shutdown => None,
        }
    }
}

/// The plan for what is wanted, against the state or against a revision. No network, no
/// credentials, no lock.
///
/// # Errors
/// A selection that is about nothing.
pub fn plan(
    project: &Project,
    manifests_digest: &str,
    wanted: &Desired,
    since: Option<&Since>,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<Plan, SelectError> {
    let digest = state_digest(snapshot);
    let inputs = Inputs {
        project,
        manifests_digest,
        desired: wanted,
        state: &snapshot.state,
        state_digest: digest.as_deref(),
        revisions: since.map(|since| &since.revisions),
        selection,
        forces: &[],
    };
    match since {
        None => build::plan(inputs),
        Some(_) => {
            let observed = observed(since, &snapshot.state);
            build::plan(Inputs {
                state: &observed,
                ..inputs
            })
        }
    }
}

fn state_digest(snapshot: &Snapshot) -> Option<String> {
    snapshot
        .version
        .is_some()
        .then(|| state::format::digest(&snapshot.state))
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
        let store = self.store.clone();
        let holder = self.holder.clone();
        let locked = blocking(move || -> Result<_, StateError> {
            let guard = store.lock(&holder)?;
            Ok((guard, store.read()?))
        });
        let (_guard, snapshot) = locked.await??;
        let previous = self.status.previous()?;
        let started_at = self.clock.now();
        let recorder = Recorder::new(self.store.clone(), snapshot.clone(), (self.new_id)());
        let mut run = Run {
            started_at,
            ..Run::default()
        };

        let result = self
            .reconcile(intent, wanted, &snapshot, &recorder, &mut run)
            .await;
        run.ended_at = self.clock.now();
        match &result {
            Ok((plan, execution)) => {
                run.exit_code = verdict(plan, execution.as_ref()).exit().code();
            }
            Err(error) => {
                run.exit_code = error.exit().code();
                run.error = Some(chain(error));
                run.unusable.extend(error.unusable());
            }
        }
        let document = status::document(
            self.project,
            wanted,
            &recorder.snapshot(),
            Some(&run),
            previous.as_ref(),
            run.ended_at,
        );
        let written = self.status.write(&document);
        let (plan, execution) = result?;
        Ok(Reconciled {
            plan,
            execution,
            status_error: written.err(),
        })
    }

    async fn reconcile(
        &self,
        intent: Intent,
        wanted: &Desired,
        snapshot: &Snapshot,
        recorder: &Recorder,
        run: &mut Run,
    ) -> Result<(Plan, Option<Execution>), ReconcileError> {
        let digest = state_digest(snapshot);
        let since = match &intent {
            Intent::Manifests(since) => since.clone(),
            Intent::OneOff(_) | Intent::Refresh => None,
        };
        let since = since.as_ref();
        let observed = since.map(|_| observed(since, &snapshot.state));
        let inputs = Inputs {
            project: self.project,
            manifests_digest: &self.manifests_digest,
            desired: wanted,
            state: observed.as_ref().unwrap_or(&snapshot.state),
            state_digest: digest.as_deref(),
            revisions: since.map(|since| &since.revisions),
            selection: &self.selection,
            forces: &self.forces,
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
        let approval = self.gate.planned(&plan, &snapshot.state);
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
        let resumed = if resume {
            resumable(&snapshot.state, &plan)
        } else {
            Vec::new()
        };
        let lines = self.lines(&plan, &resumed)?;
        let jobs = self.jobs(&plan);
        if !forgotten.is_empty() {
            recorder
                .record(move |state| state.forget(&forgotten))
                .await?;
        }
        if snapshot
            .state
            .pending_operations
            .iter()
            .any(|operation| operation.task.is_none())
        {
            let at = self.clock.now();
            recorder
                .record(move |state| state.resolve_doubt(at))
                .await?;
        }
        if jobs.is_empty() && resumed.is_empty() {
            return Ok((plan, Some(Execution::default())));
        }
        let ports = Ports {
            transport: self.transport,
            clock: self.clock,
            recorder,
            observer: self.observer,
        };
        let execution = execute::run(&lines, jobs, resumed, &self.waiting, ports).await?;
        run.interrupted = execution.interrupted;
        run.requests = execution.requests;
        run.unusable
            .extend(execution.failures.iter().map(|(endpoint, failure)| {
                let credentials = failure.effect == Effect::Credentials;
                (
                    endpoint.clone(),
                    Unusable {
                        credentials,
                        message: failure.message.clone(),
                    },
                )
            }));
        let record = self.record(&plan, &execution);
        recorder.record(move |state| state.remember(record)).await?;
        Ok((plan, Some(execution)))
    }

    /// The endpoints that are needed, with their credentials.
    fn lines(
        &self,
        plan: &Plan,
        resumed: &[PendingOperation],
    ) -> Result<BTreeMap<Arc<str>, Line<'_>>, CredentialError> {
        let mut lines = BTreeMap::new();
        let planned = plan.steps.iter().map(|step| &step.endpoint);
        for name in planned.chain(resumed.iter().map(|operation| &operation.endpoint)) {
            let Some(endpoint) = self.project.endpoints.get(name) else {
                continue;
            };
            if !lines.contains_key(name) {
                let credentials = credential_source::resolve(self.credentials, endpoint)?;
                lines.insert(
                    name.clone(),
                    Line {
                        endpoint,
                        credentials,
                    },
                );
            }
        }
        Ok(lines)
    }

    /// Each step with the entries that want its URLs.
    fn jobs(&self, plan: &Plan) -> Vec<Job> {
        type Wanting<'a> = HashMap<(&'a str, Kind, &'a str), Vec<(EntryKey, Option<Generation>)>>;
        let mut wanting: Wanting<'_> = HashMap::new();
        for change in &plan.changes {
            let key = &change.key;
            wanting
                .entry((&key.endpoint, key.kind, key.url.as_str()))
                .or_default()
                .push((key.clone(), change.after.clone()));
        }
        let job = |step: &Step| Job {
            id: (self.new_id)(),
            entries: step
                .items()
                .filter_map(|(kind, url)| wanting.get(&(&*step.endpoint, kind, url.as_str())))
                .flatten()
                .cloned()
                .collect(),
            step: step.clone(),
        };
        plan.steps.iter().map(job).collect()
    }

    fn record(&self, plan: &Plan, execution: &Execution) -> HistoryRecord {
        let outcomes = execution.entries.iter().map(|entry| entry.outcome);
        HistoryRecord {
            at: self.clock.now(),
            plan_id: plan.id.clone(),
            outcomes: state::transition::tally(outcomes),
            requests: execution.requests,
            exit_code: verdict(plan, Some(execution)).exit().code(),
        }
    }
}

/// Accepted operations to ask about, without the entries that the plan purges anew.
fn resumable(state: &State, plan: &Plan) -> Vec<PendingOperation> {
    let anew: std::collections::HashSet<_> =
        plan.changes.iter().map(|change| &change.key).collect();
    let accepted = state
        .pending_operations
        .iter()
        .filter(|operation| operation.task.is_some());
    let mut resumable: Vec<_> = accepted.cloned().collect();
    for operation in &mut resumable {
        operation.entries.retain(|(key, _)| !anew.contains(key));
    }
    resumable.retain(|operation| !operation.entries.is_empty());
    resumable
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ReconcileError> {
    spawn_blocking(work)
        .await
        .map_err(|_| ReconcileError::Shutdown)
}

/// How a run ended, as one word for exit codes and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is confirmed.
    Done,
    /// Some entries failed, were skipped, or are unknown.
    Failed,
    /// Refused by a check.
    Refused,
    /// Declined by the user.
    Declined,
    /// The credentials were rejected.
    Credentials,
    /// The CDN is still at it.
    Running,
    /// Interrupted.
    Interrupted,
}

impl Verdict {
    /// How a process ends that did only this.
    pub const fn exit(self) -> Exit {
        match self {
            Self::Done => Exit::Done,
            Self::Failed => Exit::Failed,
            Self::Refused => Exit::Refused,
            Self::Declined => Exit::Error,
            Self::Credentials => Exit::Credentials,
            Self::Running => Exit::Running,
            Self::Interrupted => Exit::Interrupted,
        }
    }
}

impl Reconciled {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        verdict(&self.plan, self.execution.as_ref())
    }
}

/// Interruption outranks everything, rejected credentials outrank entries, and what still runs
/// outranks what failed: the run is not finished then.
fn verdict(plan: &Plan, execution: Option<&Execution>) -> Verdict {
    let Some(execution) = execution else {
        return if plan.is_applyable() {
            Verdict::Declined
        } else {
            Verdict::Refused
        };
    };
    let has = |outcomes: &[Outcome]| {
        execution
            .entries
            .iter()
            .any(|entry| outcomes.contains(&entry.outcome))
    };
    let rejected =
        |(_, failure): &(Arc<str>, execute::Failure)| failure.effect == Effect::Credentials;
    if execution.interrupted {
        Verdict::Interrupted
    } else if execution.failures.iter().any(rejected) {
        Verdict::Credentials
    } else if has(&[Outcome::Submitted, Outcome::InProgress]) {
        Verdict::Running
    } else if has(&[Outcome::Failed, Outcome::Unknown, Outcome::Skipped]) {
        Verdict::Failed
    } else {
        Verdict::Done
    }
}
