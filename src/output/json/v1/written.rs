//! From plans and results to documents.

use chrono::{DateTime, SecondsFormat, Utc};

use super::{
    Adopted, ApplyResult, Arguments, Base, Change, Check, Commit, Cost, Covered, Diagnostic, Edges,
    EntryResult, FORMAT_VERSION, Git, Manifest, ManifestChange, PlanDocument, Quota, State, Step,
};
use crate::entry::{Generation, Target, TargetKind};
use crate::execute::Execution;
use crate::output::{PlanReport, until};
use crate::plan::looked::Seen;
use crate::workspace::history::Background;
use crate::{diff, plan};

pub fn plan(report: PlanReport<'_>) -> PlanDocument {
    let plan = report.plan;
    let covered_by = plan.covered_by();
    let changes = plan.changes.iter().map(|one| Change {
        covered_by: covered_by.get(&one.key).map(ToString::to_string),
        evidence: plan.evidence.get(&one.key).cloned(),
        deferred_until: plan.deferred.get(&one.key).map(|at| second(*at)),
        ..change(one)
    });
    PlanDocument {
        format_version: FORMAT_VERSION.into(),
        plan_id: plan.id.clone(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        timestamp: second(report.timestamp),
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
            commit: None,
            manifests_digest: plan.base.manifests_digest.clone(),
        },
        applyable: plan.is_applyable(),
        complete: plan.complete,
        summary: report.summary(),
        changes: changes.collect(),
        steps: plan.steps.iter().map(step).collect(),
        quota: plan
            .quota
            .iter()
            .map(|quota| Quota {
                endpoint: quota.endpoint.to_string(),
                kind: quota.kind.clone(),
                used: quota.used,
                planned: quota.planned,
                deferred: quota.deferred,
                limit: quota.limit,
                reserve: quota.reserve,
                left: quota.left(),
                turns_at: Some(second(quota.turns_at)),
            })
            .collect(),
        costs: plan.costs.iter().map(cost).collect(),
        cover: plan.cover.iter().map(covered).collect(),
        cover_gap: plan.cover_gap.filter(|_| !plan.cover.is_empty()),
        edges: plan.looked.as_ref().map(|looked| Edges {
            asked: looked.tally(),
            sampled: looked.is_sampled,
            left_out: looked.left_out,
            adopted: looked.adopted().count(),
        }),
        adopted: plan
            .looked
            .iter()
            .flat_map(|looked| looked.adopted())
            .map(adopted)
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
        manifests: Vec::new(),
        commits: Vec::new(),
        manifest_changes: Vec::new(),
        arguments: None,
        result: None,
    }
}

pub(crate) fn cost(cost: &plan::Cost) -> Cost {
    Cost {
        endpoint: cost.endpoint.to_string(),
        charged: cost.charged,
        amount: Some(cost.amount()),
        at_most: cost.price.of(cost.charged),
        each: cost.price.of(1),
        free_a_month: cost.price.free_a_month,
        free_left: cost.free,
        used_this_month: cost.used,
    }
}

/// The plan with the options needed to make it again.
pub(crate) fn saved(report: PlanReport<'_>, made_with: Arguments) -> PlanDocument {
    PlanDocument {
        arguments: Some(made_with),
        ..plan(report)
    }
}

impl PlanDocument {
    /// `500 entries wait for quota until 2026-11-22 16:00Z`
    pub(crate) fn waiting(&self) -> Option<String> {
        let changes = self.changes.iter();
        let times = changes.filter_map(|change| change.deferred_until.as_deref());
        let times: Vec<DateTime<Utc>> = times.filter_map(|time| time.parse().ok()).collect();
        let (first, last) = (times.iter().min()?, times.iter().max()?);
        let entries = plan::count(self.summary.deferred, "entry");
        let wait = match self.summary.deferred {
            1 => "waits",
            _ => "wait",
        };
        let until = until([*first, *last]);
        Some(format!("{entries} {wait} for quota {until}"))
    }

    /// Adds what git knows about the plan.
    #[must_use]
    pub fn with(mut self, background: &Background) -> Self {
        let declared = background.declared.iter().map(|(address, place)| Manifest {
            address: address.clone(),
            file: place.file.to_string(),
            line: place.line,
        });
        self.manifests = declared.collect();
        self.base.commit.clone_from(&background.commit);
        let commit = |at: usize| Some(background.commits.get(at)?.id.clone());
        for (change, at) in self.changes.iter_mut().zip(&background.of_change) {
            change.commit = at.and_then(commit);
        }
        let commits = background.commits.iter().map(|commit| Commit {
            id: commit.id.clone(),
            subject: commit.subject.clone(),
        });
        self.commits = commits.collect();
        let manifests = background.manifests.iter().map(|change| ManifestChange {
            file: change.file.clone(),
            diff: change.diff.clone(),
            left_out: change.left_out,
        });
        self.manifest_changes = manifests.collect();
        self
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'a> {
    pub exit_code: u8,
    /// Why it was not carried out or failed.
    pub error: Option<&'a str>,
}

/// The plan and its outcome.
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

/// A run that failed before there was a plan.
pub fn unplanned(timestamp: DateTime<Utc>, ending: Ending<'_>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION.into(),
        tool_version: env!("CARGO_PKG_VERSION").into(),
        timestamp: second(timestamp),
        result: Some(result(None, ending)),
        ..PlanDocument::default()
    }
}

fn second(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn result(execution: Option<&Execution>, ending: Ending<'_>) -> ApplyResult {
    let entries = execution.map_or(&[][..], |execution| &execution.entries);
    ApplyResult {
        exit_code: ending.exit_code,
        requests: execution.map_or(0, |execution| execution.requests),
        repeated: execution.map_or(0, |execution| execution.repeated),
        origin: execution.and_then(|execution| execution.origin),
        verified: execution.and_then(|execution| execution.verified),
        entries: entries
            .iter()
            .map(|entry| EntryResult {
                address: entry.key.address(),
                target: entry.key.target.as_str().to_owned(),
                url: entry.key.target.url().map(ToString::to_string),
                outcome: entry.outcome.as_str().into(),
                message: entry.message.clone(),
                hint: entry.hint.clone(),
                evidence: execution
                    .and_then(|execution| execution.evidence.get(&entry.key).cloned()),
            })
            .collect(),
        error: ending.error.map(str::to_owned),
    }
}

fn change(change: &diff::Change) -> Change {
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
        covered_by: None,
        evidence: None,
        deferred_until: None,
        commit: None,
    }
}

fn adopted(seen: &Seen) -> Adopted {
    Adopted {
        address: seen.key.address(),
        endpoint: seen.key.endpoint.to_string(),
        target: seen.key.target.as_str().to_owned(),
        generation: seen.generation.as_ref().map(ToString::to_string),
    }
}

fn covered(covered: &plan::Covered) -> Covered {
    Covered {
        endpoint: covered.endpoint.to_string(),
        directory: covered.directory.to_string(),
        covers: covered.covers,
        collateral: covered.collateral,
    }
}

fn step(step: &plan::Step) -> Step {
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
