//! Another kind of CDN: credentials are exchanged for a token, kinds do not mix, and acceptance is
//! all it ever says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::TargetKind;
use purgit::execute::Execution;
use purgit::operation::Task;
use purgit::plan::Step;
use purgit::provider::{
    ApiError, Auth, Authentication, Capabilities, Effect, Inquiry, Polling, Provider, ProviderKind,
    Report, Submission, Token,
};
use purgit::provider::{DayStart, Limits};
use purgit::secret::Secret;
use purgit::state::Outcome;
use purgit::transport::retry::RetryClass;
use purgit::transport::scripted::ScriptedTransport;
use purgit::transport::{
    HeaderValue, Method, Request, Response, TransportError, TransportErrorKind,
};

use super::{World, endpoint, jobs, seconds, tally};

static KIND: ProviderKind = ProviderKind {
    name: "bearer-cdn",
    field: "bearerCdn",
    read: |_| None,
    schema: || serde_json::Value::Null,
    default_limits: || Limits {
        files_per_day: 1000,
        directories_per_day: 1000,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 1000.0,
        concurrent_requests: 4,
    },
};

/// What stands before the number of a token.
const TOKEN: &str = "not-a-real-token-";

/// How long a token is good for, in seconds.
const LIFETIME: i64 = 300;

#[derive(Debug)]
struct BearerCdn;

fn read(response: &Response) -> Result<(), ApiError> {
    let (retry, effect) = match response.status {
        200..=299 => return Ok(()),
        401 => (RetryClass::Never, Effect::Credentials),
        500..=599 => (RetryClass::Transient, Effect::InDoubt),
        _ => (RetryClass::Never, Effect::Step),
    };
    Err(ApiError {
        summary: format!(
            "HTTP {} {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        ),
        retry,
        effect,
        hint: None,
        correlation_id: None,
        retry_after: None,
    })
}

fn post(path: &str, headers: Vec<(&'static str, HeaderValue)>) -> Request {
    Request {
        method: Method::Post,
        url: format!("https://api.bearer-cdn.example/{path}"),
        headers,
        body: Vec::new(),
    }
}

impl Provider for BearerCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[TargetKind::File],
            mixed_kinds: false,
            polling: Polling::None,
            authentication: Authentication::Token,
        }
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        Vec::new()
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn submit(&self, _: &Step, auth: Auth<'_>) -> Request {
        let token = auth.token.map_or("", |token| token.value.expose());
        post("purge", vec![("authorization", HeaderValue::secret(token))])
    }

    fn submitted(&self, response: &Response) -> Result<Submission, ApiError> {
        read(response).map(|()| Submission::Done)
    }

    fn inquire(&self, _: &Task, _: Inquiry, _: Auth<'_>) -> Request {
        panic!("there is nothing to ask")
    }

    fn reported(&self, _: Inquiry, _: &Response) -> Result<Report, ApiError> {
        panic!("there is nothing to ask")
    }

    fn token_request(&self, _: &Credentials) -> Option<Request> {
        Some(post("token", Vec::new()))
    }

    fn token(&self, response: &Response, now: DateTime<Utc>) -> Result<Option<Token>, ApiError> {
        read(response)?;
        Ok(Some(Token {
            value: Secret::new(String::from_utf8(response.body.clone()).unwrap()),
            expires_at: now + chrono::TimeDelta::seconds(LIFETIME),
        }))
    }
}

type Answer = Result<Response, TransportError>;

/// An answer with that status, or none for 0.
fn answer(status: u16) -> Answer {
    match status {
        0 => Err(TransportErrorKind::Timeout.into()),
        _ => Ok(Response {
            status,
            ..Response::default()
        }),
    }
}

