//! One endpoint's line to its CDN during a run: rate, signature time, token, retries.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Event, Line, Ports, Waiting, halts};
use crate::error::chain;
use crate::provider::{ApiError, Auth, Authentication, Effect, Provider, RetryClass, Token};
use crate::transport::rate::RateLimiter;
use crate::transport::retry::{self, GiveUp, RetryPolicy};
use crate::transport::{Request, Response, TransportError, TransportErrorKind, date};

/// Skew below this is what a `Date` header cannot resolve, so correcting by it changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

/// Why a call did not succeed, after all retries.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened, with its causes.
    pub message: String,
    /// What the user can do about it.
    pub hint: Option<String>,
    /// What it means for the step and the run.
    pub effect: Effect,
    /// Whether the CDN itself answered and would answer the same again.
    pub is_final: bool,
    /// Whether some attempt may have reached the CDN.
    pub in_doubt: bool,
}

/// Why one attempt did not succeed.
#[derive(Debug, Error)]
pub enum CallError {
    /// The CDN answered with a refusal or a fault.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// No whole answer came back.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The run was cancelled before the request's turn came.
    #[error("interrupted before it was sent")]
    Cancelled,
}

impl From<Cancelled> for CallError {
    fn from(Cancelled: Cancelled) -> Self {
        Self::Cancelled
    }
}

impl CallError {
    fn retry(&self) -> RetryClass {
        match self {
            Self::Api(error) => error.retry,
            Self::Transport(error) => retry::class(error.kind),
            Self::Cancelled => RetryClass::Never,
        }
    }

    fn effect(&self) -> Effect {
        match self {
            Self::Api(error) => error.effect,
            Self::Transport(error) => effect(error.kind),
            Self::Cancelled => Effect::Step,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after,
            Self::Transport(_) | Self::Cancelled => None,
        }
    }

    fn into_failure(self, in_doubt: bool, gave_up: GiveUp) -> Failure {
        let effect = self.effect();
        let is_final = matches!(&self, Self::Api(error) if error.retry == RetryClass::Never);
        let mut message = chain(&self);
        let hint = match self {
            Self::Api(error) => {
                if let Some(id) = error.correlation_id {
                    message = format!("{message} (correlation id {id})");
                }
                error.hint
            }
            Self::Transport(error) => error.kind.hint().map(str::to_owned),
            Self::Cancelled => None,
        };
        match gave_up {
            GiveUp::Hopeless | GiveUp::Exhausted { attempts: 1 } => {}
            GiveUp::Exhausted { .. } | GiveUp::AskedTooLong { .. } => {
                message = format!("{message}; {gave_up}");
            }
        }
        Failure {
            message,
            hint,
            effect,
            is_final,
            in_doubt,
        }
    }
}

