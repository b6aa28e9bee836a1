//! When to look after a change: once it is quiet, or at the latest time. Pure.

use std::time::{Duration, Instant};

/// How many quiet times a steady stream of changes can delay a look.
pub const LONGEST_QUIET_TIMES: u32 = 10;

#[derive(Debug, Clone, Copy)]
pub struct Debounce {
    quiet: Duration,
    /// The first and the last change since the last look.
    span: Option<(Instant, Instant)>,
}

impl Debounce {
    pub const fn new(quiet: Duration) -> Self {
        Self { quiet, span: None }
    }

    pub const fn quiet(&self) -> Duration {
        self.quiet
    }

    pub fn add(&mut self, now: Instant) {
        let first = self.span.map_or(now, |(first, _)| first);
        self.span = Some((first, now));
    }

    /// When to look; `None` if nothing changed.
    pub fn due(&self) -> Option<Instant> {
        let (first, last) = self.span?;
        let longest = self.quiet.saturating_mul(LONGEST_QUIET_TIMES);
        let latest = first.checked_add(longest);
        let quiet = last.checked_add(self.quiet);
        // A time that cannot be represented never comes.
        match (quiet, latest) {
            (Some(quiet), Some(latest)) => Some(quiet.min(latest)),
            (quiet, latest) => quiet.or(latest),
        }
    }

    pub fn clear(&mut self) {
        self.span = None;
    }
}
