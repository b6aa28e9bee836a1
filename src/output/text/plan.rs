//! A plan for people: the figures, what is purged by manifest, and the checks.

use super::super::layout::{Layout, cut};
use super::super::page::{BOLD, DIM, GREEN, Page, RED, YELLOW, columns};
use super::super::verify;
use super::super::{
    PlanReport, costing, count, covers, number, optimality, shortened, targets, until,
};
use crate::diff::{Change, Reason};
use crate::entry::{Generation, Owner};
use crate::output::json::v1;
use crate::plan::{Check, CheckStatus, NoteSeverity, Plan};

/// About how many changes are listed on a terminal: with the figures they fit on a screen.
const LISTED: usize = 20;

/// Manifests whose changes are listed on a terminal.
const LISTED_MANIFESTS: usize = 6;

/// Changes listed per manifest, even with many manifests.
const LEAST_LISTED: usize = 4;

/// A target with fewer columns than this displaces the reason.
const LEAST_TARGET: usize = 30;

pub fn plan(report: PlanReport<'_>, layout: Layout) -> Page {
    let mut page = layout.page();
    let plan = report.plan;
    let is_one_off = !plan.is_empty() && plan.changes.iter().all(is_one_off);
    figures(&mut page, report);
    endpoints(&mut page, plan);
    cover(&mut page, plan, layout);
    if let Some(looked) = &plan.looked {
        verify::looked(&mut page, looked);
    }
    changes(&mut page, plan, layout);
    for note in &plan.diagnostics {
        let (style, severity) = match note.severity {
            NoteSeverity::Info => (BOLD, "Note:"),
            NoteSeverity::Warning => (YELLOW, "Warning:"),
        };
        page.paint(style, severity)
            .line(format_args!(" {}", note.message));
    }
    checks(&mut page, plan, layout, is_one_off);
    if !is_one_off {
        page.paint(DIM, format_args!("Plan id: {}", plan.id)).end();
    }
    page
}

fn is_one_off(change: &Change) -> bool {
    change.key.owner == Owner::OneOff
}

fn figures(page: &mut Page, report: PlanReport<'_>) {
    let figures = report.summary();
    let under_way = || format!("{} under way", count(figures.in_progress, "entry"));
    let mut also = Vec::new();
    let waiting = report.plan.waiting();
    let sent = figures.purge - figures.deferred;
    if let Some((late, times)) = waiting.filter(|_| sent == 0) {
        let late = count(late, "entry");
        page.paint(BOLD, "Deferred:");
        page.add(format_args!(" {late} {}", until(times)));
        also.extend((figures.in_progress > 0).then(under_way));
    } else if !report.plan.is_empty() {
        let mut targets = targets(&figures).join(", ");
        match report.plan.covered_by().len() {
            0 => {}
            1 => targets.push_str("; 1 entry goes along"),
            along => targets.push_str(&format!("; {} go along", count(along, "entry"))),
        }
        let purge = count(sent, "entry");
        page.paint(BOLD, "Plan:");
        page.add(format_args!(" {purge} to purge ({targets})"));
        also.extend(
            waiting.map(|(late, times)| format!("{} deferred {}", number(late), until(times))),
        );
        also.extend((figures.in_progress > 0).then(under_way));
    } else if figures.in_progress > 0 {
        page.paint(BOLD, "Under way:");
        let entries = count(figures.in_progress, "entry");
        page.add(format_args!(" {entries}, nothing new to purge"));
    } else {
        page.paint(BOLD, "No changes:").add(" nothing to purge");
    }
    if figures.noop > 0 {
        also.push(format!("{} as last purged", count(figures.noop, "entry")));
    }
    for also in also {
        page.add(format_args!(", {also}"));
    }
    if !report.plan.is_applyable() {
        page.add("; ").paint(RED, "refused, see the checks");
    }
    page.end();
}

fn endpoints(page: &mut Page, plan: &Plan) {
    for steps in plan.steps.chunk_by(|a, b| a.endpoint == b.endpoint) {
        let Some(step) = steps.first() else { continue };
        let quota = plan.quota.iter();
        let quota = quota.filter(|quota| quota.endpoint == step.endpoint && quota.planned > 0);
        let used = quota.map(|quota| {
            let limit = usize::try_from(quota.limit).unwrap_or(usize::MAX);
            let used = number(quota.used + quota.planned);
            let kept = match quota.reserve {
                0 => String::new(),
                reserve => format!(" ({} kept in reserve)", number(reserve)),
            };
            format!("{used} of {}{kept}", count(limit, &quota.kind))
        });
        let used: Vec<_> = used.collect();
        page.add(format_args!(
            "  [{}] {}",
            step.endpoint,
            count(steps.len(), "request")
        ));
        if !used.is_empty() {
            page.add(format_args!("; quota of the day: {}", used.join(", ")));
        }
        let costs = plan.costs.iter();
        for cost in costs.filter(|cost| cost.endpoint == step.endpoint) {
            let text = costing(&v1::cost(cost), str::to_owned);
            page.add(format_args!("; {text}"));
        }
        page.end();
    }
}

fn cover(page: &mut Page, plan: &Plan, layout: Layout) {
    layout.list(page, &plan.cover, LISTED, "  ", |page, covered| {
        page.add("  ").paint(YELLOW, covered.directory.as_str());
        page.line(format_args!(
            " {}",
            covers(covered.covers, covered.collateral)
        ));
    });
    if !plan.cover.is_empty() {
        page.paint(DIM, format_args!("  {}", optimality(plan.cover_gap)))
            .end();
    }
}

