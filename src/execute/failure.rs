//! Why a call failed, and what that means for the step, the task and the endpoint. Pure.

use std::time::Duration;

use thiserror::Error;

use crate::error::chain;
use crate::provider::{ApiError, Effect};
use crate::secret::Redactor;
use crate::transport::retry::RetryClass;
use crate::transport::retry::{self, GiveUp};
use crate::transport::{TransportError, TransportErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Stop {
    #[error("interrupted")]
    Cancelled,
    #[error("the time of `--timeout` is up")]
    TimedOut,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Failure {
    pub message: String,
    pub hint: Option<String>,
    pub effect: Effect,
    pub end: End,
    /// Whether some attempt may have reached the CDN.
    pub in_doubt: bool,
}

impl Failure {
    pub(super) fn stopped(stop: Stop, in_doubt: bool) -> Self {
        Self {
            message: stop.to_string(),
            hint: None,
            effect: Effect::Step,
            end: End::Stopped(stop),
            in_doubt,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The answer would be the same for the rest of the run.
    Final,
    /// Retries are exhausted; it may succeed later.
    Exhausted,
    Stopped(Stop),
}

#[derive(Debug, Error)]
pub enum CallError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error("no answer before the time of `--timeout` was up")]
    Cut,
    #[error("the credentials could not be exchanged for a token")]
    Exchange(#[source] Box<CallError>),
}

impl CallError {
    /// Without the secrets that a CDN or a library may repeat.
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        match self {
            Self::Api(error) => Self::Api(error.redacted(redactor)),
            Self::Transport(error) => Self::Transport(error.redacted(redactor)),
            Self::Cut => Self::Cut,
            Self::Exchange(error) => Self::Exchange(Box::new(error.redacted(redactor))),
        }
    }

    pub(super) fn retry(&self) -> RetryClass {
        match self {
            Self::Api(error) => error.retry,
            Self::Transport(error) => retry::class(error.kind),
            Self::Cut => RetryClass::Never,
            Self::Exchange(error) => error.retry(),
        }
    }

    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::Api(error) => error.effect,
            Self::Transport(error) => effect(error.kind),
            Self::Cut => Effect::InDoubt,
            // The request was not sent, so there is no doubt; and no other will be.
            Self::Exchange(error) => match error.effect() {
                Effect::Credentials => Effect::Credentials,
                Effect::Step
                | Effect::Items
                | Effect::Endpoint
                | Effect::Exhausted { .. }
                | Effect::Full
                | Effect::Forgotten
                | Effect::InDoubt => Effect::Endpoint,
            },
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after,
            Self::Transport(_) | Self::Cut => None,
            Self::Exchange(error) => error.retry_after(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Api(error) => error.hint.clone(),
            Self::Transport(error) => error.kind.hint().map(str::to_owned),
            Self::Cut => TransportErrorKind::Timeout.hint().map(str::to_owned),
            Self::Exchange(error) => error.hint(),
        }
    }

    fn correlation_id(&self) -> Option<&str> {
        match self {
            Self::Api(error) => error.correlation_id.as_deref(),
            Self::Transport(_) | Self::Cut => None,
            Self::Exchange(error) => error.correlation_id(),
        }
    }

    pub(super) fn give_up(&self, in_doubt: bool, reason: GiveUp) -> Failure {
        let (end, shown) = match reason {
            GiveUp::Hopeless => (End::Final, false),
            GiveUp::Exhausted { attempts } => (End::Exhausted, attempts > 1),
            GiveUp::AskedTooLong { .. } => (End::Final, true),
        };
        let mut failure = self.failure(in_doubt, end);
        if let GiveUp::AskedTooLong { .. } = reason {
            // The CDN asks every request to wait that long.
            failure.effect = Effect::Endpoint;
        }
        if shown {
            failure.message = format!("{}; {reason}", failure.message);
        }
        failure
    }

    /// The failure of a call that was stopped before its next attempt.
    pub(super) fn stopped(&self, in_doubt: bool, stop: Stop) -> Failure {
        let mut failure = self.failure(in_doubt, End::Stopped(stop));
        if !matches!(self, Self::Cut) {
            failure.message = format!("{}; {stop}", failure.message);
        }
        failure
    }

    fn failure(&self, in_doubt: bool, end: End) -> Failure {
        let mut message = chain(self);
        if let Some(id) = self.correlation_id() {
            message = format!("{message} (correlation id {id})");
        }
        Failure {
            message,
            hint: self.hint(),
            effect: self.effect(),
            end,
            in_doubt,
        }
    }
}

/// Without a connection every step would fail alike; if a connection broke, nobody knows whether the CDN
/// accepted the step.
fn effect(kind: TransportErrorKind) -> Effect {
    match (kind, kind.may_have_arrived()) {
        (_, true) => Effect::InDoubt,
        (TransportErrorKind::TooLate, false) => Effect::Step,
        (_, false) => Effect::Endpoint,
    }
}
