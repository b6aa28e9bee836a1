//! A token bucket that limits the request rate. It uses tokio's clock, so that tests can pause it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Slowest rate, in requests per second: one per day. Longer waits could overflow a clock.
const MIN_RATE: f64 = 1.0 / 86_400.0;

/// Limits the rate, with bursts. Fair: first come, first served.
#[derive(Debug)]
pub struct RateLimiter {
    rate: f64,
    /// Most tokens that accumulate while nothing is sent.
    burst: f64,
    /// Held while waiting, so that later callers queue in order.
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    /// Starts with a full bucket of `burst` tokens, at least one. A rate below one token per day, or
    /// NaN, becomes one per day; manifests reject such values.
    pub fn new(per_second: f64, burst: f64) -> Self {
        // `max` returns the other operand for a NaN.
        let rate = per_second.max(MIN_RATE);
        let burst = burst.max(1.0);
        Self {
            rate,
            burst,
            bucket: Mutex::new(Bucket {
                tokens: burst,
                at: Instant::now(),
            }),
        }
    }

    /// Waits for `tokens`. More than a bucket are taken when the bucket is full, and later callers wait until
    /// the debt is repaid. If dropped while waiting, it takes nothing.
    pub async fn acquire(&self, tokens: f64) {
        let mut bucket = self.bucket.lock().await;
        self.refill(&mut bucket, Instant::now());
        let needed = tokens.min(self.burst);
        if bucket.tokens < needed {
            let missing = Duration::from_secs_f64((needed - bucket.tokens) / self.rate);
            let due = bucket.at + missing;
            sleep_until(due).await;
            self.refill(&mut bucket, Instant::now().max(due));
            // The timer may be short by a nanosecond's worth of tokens.
            bucket.tokens = bucket.tokens.max(needed);
        }
        bucket.tokens -= tokens;
    }

    fn refill(&self, bucket: &mut Bucket, now: Instant) {
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.at = now;
    }
}
