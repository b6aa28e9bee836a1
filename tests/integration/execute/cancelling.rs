//! Ctrl-C at each stage, and a state that cannot be written.

use std::io;
use std::time::Duration;

use crate::common::memory_store::Fault;
use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;
use tokio::time::Instant;

use super::cdn::{Call, Reaction};
use super::{World, entry, operations, seconds, tally};

/// Cancels the run after that time.
fn cancel_after(world: &World, delay: Duration) {
    let cancel = world.waiting.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(delay).await;
        cancel.cancel();
    });
}

#[tokio::test(start_paused = true)]
async fn before_anything_is_sent_everything_is_skipped() {
    let world = World::new();
    world.waiting.cancel.cancel();
    let execution = world.run(operations(6, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Skipped, 6)]);
    assert!(execution.interrupted);
    assert!(world.cdn.calls().is_empty());
    assert_eq!(world.observed(5), Some(Outcome::Skipped));
}

#[tokio::test(start_paused = true)]
async fn the_request_under_way_is_finished_and_its_task_kept() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.transport = world.cdn.transport().with_latency(seconds(10));
    cancel_after(&world, seconds(5));
    let started = Instant::now();
    let execution = world.run(operations(3, 1)).await;
    assert_eq!(started.elapsed().as_secs(), 10);
    assert!(execution.interrupted);
    assert_eq!(
        tally(&execution),
        [(Outcome::Submitted, 1), (Outcome::Skipped, 2)]
    );
    let pending = world.state().pending_operations;
    assert_eq!(pending.len(), 1);
    assert!(pending.first().unwrap().task.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_its_turn_is_not_sent_any_more() {
    let mut world = World::new();
    world.endpoint.limits.requests_per_second = 0.01;
    cancel_after(&world, seconds(1));
    let started = Instant::now();
    let execution = world.run(operations(9, 1)).await;
    assert_eq!(world.cdn.purges(), 1);
    assert!(started.elapsed() < seconds(3), "{:?}", started.elapsed());
    assert_eq!(
        tally(&execution),
        [(Outcome::Submitted, 1), (Outcome::Skipped, 8)]
    );
    assert_eq!(world.state().pending_operations.len(), 1);
    assert!(execution.interrupted);
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_attempts_ends_at_once() {
    for (kind, after, outcome) in [
        (TransportErrorKind::Connect, 4000, Outcome::Skipped),
        (TransportErrorKind::Timeout, 300, Outcome::Unknown),
    ] {
        let after = Duration::from_millis(after);
        let world = World::new();
        world.cdn.behave(move |_, _| Reaction::Lost(kind));
        cancel_after(&world, after);
        let started = Instant::now();
        let execution = world.run(operations(1, 1)).await;
        assert_eq!(started.elapsed().as_millis(), after.as_millis());
        assert_eq!(entry(&execution, 0).outcome, outcome);
        assert!(execution.interrupted);
        // Nothing says that the endpoint cannot be used.
        assert!(execution.failures.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn questions_are_dropped_and_tasks_are_left_to_the_next_run() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(50));
    // The question goes out after 55 s.
    cancel_after(&world, seconds(60));
    let started = Instant::now();
    let execution = world.run(operations(4, 1)).await;
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(tally(&execution), [(Outcome::Submitted, 4)]);
    assert!(execution.interrupted);
    assert_eq!(world.state().pending_operations.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_through_was_not_interrupted() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    let cancel = world.waiting.cancel.clone();
    // The very last answer arrives together with the signal.
    world.cdn.behave(move |_, call| {
        if matches!(call, Call::Items(_)) {
            cancel.cancel();
        }
        Reaction::Normal
    });
    world.transport = world.cdn.transport();
    world.endpoint.poll.interval = seconds(8);
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert!(!execution.interrupted);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_state_cannot_be_written() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    // Intent and acceptance of the first step, then the intent of the second.
    world.store.fault(3, Fault::Io(io::ErrorKind::StorageFull));
    let run = world.try_run(&world.transport, operations(10, 1), Vec::new());
    let error = run.await.unwrap_err();
    assert!(error.to_string().contains("write"), "{error}");
    assert_eq!(world.cdn.calls().len(), 1);
    // The task of the first step is not forgotten.
    assert!(
        world
            .state()
            .pending_operations
            .first()
            .unwrap()
            .task
            .is_some()
    );
}