/// A world with that CDN; tokens are numbered from 1. `exchange` and `purge` are told that number.
fn world(
    exchange: impl Fn(usize) -> Answer + Send + Sync + 'static,
    purge: impl Fn(usize) -> Answer + Send + Sync + 'static,
) -> (World, Arc<AtomicUsize>) {
    let mut world = World::new();
    let exchanges = Arc::new(AtomicUsize::new(0));
    let count = exchanges.clone();
    world.endpoint = endpoint(Arc::new(BearerCdn));
    world.transport = ScriptedTransport::new(move |request| {
        if request.url.ends_with("/token") {
            let number = count.fetch_add(1, Ordering::SeqCst) + 1;
            let mut response = exchange(number)?;
            response.body = format!("{TOKEN}{number}").into_bytes();
            return Ok(response);
        }
        let (_, token) = &request.headers[0];
        let number = token.expose().strip_prefix(TOKEN).unwrap_or_default();
        purge(number.parse().expect("a request without a token"))
    });
    (world, exchanges)
}

fn effect(execution: &Execution) -> Effect {
    assert_eq!(execution.failures.len(), 1, "{execution:?}");
    execution.failures[0].1.effect
}

#[tokio::test(start_paused = true)]
async fn one_token_serves_all_and_acceptance_is_success() {
    let (world, exchanges) = world(|_| answer(200), |_| answer(200));
    let execution = world.run(jobs(40, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 40)]);
    assert_eq!(execution.requests, 20);
    assert_eq!(exchanges.load(Ordering::SeqCst), 1);
    assert!(world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_exchanged_anew_before_it_runs_out_on_the_way() {
    let (mut world, exchanges) = world(|_| answer(200), |_| answer(200));
    // A request every 145 s: when the third step has its turn, the token is good for 10 s more.
    world.endpoint.limits.requests_per_second = 1.0 / 145.0;
    world.endpoint.limits.concurrent_requests = 1;
    let execution = world.run(jobs(3, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)]);
    assert!(exchanges.load(Ordering::SeqCst) > 1);
    let started = world.clock.started;
    assert!(started.elapsed() > seconds(145 * 3));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_not_taken_any_more_is_exchanged_anew_once() {
    let (world, exchanges) = world(
        |_| answer(200),
        |token| answer(if token == 1 { 401 } else { 200 }),
    );
    let execution = world.run(jobs(20, 1)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 20)],
        "{execution:?}"
    );
    assert_eq!(exchanges.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_no_token_helps_are_rejected() {
    let (world, exchanges) = world(|_| answer(200), |_| answer(401));
    let execution = world.run(jobs(20, 1)).await;
    assert_eq!(effect(&execution), Effect::Credentials);
    assert!(exchanges.load(Ordering::SeqCst) <= 5);

    let (world, exchanges) = self::world(|_| answer(401), |_| answer(200));
    let execution = world.run(jobs(20, 1)).await;
    assert_eq!(effect(&execution), Effect::Credentials);
    assert_eq!(execution.requests, 0);
    assert!(exchanges.load(Ordering::SeqCst) <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_a_message_repeats_is_masked() {
    let (world, _) = world(
        |_| answer(200),
        |number| {
            let mut response = answer(418)?;
            response.body = format!("no {TOKEN}{number} here").into_bytes();
            Ok(response)
        },
    );
    let execution = world.run(jobs(1, 1)).await;
    let message = execution.entries[0].message.as_deref();
    assert_eq!(message, Some("HTTP 418 no [secret] here"));
    assert!(!format!("{:?}", world.state()).contains(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn an_exchange_that_fails_leaves_no_doubt_about_the_purge() {
    let answers: [fn(usize) -> Answer; 3] = [|_| answer(503), |_| answer(0), |_| answer(418)];
    for exchange in answers {
        let (world, _) = world(exchange, |_| answer(200));
        let execution = world.run(jobs(50, 1)).await;
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
        |number| answer(if number < 3 { 503 } else { 200 }),
        |_| answer(200),
    );
    let execution = world.run(jobs(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert_eq!(exchanges.load(Ordering::SeqCst), 3);
}
