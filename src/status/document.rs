//! The status document as it is written: a frozen mirror for `purgit/v1alpha1`. Unknown fields are
//! ignored in reading, so that transition times survive a newer document.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CauseStatus, EntryStatus, Run};
use crate::escape::Shown;
use crate::state::{HistoryRecord, Outcome};
use crate::word_enum::word_enum;

pub const KIND: &str = "Status";

/// Always present: everything is confirmed as declared.
pub const READY: &str = "Ready";

/// Present while purges are pending.
pub const RECONCILING: &str = "Reconciling";

/// Present if the next run would fail the same way.
pub const STALLED: &str = "Stalled";

/// Present, and False, while entries wait for the origin.
pub const ORIGIN_READY: &str = "OriginReady";

/// Present once edges were asked: users get what is declared.
pub const VERIFIED: &str = "Verified";

/// The status of a project and of each of its manifests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusDocument {
    /// The format: `purgit/v1alpha1`.
    pub api_version: String,
    /// [`KIND`].
    pub kind: String,
    /// Whose status it is.
    pub metadata: Metadata,
    /// Of the project as a whole.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// The last run that wrote a status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<LastRun>,
    /// By kind and name.
    #[serde(default)]
    pub manifests: Vec<ManifestStatus>,
    /// Past runs that submitted or settled something, latest first, at most
    /// [`super::MAX_STATUS_HISTORY`].
    #[serde(default)]
    pub history: Vec<PastRun>,
}

impl StatusDocument {
    pub fn manifest(&self, kind: &str, name: &str) -> Option<&ManifestStatus> {
        let mut manifests = self.manifests.iter();
        manifests.find(|manifest| manifest.kind == kind && manifest.name == name)
    }

    /// Keeps the previous times if nothing else has changed, so that a file in git does not change
    /// without need.
    pub(super) fn keep_times(&mut self, previous: &Self) {
        let (Some(run), Some(before)) = (&mut self.last_run, &previous.last_run) else {
            return;
        };
        let latest = run.clone();
        (run.started_at, run.ended_at) = (before.started_at, before.ended_at);
        if self != previous {
            self.last_run = Some(latest);
        }
    }
}

/// What a document is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Name of the project.
    pub name: String,
}

/// One statement about a manifest or a project, in Kubernetes' words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// [`READY`], [`RECONCILING`], [`STALLED`] or [`VERIFIED`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The reason in one word.
    pub reason: String,
    /// The reason in one sentence.
    pub message: Shown,
    /// When `status` last changed.
    pub last_transition_time: DateTime<Utc>,
}

word_enum! {
    /// Whether a condition holds.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(into = "String", try_from = "String")]
    pub enum ConditionStatus {
        /// It holds.
        True = "True",
        /// It does not hold.
        False = "False",
        /// Unknown.
        Unknown = "Unknown",
    }
}

// As text, so that YAML writes `"True"` with quotes: without them it would be a boolean.
impl From<ConditionStatus> for String {
    fn from(status: ConditionStatus) -> Self {
        status.as_str().to_owned()
    }
}

impl TryFrom<String> for ConditionStatus {
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == word)
            .ok_or_else(|| format!("`{word}` is not `True`, `False` or `Unknown`"))
    }
}

/// How the last run went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastRun {
    /// The plan that was applied or refused; absent if the run did not get that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_id: Option<Shown>,
    /// How it ended, in one word.
    pub result: RunResult,
    /// How it ended, for scripts.
    pub exit_code: u8,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// The safety checks that refused the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Shown>,
    /// The error that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Shown>,
    /// Endpoints that could not be used at all, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unusable: BTreeMap<Shown, Unusable>,
}

