//! How long to wait after a failed run. Pure: randomness is a parameter.

use std::time::Duration;

/// The first wait: long enough for a restart on the other side.
pub const FIRST: Duration = Duration::from_secs(2);

/// The longest wait after a failure: four attempts an hour, so a URL that can never be purged uses less
/// than a hundred purges of a day's quota.
pub const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The longest wait for a lock: its holder works on this machine, and asking is cheap.
pub const LONGEST_FOR_LOCK: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next wait. It doubles up to `longest`, minus up to half by `chance` (from 0 to 1), so
    /// that watchers that failed together do not retry together.
    pub fn next(&mut self, longest: Duration, chance: f64) -> Duration {
        let factor = 2_u32.saturating_pow(self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        let whole = FIRST.saturating_mul(factor).min(longest);
        let chance = if chance.is_finite() { chance } else { 0.0 };
        whole.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0)
    }

    /// Starts again, after a success or because something changed.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }
}
