//! One run: look, take the lease, plan, show, send, follow, record, write the status.

use super::outcome::verdict;
use super::{Approval, Intent, ReconcileError, Reconciled, Reconciler, Verdict, base, detail};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::diff::{Difference, diff};
use crate::error::chain;
use crate::execute::Execution;
use crate::exit::Exit;
use crate::observed::observed;
use crate::plan::build::{self, Inputs};
use crate::plan::{CheckStatus, Plan};
use crate::state::Record;
use crate::state::recorder::{Leased, Recorder};
use crate::status::{self, Listed, Run, StatusDocument};
use crate::view::{Detail, StateView};
use crate::workspace::sides::{BothSides, Sides};

/// What is known at the start of a run, under the lease.
pub(super) struct Begun {
    /// Without its state, which the recorder has.
    pub(super) view: StateView,
    pub(super) both: BothSides,
    digest: Option<String>,
    pub(super) recorder: Recorder,
}

pub(super) struct Ended {
    pub(super) view: StateView,
    both: BothSides,
    /// Whether the view is what the store holds.
    is_stored: bool,
}

impl<'i> Intent<'i> {
    fn sides(&self) -> Option<&'i Sides> {
        match self {
            Self::Manifests(sides) | Self::Refresh(sides) => Some(sides),
            Self::OneOff(_) => None,
        }
    }
}

