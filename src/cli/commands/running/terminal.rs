//! Shows the plan, and asks for approval if somebody can answer.

use std::mem;
use std::sync::Mutex;
use std::time::Instant;

use super::Setup;
use crate::cli::args::DocumentFormat;
use crate::cli::channels::Channels;
use crate::cli::progress::Progress;
use crate::cli::project::Opened;
use crate::cli::signals::Signals;
use crate::cli::{CommandError, Printer, confirm, plan_file, sides};
use crate::clock::{Clock as _, SystemClock};
use crate::entry::EntryKey;
use crate::output::json::v1;
use crate::output::{PlanReport, count, text};
use crate::plan::Plan;
use crate::reconcile::{Approval, Gate};
use crate::state::State;
use crate::workspace::history::Background;
use crate::workspace::sides::Sides;

#[derive(Debug)]
pub(super) struct Terminal<'a> {
    pub(super) setup: &'a Setup<'a>,
    pub(super) opened: &'a Opened,
    /// What the plan compares; `None` for one-off purges and refreshes.
    pub(super) sides: Option<&'a Sides>,
    pub(super) printer: Printer,
    pub(super) signals: &'a Signals,
    pub(super) progress: &'a Progress,
    pub(super) seen: Mutex<Seen>,
}

/// What is known about a run once it has a plan, even if it fails.
#[derive(Debug, Default)]
pub(in crate::cli::commands) struct Seen {
    /// Why it was declined without asking.
    pub(super) failed: Option<CommandError>,
    pub(super) plan: Option<Plan>,
    /// From git, if it is reported.
    pub(super) background: Background,
    pub(super) approved: Option<Instant>,
}

impl Terminal<'_> {
    /// Takes what was seen; call it once.
    pub(super) fn seen(&self) -> Seen {
        let seen = self.seen.lock();
        seen.map(|mut seen| mem::take(&mut *seen))
            .unwrap_or_default()
    }

    /// Git is slow, so it is only asked if somebody reads the answer.
    fn background(&self, plan: &Plan, state: &State) -> Background {
        let setup = self.setup;
        let is_reported = setup.json_into.is_some()
            || !setup.silent && setup.format == DocumentFormat::Json
            || setup.channels.is_some_and(Channels::take_plans);
        let Some(sides) = self.sides.filter(|_| is_reported) else {
            return Background::default();
        };
        let Opened { project, root, .. } = self.opened;
        let applied = state.last_applied.as_deref();
        Background::of(plan, project, root, sides.is_on_disk(), applied)
    }
}

impl Gate for Terminal<'_> {
    fn asking(&self, entries: usize, requests: usize, to_origins: usize) {
        self.printer.asking(entries, requests, to_origins);
    }

    fn noted(&self, notes: &[String]) {
        sides::warn(notes, self.printer);
    }

    fn planned(&self, plan: &Plan, state: &State) -> Approval {
        let timestamp = SystemClock.now();
        let report = PlanReport { plan, timestamp };
        if !self.setup.silent && self.setup.format == DocumentFormat::Text {
            self.printer.page(&text::plan(report, self.setup.layout));
        }
        let background = self.background(plan, state);
        let json_into = self.setup.json_into.as_deref();
        let written =
            json_into.map(|path| plan_file::write(path, &v1::plan(report).with(&background)));
        let failed = written.and_then(Result::err);
        let is_failed = failed.is_some();
        if let Ok(mut seen) = self.seen.lock() {
            *seen = Seen {
                failed,
                plan: Some(plan.clone()),
                background,
                approved: None,
            };
        }
        if is_failed {
            return Approval::Decline;
        }
        let approved = &self.setup.approved;
        let differences = approved.differences(plan, &self.opened.project, timestamp);
        if !differences.is_empty() {
            return Approval::Stale(differences);
        }
        let ask =
            self.setup.ask && plan.is_applyable() && !plan.steps.is_empty() && confirm::can_ask();
        if ask {
            let entries = count(plan.changes.len() - plan.deferred.len(), "entry");
            let requests = count(plan.steps.len(), "request");
            let question = format!("Purge {entries} in {requests}?");
            if !self.signals.while_idle(|| confirm::ask(&question)) {
                return Approval::Decline;
            }
        }
        let targets = plan.steps.iter().map(|step| step.items.len());
        // An older purge of what waits for quota may still run, and is polled.
        let is_running = |key: &&EntryKey| {
            let operation = state.pending_operations.of(key);
            operation.is_some_and(|operation| operation.task.is_some())
        };
        let running = plan.deferred.keys().filter(is_running).count();
        let targets = targets.sum::<usize>() + plan.in_progress + running;
        self.progress.expect(targets, plan.steps.len());
        if let Ok(mut seen) = self.seen.lock() {
            seen.approved = Some(Instant::now());
        }
        Approval::Go
    }
}
