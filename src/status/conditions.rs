//! Conditions in Kubernetes' words: `Ready` always, `Reconciling` and `Stalled` while they hold,
//! `Verified` once edges were asked.

use chrono::{DateTime, Utc};

use super::Declaration;
use super::causes::causes;
use super::document::{
    Condition, ConditionStatus, LastRun, ManifestStatus, ORIGIN_READY, READY, RECONCILING,
    RunResult, STALLED, StatusDocument, UnusableReason, VERIFIED,
};
use super::views::EntryViews;
use crate::escape::Shown;
use crate::plan::count as plural;
use crate::state::Outcome;

/// Causes that a message names; the list of entries has them all.
const MAX_CAUSES: usize = 3;

/// The most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    RunFailed,
    Refused,
    CredentialsMissing,
    CredentialsRejected,
    EndpointUnusable,
    PurgeFailed,
    Interrupted,
    PurgeUnknown,
    QuotaExhausted,
    OriginNotReady,
    InProgress,
    NotPurged,
    Suspended,
    PurgeSucceeded,
    StaleAtEdge,
    NotProven,
    ProvenFresh,
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
            Self::QuotaExhausted => "QuotaExhausted",
            Self::OriginNotReady => "OriginNotReady",
            Self::InProgress => "InProgress",
            Self::NotPurged => "NotPurged",
            Self::Suspended => "Suspended",
            Self::PurgeSucceeded => "PurgeSucceeded",
            Self::StaleAtEdge => "StaleAtEdge",
            Self::NotProven => "NotProven",
            Self::ProvenFresh => "ProvenFresh",
        }
    }
}

#[derive(Clone)]
pub(super) struct Statement {
    pub(super) reason: Reason,
    pub(super) message: String,
}

/// The conditions of a manifest or of the project.
pub(super) struct Standing {
    ready: ConditionStatus,
    why: Statement,
    reconciling: Option<Statement>,
    pub(super) stalled: Option<Statement>,
    held: Option<Statement>,
    pub(super) verified: Option<(ConditionStatus, Statement)>,
}

impl Standing {
    pub(super) fn of(
        declaration: &Declaration<'_>,
        views: &EntryViews<'_>,
        last_run: Option<&LastRun>,
    ) -> Self {
        let (total, confirmed) = (views.counts.total, views.counts.succeeded);
        if declaration.suspended {
            return Self::only(ConditionStatus::Unknown, suspended(declaration));
        }
        if confirmed == total {
            let why = Statement {
                reason: Reason::PurgeSucceeded,
                message: match total {
                    0 => "nothing is declared".to_owned(),
                    1 => "1 entry is confirmed".to_owned(),
                    _ => format!("{total} entries are confirmed"),
                },
            };
            return Self::only(ConditionStatus::True, why);
        }
        let under_way = views.open().filter(|view| view.under_way).count();
        let reconciling = (under_way > 0).then(|| Statement {
            reason: Reason::InProgress,
            message: format!("{under_way} of {total} entries are under way"),
        });
        let blocked = blocked(declaration, last_run);
        let skipped = || caused(views, Outcome::Skipped, Reason::EndpointUnusable, "skipped");
        let held = || caused(views, Outcome::Held, Reason::OriginNotReady, "held");
        let why = blocked
            .clone()
            .or_else(|| caused(views, Outcome::Failed, Reason::PurgeFailed, "failed"))
            .or_else(skipped)
            .or_else(|| {
                let run = last_run.filter(|run| run.result == RunResult::Interrupted)?;
                let error = run.error.as_ref().map(|error| format!(": {error}"));
                let message = format!(
                    "the run was interrupted with {confirmed} of {total} entries confirmed{}",
                    error.unwrap_or_default()
                );
                Some(Statement {
                    reason: Reason::Interrupted,
                    message,
                })
            })
            .or_else(|| caused(views, Outcome::Unknown, Reason::PurgeUnknown, "in doubt"))
            .or_else(|| caused(views, Outcome::Deferred, Reason::QuotaExhausted, "deferred"))
            .or_else(held)
            .or_else(|| reconciling.clone())
            .unwrap_or_else(|| Statement {
                reason: Reason::NotPurged,
                message: format!("{confirmed} of {total} entries are confirmed"),
            });
        Self {
            ready: if why.reason == Reason::NotPurged && !views.tried {
                ConditionStatus::Unknown
            } else {
                ConditionStatus::False
            },
            // While something is under way, the next run can make progress.
            stalled: blocked.or_else(skipped).filter(|_| reconciling.is_none()),
            why,
            reconciling,
            held: held(),
            verified: None,
        }
    }

