//! `--timeout` bounds submitting and waiting together; what was not sent by then stays planned.

use purgit::state::Outcome;
use purgit::transport::{Request, Sending, Transport, TransportErrorKind};
use tokio::time::Instant;

use super::cdn::{Call, Reaction, page, refusal, with_header};
use super::{World, entry, operations, seconds, tally};

#[tokio::test(start_paused = true)]
async fn slow_answers_do_not_make_a_run_longer_than_its_time() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 2;
    world.transport = world.cdn.transport().with_latency(seconds(4));
    world.waiting.timeout = Some(seconds(10));
    let execution = world.run(operations(100, 1)).await;
    assert_eq!(world.clock.started.elapsed().as_secs(), 10);
    // Two rounds of two are accepted; the third is under way when the time is up.
    assert_eq!(
        tally(&execution),
        [
            (Outcome::Submitted, 4),
            (Outcome::Skipped, 94),
            (Outcome::Unknown, 2)
        ]
    );
    assert!(execution.timed_out && execution.failures.is_empty());
    let message = |number| entry(&execution, number).message.clone().unwrap();
    assert_eq!(message(50), "not attempted: the time of `--timeout` is up");
    assert_eq!(
        message(4),
        "no answer before the time of `--timeout` was up"
    );
    let state = world.state();
    assert_eq!(state.pending_operations.iter().count(), 4);
    // What was cut off counts against the quota; what was not sent does not.
    assert_eq!(state.ledger.values().sum::<u64>(), 6);
}

#[tokio::test(start_paused = true)]
async fn one_time_holds_for_submitting_and_waiting() {
    for (timeout, outcome) in [(20, Outcome::Succeeded), (8, Outcome::Submitted)] {
        let mut world = World::new();
        world.transport = world.cdn.transport().with_latency(seconds(2));
        world.waiting.timeout = Some(seconds(timeout));
        // 2 s to submit; asked at 7 s, with an answer at 9 s.
        let execution = world.run(operations(1, 1)).await;
        assert_eq!(tally(&execution), [(outcome, 1)], "{timeout}");
        assert!(!execution.timed_out, "all was sent");
    }
}

/// Answers that never end: a byte a second.
#[derive(Debug)]
struct Dripping;

impl Transport for Dripping {
    fn send(&self, _: Request, deadline: Option<Instant>) -> Sending<'_> {
        Box::pin(async move {
            let end = Instant::now() + seconds(60);
            let end = deadline.map_or(end, |deadline| deadline.min(end));
            tokio::time::sleep_until(end).await;
            Err(TransportErrorKind::Timeout.into())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_drips_is_cut_off() {
    let mut world = World::new();
    world.waiting.timeout = Some(seconds(10));
    let run = world.try_run(&Dripping, operations(20, 1), Vec::new());
    let execution = run.await.unwrap();
    assert_eq!(world.clock.started.elapsed().as_secs(), 10);
    assert_eq!(
        tally(&execution),
        [(Outcome::Skipped, 16), (Outcome::Unknown, 4)]
    );
    assert!(
        execution.failures.is_empty(),
        "no endpoint is given up for it"
    );
    assert_eq!(execution.repeated, 0);
    assert_eq!(execution.requests, 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_a_task_that_drips_is_cut_off() {
    let mut world = World::new();
    world.waiting.wait = false;
    world.run(operations(3, 1)).await;
    world.waiting.wait = true;
    world.waiting.timeout = Some(seconds(10));
    let pending = world.state().pending_operations.iter().cloned().collect();
    let started = Instant::now();
    let run = world.try_run(&Dripping, Vec::new(), pending);
    let execution = run.await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 10);
    assert_eq!(tally(&execution), [(Outcome::Submitted, 3)]);
    let message = entry(&execution, 0).message.clone().unwrap();
    assert_eq!(message, "no answer before the time of `--timeout` was up");
}

#[tokio::test(start_paused = true)]
async fn outages_at_the_end_of_the_time_give_no_endpoint_up() {
    // Each would be tried again after the time is up.
    for reaction in [
        Reaction::Lost(TransportErrorKind::Connect),
        Reaction::Answer(page(429)),
        Reaction::Answer(with_header(
            refusal(429, "RequestThrottled"),
            "retry-after",
            "30",
        )),
    ] {
        let mut world = World::new();
        world.waiting.timeout = Some(seconds(2));
        let one = reaction.clone();
        world.cdn.behave(move |_, _| one.clone());
        let execution = world.run(operations(20, 1)).await;
        assert!(world.clock.started.elapsed() <= seconds(2));
        assert_eq!(tally(&execution), [(Outcome::Skipped, 20)], "{reaction:?}");
        assert!(
            execution.timed_out && execution.failures.is_empty(),
            "{reaction:?}"
        );
        let message = entry(&execution, 0).message.clone().unwrap();
        let (start, end) = ("not attempted: ", "; the time of `--timeout` is up");
        assert!(
            message.starts_with(start) && message.ends_with(end),
            "{message}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubt_at_the_end_of_the_time_stays_one() {
    let mut world = World::new();
    world.waiting.timeout = Some(seconds(2));
    world
        .cdn
        .behave(|_, _| Reaction::DoneBut(with_header(page(503), "retry-after", "30")));
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Unknown, 1)]);
    assert!(execution.timed_out);
    assert_eq!(world.cdn.purges(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_time_of_one_task_counts_from_its_acceptance() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.transport = world.cdn.transport().with_latency(seconds(4));
    world.endpoint.poll.timeout = seconds(10);
    // The last operation goes out after 36 s; its task takes 7 s like every other.
    let execution = world.run(operations(10, 1)).await;
    let last = entry(&execution, 9);
    assert_eq!(last.outcome, Outcome::Succeeded, "{execution:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_question_about_a_task_is_let_through() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(2));
    // Asked 5 s after acceptance, and when the 6 s are over; the answer comes later.
    world.endpoint.poll.timeout = seconds(6);
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 1)],
        "{:?}",
        world.cdn.calls()
    );
}

#[tokio::test(start_paused = true)]
async fn the_longest_timeout_there_is_can_be_asked_for() {
    let mut world = World::new();
    world.waiting.timeout = Some(std::time::Duration::MAX);
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_sends_nothing() {
    let mut world = World::new();
    world.waiting.timeout = Some(seconds(0));
    let execution = world.run(operations(5, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Skipped, 5)]);
    assert!(execution.timed_out);
    assert!(world.cdn.calls().is_empty() && world.state().ledger.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_a_question_says_of_the_words_it_knows_counts_when_the_time_is_up() {
    let mut world = World::new();
    world.waiting.timeout = Some(seconds(30));
    world.cdn.behave(|_, call| match call {
        Call::Items(_) => {
            let body = serde_json::json!({ "Files": [{ "Url": super::url(0), "Status": "Odd" }] });
            Reaction::Answer(super::cdn::answer(200, &body))
        }
        Call::Purge(_) | Call::Overall(_) => Reaction::Normal,
    });
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(world.clock.started.elapsed().as_secs(), 30);
    assert_eq!(tally(&execution), [(Outcome::Unknown, 1)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_when_the_time_is_up() {
    let mut world = World::with(super::Cdn::new(seconds(1_000_000)));
    world.waiting.timeout = Some(seconds(20));
    world.run(operations(1, 1)).await;
    // After 5 s and 10 s; the next would come after 17.5 s and at 20 s.
    let calls = world.cdn.calls();
    let last = calls.last().unwrap().0 - world.clock.started;
    assert!(last < seconds(20), "{calls:?}");
}
