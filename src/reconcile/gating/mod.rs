//! The origin gate, before the first request: what edges will fetch must already be at the origin. Each
//! endpoint waits by itself; what is there is sent at once, and what is not there in time is held back.

mod needs;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::{join_all, try_join};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::before::Clients;
use super::questions::Served;
use super::{ReconcileError, Reconciler};
use crate::desired::Desired;
use crate::execute::{EntryOutcome, Event, Execution, Ports};
use crate::manifest::resource::Endpoint;
use crate::operation::Operation;
use crate::origin::{FIRST_ASKED, Gate, Kept, Readiness, Seen, Settings, Tally, judge};
use crate::plan::Plan;
use crate::secret::Redactor;
use crate::state::{Outcome, Record, StateError};
use crate::transport::fetch::{Connect, FETCH_TIMEOUT, Fetched};
use crate::transport::rate::RateLimiter;
use crate::transport::{Request, TransportError};
use crate::verify::Original;
use crate::verify::ask::{Ask, Asking};
use crate::workspace::sides::Sides;
pub(super) use needs::{Known, Question};

/// `--timeout` is divided into so many parts, and the last is reserved for sending.
const PARTS: u32 = 10;

/// Operations released to the executor and not taken by it yet.
const MAX_RELEASED: usize = 16;

/// One endpoint that waits for its origin.
#[derive(Debug)]
struct Waiting<'a> {
    endpoint: &'a Endpoint,
    settings: &'a Settings,
    gate: Gate<Question>,
    redactor: Redactor,
    tally: Tally,
    /// Cancelled with the run, and when nothing more is sent to the endpoint.
    given_up: CancellationToken,
}

#[derive(Debug, Default)]
pub(super) struct Gated<'a>(Vec<Waiting<'a>>);

/// A question while it is asked.
pub(super) struct Probe<'q> {
    question: &'q Question,
    settings: &'q Settings,
    /// Redacts credentials, which an answer may repeat.
    redactor: &'q Redactor,
    pub(super) seen: Option<Seen>,
    /// The answer, whatever it proves.
    pub(super) original: Option<Original>,
}

impl<'q> Probe<'q> {
    pub(super) fn new(
        question: &'q Question,
        settings: &'q Settings,
        redactor: &'q Redactor,
    ) -> Self {
        Self {
            question,
            settings,
            redactor,
            seen: None,
            original: None,
        }
    }
}

impl Ask for Probe<'_> {
    fn request(&self) -> Request {
        self.question.request.clone()
    }

    fn connect(&self) -> Option<Connect> {
        self.settings.resolve
    }

    fn take(&mut self, _: DateTime<Utc>, answer: Result<&Fetched, &TransportError>) {
        let Question {
            expected, earlier, ..
        } = self.question;
        let answer = answer.map(|fetched| fetched.redacted(self.redactor));
        self.seen = Some(judge(
            expected,
            earlier,
            &self.settings.gone,
            answer.as_ref().map_err(|error| *error),
        ));
        self.original = answer.ok().as_ref().map(Original::new);
    }
}