impl Reconciler<'_> {
    /// Once the lease is taken, the status is written even if the run fails.
    pub async fn run(&self, intent: Intent<'_>) -> Result<Reconciled, ReconcileError> {
        let manifests = match &intent {
            Intent::Manifests(sides) => Some(*sides),
            Intent::OneOff(_) | Intent::Refresh(_) => None,
        };
        let asked = self.asked(manifests).await?;
        let asked = asked.map(|(looked, before)| (Arc::new(looked), before));
        let sides = intent.sides();
        let mut seen = self.look(sides)?;
        // What edges proved stale will be purged too.
        seen.1.looked = asked.as_ref().map(|(looked, _)| looked.clone());
        let quota_records = self.ask_quota(&intent, &seen).await;
        seen.1.looked = None;
        let mut begun = self.begin(sides, seen).await?;
        if let Some((mut looked, before)) = asked {
            let state = begun.recorder.snapshot();
            Arc::make_mut(&mut looked).retain_unmoved(&before, &state);
            begun.both.looked = Some(looked);
        }
        let previous = self.status.previous()?;
        self.gate.noted(&begun.both.notes);
        let mut run = Run {
            started_at: self.clock.now(),
            ..Run::default()
        };
        let mut result = self
            .reconcile(&intent, quota_records, &mut begun, &mut run)
            .await;
        let (mut ended, error) = self.end(sides, begun).await;
        if let Some(error) = error {
            result = result.and(Err(error));
        }
        run.ended_at = self.clock.now();
        match &result {
            Ok((plan, execution)) => {
                run.exit_code = self.exit(plan, execution.as_ref()).code();
            }
            Err(error) => {
                run.exit_code = error.exit().code();
                run.error = Some(chain(error));
                run.unusable.extend(error.unusable());
            }
        }
        let document = self.document(&intent, &mut ended, &run, previous);
        let written = document.map(|document| self.status.write(&document));
        self.keep(ended);
        let (plan, execution) = result?;
        Ok(Reconciled {
            exit: self.exit(&plan, execution.as_ref()),
            plan,
            execution,
            status_error: written.and_then(Result::err),
        })
    }

    /// Takes the lease, and looks again if the state changed: listing and asking CDNs hold no lease.
    pub(super) async fn begin(
        &self,
        sides: Option<&Sides>,
        (mut view, mut both): (StateView, BothSides),
    ) -> Result<Begun, ReconcileError> {
        let (store, holder) = (self.views.store().clone(), self.holder.clone());
        let leased = Leased::take(store, holder, self.lock_timeout).await?;
        if !self.views.is_current(&view)? {
            (view, both) = self.look(sides)?;
        }
        Ok(Begun {
            digest: view.digest(),
            recorder: leased.record(std::mem::take(&mut view.state), (self.new_id)()),
            view,
            both,
        })
    }

    /// Makes everything durable and releases the lease.
    pub(super) async fn end(
        &self,
        sides: Option<&Sides>,
        begun: Begun,
    ) -> (Ended, Option<ReconcileError>) {
        let Begun {
            mut view,
            mut both,
            recorder,
            ..
        } = begun;
        let finished = recorder.clone().finish().await;
        let is_stored = finished.is_ok() && recorder.is_alone();
        let mut error = None;
        match finished {
            Ok(state) => view.state = state,
            Err(failed) => {
                view.state = recorder.snapshot();
                error = Some(failed.into());
            }
        }
        if error.is_none() && !is_stored {
            // Others wrote too, perhaps about packed entries.
            match self.look(sides) {
                Ok(now) => (view, both) = now,
                Err(failed) => error = Some(failed),
            }
        }
        let ended = Ended {
            view,
            both,
            is_stored,
        };
        (ended, error)
    }

    pub(super) fn keep(&self, ended: Ended) {
        if ended.is_stored {
            self.views.keep(ended.view);
            self.views.save(self.project);
        }
    }

    pub(super) fn look(
        &self,
        sides: Option<&Sides>,
    ) -> Result<(StateView, BothSides), ReconcileError> {
        let Some(sides) = sides else {
            return Ok((self.views.read(self.project)?, BothSides::default()));
        };
        let now = self.clock.now();
        let mut view = self.views.read(self.project)?;
        // So that they become entries even if confirmed. Recorded later, under the lease.
        view.unpack(self.project, &self.again);
        if let Some(due) = self.purge_again(now) {
            Arc::make_mut(&mut view.state).suppose([due]);
        }
        let detail = match self.inquiry {
            Some(_) => Detail::Everything,
            None => detail(&self.selection),
        };
        let both = sides.compare(self.project, &mut view, detail, now)?;
        Ok((view, both))
    }

    /// Marks the entries of `again` as due, which a later run could not find out.
    fn purge_again(&self, at: DateTime<Utc>) -> Option<Record> {
        let entries = self.again.iter().map(|key| (key.clone(), None));
        (!self.again.is_empty()).then(|| Record::Due {
            entries: entries.collect(),
            forced: false,
            at,
        })
    }

    fn document(
        &self,
        intent: &Intent<'_>,
        ended: &mut Ended,
        run: &Run,
        previous: Option<StatusDocument>,
    ) -> Option<StatusDocument> {
        let state = &ended.view.state;
        let (sides, run) = match intent {
            // Nothing was listed, so the manifests' status is unchanged.
            Intent::OneOff(_) => {
                return previous.map(|previous| status::with_history(previous, state));
            }
            Intent::Manifests(sides) => (sides, Some(run)),
            // A refresh is not a run: the status of the last run still holds.
            Intent::Refresh(sides) => (sides, None),
        };
        ended.both.desired.revisions = sides.revisions();
        let BothSides { desired, since, .. } = &ended.both;
        let observed = since.as_ref().map(|since| observed(since, desired, state));
        Some(status::document(
            self.project,
            desired,
            observed.as_ref().unwrap_or(state),
            run,
            previous.as_ref(),
            Listed::NotAsDeclared,
            self.clock.now(),
        ))
    }

    async fn reconcile(
        &self,
        intent: &Intent<'_>,
        quota_records: Vec<Record>,
        begun: &mut Begun,
        run: &mut Run,
    ) -> Result<(Plan, Option<Execution>), ReconcileError> {
        let recorder = &begun.recorder;
        if let Some(due) = self.purge_again(self.clock.now()) {
            recorder.record(due).await?;
        }
        let mut snapshot = recorder.snapshot();
        if !quota_records.is_empty() {
            Arc::make_mut(&mut snapshot).suppose(quota_records.iter().cloned());
        }
        let BothSides {
            desired,
            since,
            looked,
            ..
        } = &begun.both;
        let since = since.as_ref();
        let base = base(&begun.both, &snapshot);
        let inputs = Inputs {
            project: self.project,
            manifests_digest: &self.manifests_digest,
            desired,
            state: &base,
            state_digest: begun.digest.as_deref(),
            revisions: since.map(|since| &since.revisions),
            looked: looked.as_ref(),
            selection: &self.selection,
            forces: &self.forces,
            urgent: self.urgent,
            now: run.started_at,
        };
        let difference = self.difference(intent, inputs);
        let forgotten = difference.forgotten.clone();
        let plan = build::plan_changes(inputs, difference)?;
        drop(base);
        run.plan_id.clone_from(&plan.id);
        match self.gate.planned(&plan, &snapshot) {
            Approval::Stale(differences) => return Err(ReconcileError::Stale(differences)),
            Approval::Go | Approval::Decline if !plan.is_applyable() => {
                run.refused = refused(&plan);
                return Ok((plan, None));
            }
            Approval::Decline => return Ok((plan, None)),
            Approval::Go => {}
        }
        drop(snapshot);
        self.carry_out(intent, begun, run, plan, forgotten, quota_records)
            .await
    }

    fn difference(&self, intent: &Intent<'_>, inputs: Inputs<'_>) -> Difference {
        match intent {
            Intent::Manifests(_) => {
                let mut difference = diff(inputs.desired, inputs.state).served_by(self.project);
                if self.gives_up {
                    let changes = &mut difference.changes;
                    changes.retain(|change| {
                        !inputs.state.is_given_up(&change.key, change.after.as_ref())
                    });
                }
                difference
            }
            Intent::OneOff(changes) => Difference {
                changes: changes.clone(),
                ..Difference::default()
            },
            Intent::Refresh(_) => Difference::default(),
        }
    }

    pub(super) fn exit(&self, plan: &Plan, execution: Option<&Execution>) -> Exit {
        match verdict(plan, execution) {
            Verdict::Interrupted => self.interruption.exit(),
            other => other.exit(),
        }
    }
}

fn refused(plan: &Plan) -> Vec<String> {
    let checks = plan.checks.iter();
    let failed = checks.filter(|check| check.status == CheckStatus::Failed);
    failed.map(|check| check.detail.clone()).collect()
}
