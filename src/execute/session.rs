//! One endpoint during a run: signature time, token, retries, and what it may still send.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::account::{Allowance, Room};
use super::failure::{CallError, End, Failure, Stop};
use super::{EndpointClient, Event, Ports, Waiting, halts};
use crate::error::chain;
use crate::operation::{Item, Operation};
use crate::provider::{Answer, ApiError, Auth, Effect, Provider, Token};
use crate::secret::Redactor;
use crate::state::{Record, StateError};
use crate::transport::exchange::exchange;
use crate::transport::retry::{GiveUp, RetryClass, RetryPolicy};
use crate::transport::{REQUEST_TIMEOUT, Request, Response, TransportError, date};

/// Skew below this is what a `Date` header cannot resolve, so correcting by it changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Operations in a row that came to nothing, retries and all, after which the endpoint is given up
/// for the run. One may be the fault of its items; three are an outage, and with many operations
/// more would be a siege.
const MAX_FRUITLESS: usize = 3;

/// Operations that are taken apart in a run, each at the price of two more requests: enough to single
/// out one item in each of 14 full requests, or every item of one. The next run says what is left,
/// and no longer plans what went through.
const MAX_SPLITS: usize = 100;

/// Sends of one operation that the CDN may have accepted: the first, and one more while that is in
/// doubt.
const MAX_DOUBTFUL_SENDS: usize = 2;

/// What a call got: the answer and the CDN's id of the answer.
pub(super) type Answered = (Answer, Option<String>);

