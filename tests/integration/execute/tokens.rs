//! Credentials that are exchanged for a token: once for all, anew before it runs out, and once more
//! when it is not taken.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::scripted_transport::ScriptedTransport;
use purgit::execute::Execution;
use purgit::provider::Effect;
use purgit::state::Outcome;
use purgit::transport::{Response, TransportError, TransportErrorKind};
use serde_json::{Value, json};

use super::cdn::{Reaction, answer};
use super::tag_cdn::{Call, Server, tagging, taggings};
use super::{World, endpoint, seconds, tally};
use crate::providers::tag_cdn::TagCdn;

/// How long a token is good for, in seconds.
const LIFETIME: u64 = 300;

type Answer = Result<Response, TransportError>;

/// An answer with that status, or none for 0.
fn status(status: u16) -> Answer {
    match status {
        0 => Err(TransportErrorKind::Timeout.into()),
        _ => Ok(Response {
            status,
            ..Response::default()
        }),
    }
}

/// A world with a CDN without tasks; tokens are numbered from 1. `exchange` and `purge` are told that
/// number.
fn world(
    exchange: impl Fn(usize) -> Answer + Send + Sync + 'static,
    purge: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> (World, Arc<AtomicUsize>) {
    let mut world = World::new();
    let exchanges = Arc::new(AtomicUsize::new(0));
    let count = exchanges.clone();
    world.endpoint = endpoint(Arc::new(TagCdn::new()));
    world.transport = ScriptedTransport::new(move |request| {
        if request.url.ends_with("/token") {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let response = exchange(number)?;
            if response.status != 200 {
                return Ok(response);
            }
            let token = json!({ "token": number.to_string(), "seconds": LIFETIME });
            return Ok(answer(200, &token));
        }
        let (_, token) = &request.headers[0];
        let number = token.expose().strip_prefix("Bearer ");
        let number = number.and_then(|number| number.parse().ok());
        let response = purge(number.expect("a request without a token"))?;
        if response.status != 200 {
            return Ok(response);
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        Ok(answer(200, &json!({ "purged": body["tags"] })))
    });
    (world, exchanges)
}

fn effect(execution: &Execution) -> Effect {
    assert_eq!(execution.failures.len(), 1, "{execution:?}");
    execution.failures[0].1.effect
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_all_and_the_answer_to_a_purge_may_be_the_last_word() {
    let (world, exchanges) = world(|_| status(200), |_| status(200));
    let execution = world.run(taggings(40)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 40)]);
    assert_eq!(execution.requests, 40);
    assert_eq!(exchanges.load(Ordering::SeqCst), 1);
    assert!(world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_exchanged_anew_before_it_runs_out_on_the_way() {
    let (mut world, exchanges) = world(|_| status(200), |_| status(200));
    // A tag every 145 s: when the third has its turn, the token is good for 10 s more.
    world.endpoint.limits.requests_per_second = 1.0 / 145.0;
    world.endpoint.limits.concurrent_requests = 1;
    let execution = world.run(taggings(3)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)]);
    assert_eq!(exchanges.load(Ordering::SeqCst), 2);
    let took = world.clock.started.elapsed();
    assert!(
        took > seconds(145 * 2) && took < seconds(145 * 2 + 60),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_taken_any_more_is_exchanged_anew_once() {
    let (world, exchanges) = world(
        |_| status(200),
        |token| status(if token == 1 { 401 } else { 200 }),
    );
    let execution = world.run(taggings(20)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 20)],
        "{execution:?}"
    );
    assert_eq!(exchanges.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_question_renews_the_token_too() {
    let server = Server::new(seconds(5));
    let world = server.world();
    let mut refused = false;
    server.behave(move |_, call| match call {
        Call::Ask(_) if !refused => {
            refused = true;
            Reaction::Answer(answer(401, &json!({ "error": "expired" })))
        }
        Call::Ask(_) | Call::Purge(..) | Call::Token => Reaction::Normal,
    });
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert!(execution.failures.is_empty());
    let calls = server.calls();
    let tokens = calls.iter().filter(|(_, call)| *call == Call::Token);
    assert_eq!(tokens.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_no_token_helps_are_rejected() {
    let (world, exchanges) = world(|_| status(200), |_| status(401));
    let execution = world.run(taggings(20)).await;
    assert_eq!(effect(&execution), Effect::Credentials);
    assert!(exchanges.load(Ordering::SeqCst) <= 5);

    let (world, exchanges) = self::world(|_| status(401), |_| status(200));
    let execution = world.run(taggings(20)).await;
    assert_eq!(effect(&execution), Effect::Credentials);
    assert_eq!(execution.requests, 0);
    assert!(exchanges.load(Ordering::SeqCst) <= 4);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_fails_leaves_no_doubt_about_the_purge() {
    let answers: [fn(usize) -> Answer; 3] = [|_| status(503), |_| status(0), |_| status(418)];
    for exchange in answers {
        let (world, _) = world(exchange, |_| status(200));
        let execution = world.run(taggings(50)).await;
        assert_eq!(execution.requests, 0);
        assert_eq!(effect(&execution), Effect::Endpoint);
        let outcomes: Vec<_> = tally(&execution)
            .into_iter()
            .map(|(outcome, _)| outcome)
            .collect();
        assert_eq!(outcomes, [Outcome::Failed, Outcome::Skipped]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_fails_for_a_moment_is_tried_again() {
    let (world, exchanges) = world(
        |number| status(if number < 3 { 503 } else { 200 }),
        |_| status(200),
    );
    let execution = world.run(taggings(1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert_eq!(exchanges.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_hangs_ends_with_the_time_and_gives_up_no_endpoint() {
    let (mut world, _) = world(|_| status(200), |_| status(200));
    world.transport =
        std::mem::replace(&mut world.transport, ScriptedTransport::new(|_| status(0)))
            .with_latency(seconds(50));
    world.waiting.timeout = Some(seconds(20));
    let execution = world.run(taggings(5)).await;
    assert_eq!(world.clock.started.elapsed().as_secs(), 20);
    assert_eq!(tally(&execution), [(Outcome::Skipped, 5)]);
    assert!(execution.timed_out && execution.failures.is_empty());
    assert_eq!(execution.requests, 0);
}