impl Gated<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Reconciler<'_> {
    /// The commit that origins must serve; empty if none is known and no endpoint of the plan needs it.
    pub(super) fn revision(&self, plan: &Plan) -> Result<String, ReconcileError> {
        let of_plan = plan.base.git.as_ref().map(|compared| &compared.to);
        if let Some(revision) = of_plan.or(self.origin.commit.as_ref()) {
            return Ok(revision.clone());
        }
        let names = plan.steps.iter().map(|step| &step.endpoint);
        let needs = |name: &&Arc<str>| {
            let origin = self.origin_of(name);
            origin.is_some_and(|(_, origin)| origin.expect.needs_revision())
        };
        match names.into_iter().find(needs) {
            Some(name) => Err(ReconcileError::NoRevision(name.clone())),
            None => Ok(String::new()),
        }
    }

    pub(super) fn origin_of(&self, endpoint: &str) -> Option<(&Endpoint, &Settings)> {
        let endpoint = self.project.endpoints.get(endpoint)?;
        Some((endpoint, endpoint.origin.as_ref()?))
    }

    /// Splits the operations into those that are sent at once and those that wait for an origin.
    pub(super) fn split(
        &self,
        operations: Vec<Operation>,
        sides: &Sides,
        desired: &Desired,
        known: &Known<'_>,
        clients: &Clients<'_>,
    ) -> (Vec<Operation>, Gated<'_>) {
        let keys = known.plan.changes.iter().map(|change| &change.key);
        let keys = keys.filter(|key| self.origin_of(&key.endpoint).is_some());
        let all = self.everything(sides, keys);
        let served = Served::new(&all.as_ref().unwrap_or(desired).entries);
        let (mut now, mut by_endpoint) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
        for operation in operations {
            match self.origin_of(&operation.endpoint) {
                Some(_) => by_endpoint
                    .entry(operation.endpoint.clone())
                    .or_default()
                    .push(operation),
                None => now.push(operation),
            }
        }
        let mut gated = Gated::default();
        for (name, operations) in by_endpoint {
            if let Some((endpoint, settings)) = self.origin_of(&name) {
                let given_up = clients.get(&name).map(|client| client.given_up.clone());
                let (mut gate, ungated) = known.gate(&name, settings, operations, &served);
                now.extend(gate.release());
                gated.0.push(Waiting {
                    endpoint,
                    settings,
                    gate,
                    redactor: known.redactor(&name),
                    tally: Tally {
                        ungated,
                        ..Tally::default()
                    },
                    given_up: given_up.unwrap_or_default(),
                });
            }
        }
        (now, gated)
    }

    /// Submits at once what waits for no origin, and the rest as origins become ready; what is not at its
    /// origin in time is recorded as held back.
    pub(super) async fn submit<S: Future<Output = Result<Execution, StateError>>>(
        &self,
        submit: impl FnOnce(Option<mpsc::Receiver<Operation>>) -> S,
        gated: Gated<'_>,
        ports: Ports<'_>,
    ) -> Result<Execution, ReconcileError> {
        let (out, later) = mpsc::channel(MAX_RELEASED);
        let origins = async { Ok(self.wait_for_origins(gated, out, ports).await) };
        let (mut execution, seen) = try_join(submit(Some(later)), origins).await?;
        self.hold(seen, ports, &mut execution).await?;
        Ok(execution)
    }

    /// Waits for all origins; sends what is ready to `out`, and returns what was held back.
    async fn wait_for_origins(
        &self,
        gated: Gated<'_>,
        out: mpsc::Sender<Operation>,
        ports: Ports<'_>,
    ) -> Option<(Tally, Vec<EntryOutcome>)> {
        let waiting = gated.0.into_iter();
        let waiting: Vec<_> = waiting
            .map(|waiting| self.wait_for_origin(waiting, out.clone(), ports))
            .collect();
        drop(out);
        let ended = join_all(waiting).await;
        ended.into_iter().reduce(|mut all, (tally, entries)| {
            all.0.add(tally);
            all.1.extend(entries);
            all
        })
    }

    async fn wait_for_origin(
        &self,
        waiting: Waiting<'_>,
        out: mpsc::Sender<Operation>,
        ports: Ports<'_>,
    ) -> (Tally, Vec<EntryOutcome>) {
        let Waiting {
            endpoint,
            settings,
            mut gate,
            redactor,
            mut tally,
            given_up,
        } = waiting;
        let entries = gate.waits().0;
        let (cancel, began) = (&self.waiting.cancel, Instant::now());
        let hard = self.waiting.deadline();
        // Leaves time to send what is ready by then.
        let soft = self
            .waiting
            .timeout
            .map(|timeout| began + timeout * (PARTS - 1) / PARTS);
        let own = began + settings.timeout;
        let until = soft.map_or(own, |soft| soft.min(own));
        let last = until + FETCH_TIMEOUT;
        let last = hard.map_or(last, |hard| hard.min(last));
        let rate = RateLimiter::new(settings.requests_per_second, settings.requests_per_second);
        let asking = Asking {
            fetch: self.fetch,
            clock: self.clock,
            cancel: &given_up,
            wait: self.waiting.wait,
            deadline: Some(last),
        };
        loop {
            let is_last =
                !asking.wait || Instant::now() >= until || self.waiting.hurry.is_cancelled();
            let mut most = if asking.wait { FIRST_ASKED } else { usize::MAX };
            let mut open = gate.open();
            while !open.is_empty() && !given_up.is_cancelled() {
                let rest = open.split_off(most.min(open.len()));
                let mut probes: Vec<_> = gate
                    .questions(&open)
                    .map(|question| Probe::new(question, settings, &redactor))
                    .collect();
                asking.round(&mut probes, Some(&rate)).await;
                let seen: Vec<_> = probes.into_iter().map(|probe| probe.seen).collect();
                let mut ready = 0;
                for (index, seen) in open.iter().zip(seen) {
                    let Some(seen) = seen else { continue };
                    tally.requests += 1;
                    ready += usize::from(seen.readiness == Readiness::Ready);
                    gate.note(*index, seen);
                }
                if !send(&out, gate.release()).await {
                    // The executor stopped because nothing can be recorded any more, and reports that.
                    return (tally, Vec::new());
                }
                // In the last round, every ready origin is worth finding.
                let (enough, end) = match is_last {
                    true => (1, last),
                    false => (open.len().div_ceil(2), until),
                };
                if ready < enough || Instant::now() >= end {
                    break;
                }
                most = most.saturating_mul(2);
                open = rest;
            }
            if gate.open().is_empty() || is_last || given_up.is_cancelled() {
                break;
            }
            if let (entries, Some(seen)) = gate.waits() {
                ports.observer.event(Event::Waiting {
                    endpoint: endpoint.name.clone(),
                    entries,
                    why: seen.why.clone(),
                });
            }
            let next = until.min(Instant::now() + settings.interval);
            tokio::select! {
                () = sleep_until(next) => {}
                () = given_up.cancelled() => {}
                () = self.waiting.hurry.cancelled() => {}
            }
        }
        if given_up.is_cancelled() && !cancel.is_cancelled() {
            // The executor sends none of these, and records why.
            tally.ready = entries.saturating_sub(gate.waits().0);
            send(&out, gate.give_up()).await;
            return (tally, Vec::new());
        }
        let (rest, kept) = gate.end(!cancel.is_cancelled());
        send(&out, rest).await;
        tally.held = kept.len();
        tally.ready = entries.saturating_sub(kept.len());
        (tally, kept.into_iter().map(held).collect())
    }

    /// Records what is held back, and adds it to the execution.
    async fn hold(
        &self,
        seen: Option<(Tally, Vec<EntryOutcome>)>,
        ports: Ports<'_>,
        execution: &mut Execution,
    ) -> Result<(), ReconcileError> {
        let Some((tally, held)) = seen else {
            return Ok(());
        };
        execution.origin = Some(tally);
        execution.interrupted |= !held.is_empty() && self.waiting.cancel.is_cancelled();
        let mut by_message: BTreeMap<(&Arc<str>, &str), Vec<_>> = BTreeMap::new();
        for entry in &held {
            let message = entry.message.as_deref().unwrap_or_default();
            let aim = (entry.key.clone(), entry.generation.clone());
            let of_message = by_message.entry((&entry.key.endpoint, message));
            of_message.or_default().push(aim);
        }
        let at = self.clock.now();
        let mut records = Vec::with_capacity(by_message.len());
        for ((endpoint, why), entries) in by_message {
            ports.observer.event(Event::Settled {
                endpoint: endpoint.clone(),
                outcome: Outcome::Held,
                urls: entries.len(),
                message: Some(why.to_owned()),
            });
            let message = why.to_owned();
            records.push(Record::Hold {
                entries,
                message,
                at,
            });
        }
        if !records.is_empty() {
            ports.recorder.record_all(records).await?;
        }
        execution.entries.extend(held);
        Ok(())
    }
}

/// Whether the executor took them.
async fn send(out: &mpsc::Sender<Operation>, operations: Vec<Operation>) -> bool {
    for operation in operations {
        if out.send(operation).await.is_err() {
            return false;
        }
    }
    true
}

fn held(kept: Kept) -> EntryOutcome {
    EntryOutcome {
        key: kept.key,
        generation: kept.generation,
        outcome: Outcome::Held,
        message: Some(format!("the origin {}", kept.why)),
        hint: kept.hint.map(str::to_owned),
    }
}
