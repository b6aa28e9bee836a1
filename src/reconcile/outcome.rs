//! How a run ended: what it did, or why it could not, and the exit code of either.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use crate::credential::source::MissingCredentials;
use crate::execute::{self, EntryOutcome, Execution};
use crate::exit::Exit;
use crate::plan::select::SelectError;
use crate::plan::{Plan, PlanError};
use crate::provider::Effect;
use crate::state::{Outcome, StateError};
use crate::status::file::StatusError;
use crate::status::{Unusable, UnusableReason};
use crate::workspace::WorkspaceError;

#[derive(Debug)]
pub struct Reconciled {
    pub plan: Plan,
    /// `None` if the plan was refused or declined.
    pub execution: Option<Execution>,
    /// The exit code of a process that did only this.
    pub exit: Exit,
    /// Why the status could not be written; everything else is done all the same.
    pub status_error: Option<StatusError>,
}

#[derive(Debug, Error)]
pub enum ReconcileError {
    /// The state cannot be read, locked or written.
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Credentials(#[from] MissingCredentials),
    /// The existing status file is not one of ours.
    #[error(transparent)]
    Status(#[from] StatusError),
    /// The plan is not the one that was approved, in these ways.
    #[error("the plan is not the one that was approved")]
    Stale(Vec<String>),
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(
        "endpoint `{0}`: `origin.expect` names `${{revision}}`, and this project is at no git commit"
    )]
    NoRevision(Arc<str>),
}

impl ReconcileError {
    pub const fn exit(&self) -> Exit {
        match self {
            Self::State(StateError::Locked(_)) => Exit::Locked,
            Self::Credentials(_) => Exit::Credentials,
            Self::Stale(_) => Exit::Stale,
            Self::State(_)
            | Self::Plan(_)
            | Self::Status(_)
            | Self::Workspace(_)
            | Self::NoRevision(_) => Exit::Error,
        }
    }

    pub(super) fn unusable(&self) -> BTreeMap<Arc<str>, Unusable> {
        let Self::Credentials(missing) = self else {
            return BTreeMap::new();
        };
        let unusable = |(endpoint, message): (_, String)| {
            let unusable = Unusable {
                reason: UnusableReason::CredentialsMissing,
                message: message.into(),
            };
            (endpoint, unusable)
        };
        missing.by_endpoint().into_iter().map(unusable).collect()
    }
}

/// How a run ended, in one word for exit codes and reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is confirmed.
    Done,
    /// Some entries failed, were skipped, or are unknown.
    Failed,
    Refused,
    Declined,
    Credentials,
    /// Something is still running at the CDN, is deferred until there is quota again, or was not
    /// attempted in time.
    Running,
    Interrupted,
}

impl Verdict {
    /// The exit code of a process that did only this, unless a signal has its own.
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
    pub fn verdict(&self) -> Verdict {
        verdict(&self.plan, self.execution.as_ref())
    }

    /// When to go on, if everything that is left waits for quota.
    pub fn waits_until(&self) -> Option<DateTime<Utc>> {
        let execution = self.execution.as_ref()?;
        let deferred = &self.plan.deferred;
        let is_over = |entry: &EntryOutcome| match entry.outcome {
            Outcome::Deferred => deferred.contains_key(&entry.key),
            Outcome::Succeeded => true,
            Outcome::Submitted
            | Outcome::InProgress
            | Outcome::Held
            | Outcome::Failed
            | Outcome::Skipped
            | Outcome::Unknown
            | Outcome::Superseded => false,
        };
        let is_waiting = self.verdict() == Verdict::Running
            && !execution.timed_out
            && execution.entries.iter().all(is_over);
        deferred.values().min().copied().filter(|_| is_waiting)
    }

    /// Whether something is still running at the CDN.
    pub fn has_running_tasks(&self) -> bool {
        let mut entries = self.execution.iter().flat_map(|run| &run.entries);
        entries.any(|entry| matches!(entry.outcome, Outcome::Submitted | Outcome::InProgress))
    }
}

/// Interruption outranks everything, rejected credentials outrank entries, and running tasks outrank
/// failures, since the run is not finished. A failure outranks waiting for quota or the origin, which needs
/// nobody's attention.
pub(super) fn verdict(plan: &Plan, execution: Option<&Execution>) -> Verdict {
    let Some(execution) = execution else {
        return match plan.is_applyable() {
            true => Verdict::Declined,
            false => Verdict::Refused,
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
    } else if execution.timed_out || has(&[Outcome::Submitted, Outcome::InProgress]) {
        Verdict::Running
    } else if has(&[Outcome::Failed, Outcome::Unknown, Outcome::Skipped]) {
        Verdict::Failed
    } else if has(&[Outcome::Deferred, Outcome::Held]) {
        Verdict::Running
    } else {
        Verdict::Done
    }
}

impl From<SelectError> for ReconcileError {
    fn from(error: SelectError) -> Self {
        Self::Plan(error.into())
    }
}

/// Endpoints that stopped early, and why.
pub(super) fn unusable(execution: &Execution) -> impl Iterator<Item = (Arc<str>, Unusable)> {
    execution.failures.iter().map(|(endpoint, failure)| {
        let reason = match failure.effect == Effect::Credentials {
            true => UnusableReason::CredentialsRejected,
            false => UnusableReason::EndpointUnusable,
        };
        let message = (&failure.message).into();
        (endpoint.clone(), Unusable { reason, message })
    })
}
