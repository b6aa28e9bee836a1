//! A token bucket on tokio's clock: requests a second, with bursts of one second's worth.

use std::time::Duration;

use tokio::time::Instant;

/// Requests that may still come.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    state: Option<(f64, Instant)>,
}

impl Bucket {
    /// Takes one, or says how long to wait for the next.
    pub(super) fn take(&mut self, per_second: f64, now: Instant) -> Result<(), Duration> {
        let burst = per_second.max(1.0);
        let (tokens, since) = self.state.unwrap_or((burst, now));
        let gained = now.saturating_duration_since(since).as_secs_f64() * per_second;
        let tokens = (tokens + gained).min(burst);
        if tokens < 1.0 {
            self.state = Some((tokens, now));
            let wait = Duration::try_from_secs_f64((1.0 - tokens) / per_second);
            return Err(wait.unwrap_or(Duration::MAX));
        }
        self.state = Some((tokens - 1.0, now));
        Ok(())
    }
}
