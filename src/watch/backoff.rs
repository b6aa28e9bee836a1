//! How long to wait after a run that did not get through. Pure: chance comes in as a number.

use std::time::Duration;

/// The first wait: long enough for a restart on the other side.
pub const FIRST: Duration = Duration::from_secs(2);

/// The longest wait after a failure: four attempts an hour, so that a URL that can never be purged
/// takes less than a hundred purges of a day's quota.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The longest wait for a lock: whoever holds it is at work on this machine, and asking is cheap.
pub const LONGEST_FOR_LOCK: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait: doubling up to `longest`, less up to a half of it by `chance` (from 0 to 1),
    /// so that watchers that failed together do not come back together.
    pub fn next(&mut self, longest: Duration, chance: f64) -> Duration {
        let factor = 2_u32.saturating_pow(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        let whole = FIRST.saturating_mul(factor).min(longest);
        let less = if chance.is_finite() {
            chance.clamp(0.0, 1.0) / 2.0
        } else {
            0.0
        };
        whole.mul_f64(1.0 - less)
    }

    /// Starts anew, after a success or because something changed.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}
