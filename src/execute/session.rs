//! One endpoint's line to its CDN during a run: rate, signature time, token, retries.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::failure::{CallError, End, Failure};
use super::{Event, Line, Ports, Waiting, halts};
use crate::error::chain;
use crate::provider::{ApiError, Auth, Authentication, Effect, Provider, Token};
use crate::secret::Redactor;
use crate::transport::exchange::exchange;
use crate::transport::rate::RateLimiter;
use crate::transport::retry::RetryClass;
use crate::transport::retry::{GiveUp, RetryPolicy};
use crate::transport::{REQUEST_TIMEOUT, Request, Response, TransportError, date};

/// Skew below this is what a `Date` header cannot resolve, so correcting by it changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Steps in a row that came to nothing, retries and all, after which the endpoint is given up for
/// the run. One may be the fault of its URLs; three are an outage, and with many steps more would
/// be a siege.
const MAX_FRUITLESS: usize = 3;

/// Steps that are taken apart in a run, each at the price of two more requests: enough to single
/// out one URL in each of 14 full steps, or every URL of one. Who has more of them is told so by
/// the next run, which no longer plans what went through.
const MAX_SPLITS: usize = 100;

/// What a call got: the value and the CDN's id of the answer.
pub(super) type Answered<T> = (T, Option<String>);

/// See the module.
#[derive(Debug)]
pub(super) struct Session<'a> {
    pub(super) line: &'a Line<'a>,
    pub(super) waiting: &'a Waiting,
    pub(super) ports: Ports<'a>,
    bucket: RateLimiter,
    slots: Semaphore,
    skew: Mutex<TimeDelta>,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
    failure: OnceLock<Failure>,
    purge_requests: AtomicUsize,
    /// Purge requests in a row that were given up.
    fruitless: AtomicUsize,
    calls: AtomicUsize,
    splits: AtomicUsize,
    interrupted: AtomicBool,
}

impl<'a> Session<'a> {
    pub(super) fn new(line: &'a Line<'a>, waiting: &'a Waiting, ports: Ports<'a>) -> Self {
        let limits = &line.endpoint.limits;
        Self {
            line,
            waiting,
            ports,
            bucket: RateLimiter::new(limits.requests_per_second),
            slots: Semaphore::new(limits.concurrent_requests.max(1)),
            skew: Mutex::new(TimeDelta::zero()),
            token: tokio::sync::Mutex::new(None),
            failure: OnceLock::new(),
            purge_requests: AtomicUsize::new(0),
            fruitless: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            splits: AtomicUsize::new(0),
            interrupted: AtomicBool::new(false),
        }
    }

    pub(super) fn provider(&self) -> &dyn Provider {
        &*self.line.endpoint.provider
    }

    /// One of the requests that may be under way at once; in order of asking. `None` only when
    /// the session is being torn down.
    pub(super) async fn slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
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

    /// Takes one of the steps that may be taken apart in this run.
    pub(super) fn may_split(&self) -> bool {
        self.splits.fetch_add(1, Ordering::Relaxed) < MAX_SPLITS
    }

    /// Gives the endpoint up when every further request would fail alike.
    pub(super) fn halt_on(&self, failure: &Failure) {
        let is_halt = halts(failure.effect) && failure.end != End::Cancelled;
        if is_halt && self.failure.set(failure.clone()).is_ok() {
            let endpoint = self.line.endpoint.name.clone();
            self.event(Event::Halted {
                endpoint,
                failure: failure.clone(),
            });
        }
    }

    pub(super) fn event(&self, event: Event) {
        self.ports.observer.event(event);
    }

    /// A purge request: counted, and so are the failures in a row.
    pub(super) async fn purge<T>(
        &self,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, Failure> {
        let build = |auth: Auth<'_>| {
            self.purge_requests.fetch_add(1, Ordering::Relaxed);
            build(auth)
        };
        let mut answer = self.call(None, build, read).await;
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
        answer
    }

