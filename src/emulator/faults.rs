//! What can be made to go wrong, and when it strikes. How it is written is in
//! [`fault_text`](super::fault_text).

use std::time::Duration;

use chrono::TimeDelta;
use globset::Glob;

use super::errors::ErrorType;
use super::routes::Operation;

/// Something that goes wrong. As text: `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, e.g.
/// `drop-after@purge*2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub kind: FaultKind,
    /// To which operation; `None` for every one that the kind can strike.
    pub operation: Option<Operation>,
    /// How often.
    pub times: Times,
    /// How many such requests are let through first.
    pub skip: u32,
}

/// How often a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many times.
    Count(u32),
    /// Until the emulator stops.
    Always,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Reset before the request has any effect.
    DropBefore,
    /// Reset after the request had its effect.
    DropAfter,
    /// An answer of that HTTP code without a documented body.
    Status(u16),
    /// HTTP 502 in HTML, as from a proxy.
    Html,
    /// An answer that breaks off.
    Truncate,
    /// `RequestThrottled`, with this `Retry-After`.
    Throttle(Option<Duration>),
    /// `AuthorizationHeaderExpired`.
    Expire,
    /// A documented error.
    Error(ErrorType),
    /// A late answer.
    Slow(Duration),
    /// A clock that is ahead by so much.
    Skew(TimeDelta),
    /// Tasks that never end.
    Stuck,
    /// URLs that fail.
    FailUrl(Glob),
    /// A word of progress that nobody documents.
    StatusWord(String),
}

impl FaultKind {
    /// Whether it can strike a request for that operation (`None`: for nothing that exists).
    fn concerns(&self, operation: Option<Operation>) -> bool {
        match self {
            Self::Stuck | Self::FailUrl(_) => operation.is_some_and(Operation::starts_task),
            Self::StatusWord(_) => operation.is_some_and(Operation::asks_about_task),
            Self::DropBefore
            | Self::DropAfter
            | Self::Status(_)
            | Self::Html
            | Self::Truncate
            | Self::Throttle(_)
            | Self::Expire
            | Self::Error(_)
            | Self::Slow(_)
            | Self::Skew(_) => true,
        }
    }

    /// Faults that happen do so once; faults that describe the service hold.
    pub(super) fn default_times(&self) -> Times {
        match self {
            Self::DropBefore
            | Self::DropAfter
            | Self::Status(_)
            | Self::Html
            | Self::Truncate
            | Self::Throttle(_)
            | Self::Expire
            | Self::Error(_) => Times::Count(1),
            Self::Slow(_)
            | Self::Skew(_)
            | Self::Stuck
            | Self::FailUrl(_)
            | Self::StatusWord(_) => Times::Always,
        }
    }
}

impl FaultKind {
    /// How far it sets the clock ahead.
    pub(super) fn skew(&self) -> Option<TimeDelta> {
        if let Self::Skew(skew) = self {
            Some(*skew)
        } else {
            None
        }
    }

    /// The word it tells progress with.
    pub(super) fn status_word(&self) -> Option<&str> {
        if let Self::StatusWord(word) = self {
            Some(word)
        } else {
            None
        }
    }

    /// The URLs it lets fail.
    pub(super) fn failing_urls(&self) -> Option<&Glob> {
        if let Self::FailUrl(glob) = self {
            Some(glob)
        } else {
            None
        }
    }

    /// How long it holds an answer back.
    pub(super) fn delay(&self) -> Option<Duration> {
        if let Self::Slow(delay) = self {
            Some(*delay)
        } else {
            None
        }
    }
}

impl From<FaultKind> for Fault {
    /// For every operation, as often as the kind's default.
    fn from(kind: FaultKind) -> Self {
        Self {
            operation: None,
            times: kind.default_times(),
            skip: 0,
            kind,
        }
    }
}

impl Fault {
    /// Limits it to one operation.
    #[must_use]
    pub fn on(self, operation: Operation) -> Self {
        Self {
            operation: Some(operation),
            ..self
        }
    }

    /// Sets how often it strikes.
    #[must_use]
    pub fn times(self, times: Times) -> Self {
        Self { times, ..self }
    }

    /// Sets how many requests are let through first.
    #[must_use]
    pub fn after(self, skip: u32) -> Self {
        Self { skip, ..self }
    }

    /// Whether it strikes this request; counts down.
    fn strikes(&mut self, operation: Option<Operation>) -> bool {
        let meant = self.operation.is_none() || self.operation == operation;
        if !meant || !self.kind.concerns(operation) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        match &mut self.times {
            Times::Always => true,
            Times::Count(0) => false,
            Times::Count(left) => {
                *left -= 1;
                true
            }
        }
    }
}

/// Takes the faults that strike a request out of those that are armed.
pub(super) fn take(armed: &mut Vec<Fault>, operation: Option<Operation>) -> Vec<FaultKind> {
    let struck = armed
        .iter_mut()
        .filter_map(|fault| fault.strikes(operation).then(|| fault.kind.clone()))
        .collect();
    armed.retain(|fault| fault.times != Times::Count(0));
    struck
}