fn changes(page: &mut Page, plan: &Plan, layout: Layout) {
    let of_one =
        |a: &Change, b: &Change| a.key.owner == b.key.owner && a.key.endpoint == b.key.endpoint;
    let manifests: Vec<_> = plan.changes.chunk_by(of_one).collect();
    let is_long = plan.changes.len() > LISTED;
    let (first, left_out, last) = match is_long {
        true => layout.fold(&manifests, LISTED_MANIFESTS),
        false => (&*manifests, &[][..], &[][..]),
    };
    let each = LISTED / (first.len() + last.len()).max(1);
    let each = if is_long {
        each.max(LEAST_LISTED)
    } else {
        LISTED
    };
    let kinds = plan.changes.iter().map(|change| change.key.target.kind());
    let kind_width = kinds.map(|kind| kind.as_str().len()).max().unwrap_or(0);
    for (index, changes) in first.iter().chain(last).enumerate() {
        if index == first.len() {
            let more = count(left_out.len(), "more manifest");
            let changes = left_out.iter().map(|changes| changes.len()).sum();
            page.end();
            page.line(format_args!(
                "… {more} with {}: `--all`",
                count(changes, "entry")
            ));
        }
        let Some(one) = changes.first() else { continue };
        page.end();
        match is_one_off(one) {
            true => page.paint(BOLD, "asked for"),
            false => page.paint(BOLD, one.key.owner.address()),
        };
        page.add(format_args!(" on {}", one.key.endpoint));
        if manifests.len() > 1 {
            page.add(format_args!(", {}", count(changes.len(), "entry")));
        }
        page.end();
        layout.list(page, changes, each, "  ", |page, change| {
            line(page, change, plan, kind_width, layout);
        });
    }
    if !manifests.is_empty() {
        page.end();
    }
}

fn line(page: &mut Page, change: &Change, plan: &Plan, kind_width: usize, layout: Layout) {
    let (sign, style) = match change.reason {
        Reason::Added => ("+", GREEN),
        Reason::ContentChanged | Reason::RevisionChanged | Reason::Forced => ("~", YELLOW),
        Reason::ContentDeleted => ("-", RED),
        Reason::PreviousFailed | Reason::PreviousUnknown | Reason::StaleAtEdge => ("!", YELLOW),
    };
    let target = &change.key.target;
    let kind = format!(" {:<kind_width$} ", target.kind().as_str());
    let (before, after) = (change.before.as_ref(), change.after.as_ref());
    let late = match plan.deferred.contains_key(&change.key) {
        true => ", deferred",
        false => "",
    };
    let mut reason = reasoned(change.reason, before, after) + late;
    let mut target = target.to_string();
    if let Some(width) = layout.cut() {
        let room = |reason: &str| {
            let around = "  ~".len() + kind.len() + "  ".len() + columns(reason);
            width.saturating_sub(around)
        };
        // The target matters more than the reason.
        if room(&reason) < columns(&target) {
            reason = change.reason.as_str().to_owned() + late;
        }
        if room(&reason) < columns(&target).min(LEAST_TARGET) {
            reason.clear();
        }
        target = cut(&target, room(&reason));
    }
    page.add("  ").paint(style, sign).add(kind).add(target);
    if !reason.is_empty() {
        page.add("  ").paint(DIM, reason);
    }
    page.end();
}

/// The reason, with the generations if they differ.
pub(super) fn reasoned(
    reason: Reason,
    before: Option<&Generation>,
    after: Option<&Generation>,
) -> String {
    let reason = reason.as_str();
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            format!(
                "{reason} ({} -> {})",
                shortened(before.as_str()),
                shortened(after.as_str())
            )
        }
        _ => reason.to_owned(),
    }
}

/// The number of checks that passed, and the others in full; with `--all`, all of them in full.
fn checks(page: &mut Page, plan: &Plan, layout: Layout, is_one_off: bool) {
    let of = |status| {
        plan.checks
            .iter()
            .filter(move |check| check.status == status)
    };
    let statuses = [
        CheckStatus::Passed,
        CheckStatus::Forced,
        CheckStatus::Failed,
    ];
    let figures = statuses.map(|status| (status, of(status).count()));
    let is_plain = figures
        .iter()
        .all(|(status, number)| *status == CheckStatus::Passed || *number == 0);
    if plan.checks.is_empty() || is_plain && is_one_off && !layout.all {
        return;
    }
    page.add("Checks: ");
    let figures = figures.iter().filter(|(_, number)| *number > 0);
    for (index, (status, number)) in figures.enumerate() {
        page.add(if index > 0 { ", " } else { "" });
        page.paint(style(*status), format_args!("{number} {}", status.as_str()));
    }
    page.end();
    let shown = plan.checks.iter();
    for check in shown.filter(|check| layout.all || check.status != CheckStatus::Passed) {
        page.add("  ")
            .paint(style(check.status), check.status.as_str());
        page.line(format_args!(
            " {:<18} {}",
            check.name.as_str(),
            check.detail
        ));
    }
    let forces = of(CheckStatus::Failed).map(Check::force);
    let forces: Vec<_> = forces.collect();
    if !forces.is_empty() {
        let command = if is_one_off { "purge" } else { "apply" };
        let forces = forces.join(" ");
        page.line(format_args!(
            "To purge all the same, add `{forces}` to `purgit {command}`"
        ));
    }
}

const fn style(status: CheckStatus) -> anstyle::Style {
    match status {
        CheckStatus::Passed => GREEN,
        CheckStatus::Failed => RED,
        CheckStatus::Forced => YELLOW,
    }
}
