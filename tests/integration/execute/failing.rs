//! Refusals and faults while submitting: what is tried again, what becomes of the entries, and
//! what becomes of the endpoint.

use purgit::execute::Event;
use purgit::provider::Effect;
use purgit::state::Outcome;
use purgit::transport::{Response, TransportErrorKind};
use tokio::time::Instant;

use super::cdn::{Call, Reaction, page, refusal, with_header};
use super::{World, entry, operations, seconds, tally};

/// Lets the first `times` purge requests go wrong.
fn first(
    times: usize,
    reaction: Reaction,
) -> impl FnMut(usize, &Call) -> Reaction + Send + 'static {
    let mut left = times;
    move |_, call| {
        if call.is_purge() && left > 0 {
            left -= 1;
            return reaction.clone();
        }
        Reaction::Normal
    }
}

#[tokio::test(start_paused = true)]
async fn every_class_of_failure_has_its_retries_and_its_outcome() {
    use Effect::{Credentials, Endpoint};
    use Reaction::{Answer, DoneBut, DoneButLost, Lost};
    let rows: Vec<(Reaction, usize, Outcome, Option<Effect>)> = vec![
        // A refusal of this step is final; another step may do better.
        (
            Answer(refusal(400, "ParameterMissing")),
            1,
            Outcome::Failed,
            None,
        ),
        (Answer(refusal(400, "BrandNew")), 1, Outcome::Failed, None),
        // A refusal of everything.
        (
            Answer(refusal(404, "EndpointNotFound")),
            1,
            Outcome::Failed,
            Some(Endpoint),
        ),
        (
            Answer(refusal(401, "WrongSignature")),
            1,
            Outcome::Failed,
            Some(Credentials),
        ),
        // Too many requests: nothing was taken.
        (
            Answer(refusal(429, "RequestThrottled")),
            5,
            Outcome::Failed,
            None,
        ),
        (Answer(page(429)), 5, Outcome::Failed, None),
        // No connection: nothing was taken, and nothing will be.
        (
            Lost(TransportErrorKind::Connect),
            5,
            Outcome::Failed,
            Some(Endpoint),
        ),
        (
            Lost(TransportErrorKind::Tls),
            1,
            Outcome::Failed,
            Some(Endpoint),
        ),
        // Nobody knows.
        (
            DoneButLost(TransportErrorKind::TlsBroken),
            1,
            Outcome::Unknown,
            None,
        ),
        (Lost(TransportErrorKind::Timeout), 2, Outcome::Unknown, None),
        (
            Lost(TransportErrorKind::TlsBroken),
            1,
            Outcome::Unknown,
            None,
        ),
        (
            DoneButLost(TransportErrorKind::Interrupted),
            2,
            Outcome::Unknown,
            None,
        ),
        (
            DoneButLost(TransportErrorKind::BodyTooLarge),
            1,
            Outcome::Unknown,
            None,
        ),
        (DoneBut(page(502)), 2, Outcome::Unknown, None),
        (DoneBut(page(200)), 1, Outcome::Unknown, None),
        // The CDN itself says no, so there is no doubt.
        (Answer(refusal(503, "Busy")), 5, Outcome::Failed, None),
    ];
    for (reaction, requests, outcome, halted) in rows {
        let mut world = World::new();
        world.endpoint.limits.concurrent_requests = 1;
        world.cdn.behave(first(requests, reaction.clone()));
        let execution = world.run(operations(2, 1)).await;
        assert_eq!(entry(&execution, 0).outcome, outcome, "{reaction:?}");
        assert!(entry(&execution, 0).message.is_some(), "{reaction:?}");
        assert_eq!(world.observed(0), Some(outcome), "{reaction:?}");
        let effects = execution.failures.iter().map(|(_, failure)| failure.effect);
        assert_eq!(
            effects.collect::<Vec<_>>(),
            Vec::from_iter(halted),
            "{reaction:?}"
        );
        let other = match halted {
            Some(_) => Outcome::Skipped,
            None => Outcome::Succeeded,
        };
        assert_eq!(entry(&execution, 1).outcome, other, "{reaction:?}");
        let sent = requests + usize::from(halted.is_none());
        assert_eq!(execution.requests, sent, "{reaction:?}");
        assert!(world.state().pending_operations.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn faults_that_pass_end_well() {
    for (reaction, times) in [
        (Reaction::Answer(refusal(429, "RequestThrottled")), 4),
        (Reaction::Lost(TransportErrorKind::Connect), 4),
        // In doubt, it is sent once more.
        (Reaction::Answer(page(503)), 1),
        (Reaction::DoneButLost(TransportErrorKind::Interrupted), 1),
        (Reaction::DoneBut(page(502)), 1),
    ] {
        let world = World::new();
        world.cdn.behave(first(times, reaction.clone()));
        let execution = world.run(operations(3, 3)).await;
        assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)], "{reaction:?}");
        assert_eq!(execution.requests, times + 1);
        let retried = |event: &Event| matches!(event, Event::Retrying { .. });
        assert_eq!(world.events.count(retried), times);
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubt_is_not_removed_by_a_later_refusal() {
    let world = World::new();
    world.cdn.behave(|before, call| match (before, call) {
        (0, Call::Purge(_)) => Reaction::DoneButLost(TransportErrorKind::Timeout),
        (_, Call::Purge(_)) => Reaction::Answer(refusal(400, "ParameterInvalid")),
        (_, Call::Items(_) | Call::Overall(_)) => Reaction::Normal,
    });
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Unknown, 2)]);
}

