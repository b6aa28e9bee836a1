//! A token bucket: how many requests a second go out. On tokio's clock, so that tests can pause it.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Slowest rate, in requests a second: one a day. Keeps waiting times within what clocks can hold.
const MIN_RATE: f64 = 1.0 / 86_400.0;

/// Lets requests through at a rate, with bursts of at most one second's worth and at least one.
/// Fair: who asks first goes first.
#[derive(Debug)]
pub struct RateLimiter {
    /// Requests a second.
    rate: f64,
    /// Most tokens that gather while nothing is sent.
    burst: f64,
    /// Held while waiting, so that those behind queue up in order.
    bucket: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimiter {
    /// A limiter that starts with a full bucket. A rate below one request a day, or no number at
    /// all, is taken for one request a day; manifests do not let those through.
    pub fn new(requests_per_second: f64) -> Self {
        // `max` returns the other operand for a NaN.
        let rate = requests_per_second.max(MIN_RATE);
        let burst = rate.floor().max(1.0);
        Self {
            rate,
            burst,
            bucket: Mutex::new(Bucket {
                tokens: burst,
                at: Instant::now(),
            }),
        }
    }

    /// Waits for the turn of one request. Dropped while waiting, it takes nothing.
    pub async fn acquire(&self) {
        let mut bucket = self.bucket.lock().await;
        self.refill(&mut bucket, Instant::now());
        if bucket.tokens < 1.0 {
            let missing = Duration::from_secs_f64((1.0 - bucket.tokens) / self.rate);
            let due = bucket.at + missing;
            sleep_until(due).await;
            self.refill(&mut bucket, Instant::now().max(due));
        }
        // A timer may round down by a nanosecond's worth of a token.
        bucket.tokens = (bucket.tokens - 1.0).max(0.0);
    }

    fn refill(&self, bucket: &mut Bucket, now: Instant) {
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate;
        bucket.tokens = (bucket.tokens + gained).min(self.burst);
        bucket.at = now;
    }
}