/// What a transport failure means: where no connection comes about, every step fails alike; where
/// one broke, nobody knows whether the CDN took the step.
fn effect(kind: TransportErrorKind) -> Effect {
    match kind {
        TransportErrorKind::Connect
        | TransportErrorKind::Tls
        | TransportErrorKind::Insecure
        | TransportErrorKind::Invalid => Effect::Endpoint,
        TransportErrorKind::Timeout
        | TransportErrorKind::Interrupted
        | TransportErrorKind::BodyTooLarge => Effect::InDoubt,
    }
}

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
    token: tokio::sync::Mutex<Option<Token>>,
    failure: OnceLock<Failure>,
    purge_requests: AtomicUsize,
    calls: AtomicUsize,
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
            calls: AtomicUsize::new(0),
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

    /// Gives the endpoint up when every further request would fail alike.
    pub(super) fn halt_on(&self, failure: &Failure) {
        if halts(failure.effect) && self.failure.set(failure.clone()).is_ok() {
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

    /// A purge request: counted, and its failures leave doubt.
    pub(super) async fn purge<T>(
        &self,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, Failure> {
        let build = |auth: Auth<'_>| {
            self.purge_requests.fetch_add(1, Ordering::Relaxed);
            build(auth)
        };
        self.call(build, read).await
    }

    /// Sends until there is an answer, a final refusal, or no patience left.
    pub(super) async fn call<T>(
        &self,
        build: impl Fn(Auth<'_>) -> Request,
        read: impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, Failure> {
        let mut retries = RetryPolicy::default().retries(self.jitter_seed());
        let mut in_doubt = false;
        loop {
            let (error, served_at) = match self.attempt(&build, &read).await {
                Ok(answered) => return Ok(answered),
                Err(refused) => refused,
            };
            in_doubt |= error.effect() == Effect::InDoubt;
            let delay = match retries.next(error.retry(), error.retry_after()) {
                Ok(delay) => delay,
                Err(reason) => return Err(error.into_failure(in_doubt, reason)),
            };
            if error.retry() == RetryClass::ClockSkew
                && !served_at.is_some_and(|at| self.correct_clock(at))
            {
                return Err(error.into_failure(in_doubt, GiveUp::Hopeless));
            }
            if !delay.is_zero() {
                self.event(Event::Retrying {
                    endpoint: self.line.endpoint.name.clone(),
                    reason: chain(&error),
                    delay,
                });
                if self.pause(delay).await.is_err() {
                    return Err(error.into_failure(in_doubt, GiveUp::Hopeless));
                }
            }
        }
    }

    /// Waits; an error when the run was cancelled meanwhile.
    pub(super) async fn pause(&self, delay: Duration) -> Result<(), Cancelled> {
        tokio::select! {
            biased;
            () = self.waiting.cancel.cancelled() => Err(Cancelled),
            () = tokio::time::sleep(delay) => Ok(()),
        }
    }

    /// Waits for the turn of one request; an error when the run was cancelled meanwhile.
    async fn turn(&self) -> Result<(), Cancelled> {
        tokio::select! {
            biased;
            () = self.waiting.cancel.cancelled() => Err(Cancelled),
            () = self.bucket.acquire() => Ok(()),
        }
    }

    async fn attempt<T>(
        &self,
        build: &impl Fn(Auth<'_>) -> Request,
        read: &impl Fn(&Response) -> Result<T, ApiError>,
    ) -> Result<Answered<T>, (CallError, Option<DateTime<Utc>>)> {
        let token = match self.provider().capabilities().authentication {
            Authentication::Credentials => None,
            Authentication::Token => self.token().await.map_err(|error| (error, None))?,
        };
        self.turn()
            .await
            .map_err(|cancelled| (cancelled.into(), None))?;
        let request = build(Auth {
            credentials: &self.line.credentials,
            token: token.as_ref(),
            now: self.cdn_now(),
        });
        let response = self
            .ports
            .transport
            .send(request)
            .await
            .map_err(|error| (error.into(), None))?;
        let correlation_id = self.provider().correlation_id(&response);
        match read(&response) {
            Ok(value) => Ok((value, correlation_id)),
            Err(error) => Err((error.into(), date::date(&response))),
        }
    }

    /// The token in hand, exchanged anew when it ran out.
    async fn token(&self) -> Result<Option<Token>, CallError> {
        let mut held = self.token.lock().await;
        if held
            .as_ref()
            .is_some_and(|token| token.expires_at > self.cdn_now())
        {
            return Ok(held.clone());
        }
        let Some(request) = self.provider().token_request(&self.line.credentials) else {
            return Ok(None);
        };
        self.turn().await?;
        let response = self.ports.transport.send(request).await?;
        *held = self.provider().token(&response, self.cdn_now())?;
        Ok(held.clone())
    }

    /// Differs from call to call and from run to run, so that what failed together does not come
    /// back together.
    fn jitter_seed(&self) -> u64 {
        let calls = self.calls.fetch_add(1, Ordering::Relaxed);
        u64::from(self.ports.clock.now().timestamp_subsec_nanos()) ^ (calls as u64).rotate_left(32)
    }

    fn cdn_now(&self) -> DateTime<Utc> {
        self.ports.clock.now() + *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dates further requests by the CDN's clock. False when that would change nothing.
    fn correct_clock(&self, served_at: DateTime<Utc>) -> bool {
        let found = date::skew(served_at, self.ports.clock.now());
        let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        if (found - *skew).abs() < MIN_SKEW {
            // Another request corrected it while this one was under way.
            return !skew.is_zero();
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
