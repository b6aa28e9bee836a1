//! Whether and when to retry a request. Pure: jitter comes from a seed.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use thiserror::Error;

use super::TransportErrorKind;

/// Most times a request is sent. With the delays below, it gives up after 7.5 to 15 s: a restarted front
/// end is back by then, and a longer outage is left to the next run.
pub const MAX_ATTEMPTS: u32 = 5;

/// Wait before the second attempt; doubles each time. Too short for a person to notice.
pub const FIRST_DELAY: Duration = Duration::from_millis(500);

/// Longest delay of our own, without jitter: as long as the slowest polling.
pub const MAX_DELAY: Duration = Duration::from_secs(30);

/// Longest `Retry-After` to wait for. With longer ones, running again later beats an idle CI job.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(120);

/// How often a request is resent with a corrected clock. A second refusal has another reason.
const MAX_CLOCK_CORRECTIONS: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryClass {
    /// The same request would fail the same way.
    Never,
    /// Too many requests: wait, longer each time.
    Throttled,
    /// A fault that may pass: connection, timeout, 5xx, a truncated answer.
    Transient,
    /// The server refused the signature's time: retry with the corrected clock.
    ClockSkew,
}

pub const fn class(kind: TransportErrorKind) -> RetryClass {
    match kind {
        TransportErrorKind::Connect
        | TransportErrorKind::Timeout
        | TransportErrorKind::TooLate
        | TransportErrorKind::Interrupted => RetryClass::Transient,
        TransportErrorKind::Tls
        | TransportErrorKind::TlsBroken
        | TransportErrorKind::BodyTooLarge
        | TransportErrorKind::Insecure
        | TransportErrorKind::Invalid => RetryClass::Never,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most times a request is sent; at least 1.
    pub max_attempts: u32,
    pub first_delay: Duration,
    /// Longest delay of our own; jitter may double it.
    pub max_delay: Duration,
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: MAX_ATTEMPTS,
            first_delay: FIRST_DELAY,
            max_delay: MAX_DELAY,
            max_retry_after: MAX_RETRY_AFTER,
        }
    }
}

impl RetryPolicy {
    /// The retries of one request. Requests that fail together need different seeds, or they are retried
    /// together.
    pub fn retries(&self, seed: u64) -> Retries {
        let delays = ExponentialBuilder::new()
            .with_min_delay(self.first_delay)
            .with_max_delay(self.max_delay)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Retries {
            policy: *self,
            delays,
            attempts: 1,
            clock_corrections: 0,
        }
    }
}

#[derive(Debug)]
pub struct Retries {
    policy: RetryPolicy,
    delays: ExponentialBackoff,
    attempts: u32,
    clock_corrections: u32,
}

impl Retries {
    /// After a failed attempt: the wait before the next one, at least as long as the server asked for. After
    /// [`RetryClass::ClockSkew`] there is no wait; the caller must correct the clock.
    pub fn next(
        &mut self,
        class: RetryClass,
        retry_after: Option<Duration>,
    ) -> Result<Duration, GiveUp> {
        let limit = self.policy.max_retry_after;
        match class {
            RetryClass::Never => return Err(GiveUp::Hopeless),
            RetryClass::ClockSkew if self.clock_corrections == MAX_CLOCK_CORRECTIONS => {
                return Err(GiveUp::Hopeless);
            }
            RetryClass::ClockSkew | RetryClass::Throttled | RetryClass::Transient => {}
        }
        if self.attempts >= self.policy.max_attempts {
            return Err(GiveUp::Exhausted {
                attempts: self.attempts,
            });
        }
        if let Some(asked) = retry_after.filter(|asked| *asked > limit) {
            return Err(GiveUp::AskedTooLong { asked, limit });
        }
        self.attempts += 1;
        if class == RetryClass::ClockSkew {
            self.clock_corrections += 1;
            return Ok(Duration::ZERO);
        }
        let delay = self.delays.next().unwrap_or(self.policy.max_delay);
        Ok(delay.max(retry_after.unwrap_or(Duration::ZERO)))
    }

    /// How often the request was sent so far, including the failed attempt.
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GiveUp {
    #[error("trying again would not help")]
    Hopeless,
    #[error("gave up after {attempts} {}", if *.attempts == 1 { "attempt" } else { "attempts" })]
    Exhausted { attempts: u32 },
    #[error("asked to wait {} s before the next request, limit {} s", .asked.as_secs(), .limit.as_secs())]
    AskedTooLong { asked: Duration, limit: Duration },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_limit_with_jitter_from_the_seed() {
        let policy = RetryPolicy {
            max_attempts: 10,
            ..RetryPolicy::default()
        };
        let waits = |seed| {
            let mut retries = policy.retries(seed);
            let next = || retries.next(RetryClass::Transient, None).ok();
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        let some = waits(7);
        assert_eq!(some, waits(7));
        assert_ne!(some, waits(8));
        assert_eq!(some.len(), 9);
        let mut least = FIRST_DELAY;
        for wait in some {
            assert!(wait >= least && wait <= 2 * least, "{wait:?} for {least:?}");
            least = (2 * least).min(MAX_DELAY);
        }
    }

    #[test]
    fn attempts_are_bounded() {
        let mut retries = RetryPolicy::default().retries(0);
        for _ in 1..MAX_ATTEMPTS {
            assert!(retries.next(RetryClass::Throttled, None).is_ok());
        }
        let attempts = MAX_ATTEMPTS;
        assert_eq!(
            retries.next(RetryClass::Transient, None),
            Err(GiveUp::Exhausted { attempts })
        );
        assert_eq!(retries.attempts(), MAX_ATTEMPTS);
    }

    #[test]
    fn retry_after_is_kept_up_to_the_limit() {
        let mut retries = RetryPolicy::default().retries(0);
        let mut ask = |asked| retries.next(RetryClass::Throttled, Some(asked));
        assert_eq!(ask(MAX_RETRY_AFTER), Ok(MAX_RETRY_AFTER));
        // A server that asks for less than our own delay does not shorten it.
        assert!(ask(Duration::ZERO).is_ok_and(|wait| wait >= 2 * FIRST_DELAY));
        let asked = MAX_RETRY_AFTER + Duration::from_secs(1);
        let refused = ask(asked).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "asked to wait 121 s before the next request, limit 120 s"
        );
    }

    #[test]
    fn hopeless_requests_are_not_repeated_and_the_clock_is_corrected_once() {
        let mut retries = RetryPolicy::default().retries(0);
        assert_eq!(retries.next(RetryClass::Never, None), Err(GiveUp::Hopeless));
        assert_eq!(
            retries.next(RetryClass::ClockSkew, None),
            Ok(Duration::ZERO)
        );
        assert_eq!(
            retries.next(RetryClass::ClockSkew, None),
            Err(GiveUp::Hopeless)
        );
    }
}