    /// Sends until there is an answer, a final refusal, or no patience left; not again after
    /// `until`.
    pub(super) async fn call<T>(
        &self,
        until: Option<Instant>,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, Failure> {
        let mut retries = RetryPolicy::default().retries(self.jitter_seed());
        let mut in_doubt = false;
        let mut renewed = false;
        loop {
            let (error, sent) = match self.attempt(&build, &read).await {
                Ok(answered) => return Ok(answered),
                Err(Attempt::Cancelled) => return Err(Failure::cancelled(in_doubt)),
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
            in_doubt |= error.effect() == Effect::InDoubt;
            let attempts = retries.attempts();
            let delay = match retries.next(error.retry(), error.retry_after()) {
                Ok(delay) => delay,
                Err(reason) => return Err(error.give_up(in_doubt, reason)),
            };
            if error.retry() == RetryClass::ClockSkew
                && !sent.is_some_and(|sent| self.correct_clock(&sent))
            {
                return Err(error.give_up(in_doubt, GiveUp::Hopeless));
            }
            let too_late = until.is_some_and(|until| Instant::now() + delay >= until);
            if too_late || self.failure().is_some() {
                return Err(error.give_up(in_doubt, GiveUp::Exhausted { attempts }));
            }
            if !delay.is_zero() {
                self.event(Event::Retrying {
                    endpoint: self.line.endpoint.name.clone(),
                    reason: chain(&error),
                    delay,
                });
                if self.pause(delay).await.is_err() {
                    return Err(error.cancelled(in_doubt));
                }
            }
        }
    }

    /// Whether the run was cancelled. Asked only where something is left to do, so that a run
    /// which was through when the signal came does not count as interrupted.
    pub(super) fn is_cancelled(&self) -> bool {
        let cancelled = self.waiting.cancel.is_cancelled();
        if cancelled {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        cancelled
    }

    /// Whether something was left undone because the run was cancelled.
    pub(super) fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Works on something until it is done; an error when the run was cancelled meanwhile.
    pub(super) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, Cancelled> {
        tokio::select! {
            biased;
            () = self.waiting.cancel.cancelled() => {
                self.interrupted.store(true, Ordering::Relaxed);
                Err(Cancelled)
            }
            done = work => Ok(done),
        }
    }

    /// Waits; an error when the run was cancelled meanwhile.
    pub(super) async fn pause(&self, delay: Duration) -> Result<(), Cancelled> {
        self.unless_cancelled(tokio::time::sleep(delay)).await
    }

    /// Sends a request, with a line in the log.
    async fn exchange(
        &self,
        request: Request,
        redactor: &Redactor,
    ) -> Result<Response, TransportError> {
        let id = |response: &Response| self.request_id(response, redactor);
        exchange(self.ports.transport, request, None, id).await
    }

    /// The CDN's id of an answer.
    fn request_id(&self, response: &Response, redactor: &Redactor) -> Option<String> {
        let id = self.provider().correlation_id(response)?;
        Some(redactor.redact(&id))
    }

    /// Knows every secret that a request with that token shows to the CDN.
    pub(super) fn redactor(&self, token: Option<&Token>) -> Redactor {
        let token = token.map(|token| &token.value);
        Redactor::new(self.line.credentials.secrets().chain(token))
    }

    async fn attempt<T>(
        &self,
        build: &impl Fn(Auth<'_>) -> Request,
        read: &impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, Attempt> {
        self.unless_cancelled(self.bucket.acquire()).await?;
        // Only now, so that it does not run out in the queue.
        let token = match self.provider().capabilities().authentication {
            Authentication::Credentials => None,
            Authentication::Token => self.token().await?,
        };
        let skew = self.skew();
        let request = build(Auth {
            credentials: &self.line.credentials,
            token: token.as_deref(),
            now: self.ports.clock.now() + skew,
        });
        let redactor = self.redactor(token.as_deref());
        let redacted = |error: CallError| error.redacted(&redactor);
        let response = self.exchange(request, &redactor).await;
        let response = response.map_err(|error| redacted(error.into()))?;
        match read(&response) {
            Ok(value) => Ok((value, self.request_id(&response, &redactor))),
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

    /// The token in hand, exchanged anew when it would run out on the way.
    async fn token(&self) -> Result<Option<Arc<Token>>, Attempt> {
        let mut held = self.token.lock().await;
        let answered_by = self.cdn_now() + REQUEST_TIMEOUT;
        if held
            .as_ref()
            .is_some_and(|token| token.expires_at > answered_by)
        {
            return Ok(held.clone());
        }
        let Some(request) = self.provider().token_request(&self.line.credentials) else {
            return Ok(None);
        };
        self.unless_cancelled(self.bucket.acquire()).await?;
        let redactor = self.redactor(None);
        let exchanged = async {
            let response = self.exchange(request, &redactor).await?;
            Ok(self.provider().token(&response, self.cdn_now())?)
        };
        let failed = |error: CallError| CallError::Exchange(Box::new(error.redacted(&redactor)));
        *held = exchanged.await.map_err(failed)?.map(Arc::new);
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
        let endpoint = self.line.endpoint.name.clone();
        self.event(Event::ClockSkew {
            endpoint,
            skew: found,
        });
        true
    }
}

/// The run was cancelled.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cancelled;

/// Why an attempt brought nothing.
enum Attempt {
    /// The run was cancelled before it began.
    Cancelled,
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

impl From<Cancelled> for Attempt {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl From<CallError> for Attempt {
    fn from(error: CallError) -> Self {
        Self::Refused { error, sent: None }
    }
}
