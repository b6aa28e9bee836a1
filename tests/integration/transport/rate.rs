//! The request rate, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use purgit::transport::rate::RateLimiter;
use tokio::time::{Instant, advance, timeout};

/// When each of `count` requests got its turn, in milliseconds.
async fn turns(limiter: &RateLimiter, count: usize) -> Vec<u128> {
    let start = Instant::now();
    let mut turns = Vec::new();
    for _ in 0..count {
        limiter.acquire(1.0).await;
        turns.push(start.elapsed().as_millis());
    }
    turns
}

#[tokio::test(start_paused = true)]
async fn one_second_of_burst_and_then_the_rate() {
    let limiter = RateLimiter::new(4.0, 4.0);
    let first: Vec<_> = turns(&limiter, 8).await;
    for (turn, expected) in first.iter().zip([0, 0, 0, 0, 250, 500, 750, 1000]) {
        // Timers wake at the next whole millisecond.
        assert!((expected..=expected + 4).contains(turn), "{first:?}");
    }
    // A long pause fills the bucket, and no more than that.
    advance(Duration::from_secs(3600)).await;
    let later = turns(&limiter, 5).await;
    assert_eq!(later[3], 0, "{later:?}");
    assert!(later[4] >= 250, "{later:?}");
}

#[tokio::test(start_paused = true)]
async fn below_one_a_second_the_burst_is_one() {
    let turns = turns(&RateLimiter::new(0.1, 0.1), 3).await;
    assert_eq!(turns[0], 0);
    assert!((10_000..10_010).contains(&turns[1]), "{turns:?}");
    assert!((20_000..20_020).contains(&turns[2]), "{turns:?}");
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_kept_over_time() {
    let limiter = RateLimiter::new(20.0, 20.0);
    let turns = turns(&limiter, 1020).await;
    let last = turns[1019];
    assert!((50_000..51_500).contains(&last), "{last}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_first_goes_first() {
    let limiter = Arc::new(RateLimiter::new(1.0, 1.0));
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting: Vec<_> = (0..5)
        .map(|number| {
            let (limiter, order) = (limiter.clone(), order.clone());
            tokio::spawn(async move {
                limiter.acquire(1.0).await;
                order.lock().unwrap().push(number);
            })
        })
        .collect();
    for task in waiting {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn giving_up_takes_nothing() {
    let limiter = RateLimiter::new(1.0, 1.0);
    limiter.acquire(1.0).await;
    let impatient = timeout(Duration::from_millis(400), limiter.acquire(1.0)).await;
    assert!(impatient.is_err());
    let start = Instant::now();
    limiter.acquire(1.0).await;
    let waited = start.elapsed().as_millis();
    assert!((595..=605).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn senseless_rates_do_not_break_the_clock() {
    for rate in [0.0, -1.0, f64::NAN, f64::MIN_POSITIVE] {
        let limiter = RateLimiter::new(rate, rate);
        limiter.acquire(1.0).await;
        assert!(
            timeout(Duration::from_secs(3600), limiter.acquire(1.0))
                .await
                .is_err()
        );
    }
    for rate in [f64::INFINITY, f64::MAX] {
        assert_eq!(turns(&RateLimiter::new(rate, rate), 100).await[99], 0);
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_a_whole_bucket_is_made_up_for() {
    let limiter = RateLimiter::new(10.0, 5.0);
    let start = Instant::now();
    // A full bucket is enough to begin with; the other 45 tokens take 4.5 s.
    limiter.acquire(50.0).await;
    assert_eq!(start.elapsed().as_millis(), 0);
    limiter.acquire(1.0).await;
    let waited = start.elapsed().as_millis();
    assert!((4_600..4_610).contains(&waited), "{waited}");
}
