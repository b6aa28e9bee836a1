//! Plan JSON, format 1.x. Fields may be added in a minor version; none is changed or removed.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::{Generation, Target, TargetKind};
use crate::execute::Execution;
use crate::output::PlanReport;

/// Written as `format_version`. A reader rejects a major version it does not know.
pub const FORMAT_VERSION: &str = "1.0";

/// A plan of purgit
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// `MAJOR.MINOR`; minor versions only add fields
    format_version: Cow<'static, str>,
    /// `sha256:` over everything that decides what is carried out; empty when there is no plan
    plan_id: String,
    /// Version of purgit that made the plan
    tool_version: Cow<'static, str>,
    /// When the plan was made; not part of its id
    timestamp: String,
    /// What the plan was computed from
    base: Base,
    /// Whether no check forbids to carry it out
    applyable: bool,
    /// Whether every change found is in the plan
    complete: bool,
    /// The figures
    summary: Summary,
    /// Entries to purge, in stable order
    changes: Vec<Change>,
    /// Requests to send, in order
    steps: Vec<Step>,
    /// Forecast of the day's quota
    quota: Vec<Quota>,
    /// All safety checks, also those that pass
    checks: Vec<Check>,
    /// What a reader should know besides
    diagnostics: Vec<Diagnostic>,
    /// What `apply` did; absent in a plan
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ApplyResult>,
}

/// What the plan was computed from
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Base {
    /// The state; null where there is none yet
    state: Option<State>,
    /// The revisions compared; null when the base is the state
    git: Option<Git>,
    /// Digest of all manifests, independent of files and their order
    manifests_digest: String,
}

/// A state
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct State {
    lineage: String,
    serial: u64,
    digest: String,
}

/// Revisions compared
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Git {
    from: String,
    to: String,
    dirty: bool,
}

/// The figures of a plan
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
struct Summary {
    /// Entries to purge
    purge: usize,
    /// Entries that need nothing
    noop: usize,
    /// Entries whose purge is under way; `apply` asks about them first
    in_progress: usize,
    /// File URLs to send
    files: usize,
    /// Directory URLs to send
    directories: usize,
    /// Tags to send
    tags: usize,
    /// Hosts to send
    hosts: usize,
    /// Endpoints of which everything is purged
    everything: usize,
    /// Requests to send
    requests: usize,
}

/// An entry to purge
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Change {
    /// `purge/<name>/<kind>/<target>` or `site/<name>/<path>`
    address: String,
    /// Name of the endpoint
    endpoint: String,
    /// `file`, `directory`, `tag`, `host` or `everything`
    kind: Cow<'static, str>,
    /// What is purged; empty for everything
    target: String,
    /// Canonical URL; null for a target without one
    url: Option<String>,
    /// Generation last confirmed purged
    before: Option<String>,
    /// Generation wanted; null when the content is gone
    after: Option<String>,
    /// Why
    reason: Cow<'static, str>,
}

/// One request
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Step {
    endpoint: String,
    files: Vec<String>,
    directories: Vec<String>,
    tags: Vec<String>,
    hosts: Vec<String>,
    everything: bool,
}

/// A day's quota of one endpoint and kind
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Quota {
    endpoint: String,
    /// What is counted: `file`, `directory`, several joined by `+`, or `request`
    kind: String,
    /// Used earlier on the CDN's day, as far as known
    used: u64,
    /// What this plan adds
    planned: u64,
    /// The day's limit
    limit: u64,
}

/// A safety check
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Check {
    /// As typed after `--force=`
    name: Cow<'static, str>,
    endpoint: String,
    /// `passed`, `failed` or `forced`
    status: Cow<'static, str>,
    /// The arithmetic, in words
    detail: String,
}

/// A note
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Diagnostic {
    /// `info` or `warning`
    severity: Cow<'static, str>,
    message: String,
}

/// What `apply` did
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct ApplyResult {
    /// Exit code of the run
    exit_code: u8,
    /// Purge requests sent, retries included
    requests: usize,
    /// Targets that may have been purged twice, since a request in doubt was sent again
    repeated: usize,
    /// Every entry that was submitted or asked about
    entries: Vec<EntryResult>,
    /// Why nothing was carried out, or what went wrong besides entries
    error: Option<String>,
}

/// What became of an entry
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct EntryResult {
    address: String,
    /// What was purged; empty for everything
    target: String,
    /// Canonical URL; null for a target without one
    url: Option<String>,
    /// `Submitted`, `InProgress`, `Succeeded`, `Failed`, `Skipped`, `Deferred`, `Unknown` or `Superseded`
    outcome: Cow<'static, str>,
    message: Option<String>,
    /// What the user can do about it
    hint: Option<String>,
}