    fn only(ready: ConditionStatus, why: Statement) -> Self {
        Self {
            ready,
            why,
            reconciling: None,
            stalled: None,
            held: None,
            verified: None,
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

/// Why the last run could do nothing for a manifest, and the next one could not either.
fn blocked(declaration: &Declaration<'_>, last_run: Option<&LastRun>) -> Option<Statement> {
    let run = last_run?;
    if !run.refused.is_empty() {
        let refused: Vec<&str> = run.refused.iter().map(|check| &**check).collect();
        return Some(Statement {
            reason: Reason::Refused,
            message: refused.join("; "),
        });
    }
    let unusable = run.unusable.get(declaration.endpoint)?;
    Some(Statement {
        reason: match unusable.reason {
            UnusableReason::CredentialsMissing => Reason::CredentialsMissing,
            UnusableReason::CredentialsRejected => Reason::CredentialsRejected,
            UnusableReason::EndpointUnusable => Reason::EndpointUnusable,
        },
        message: unusable.message.to_string(),
    })
}

/// States how many entries have an outcome, and for which reasons.
fn caused(
    views: &EntryViews<'_>,
    outcome: Outcome,
    reason: Reason,
    word: &str,
) -> Option<Statement> {
    let having = views.open().filter(|view| view.outcome == Some(outcome));
    let causes = causes(having.map(|view| (outcome, view.message, &view.key.target)));
    let count: usize = causes.iter().map(|cause| cause.count).sum();
    let shown = causes.iter().take(MAX_CAUSES).filter_map(|cause| {
        let number = match causes.len() {
            1 => String::new(),
            _ => format!("{} × ", cause.count),
        };
        let said = cause.message.unwrap_or("no reason given");
        let first = cause.examples.first()?;
        Some(format!("{number}{said} (first `{first}`)"))
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() {
        return None;
    }
    let more = match causes.len().saturating_sub(MAX_CAUSES) {
        0 => String::new(),
        more => format!("; and {}", plural(more, "more reason")),
    };
    let total = views.counts.total;
    let message = format!(
        "{count} of {total} entries {word}: {}{more}",
        shown.join("; ")
    );
    Some(Statement { reason, message })
}

pub(super) fn manifest_conditions(
    standing: &Standing,
    before: Option<&ManifestStatus>,
    now: DateTime<Utc>,
) -> Vec<Condition> {
    let before = before.map_or(&[][..], |before| &before.conditions);
    conditions(standing, before, now)
}

/// The conditions of the project, from those of its manifests.
pub(super) fn project_conditions(
    standings: &[Standing],
    last_run: Option<&LastRun>,
    previous: Option<&StatusDocument>,
    verified: Option<(ConditionStatus, Statement)>,
    now: DateTime<Utc>,
) -> Vec<Condition> {
    let before = previous.map_or(&[][..], |previous| &previous.conditions);
    let is_active = |one: &&Standing| one.why.reason != Reason::Suspended;
    let active = || standings.iter().filter(is_active);
    let ready = active().filter(|one| one.is_ready()).count();
    let total = active().count();
    let count = format!("{ready} of {total} manifests are ready");
    let error = last_run
        .filter(|run| run.result == RunResult::Failed)
        .and_then(|run| run.error.as_deref().map(str::to_owned));
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
    let together = |part: fn(&Standing) -> Option<&Statement>, word: &str| {
        let reason = active().filter_map(part).map(|one| one.reason).min()?;
        let count = active().filter_map(part).count();
        let message = format!("{count} of {total} manifests {word}");
        Some(Statement { reason, message })
    };
    let standing = Standing {
        ready: status,
        why,
        verified,
        reconciling: together(|one| one.reconciling.as_ref(), "are under way"),
        stalled: together(|one| one.stalled.as_ref(), "are stalled"),
        held: together(|one| one.held.as_ref(), "wait for the origin"),
    };
    conditions(&standing, before, now)
}

fn conditions(standing: &Standing, before: &[Condition], now: DateTime<Utc>) -> Vec<Condition> {
    let holds = ConditionStatus::True;
    let (is_verified, proven) = match &standing.verified {
        Some((status, statement)) => (*status, Some(statement)),
        None => (holds, None),
    };
    let all = [
        (READY, standing.ready, Some(&standing.why)),
        (RECONCILING, holds, standing.reconciling.as_ref()),
        (STALLED, holds, standing.stalled.as_ref()),
        (ORIGIN_READY, ConditionStatus::False, standing.held.as_ref()),
        (VERIFIED, is_verified, proven),
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
                message: Shown::from(&statement.message),
                last_transition_time: same.map_or(now, |same| same.last_transition_time),
            }
        })
        .collect()
}
