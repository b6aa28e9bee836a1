//! The stage after the CDN's "done": asks for what was purged, waits for edges that lag, and purges again
//! what is proven stale, a few times at most.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::time::Instant;

use crate::desired::{Desired, desired};
use crate::diff::{Change, Difference, Reason};
use crate::entry::{EntryKey, Owner, TargetKind};
use crate::execute::{self, EndpointClient, EntryOutcome, Event, Execution, Ports};
use crate::manifest::resource::Endpoint;
use crate::plan::CheckName;
use crate::plan::build::{self, Inputs};
use crate::plan::checks::Force;
use crate::reconcile::questions::{Aim, Served};
use crate::reconcile::{ReconcileError, Reconciler, work};
use crate::state::{Observed, Outcome, Record, State, stale};
use crate::verify::{Evidence, Proof, Settings, Verdict};
use crate::workspace::sides::{BothSides, Sides};

impl Reconciler<'_> {
    /// Proves what is confirmed and not verified since, and updates the execution.
    pub(super) async fn prove(
        &self,
        sides: &Sides,
        both: &BothSides,
        clients: &BTreeMap<Arc<str>, EndpointClient<'_>>,
        ports: Ports<'_>,
        execution: &mut Execution,
        deadline: Option<Instant>,
    ) -> Result<(), ReconcileError> {
        ports.recorder.release().await?;
        let revision = both.since.as_ref().map(|since| &*since.revisions.to);
        let mut originals = self.originals(revision);
        let mut seen: BTreeMap<EntryKey, (Proof, Evidence)> = BTreeMap::new();
        for round in 0.. {
            let state = ports.recorder.snapshot();
            let aims = self.due(&state);
            if aims.is_empty() {
                break;
            }
            let all = self.everything(sides, aims.iter().map(|(key, _)| key));
            let entries = all
                .as_ref()
                .map_or(&both.desired.entries, |all| &all.entries);
            let served = Served::new(entries).with_variants(self.project);
            let served = served.with_past(self.past(sides, &aims));
            let questions = aims.into_iter().map(|(key, generation)| {
                let questions = served.questions(&key, generation.as_ref(), &state);
                ((key, generation), questions)
            });
            let questions = questions.filter(|(_, questions)| !questions.is_empty());
            let questions: Vec<_> = questions.collect();
            let asked = questions.len();
            if asked == 0 || self.is_stopped(deadline, execution) {
                break;
            }
            let entries = asked;
            ports.observer.event(Event::Proving { entries });
            let (answers, requests) = self
                .ask(questions, &mut originals, self.waiting.wait, deadline)
                .await;
            execution.verified.get_or_insert_default().requests += requests;
            let is_stopped = answers.len() < asked && self.is_stopped(deadline, execution);
            let mut proofs = Vec::new();
            let mut again = Vec::new();
            for (key, generation, evidence) in answers {
                let settings = self.settings(&key);
                let proof = state.proof_with(&key, generation.as_ref(), &evidence);
                let is_stale = evidence.verdict == Verdict::Stale;
                if is_stale && round < settings.rebound && !is_stopped {
                    again.push((key.clone(), generation));
                }
                seen.insert(key.clone(), (proof.clone(), evidence));
                // The next run asks again about what must be proven and is not.
                if proof.verdict() != Some(Verdict::Unknown) || !settings.required {
                    proofs.push((key, proof));
                }
            }
            if proofs.is_empty() {
                break;
            }
            drop(state);
            ports
                .recorder
                .record(Record::Prove { entries: proofs })
                .await?;
            if again.is_empty() || self.is_stopped(deadline, execution) {
                break;
            }
            let rebound = self.rebound(again, both, clients, ports, execution, deadline);
            if !rebound.await? {
                break;
            }
        }
        let state = ports.recorder.snapshot();
        let mut unproven = Vec::new();
        for (key, (proof, evidence)) in seen {
            // It was purged again and not asked for since.
            let known = state.proofs.get(&key);
            let is_again = known.is_some_and(|proof| proof.evidence.is_none());
            if is_again && evidence.verdict == Verdict::Stale {
                continue;
            }
            let settings = self.settings(&key);
            unproven.extend(sum_up(&key, &proof, &evidence, &settings, execution));
            execution.evidence.insert(key, evidence);
        }
        put(execution, unproven);
        execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(())
    }

    /// Whether the rest is left to the next run; notes in the execution why.
    pub(super) fn is_stopped(&self, deadline: Option<Instant>, execution: &mut Execution) -> bool {
        let is_late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let is_cancelled = self.waiting.cancel.is_cancelled();
        execution.interrupted |= is_cancelled;
        execution.timed_out |= is_late;
        is_late || is_cancelled || self.waiting.hurry.is_cancelled()
    }

    /// All that sites serve, even unchanged, unless all these entries are files of sites themselves.
    pub(in crate::reconcile) fn everything<'k>(
        &self,
        sides: &Sides,
        mut about: impl Iterator<Item = &'k EntryKey>,
    ) -> Option<Desired> {
        let is_plain = |key: &EntryKey| {
            matches!(key.owner, Owner::Site(_)) && key.target.kind() == TargetKind::File
        };
        let contents = sides.contents().filter(|_| !about.all(is_plain))?;
        desired(self.project, contents, self.clock.now()).ok()
    }

    /// What is confirmed at endpoints with a `verify` block, and not verified since.
    fn due(&self, state: &State) -> Vec<Aim> {
        let is_asked = |key: &EntryKey| {
            let endpoint = self.project.endpoints.get(&key.endpoint);
            endpoint.is_some_and(|endpoint: &Endpoint| endpoint.verify.is_some())
                && self.selection.selects(&key.address())
        };
        let is_confirmed = |key: &EntryKey, proof: &Proof| {
            let known = state.entries.get(key);
            state.pending_operations.of(key).is_none()
                && match &proof.generation {
                    Some(_) => known.is_some_and(|known| {
                        known.attempt.is_none() && known.generation == proof.generation
                    }),
                    None => known.is_none_or(Observed::is_gone),
                }
        };
        let due = state
            .proofs
            .iter()
            .filter(|(key, proof)| proof.is_due() && is_asked(key) && is_confirmed(key, proof));
        due.map(|(key, proof)| (key.clone(), proof.generation.clone()))
            .collect()
    }

    /// Purges again what is proven stale; false if the plan for it is refused. Limits that the first plan
    /// passed are not checked again, since the entries are the same; the quota is, with its reserve, and
    /// so is collateral, since the first plan may not have needed directories.
    pub(super) async fn rebound(
        &self,
        again: Vec<Aim>,
        both: &BothSides,
        clients: &BTreeMap<Arc<str>, EndpointClient<'_>>,
        ports: Ports<'_>,
        execution: &mut Execution,
        deadline: Option<Instant>,
    ) -> Result<bool, ReconcileError> {
        let state = ports.recorder.snapshot();
        let changes: Vec<_> = again
            .into_iter()
            .filter(|(key, _)| clients.contains_key(&key.endpoint))
            .map(|(key, after)| Change {
                before: state
                    .entries
                    .get(&key)
                    .and_then(|known| known.generation.clone()),
                key,
                after,
                reason: Reason::StaleAtEdge,
            })
            .collect();
        let checks = CheckName::ALL.into_iter();
        let forces: Vec<_> = checks
            .filter(|check| !matches!(check, CheckName::Quota | CheckName::MaxCollateral))
            .map(|check| Force {
                check,
                endpoint: None,
            })
            .chain(self.forces.iter().cloned())
            .collect();
        let inputs = Inputs {
            project: self.project,
            manifests_digest: &self.manifests_digest,
            desired: &both.desired,
            state: &state,
            state_digest: None,
            revisions: None,
            looked: None,
            selection: &crate::plan::select::Selection::default(),
            forces: &forces,
            urgent: true,
            now: ports.clock.now(),
        };
        let difference = Difference {
            changes,
            ..Difference::default()
        };
        let plan = build::plan_changes(inputs, difference)?;
        if plan.steps.is_empty() || !plan.is_applyable() {
            return Ok(false);
        }
        let sent = plan.changes.iter();
        let sent = sent.filter(|change| !plan.deferred.contains_key(&change.key));
        let entries = sent.map(|change| {
            let known = state.proofs.get(&change.key);
            (
                change.key.clone(),
                Proof::expecting(known, change.after.clone(), None),
            )
        });
        let entries = entries.collect();
        drop(state);
        ports.recorder.hold().await?;
        ports.recorder.record(Record::Prove { entries }).await?;
        let operations = work::operations(&plan, self.new_id);
        let waiting = self.waiting.until(deadline);
        let (resumed, left) = (Vec::new(), Vec::new());
        let more = execute::run(clients, operations, None, resumed, left, &waiting, ports);
        let more = more.await?;
        execution.requests += more.requests;
        execution.repeated += more.repeated;
        execution.failures.extend(more.failures);
        execution.interrupted |= more.interrupted;
        execution.timed_out |= more.timed_out;
        put(execution, more.entries);
        Ok(true)
    }
}

/// The outcome of an entry that the CDN called done and the proof does not; counted in the execution.
pub(super) fn sum_up(
    key: &EntryKey,
    proof: &Proof,
    evidence: &Evidence,
    settings: &Settings,
    execution: &mut Execution,
) -> Option<EntryOutcome> {
    let verified = execution.verified.get_or_insert_default();
    verified.add(evidence.verdict);
    let (outcome, message) = match evidence.verdict {
        Verdict::Stale => (Outcome::Failed, stale(proof, &evidence.why)),
        Verdict::Unknown if settings.required => (
            Outcome::Unknown,
            format!("not proven fresh: {}", evidence.why),
        ),
        Verdict::Fresh | Verdict::Unknown => return None,
    };
    Some(EntryOutcome {
        key: key.clone(),
        generation: proof.generation.clone(),
        outcome,
        message: Some(message),
        hint: None,
    })
}

pub(super) fn put(execution: &mut Execution, entries: Vec<EntryOutcome>) {
    let keys: HashSet<_> = entries.iter().map(|entry| &entry.key).collect();
    execution.entries.retain(|other| !keys.contains(&other.key));
    execution.entries.extend(entries);
}