fn throttled(retry_after: &str) -> Response {
    with_header(refusal(429, "RequestThrottled"), "retry-after", retry_after)
}

#[tokio::test(start_paused = true)]
async fn the_cdn_is_not_asked_again_before_it_wants_to_be() {
    let world = World::new();
    world
        .cdn
        .behave(first(1, Reaction::Answer(throttled("90"))));
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    let calls = world.cdn.calls();
    assert!(calls[1].0 - calls[0].0 >= seconds(90));
}

#[tokio::test(start_paused = true)]
async fn a_cdn_that_wants_to_rest_for_long_is_left_alone_by_every_step() {
    let world = World::new();
    world
        .cdn
        .behave(first(usize::MAX, Reaction::Answer(throttled("3600"))));
    let started = Instant::now();
    let execution = world.run(operations(100, 1)).await;
    // Four were under way at once.
    assert!(world.cdn.purges() <= 4, "{} requests", world.cdn.purges());
    assert!(started.elapsed() < seconds(5));
    assert_eq!(execution.failures.len(), 1);
    let message = &execution.failures[0].1.message;
    assert!(message.contains("3600 s"), "{message}");
    assert_eq!(entry(&execution, 99).outcome, Outcome::Skipped);
}

#[tokio::test(start_paused = true)]
async fn a_cdn_that_is_down_is_given_up_soon_whatever_the_number_of_steps() {
    for reaction in [
        Reaction::Lost(TransportErrorKind::Connect),
        Reaction::Lost(TransportErrorKind::Timeout),
        Reaction::Answer(page(503)),
        Reaction::Answer(refusal(429, "RequestThrottled")),
    ] {
        let world = World::new();
        world.cdn.behave(first(usize::MAX, reaction.clone()));
        let started = Instant::now();
        let execution = world.run(operations(300, 1)).await;
        assert!(
            world.cdn.purges() <= 40,
            "{} requests: {reaction:?}",
            world.cdn.purges()
        );
        assert!(started.elapsed() < seconds(60), "{:?}", started.elapsed());
        assert_eq!(execution.failures.len(), 1);
        assert_eq!(entry(&execution, 299).outcome, Outcome::Skipped);
        let halted = |event: &Event| matches!(event, Event::Halted { .. });
        assert_eq!(world.events.count(halted), 1);
        // What is skipped is recorded together.
        assert!(
            world.store.writes().len() < 60,
            "{} writes",
            world.store.writes().len()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn some_steps_that_fail_do_not_give_the_endpoint_up() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    // Two in a row, then one that goes through, over and over.
    world.cdn.behave(|_, call| match call {
        Call::Purge(items) if !items[0].1.ends_with("2.png") && !items[0].1.ends_with("5.png") => {
            Reaction::Answer(page(502))
        }
        Call::Purge(_) | Call::Items(_) | Call::Overall(_) => Reaction::Normal,
    });
    let execution = world.run(operations(6, 1)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 2), (Outcome::Unknown, 4)]
    );
    assert!(execution.failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_wrong_clock_is_corrected_once_and_reported_once_whatever_runs_at_once() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(1));
    let server = chrono::TimeDelta::hours(1);
    let clock = world.clock;
    let calls = world.cdn.clone();
    // Answers written at very different times before they arrive.
    world.cdn.behave(move |before, call| {
        let now = purgit::clock::Clock::now(&clock) + server;
        if before < 4 && call.is_purge() {
            let written = now - seconds(before as u64 * 3);
            let date = httpdate::fmt_http_date(written.into());
            return Reaction::Answer(with_header(
                refusal(401, "AuthorizationHeaderExpired"),
                "date",
                &date,
            ));
        }
        Reaction::Normal
    });
    let execution = world.run(operations(8, 1)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 8)],
        "{execution:?}"
    );
    assert_eq!(calls.purges(), 8 + 4);
    let skewed = |event: &Event| matches!(event, Event::ClockSkew { .. });
    assert_eq!(world.events.count(skewed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expired_signature_on_a_right_clock_is_a_matter_of_credentials() {
    let world = World::new();
    let clock = world.clock;
    world.cdn.behave(move |_, _| {
        let now = purgit::clock::Clock::now(&clock);
        let date = httpdate::fmt_http_date(now.into());
        let refused = refusal(401, "AuthorizationHeaderExpired");
        Reaction::Answer(with_header(refused, "date", &date))
    });
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Failed, 1)]);
    assert_eq!(execution.failures[0].1.effect, Effect::Credentials);
    assert_eq!(world.cdn.calls().len(), 1);
}