/// See the module.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) client: &'a EndpointClient<'a>,
    pub(super) waiting: &'a Waiting,
    pub(super) ports: Ports<'a>,
    pub(super) allowance: Allowance,
    /// From then on nothing is sent and nothing is waited for; `None` without `--timeout`.
    pub(super) deadline: Option<Instant>,
    skew: Mutex<TimeDelta>,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
    failure: OnceLock<Failure>,
    purge_requests: AtomicUsize,
    /// Items of which two sends may have been accepted.
    repeated: AtomicUsize,
    /// Operations in a row that were given up.
    fruitless: AtomicUsize,
    calls: AtomicUsize,
    splits: AtomicUsize,
    interrupted: AtomicBool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        client: &'a EndpointClient<'a>,
        waiting: &'a Waiting,
        ports: Ports<'a>,
        allowance: Allowance,
        deadline: Option<Instant>,
    ) -> Self {
        Self {
            client,
            waiting,
            ports,
            allowance,
            deadline,
            skew: Mutex::new(TimeDelta::zero()),
            token: tokio::sync::Mutex::new(None),
            failure: OnceLock::new(),
            purge_requests: AtomicUsize::new(0),
            repeated: AtomicUsize::new(0),
            fruitless: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            splits: AtomicUsize::new(0),
            interrupted: AtomicBool::new(false),
        }
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.client.endpoint.provider
    }

    /// One of the requests that may be unanswered at once; in order of asking.
    pub(super) async fn slot(&self) -> Room {
        // The semaphores are never closed.
        self.allowance.slot().await.unwrap_or_default()
    }

    /// Why the endpoint was given up, if it was.
    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    pub(super) fn into_failure(self) -> Option<Failure> {
        self.failure.into_inner()
    }

    pub(super) fn purge_requests(&self) -> usize {
        self.purge_requests.load(Ordering::Relaxed)
    }

    pub(super) fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Takes one of the operations that may be taken apart in this run.
    pub(super) fn may_split(&self) -> bool {
        self.splits.fetch_add(1, Ordering::Relaxed) < MAX_SPLITS
    }

    /// Gives the endpoint up when every further request would fail alike.
    pub(super) fn halt_on(&self, failure: &Failure) {
        let is_halt = halts(failure.effect) && !matches!(failure.end, End::Stopped(_));
        if is_halt && self.failure.set(failure.clone()).is_ok() {
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

    /// Sends a purge whose intent is recorded and booked: again while that does no harm, and once more
    /// when the CDN may have accepted it. What surely was not accepted is booked back.
    pub(super) async fn purge(
        &self,
        operation: &Operation,
    ) -> Result<Result<Answered, Failure>, StateError> {
        let build = |auth: Auth<'_>| {
            self.purge_requests.fetch_add(1, Ordering::Relaxed);
            self.provider().submit(operation, auth)
        };
        let read = |response: &Response| self.provider().submitted(operation, response);
        let mut answer = self
            .call(self.deadline, Some(operation), build, read)
            .await?;
        match &mut answer {
            Err(failure) if failure.end == End::Exhausted => {
                let fruitless = self.fruitless.fetch_add(1, Ordering::Relaxed) + 1;
                if fruitless >= MAX_FRUITLESS {
                    failure.effect = Effect::Endpoint;
                }
            }
            // It answers, whatever it says.
            Ok(_) | Err(_) => self.fruitless.store(0, Ordering::Relaxed),
        }
        Ok(answer)
    }

    /// Asks about a task, until there is an answer, a final refusal, or no patience left.
    pub(super) async fn question(
        &self,
        until: Option<Instant>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        self.call(until, None, build, read).await
    }

    /// Sends until there is an answer, a final refusal, or no patience left; not again after `until`.
    /// A `purge` is booked anew with each send while an earlier one may have been accepted.
    async fn call(
        &self,
        until: Option<Instant>,
        purge: Option<&Operation>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Result<Answered, Failure>, StateError> {
        let mut retries = RetryPolicy::default().retries(self.jitter_seed());
        let items = purge.map_or(&[][..], |operation| &operation.items);
        let mut doubtful = 0;
        let mut renewed = false;
        loop {
            let attempt = self.attempt(until, items, &build, &read).await;
            let in_doubt = doubtful > 0;
            let (error, sent) = match attempt {
                Ok(answered) => {
                    if in_doubt {
                        self.repeated.fetch_add(items.len(), Ordering::Relaxed);
                    }
                    return Ok(Ok(answered));
                }
                Err(Attempt::Stopped(stop)) => {
                    self.book(items, -1).await?;
                    return Ok(Err(Failure::stopped(stop, in_doubt)));
                }
                Err(Attempt::Refused { error, sent }) => (error, sent),
            };
            if error.effect() == Effect::Credentials
                && !renewed
                && let Some(token) = sent.as_ref().and_then(|sent| sent.token.as_ref())
            {
                // It may have been withdrawn, or have run out by another clock.
                renewed = true;
                self.discard(token).await;
                continue;
            }
            let is_doubtful = error.effect() == Effect::InDoubt;
            if is_doubtful {
                if in_doubt {
                    self.repeated.fetch_add(items.len(), Ordering::Relaxed);
                }
                doubtful += 1;
            }
            let in_doubt = doubtful > 0;
            let attempts = retries.attempts();
            let decision = match retries.next(error.retry(), error.retry_after()) {
                Err(reason) => Err(reason),
                Ok(_) if purge.is_some() && doubtful >= MAX_DOUBTFUL_SENDS => {
                    Err(GiveUp::Exhausted { attempts })
                }
                Ok(_)
                    if error.retry() == RetryClass::ClockSkew
                        && !sent.is_some_and(|sent| self.correct_clock(&sent)) =>
                {
                    Err(GiveUp::Hopeless)
                }
                Ok(delay) => {
                    let too_late = until.is_some_and(|until| Instant::now() + delay >= until);
                    match too_late || self.failure().is_some() {
                        true => Err(GiveUp::Exhausted { attempts }),
                        false => Ok(delay),
                    }
                }
            };
            let delay = match decision {
                Ok(delay) => delay,
                Err(reason) => {
                    if !is_doubtful {
                        self.book(items, -1).await?;
                    }
                    return Ok(Err(error.give_up(in_doubt, reason)));
                }
            };
            if !delay.is_zero() {
                self.event(Event::Retrying {
                    endpoint: self.client.endpoint.name.clone(),
                    reason: chain(&error),
                    delay,
                });
                if let Err(stop) = self.pause(delay).await {
                    if !is_doubtful {
                        self.book(items, -1).await?;
                    }
                    return Ok(Err(error.stopped(in_doubt, stop)));
                }
            }
            // What was booked for the last send stays with it.
            if is_doubtful {
                self.book(items, 1).await?;
            }
        }
    }

    /// Books sends of these items against what the calendar renews, or books them back.
    async fn book(&self, items: &[Item], sends: i64) -> Result<(), StateError> {
        let records = self.booking(items, sends);
        match records.is_empty() {
            true => Ok(()),
            false => self.ports.recorder.record_all(records).await,
        }
    }

    /// As records.
    pub(super) fn booking(&self, items: &[Item], sends: i64) -> Vec<Record> {
        let booked = self.allowance.booking(items, self.ports.clock.now());
        let record = |(budget, window, amount): (&crate::provider::Budget, _, u64)| Record::Spend {
            scope: budget.scope.clone(),
            counts: budget.counts.word().into(),
            window,
            amount: sends * i64::try_from(amount).unwrap_or(i64::MAX),
        };
        booked.map(record).collect()
    }

    /// Whether the run was cancelled, or its time is up. Asked only where something is left to do, so
    /// that a run which was through when the signal came does not count as interrupted.
    pub(super) fn stopped(&self) -> Option<Stop> {
        if self.waiting.cancel.is_cancelled() {
            self.interrupted.store(true, Ordering::Relaxed);
            return Some(Stop::Cancelled);
        }
        let is_late = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        is_late.then_some(Stop::TimedOut)
    }

    /// Whether something was left undone because the run was cancelled.
    pub(super) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Works on something until it is done; an error when the run is to stop meanwhile.
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

    /// Waits; an error when the run is to stop meanwhile.
    pub(super) async fn pause(&self, delay: Duration) -> Result<(), Stop> {
        self.unless_stopped(tokio::time::sleep(delay)).await
    }

    /// Sends a request, with a line in the log, and waits for the whole answer until the deadline at
    /// the most.
    async fn exchange(
        &self,
        request: Request,
        until: Option<Instant>,
        redactor: &Redactor,
    ) -> Result<Response, TransportError> {
        let id = |response: &Response| self.request_id(response, redactor);
        exchange(self.ports.transport, request, until, id).await
    }

    /// The CDN's id of an answer.
    fn request_id(&self, response: &Response, redactor: &Redactor) -> Option<String> {
        let id = self.provider().correlation_id(response)?;
        Some(redactor.redact(&id))
    }

    /// Knows every secret that a request with that token shows to the CDN.
    pub(super) fn redactor(&self, token: Option<&Token>) -> Redactor {
        let token = token.map(|token| &token.value);
        Redactor::new(self.client.credentials.secrets().chain(token))
    }

    async fn attempt(
        &self,
        until: Option<Instant>,
        items: &[Item],
        build: &impl Fn(Auth<'_>) -> Request,
        read: &impl Fn(&Response) -> Result<Answer, ApiError>,
    ) -> Result<Answered, Attempt> {
        self.unless_stopped(self.allowance.turn(items)).await?;
        // Only now, so that it does not run out in the queue.
        let token = self.token().await?;
        let skew = self.skew();
        let request = build(Auth {
            credentials: &self.client.credentials,
            token: token.as_deref(),
            now: self.ports.clock.now() + skew,
        });
        let redactor = self.redactor(token.as_deref());
        let redacted = |error: CallError| error.redacted(&redactor);
        let response = self.exchange(request, until, &redactor).await;
        let response = response.map_err(|error| redacted(error.into()))?;
        match read(&response) {
            Ok(answer) => Ok((
                answer.redacted(&redactor),
                self.request_id(&response, &redactor),
            )),
            Err(error) => Err(Attempt::Refused {
                error: redacted(error.into()),
                sent: Some(Sent {
                    skew,
                    token,
                    refused_at: date::date(&response),
                }),
            }),
        }
    }

    /// The token in hand, exchanged anew when it would run out on the way; nothing where the
    /// credentials themselves prove identity.
    async fn token(&self) -> Result<Option<Arc<Token>>, Attempt> {
        let Some(exchange) = self.provider().exchange() else {
            return Ok(None);
        };
        let mut held = self.token.lock().await;
        let answered_by = self.cdn_now() + REQUEST_TIMEOUT;
        let is_good = |token: &Arc<Token>| token.expires_at > answered_by;
        if let Some(token) = held.as_ref().filter(|token| is_good(token)) {
            return Ok(Some(token.clone()));
        }
        let request = exchange.request(&self.client.credentials, self.cdn_now());
        self.unless_stopped(self.allowance.turn(&[])).await?;
        let redactor = self.redactor(None);
        let answer = async {
            let response = self.exchange(request, self.deadline, &redactor).await?;
            Ok(exchange.token(&response, self.cdn_now())?)
        };
        let failed = |error: CallError| CallError::Exchange(Box::new(error.redacted(&redactor)));
        *held = Some(Arc::new(answer.await.map_err(failed)?));
        Ok(held.clone())
    }

    /// Drops a token that was not taken, unless another request did so already.
    async fn discard(&self, refused: &Arc<Token>) {
        self.token
            .lock()
            .await
            .take_if(|held| Arc::ptr_eq(held, refused));
    }

    /// Differs from call to call and from run to run, so that what failed together does not come
    /// back together.
    fn jitter_seed(&self) -> u64 {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        u64::from(self.ports.clock.now().timestamp_subsec_nanos()) ^ (calls as u64).rotate_left(32)
    }

    fn cdn_now(&self) -> DateTime<Utc> {
        self.ports.clock.now() + self.skew()
    }

    fn skew(&self) -> TimeDelta {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dates further requests by the CDN's clock. False when that would change nothing.
    fn correct_clock(&self, refused: &Sent) -> bool {
        let Some(served_at) = refused.refused_at else {
            return false;
        };
        let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        if *skew != refused.skew {
            // Another request corrected it while this one was under way.
            return true;
        }
        let found = date::skew(served_at, self.ports.clock.now());
        if (found - *skew).abs() < MIN_SKEW {
            return false;
        }
        *skew = found;
        drop(skew);
        let endpoint = self.client.endpoint.name.clone();
        self.event(Event::ClockSkew {
            endpoint,
            skew: found,
        });
        true
    }
}

/// Why an attempt brought nothing.
enum Attempt {
    /// The run was to stop before it began.
    Stopped(Stop),
    /// It failed; with what was sent, where an answer came to that.
    Refused {
        error: CallError,
        sent: Option<Sent>,
    },
}

/// What a refused request proved identity with.
struct Sent {
    /// By how much it was dated off the local clock.
    skew: TimeDelta,
    token: Option<Arc<Token>>,
    /// When it was refused, by the CDN's clock.
    refused_at: Option<DateTime<Utc>>,
}

impl From<Stop> for Attempt {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<CallError> for Attempt {
    fn from(error: CallError) -> Self {
        Self::Refused { error, sent: None }
    }
}
