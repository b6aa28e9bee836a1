//! The progress of one entry, according to the state. The diff decides what is confirmed: a manifest
//! is ready if and only if the next plan has nothing for it and nothing is pending.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diff::{Compared, Finding};
use crate::entry::{EntryKey, Generation, TargetKind};
use crate::escape::Shown;
use crate::state::Outcome;
use crate::state::pending::Pending;
use crate::verify::Evidence;

pub(super) struct View<'a> {
    pub(super) key: &'a EntryKey,
    /// `None` if its content is gone and must be purged.
    wanted: Option<&'a Generation>,
    /// `None` if the wanted generation was not attempted yet.
    pub(super) outcome: Option<Outcome>,
    /// The wanted generation is confirmed, and nothing contradicts it.
    pub(super) confirmed: bool,
    /// A purge to the wanted generation is pending.
    pub(super) under_way: bool,
    /// Any purge of this entry was ever tried, at any generation.
    pub(super) tried: bool,
    pub(super) message: Option<&'a str>,
    last_confirmed: Option<&'a Generation>,
    task: Option<&'a str>,
    /// What its edge served when it was asked last.
    pub(super) evidence: Option<&'a Evidence>,
}

impl<'a> View<'a> {
    /// `None` for an entry that no manifest declares.
    pub(super) fn of(compared: &Compared<'a>, pending: &Pending<'a>) -> Option<Self> {
        let (key, observed) = (compared.key, compared.observed);
        let attempt = observed.and_then(|observed| observed.attempt.as_ref());
        let accepted = pending.accepted.get(key);
        let in_doubt = pending.in_doubt.contains(key);
        let mut view = Self {
            key,
            wanted: compared.wanted,
            outcome: attempt.map(|attempt| attempt.outcome),
            confirmed: false,
            under_way: false,
            tried: observed.is_some() || accepted.is_some() || in_doubt,
            message: attempt.and_then(|attempt| attempt.message.as_deref()),
            last_confirmed: observed.and_then(|observed| observed.generation.as_ref()),
            task: accepted.and_then(|(operation, _)| Some(operation.task.as_ref()?.id.as_str())),
            evidence: None,
        };
        match compared.finding {
            Finding::Undeclared => return None,
            Finding::Confirmed => {
                view.confirmed = true;
                view.outcome = Some(Outcome::Succeeded);
                view.message = None;
            }
            Finding::UnderWay => {
                let was_asked = accepted.is_some_and(|(operation, _)| operation.asked_at.is_some());
                view.under_way = true;
                view.outcome = Some(match was_asked {
                    true => Outcome::InProgress,
                    false => Outcome::Submitted,
                });
                view.message = None;
            }
            Finding::Differs(_) if in_doubt && accepted.is_none() => {
                view.outcome = Some(Outcome::Unknown);
                view.message = Some("no one knows whether the request arrived");
            }
            // Success at another generation, or contradicted success, does not count.
            Finding::Differs(_) if view.outcome == Some(Outcome::Succeeded) => {
                view.outcome = None;
                view.message = None;
            }
            Finding::Differs(_) => {}
        }
        Some(view)
    }

    /// Whether the last attempt may have changed the edge's state.
    fn casts_doubt(&self) -> bool {
        match self.outcome {
            Some(Outcome::Failed | Outcome::Unknown | Outcome::Submitted | Outcome::InProgress) => {
                true
            }
            Some(
                Outcome::Succeeded
                | Outcome::Skipped
                | Outcome::Deferred
                | Outcome::Held
                | Outcome::Superseded,
            )
            | None => false,
        }
    }

    /// Whether the wanted generation was submitted, with any outcome.
    pub(super) fn was_attempted(&self) -> bool {
        self.confirmed || self.under_way || self.casts_doubt()
    }

    pub(super) fn status(&self) -> EntryStatus {
        let other = self
            .last_confirmed
            .filter(|generation| Some(*generation) != self.wanted);
        EntryStatus {
            address: self.key.address().into(),
            kind: self.key.target.kind(),
            target: self.key.target.as_str().into(),
            outcome: self.outcome,
            generation: self.wanted.map(|wanted| wanted.as_str().into()),
            confirmed_generation: other.map(|other| other.as_str().into()),
            message: self.message.map(Into::into),
            task_id: self.task.map(Into::into),
            evidence: self.evidence.cloned(),
        }
    }
}

/// The progress of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EntryStatus {
    /// The address, as `--target` accepts it.
    #[serde(default)]
    pub address: Shown,
    /// What kind of target it is.
    pub kind: TargetKind,
    /// What is purged, such as a URL; empty for everything. Formerly called `url`.
    #[serde(alias = "url")]
    pub target: Shown,
    /// Absent if the wanted generation was not attempted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The generation wanted; absent if the content is gone and must be purged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<Shown>,
    /// The generation last confirmed, if it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed_generation: Option<Shown>,
    /// What the CDN or the transport reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Shown>,
    /// The CDN's pending task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Shown>,
    /// What its edge served when it was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
}

/// Entries of a manifest with the same outcome for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CauseStatus {
    /// Absent if the wanted generation was not attempted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The message of the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Shown>,
    /// The number of entries.
    pub count: usize,
    /// Addresses of the first ones.
    pub examples: Vec<Shown>,
}
