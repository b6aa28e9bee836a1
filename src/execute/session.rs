//! One endpoint during a run: what may still be sent, what stops it, and what was done.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::account::{Allowance, Slot};
use super::failure::{End, Failure, Stop};
use super::hold::Hold;
use super::identity::{Identity, Sent};
use super::nodes::{MAX_FRUITLESS, Nodes};
use super::sign_in::redactor;
use super::{EndpointClient, Event, Execution, Ports, Waiting, halts, now};
use crate::credential::CredentialRef;
use crate::credential::source::resolve_all;
use crate::operation::Item;
use crate::provider::{Provider, Token};
use crate::secret::Redactor;
use crate::transport::exchange::exchange;
use crate::transport::{Patience, Request, Response, TransportError};

/// Most operations that are split in a run, each for two more requests: enough to isolate one item in each
/// of 14 full requests, or every item of one. The next run goes on with what is left.
const MAX_SPLITS: usize = 100;

#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) client: &'a EndpointClient<'a>,
    pub(super) waiting: &'a Waiting,
    pub(super) ports: Ports<'a>,
    pub(super) hold: &'a Hold<'a>,
    pub(super) allowance: Allowance,
    /// How many intents may be recorded ahead of their requests; `None` if that saves nothing.
    pub(super) ahead: Option<Semaphore>,
    /// The end of sending and waiting; `None` without `--timeout`.
    pub(super) deadline: Option<Instant>,
    pub(super) identity: Identity,
    pub(super) nodes: Nodes,
    failure: OnceLock<Failure>,
    purge_requests: AtomicUsize,
    /// Items that may have been accepted twice.
    repeated: AtomicUsize,
    /// Operations in a row that were given up.
    fruitless: AtomicUsize,
    calls: AtomicUsize,
    splits: AtomicUsize,
    interrupted: AtomicBool,
    timed_out: AtomicBool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        client: &'a EndpointClient<'a>,
        waiting: &'a Waiting,
        ports: Ports<'a>,
        hold: &'a Hold<'a>,
        allowance: Allowance,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            client,
            waiting,
            ports,
            hold,
            allowance,
            ahead: ports.recorder.ahead().map(Semaphore::new),
            deadline,
            identity: Identity::new(client.credentials.clone()),
            nodes: Nodes::default(),
            failure: OnceLock::new(),
            purge_requests: AtomicUsize::new(0),
            repeated: AtomicUsize::new(0),
            fruitless: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            splits: AtomicUsize::new(0),
            interrupted: AtomicBool::new(false),
            timed_out: AtomicBool::new(false),
        }
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.client.endpoint.provider
    }

    pub(super) async fn slot(&self, items: &[Item]) -> Slot {
        self.allowance.slot(items).await
    }

    /// Why the endpoint was given up, if it was.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Takes one of the splits of this run.
    pub(super) fn may_split(&self) -> bool {
        self.splits.fetch_add(1, Ordering::Relaxed) < MAX_SPLITS
    }

    /// Gives the endpoint up if every further request would fail alike.
    pub(super) fn halt_on(&self, failure: &Failure) {
        let is_halt = halts(failure.effect) && !matches!(failure.end, End::Stopped(_));
        if is_halt && self.failure.set(failure.clone()).is_ok() {
            self.client.given_up.cancel();
            let endpoint = self.client.endpoint.name.clone();
            self.event(Event::Halted {
                endpoint,
                failure: failure.clone(),
            });
        }
    }

    pub(super) fn event(&self, event: Event) {
        self.ports.observer.event(event);
    }

    pub(super) fn count_purge(&self) {
        self.purge_requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts items that may have been purged twice.
    pub(super) fn count_repeated(&self, items: &[Item]) {
        if !self.provider().knows_resends() {
            self.repeated.fetch_add(items.len(), Ordering::Relaxed);
        }
    }

    /// Notes that the endpoint answered a purge in any way.
    pub(super) fn note_answer(&self) {
        self.fruitless.store(0, Ordering::Relaxed);
    }

    /// Notes a purge that failed with all its retries; true if too many did in a row.
    pub(super) fn is_outage(&self, failure: &Failure) -> bool {
        match failure.end {
            End::Stopped(_) => return false,
            End::Final if !failure.in_doubt => {
                self.note_answer();
                return false;
            }
            End::Final | End::Exhausted => {}
        }
        self.fruitless.fetch_add(1, Ordering::Relaxed) + 1 >= MAX_FRUITLESS
    }

    /// Differs by call and by run, so that requests that failed together are not retried together.
    pub(super) fn jitter_seed(&self) -> u64 {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        u64::from(now(self.ports).timestamp_subsec_nanos()) ^ (calls as u64).rotate_left(32)
    }

    /// Whether the run was cancelled or its time is up. Call it only if something is left to do, so that a
    /// run which was finished when the signal came does not count as interrupted.
    pub(super) fn stopped(&self) -> Option<Stop> {
        if self.waiting.cancel.is_cancelled() {
            self.interrupted.store(true, Ordering::Relaxed);
            return Some(Stop::Cancelled);
        }
        self.is_late(Duration::ZERO).then_some(Stop::TimedOut)
    }

    /// Whether the time is up after a pause.
    pub(super) fn is_late(&self, pause: Duration) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() + pause >= deadline)
    }

    /// Notes that a purge was not sent, or not sent again, because the time was up.
    pub(super) fn note_stop(&self, stop: Stop) {
        match stop {
            Stop::Cancelled => {}
            Stop::TimedOut => self.timed_out.store(true, Ordering::Relaxed),
        }
    }

    /// Awaits some work, unless the run stops first.
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.waiting.cancel.cancelled() => {
                self.interrupted.store(true, Ordering::Relaxed);
                Err(Stop::Cancelled)
            }
            done = work => Ok(done),
            () = deadline => Err(Stop::TimedOut),
        }
    }

    pub(super) async fn pause(&self, delay: Duration) -> Result<(), Stop> {
        self.unless_stopped(tokio::time::sleep(delay)).await
    }

    /// Sends and logs a request. The deadline covers the whole body, so an API that answers a byte at a
    /// time does not hold up the run.
    pub(super) async fn exchange(
        &self,
        request: Request,
        node: Option<Patience>,
        redactor: &Redactor,
    ) -> Result<Response, TransportError> {
        let id = |response: &Response| self.request_id(response, redactor);
        exchange(self.ports.transport, request, node, self.deadline, id).await
    }

    /// Reads refused credentials again; those from the environment cannot have changed.
    pub(super) async fn reread(&self, refused: &Sent) -> bool {
        let name = &self.client.endpoint.name;
        let references = self.provider().credentials();
        let is_fixed = |(_, of): &(_, &CredentialRef)| matches!(of, CredentialRef::Env(_));
        let Some(source) = self
            .client
            .source
            .filter(|_| !references.iter().all(is_fixed))
        else {
            return false;
        };
        let read = async {
            let found = resolve_all(source, [(name.clone(), references)]).await;
            found.ok()?.remove(name)
        };
        let reread = self.identity.reread(&refused.credentials, read);
        self.unless_stopped(reread).await.unwrap_or(false)
    }

    pub(super) fn request_id(&self, response: &Response, redactor: &Redactor) -> Option<String> {
        let id = self.provider().correlation_id(response)?;
        Some(redactor.redact(&id))
    }

    pub(super) fn redactor(&self, token: Option<&Token>) -> Redactor {
        redactor(&self.identity.credentials(), token)
    }

    pub(super) fn sum_up(self, execution: &mut Execution) {
        execution.interrupted |= self.interrupted.into_inner();
        execution.timed_out |= self.timed_out.into_inner();
        execution.requests += self.purge_requests.into_inner();
        execution.repeated += self.repeated.into_inner();
        let name = &self.client.endpoint.name;
        let failure = self.failure.into_inner();
        let failure = failure.map(|failure| (name.clone(), failure));
        execution.failures.extend(failure);
    }
}
