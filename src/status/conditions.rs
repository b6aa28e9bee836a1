//! Conditions in Kubernetes' words: `Ready` always, `Reconciling` and `Stalled` while they hold.

use chrono::{DateTime, Utc};

use super::Declaration;
use super::document::{
    Condition, ConditionStatus, LastRun, ManifestStatus, READY, RECONCILING, RunResult, STALLED,
    StatusDocument,
};
use super::entry::View;
use crate::state::Outcome;

/// Why a condition is as it is. In order of what a reader has to know first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    RunFailed,
    Refused,
    CredentialsMissing,
    CredentialsRejected,
    EndpointUnusable,
    PurgeFailed,
    Interrupted,
    PurgeUnknown,
    InProgress,
    NotPurged,
    Suspended,
    PurgeSucceeded,
}

impl Reason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::RunFailed => "RunFailed",
            Self::Refused => "Refused",
            Self::CredentialsMissing => "CredentialsMissing",
            Self::CredentialsRejected => "CredentialsRejected",
            Self::EndpointUnusable => "EndpointUnusable",
            Self::PurgeFailed => "PurgeFailed",
            Self::Interrupted => "Interrupted",
            Self::PurgeUnknown => "PurgeUnknown",
            Self::InProgress => "InProgress",
            Self::NotPurged => "NotPurged",
            Self::Suspended => "Suspended",
            Self::PurgeSucceeded => "PurgeSucceeded",
        }
    }
}

/// A reason with its sentence.
#[derive(Clone)]
struct Statement {
    reason: Reason,
    message: String,
}

/// How a manifest stands; its conditions follow from this.
pub(super) struct Standing {
    ready: ConditionStatus,
    why: Statement,
    reconciling: Option<Statement>,
    stalled: Option<Statement>,
}