impl LastRun {
    pub(super) fn of(run: &Run) -> Self {
        let unusable = run.unusable.iter();
        Self {
            plan_id: Some(&run.plan_id)
                .filter(|id| !id.is_empty())
                .map(Into::into),
            result: RunResult::of(run),
            exit_code: run.exit_code,
            started_at: run.started_at,
            ended_at: run.ended_at,
            requests: run.requests,
            refused: run.refused.iter().map(Into::into).collect(),
            error: run.error.as_ref().map(Into::into),
            unusable: unusable
                .map(|(endpoint, why)| (endpoint.into(), why.clone()))
                .collect(),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RunResult {
    /// All that was planned is confirmed.
    Succeeded,
    /// Something is still pending; the next run continues.
    InProgress,
    /// Some entries failed.
    PartlyFailed,
    /// A safety check refused the plan.
    Refused,
    /// A signal ended it; what was sent is recorded.
    Interrupted,
    /// An error ended it. Also stands for unknown words of a newer purgit.
    #[serde(other)]
    Failed,
}

impl RunResult {
    /// From what the run says, else from the exit code.
    fn of(run: &Run) -> Self {
        match run.exit_code {
            _ if run.interrupted => Self::Interrupted,
            _ if !run.refused.is_empty() => Self::Refused,
            _ if run.error.is_some() => Self::Failed,
            0 | 2 => Self::Succeeded,
            3 => Self::PartlyFailed,
            8 => Self::InProgress,
            _ => Self::Failed,
        }
    }
}

/// Why an endpoint could not be used at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unusable {
    /// Why, in one word.
    #[serde(default)]
    pub reason: UnusableReason,
    /// What happened, in one sentence.
    pub message: Shown,
}

/// Why an endpoint could not be used, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum UnusableReason {
    /// A credential is missing.
    CredentialsMissing,
    /// The CDN rejects the credentials.
    CredentialsRejected,
    /// Anything else. Also stands for unknown words of a newer purgit.
    #[default]
    #[serde(other)]
    EndpointUnusable,
}

/// The status of one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestStatus {
    /// `Purge` or another kind that wants entries.
    pub kind: String,
    /// The manifest's name.
    pub name: String,
    /// Name of its endpoint.
    pub endpoint: String,
    /// The generation that all entries want, or a digest over their generations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_revision: Option<Shown>,
    /// The revision last submitted, at least in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempted_revision: Option<Shown>,
    /// The revision last confirmed completely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<Shown>,
    /// [`READY`] always, [`VERIFIED`] if edges were asked, the others while they hold.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Number of entries by outcome.
    #[serde(default)]
    pub entries: EntryCounts,
    /// The entries that are not as declared, sorted by address; empty if there are more than
    /// [`super::MAX_OUTCOMES`].
    #[serde(default)]
    pub outcomes: Vec<EntryStatus>,
    /// Why entries are not as declared, if they are too many to list; at most
    /// [`super::MAX_CAUSES`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<CauseStatus>,
}

/// Number of entries by outcome, without zeros. A deleted entry counts until its deletion is purged.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct EntryCounts {
    /// All entries.
    pub total: usize,
    /// Confirmed at the wanted generation.
    pub succeeded: usize,
    /// Accepted by the CDN; not polled yet.
    #[serde(skip_serializing_if = "is_zero")]
    pub submitted: usize,
    /// Still running at the CDN.
    #[serde(skip_serializing_if = "is_zero")]
    pub in_progress: usize,
    /// Refused or failed by the CDN.
    #[serde(skip_serializing_if = "is_zero")]
    pub failed: usize,
    /// Not attempted because the endpoint could not be used.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: usize,
    /// Their outcome is unknown.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: usize,
    /// Deferred until there is quota again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deferred: usize,
    /// Held back until the origin has them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: usize,
    /// Replaced by a newer generation before they were confirmed.
    #[serde(skip_serializing_if = "is_zero")]
    pub superseded: usize,
    /// Not attempted yet at the wanted generation.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_attempted: usize,
}

impl EntryCounts {
    pub(super) fn add(&mut self, outcome: Option<Outcome>) {
        self.total += 1;
        *match outcome {
            Some(Outcome::Succeeded) => &mut self.succeeded,
            Some(Outcome::Submitted) => &mut self.submitted,
            Some(Outcome::InProgress) => &mut self.in_progress,
            Some(Outcome::Failed) => &mut self.failed,
            Some(Outcome::Skipped) => &mut self.skipped,
            Some(Outcome::Deferred) => &mut self.deferred,
            Some(Outcome::Held) => &mut self.held,
            Some(Outcome::Unknown) => &mut self.unknown,
            Some(Outcome::Superseded) => &mut self.superseded,
            None => &mut self.not_attempted,
        } += 1;
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One past run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PastRun {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The plan it carried out.
    pub plan_id: Shown,
    /// Number of entries by outcome.
    pub outcomes: BTreeMap<String, usize>,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// Its exit code.
    pub exit_code: u8,
}

impl PastRun {
    pub(super) fn of(record: &HistoryRecord) -> Self {
        let outcomes = record.outcomes.iter();
        Self {
            at: record.at,
            plan_id: (&record.plan_id).into(),
            outcomes: outcomes
                .map(|(outcome, count)| (outcome.as_str().to_owned(), *count))
                .collect(),
            requests: record.requests,
            exit_code: record.exit_code,
        }
    }
}
