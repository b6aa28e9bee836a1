//! What a run means for the watch: what to report, and when to look next.

use std::ops::ControlFlow;

use tokio::time::Instant;

use super::super::announcer::{Topic, idle_until, line};
use super::{End, Keeper, Settled};
use crate::cli::CommandError;
use crate::cli::args::DocumentFormat;
use crate::clock::{Clock as _, SystemClock};
use crate::error::chain;
use crate::exit::Exit;
use crate::output::json::v1::{self, Ending};
use crate::output::{PlanReport, text};
use crate::plan::{CheckStatus, Plan};
use crate::reconcile::{ReconcileError, Reconciled, Verdict};
use crate::state::StateError;
use crate::watch::After;

impl Keeper<'_> {
    pub(super) fn conclude(
        &mut self,
        reconciled: &Reconciled,
        found: Settled,
        began: Instant,
    ) -> ControlFlow<End, After> {
        let verdict = reconciled.verdict();
        self.settle_content();
        self.announcer.settle(Topic::Lock);
        self.announcer.settle(Topic::Run);
        self.report(reconciled, began);
        if verdict == Verdict::Credentials && !self.proven {
            return ControlFlow::Break(Err(CommandError::printed(Exit::Credentials)));
        }
        if !self.proven {
            self.proven = true;
            self.printer.note("watching for changes");
        }
        let left = match verdict {
            Verdict::Interrupted => {
                self.printer
                    .hint("interrupted; the next run goes on from here");
                return ControlFlow::Break(Ok(reconciled.exit));
            }
            Verdict::Done | Verdict::Refused | Verdict::Declined => false,
            Verdict::Failed | Verdict::Credentials | Verdict::Running => true,
        };
        let waits_until = reconciled.waits_until();
        if left && waits_until.is_none() {
            return ControlFlow::Continue(After::Unfinished);
        }
        self.announcer.settle(Topic::Endpoint);
        self.announcer.settle(Topic::Retry);
        let settled = self.settled.insert(Settled {
            waits_until,
            ..found
        });
        ControlFlow::Continue(settled.after(SystemClock.now()))
    }

    fn report(&self, reconciled: &Reconciled, began: Instant) {
        match reconciled.verdict() {
            Verdict::Refused => self.report_refusal(&reconciled.plan),
            Verdict::Done
            | Verdict::Failed
            | Verdict::Declined
            | Verdict::Credentials
            | Verdict::Running
            | Verdict::Interrupted => {
                if self.announcer.settle(Topic::Refusal) && reconciled.plan.is_empty() {
                    self.printer.note("nothing is refused any more");
                    self.printer.hint(
                        "`purgit purge` removes what the edge may have fetched in the meantime",
                    );
                }
            }
        }
        let line = line(reconciled, began.elapsed());
        // What waits is reported once, not at each look until it is sent.
        let is_repeated = idle_until(reconciled).is_some() && {
            let line = line.as_deref().unwrap_or_default();
            !self.announcer.is_new(Topic::Deferred, line)
        };
        if let Some(line) = line.filter(|_| !is_repeated) {
            self.printer.note(&line);
        }
        let hints: Vec<_> = reconciled.execution.iter().flat_map(text::hints).collect();
        let is_new = self.announcer.is_new(Topic::Remedy, &hints.join("\n"));
        for hint in hints.iter().filter(|_| is_new) {
            self.printer.hint(hint);
        }
        let did_something = reconciled
            .execution
            .as_ref()
            .is_some_and(|execution| !execution.entries.is_empty());
        if self.format == DocumentFormat::Json && did_something && !is_repeated {
            let report = PlanReport {
                plan: &reconciled.plan,
                timestamp: SystemClock.now(),
            };
            let ending = Ending {
                exit_code: reconciled.exit.code(),
                error: None,
            };
            let execution = reconciled.execution.as_ref();
            self.printer
                .json_line(&v1::applied(report, execution, ending));
        }
        match &reconciled.status_error {
            Some(error) if self.announcer.is_new(Topic::Status, &chain(error)) => {
                self.printer.warning(&chain(error));
            }
            Some(_) => {}
            None => {
                self.announcer.settle(Topic::Status);
            }
        }
    }

    fn report_refusal(&self, plan: &Plan) {
        if !self.announcer.is_new(Topic::Refusal, &plan.id) {
            return;
        }
        let failed = plan.checks.iter();
        for check in failed.filter(|check| check.status == CheckStatus::Failed) {
            self.printer.problem(&format!("refused: {}", check.detail));
        }
        for note in &plan.diagnostics {
            self.printer.note(&note.message);
        }
        self.printer.hint(
            "nothing was purged; fix the content, or run `purgit plan` and then `purgit apply` with the force it names",
        );
    }

    pub(super) fn fail(&self, error: ReconcileError) -> ControlFlow<End, After> {
        if let ReconcileError::State(StateError::Locked(_)) = &error {
            let text = chain(&error);
            if self.announcer.is_new(Topic::Lock, &text) {
                self.printer.note(&format!("waiting: {text}"));
            }
            return ControlFlow::Continue(After::Locked);
        }
        let topic = match &error {
            ReconcileError::Workspace(_) => Topic::Content,
            ReconcileError::State(_)
            | ReconcileError::Plan(_)
            | ReconcileError::Credentials(_)
            | ReconcileError::Status(_)
            | ReconcileError::NoRevision(_)
            | ReconcileError::Stale(_) => Topic::Run,
        };
        self.put_off(error.into(), topic)
    }

    /// Ends a watch that has never succeeded; later, the same error may be temporary.
    pub(super) fn put_off(&self, error: CommandError, topic: Topic) -> ControlFlow<End, After> {
        if !self.proven {
            return ControlFlow::Break(Err(error));
        }
        if self.announcer.is_new(topic, &error.message) {
            self.printer.error(&error);
        }
        ControlFlow::Continue(After::Unfinished)
    }
}