impl Standing {
    pub(super) fn of(
        declaration: &Declaration<'_>,
        views: &[View<'_>],
        last_run: Option<&LastRun>,
    ) -> Self {
        let total = views.len();
        let confirmed = views.iter().filter(|view| view.confirmed).count();
        if declaration.suspended {
            return Self {
                ready: ConditionStatus::Unknown,
                why: suspended(declaration),
                reconciling: None,
                stalled: None,
            };
        }
        if confirmed == total {
            return Self {
                ready: ConditionStatus::True,
                why: Statement {
                    reason: Reason::PurgeSucceeded,
                    message: match total {
                        0 => "nothing is declared".to_owned(),
                        1 => "1 entry is confirmed".to_owned(),
                        _ => format!("{total} entries are confirmed"),
                    },
                },
                reconciling: None,
                stalled: None,
            };
        }
        let under_way = views.iter().filter(|view| view.under_way).count();
        let reconciling = (under_way > 0).then(|| Statement {
            reason: Reason::InProgress,
            message: format!("{under_way} of {total} entries are under way"),
        });
        let blocked = blocked(declaration, last_run);
        let why = blocked
            .clone()
            .or_else(|| first_with(views, Outcome::Failed, Reason::PurgeFailed, "failed"))
            .or_else(|| first_with(views, Outcome::Skipped, Reason::EndpointUnusable, "skipped"))
            .or_else(|| {
                let run = last_run.filter(|run| run.result == RunResult::Interrupted)?;
                Some(Statement {
                    reason: Reason::Interrupted,
                    message: format!(
                        "the run was interrupted with {confirmed} of {total} entries confirmed{}",
                        run.error
                            .as_ref()
                            .map(|error| format!(": {error}"))
                            .unwrap_or_default()
                    ),
                })
            })
            .or_else(|| first_with(views, Outcome::Unknown, Reason::PurgeUnknown, "in doubt"))
            .or_else(|| reconciling.clone())
            .unwrap_or_else(|| Statement {
                reason: Reason::NotPurged,
                message: format!("{confirmed} of {total} entries are confirmed"),
            });
        let skipped = || first_with(views, Outcome::Skipped, Reason::EndpointUnusable, "skipped");
        Self {
            ready: if why.reason == Reason::NotPurged && !views.iter().any(|view| view.tried) {
                ConditionStatus::Unknown
            } else {
                ConditionStatus::False
            },
            // While something is under way, the next run has something to do that may help.
            stalled: blocked.or_else(skipped).filter(|_| reconciling.is_none()),
            why,
            reconciling,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready == ConditionStatus::True
    }
}

fn suspended(declaration: &Declaration<'_>) -> Statement {
    let suspension = declaration.suspension;
    let until = suspension
        .and_then(|suspension| suspension.until)
        .map(|until| format!(" until {}", until.format("%Y-%m-%d %H:%M:%SZ")));
    let reason = suspension
        .and_then(|suspension| suspension.reason.as_ref())
        .map(|reason| format!(": {reason}"));
    Statement {
        reason: Reason::Suspended,
        message: format!(
            "suspended{}{}",
            until.unwrap_or_default(),
            reason.unwrap_or_default()
        ),
    }
}

/// What kept the last run from doing anything for a manifest, and would again.
fn blocked(declaration: &Declaration<'_>, last_run: Option<&LastRun>) -> Option<Statement> {
    let run = last_run?;
    if !run.refused.is_empty() {
        return Some(Statement {
            reason: Reason::Refused,
            message: run.refused.join("; "),
        });
    }
    let unusable = run.unusable.get(declaration.endpoint)?;
    Some(Statement {
        reason: match unusable.credentials {
            true if unusable.missing => Reason::CredentialsMissing,
            true => Reason::CredentialsRejected,
            false => Reason::EndpointUnusable,
        },
        message: unusable.message.clone(),
    })
}

/// States how many entries have an outcome, and names the first.
fn first_with(
    views: &[View<'_>],
    outcome: Outcome,
    reason: Reason,
    word: &str,
) -> Option<Statement> {
    let mut having = views.iter().filter(|view| view.outcome == Some(outcome));
    let first = having.next()?;
    let count = 1 + having.count();
    let said = first.message.map(|said| format!(": {said}"));
    Some(Statement {
        reason,
        message: format!(
            "{count} of {} entries {word}, first `{}`{}",
            views.len(),
            first.entry.key.target,
            said.unwrap_or_default()
        ),
    })
}

pub(super) fn manifest_conditions(
    standing: &Standing,
    before: Option<&ManifestStatus>,
    now: DateTime<Utc>,
) -> Vec<Condition> {
    let before = before.map_or(&[][..], |before| &before.conditions);
    conditions(standing, before, now)
}

/// The conditions of the project: those of its manifests taken together.
pub(super) fn project_conditions(
    standings: &[Standing],
    last_run: Option<&LastRun>,
    previous: Option<&StatusDocument>,
    now: DateTime<Utc>,
) -> Vec<Condition> {
    let before = previous.map_or(&[][..], |previous| &previous.conditions);
    let active = || {
        standings
            .iter()
            .filter(|one| one.why.reason != Reason::Suspended)
    };
    let ready = active().filter(|one| one.is_ready()).count();
    let total = active().count();
    let count = format!("{ready} of {total} manifests are ready");
    let error = last_run
        .filter(|run| run.result == RunResult::Failed)
        .and_then(|run| run.error.clone());
    let worst = active().map(|one| one.why.reason).min();
    let (status, why) = match (error, worst) {
        (Some(message), _) => {
            let reason = Reason::RunFailed;
            (ConditionStatus::False, Statement { reason, message })
        }
        (None, Some(reason)) => {
            let status = if ready == total {
                ConditionStatus::True
            } else if active().any(|one| one.ready == ConditionStatus::False) {
                ConditionStatus::False
            } else {
                ConditionStatus::Unknown
            };
            let message = count;
            (status, Statement { reason, message })
        }
        (None, None) if standings.is_empty() => {
            let reason = Reason::PurgeSucceeded;
            let message = "nothing is declared".to_owned();
            (ConditionStatus::True, Statement { reason, message })
        }
        (None, None) => {
            let reason = Reason::Suspended;
            let message = "all manifests are suspended".to_owned();
            (ConditionStatus::Unknown, Statement { reason, message })
        }
    };
    let together = |statements: Vec<&Statement>, word: &str| {
        let reason = statements.iter().map(|statement| statement.reason).min()?;
        let count = statements.len();
        let message = format!("{count} of {total} manifests {word}");
        Some(Statement { reason, message })
    };
    let standing = Standing {
        ready: status,
        why,
        reconciling: together(
            active()
                .filter_map(|one| one.reconciling.as_ref())
                .collect(),
            "are under way",
        ),
        stalled: together(
            active().filter_map(|one| one.stalled.as_ref()).collect(),
            "are stalled",
        ),
    };
    conditions(&standing, before, now)
}

fn conditions(standing: &Standing, before: &[Condition], now: DateTime<Utc>) -> Vec<Condition> {
    let holds = ConditionStatus::True;
    let all = [
        (READY, standing.ready, Some(&standing.why)),
        (RECONCILING, holds, standing.reconciling.as_ref()),
        (STALLED, holds, standing.stalled.as_ref()),
    ];
    let present = all
        .into_iter()
        .filter_map(|(kind, status, statement)| Some((kind, status, statement?)));
    present
        .map(|(kind, status, statement)| {
            let same = before
                .iter()
                .find(|condition| condition.kind == kind && condition.status == status);
            Condition {
                kind: kind.to_owned(),
                status,
                reason: statement.reason.as_str().to_owned(),
                message: statement.message.clone(),
                last_transition_time: same.map_or(now, |same| same.last_transition_time),
            }
        })
        .collect()
}
