//! What can be made to fail, when it happens, and its effect on one request.
//! [`fault_text`](super::fault_text) knows how a fault is written.

use std::time::Duration;

use chrono::TimeDelta;
use globset::{Glob, GlobMatcher};
use thiserror::Error;

use super::exchange::Trouble;
use super::operation::{ApiOperation, Role};

/// A fault. Written `KIND[=VALUE][@OPERATION][*TIMES][+SKIP]`, e.g. `drop-after@purge*2`; see
/// [`help`](super::help()).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub(super) kind: FaultKind,
    pub text: String,
    /// The affected operation; `None` for all that the kind can affect.
    pub operation: Option<String>,
    /// How often it still happens; `None` until the emulator stops.
    pub times: Option<u32>,
    /// How many matching requests pass first.
    pub skip: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// What is unknown (kind, operation or error), its name, and the known names.
    #[error("there is no {0} `{1}`; there are: {2}")]
    Unknown(&'static str, String, String),
    #[error("`{0}` is neither a number of times from 1 up nor `always`")]
    BadTimes(String),
    /// The kind, the value that it needs, and the value that it got.
    #[error("the fault `{0}` needs {1}, not `{2}`")]
    BadValue(String, &'static str, String),
}

impl FaultError {
    /// Names match in any case.
    pub(super) fn check(what: &'static str, name: &str, known: &[&str]) -> Result<(), Self> {
        match known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            true => Ok(()),
            false => Err(Self::Unknown(what, name.to_owned(), known.join(", "))),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FaultKind {
    Instead(Instead),
    DropAfter,
    Truncate,
    Drip(Duration),
    Slow(Duration),
    Skew(TimeDelta),
    Stuck,
    FailUrl(Glob),
    StatusWord(String),
}

/// What replaces the API's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instead {
    Cut,
    /// An answer with this HTTP code and no documented body.
    Status(u16),
    /// A proxy's HTML page with this HTTP code.
    Page(u16),
    Refuse(Trouble),
    /// A documented error; its message may repeat the credentials.
    Documented {
        name: String,
        leak: bool,
    },
}

impl FaultKind {
    /// Which operations it can affect (`None`: all), and how often by default: events happen once, properties
    /// of the service persist.
    pub(super) const fn reach(&self) -> (Option<&'static [Role]>, Option<u32>) {
        match self {
            Self::Stuck | Self::FailUrl(_) | Self::Instead(Instead::Refuse(Trouble::Exhausted)) => {
                (Some(&[Role::Purge, Role::Preload]), None)
            }
            Self::StatusWord(_) => (Some(&[Role::Query]), None),
            Self::Drip(_) | Self::Slow(_) | Self::Skew(_) => (None, None),
            Self::Instead(_) | Self::DropAfter | Self::Truncate => (None, Some(1)),
        }
    }
}

impl Fault {
    pub(super) fn check(
        &self,
        operations: &[ApiOperation],
        errors: &[&str],
    ) -> Result<(), FaultError> {
        if let Some(name) = &self.operation {
            let known: Vec<_> = operations.iter().map(|known| known.name).collect();
            FaultError::check("operation", name, &known)?;
        }
        if let FaultKind::Instead(Instead::Documented { name, .. }) = &self.kind {
            FaultError::check("error", name, errors)?;
        }
        Ok(())
    }

    fn strikes(&mut self, operation: Option<ApiOperation>) -> bool {
        let is =
            |name: &String| operation.is_some_and(|found| found.name.eq_ignore_ascii_case(name));
        let may = |roles: &[Role]| operation.is_some_and(|found| roles.contains(&found.role));
        if !self.operation.as_ref().is_none_or(is) || !self.kind.reach().0.is_none_or(may) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(times) = &mut self.times {
            *times = times.saturating_sub(1);
        }
        true
    }
}

#[derive(Debug, Default)]
pub(super) struct Struck {
    pub(super) texts: Vec<String>,
    /// If several replace the answer, the first one does.
    pub(super) instead: Option<Instead>,
    pub(super) drop_after: bool,
    pub(super) truncate: bool,
    pub(super) drip: Option<Duration>,
    pub(super) delay: Duration,
    pub(super) skew: TimeDelta,
    pub(super) stuck: bool,
    pub(super) failing: Vec<GlobMatcher>,
    pub(super) status_word: Option<String>,
}

impl Struck {
    /// Takes the faults that affect a request from the active ones.
    pub(super) fn take(armed: &mut Vec<Fault>, operation: Option<ApiOperation>) -> Self {
        let mut struck = Self::default();
        for fault in &mut *armed {
            if fault.strikes(operation) {
                struck.texts.push(fault.text.clone());
                struck.add(fault.kind.clone());
            }
        }
        armed.retain(|fault| fault.times != Some(0));
        struck
    }

    fn add(&mut self, kind: FaultKind) {
        match kind {
            FaultKind::Instead(instead) => {
                self.instead.get_or_insert(instead);
            }
            FaultKind::DropAfter => self.drop_after = true,
            FaultKind::Truncate => self.truncate = true,
            FaultKind::Drip(pause) => self.drip = Some(pause),
            FaultKind::Slow(delay) => self.delay += delay,
            FaultKind::Skew(skew) => self.skew += skew,
            FaultKind::Stuck => self.stuck = true,
            FaultKind::FailUrl(glob) => self.failing.push(glob.compile_matcher()),
            FaultKind::StatusWord(word) => self.status_word = Some(word),
        }
    }
}