/// The plan as a document.
pub fn plan(report: PlanReport<'_>) -> PlanDocument {
    let plan = report.plan;
    let figures = report.summary();
    PlanDocument {
        format_version: FORMAT_VERSION.into(),
        plan_id: plan.id.clone(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        timestamp: written(report.timestamp),
        base: Base {
            state: plan.base.state.as_ref().map(|state| State {
                lineage: state.lineage.clone(),
                serial: state.serial,
                digest: state.digest.clone(),
            }),
            git: plan.base.git.as_ref().map(|git| Git {
                from: git.from.clone(),
                to: git.to.clone(),
                dirty: git.dirty,
            }),
            manifests_digest: plan.base.manifests_digest.clone(),
        },
        applyable: plan.is_applyable(),
        complete: plan.complete,
        summary: Summary {
            purge: figures.purge,
            noop: figures.noop,
            in_progress: figures.in_progress,
            files: figures.files,
            directories: figures.directories,
            tags: figures.tags,
            hosts: figures.hosts,
            everything: figures.everything,
            requests: figures.requests,
        },
        changes: plan.changes.iter().map(change).collect(),
        steps: plan.steps.iter().map(step).collect(),
        quota: plan
            .quota
            .iter()
            .map(|quota| Quota {
                endpoint: quota.endpoint.to_string(),
                kind: quota.kind.clone(),
                used: quota.used,
                planned: quota.planned,
                limit: quota.limit,
            })
            .collect(),
        checks: plan
            .checks
            .iter()
            .map(|check| Check {
                name: check.name.as_str().into(),
                endpoint: check.endpoint.to_string(),
                status: check.status.as_str().into(),
                detail: check.detail.clone(),
            })
            .collect(),
        diagnostics: plan
            .diagnostics
            .iter()
            .map(|note| Diagnostic {
                severity: note.severity.as_str().into(),
                message: note.message.clone(),
            })
            .collect(),
        result: None,
    }
}

/// How a run ended, for a process.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    /// Its exit code.
    pub exit_code: u8,
    /// Why it was not carried out or did not end as it should.
    pub error: Option<&'a str>,
}

/// The plan and what became of it.
pub fn applied(
    report: PlanReport<'_>,
    execution: Option<&Execution>,
    ending: Ending<'_>,
) -> PlanDocument {
    PlanDocument {
        result: Some(result(execution, ending)),
        ..plan(report)
    }
}

/// Of a run that failed before there was a plan.
pub fn unplanned(timestamp: DateTime<Utc>, ending: Ending<'_>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION.into(),
        plan_id: String::new(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        timestamp: written(timestamp),
        base: Base::default(),
        applyable: false,
        complete: false,
        summary: Summary::default(),
        changes: Vec::new(),
        steps: Vec::new(),
        quota: Vec::new(),
        checks: Vec::new(),
        diagnostics: Vec::new(),
        result: Some(result(None, ending)),
    }
}

fn written(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn result(execution: Option<&Execution>, ending: Ending<'_>) -> ApplyResult {
    let entries = execution.map_or(&[][..], |execution| &execution.entries);
    ApplyResult {
        exit_code: ending.exit_code,
        requests: execution.map_or(0, |execution| execution.requests),
        repeated: execution.map_or(0, |execution| execution.repeated),
        entries: entries
            .iter()
            .map(|entry| EntryResult {
                address: entry.key.address(),
                target: entry.key.target.as_str().to_owned(),
                url: entry.key.target.url().map(ToString::to_string),
                outcome: entry.outcome.as_str().into(),
                message: entry.message.clone(),
                hint: entry.hint.clone(),
            })
            .collect(),
        error: ending.error.map(str::to_owned),
    }
}

fn change(change: &crate::diff::Change) -> Change {
    let token = |generation: &Option<Generation>| generation.as_ref().map(ToString::to_string);
    Change {
        address: change.key.address(),
        endpoint: change.key.endpoint.to_string(),
        kind: change.key.target.kind().as_str().into(),
        target: change.key.target.as_str().to_owned(),
        url: change.key.target.url().map(ToString::to_string),
        before: token(&change.before),
        after: token(&change.after),
        reason: change.reason.as_str().into(),
    }
}

fn step(step: &crate::plan::Step) -> Step {
    let texts = |kind| {
        let targets = step.items.iter().map(|item| &item.target);
        let of_kind = targets.filter(|target| target.kind() == kind);
        of_kind.map(|target| target.as_str().to_owned()).collect()
    };
    Step {
        endpoint: step.endpoint.to_string(),
        files: texts(TargetKind::File),
        directories: texts(TargetKind::Directory),
        tags: texts(TargetKind::Tag),
        hosts: texts(TargetKind::Host),
        everything: step
            .items
            .iter()
            .any(|item| item.target == Target::Everything),
    }
}
