//! A CDN that works on only so much at once: what waits for room, and what is left to another run.

use std::sync::Arc;

use purgit::clock::Clock as _;
use purgit::execute::Execution;
use purgit::state::recorder::Recorder;
use purgit::state::{Outcome, PendingOperation, Record};

use super::cdn::{Reaction, answer};
use super::tag_cdn::{Call, Server, tag, tagging, taggings};
use super::{World, seconds, tally};
use crate::state_fixture::holder;
use purgit::transport::TransportErrorKind;
use serde_json::json;

/// As the tests' endpoint declares it.
const LIMIT: usize = 3;

fn pending(world: &World) -> Vec<PendingOperation> {
    world.state().pending_operations.iter().cloned().collect()
}

fn outcome(execution: &Execution, name: &str) -> Outcome {
    let key = tag(name);
    let mut entries = execution.entries.iter();
    entries.find(|entry| entry.key == key).unwrap().outcome
}

#[tokio::test(start_paused = true)]
async fn no_more_is_in_progress_than_allowed_and_the_rest_waits_its_turn() {
    let server = Server::new(seconds(30));
    let world = server.world();
    let execution = world.run(taggings(10)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 10)]);
    assert_eq!(server.peak(), LIMIT);
    // Those that go together may overtake each other.
    let mut tags: Vec<_> = server.purges().into_iter().map(|(_, tags)| tags).collect();
    tags.chunks_mut(LIMIT).for_each(<[_]>::sort);
    let in_order: Vec<_> = (0..10)
        .map(|number| vec![format!("tag-{number}")])
        .collect();
    assert_eq!(tags, in_order);
}

#[tokio::test(start_paused = true)]
async fn what_earlier_runs_left_takes_room() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    world.waiting.wait = false;
    world.run(taggings(2)).await;
    world.waiting.wait = true;
    let more =
        (2..8).map(|number| tagging(&format!("operation-{number}"), &[&format!("tag-{number}")]));
    let run = world.try_run(&world.transport, more.collect(), pending(&world));
    let execution = run.await.unwrap();
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 8)]);
    assert_eq!(server.peak(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn more_than_the_limit_may_be_left_by_earlier_runs() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    // The limit was higher then.
    world.endpoint.limits.concurrent_requests = 5;
    world.waiting.wait = false;
    world.run(taggings(5)).await;
    world.endpoint.limits.concurrent_requests = LIMIT;
    world.waiting.wait = true;
    let new = vec![tagging("new", &["new"])];
    let run = world.try_run(&world.transport, new, pending(&world));
    assert_eq!(tally(&run.await.unwrap()), [(Outcome::Succeeded, 6)]);
    assert_eq!(server.peak(), 5, "nothing came to the five");
}

/// Another run, which records something once this one waits.
async fn another(world: &World, records: Vec<Record>) {
    tokio::time::sleep(seconds(10)).await;
    let store = Arc::new(world.store.clone());
    // It is taken again for a moment whenever something is recorded, but for far less than the 30 s of a task.
    let recorder = Recorder::open(store, holder("purge"), seconds(5), String::new());
    let recorder = recorder.await.expect("the lease is free");
    recorder.record_all(records).await.unwrap();
    recorder.finish().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_room_keeps_no_other_run_from_the_state() {
    let server = Server::new(seconds(30));
    let world = server.world();
    let other = vec![Record::Forget { keys: Vec::new() }];
    let (execution, ()) = tokio::join!(world.run(taggings(10)), another(&world, other));
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 10)]);
    assert_eq!(server.peak(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_sends_meanwhile_is_not_sent_again() {
    let server = Server::new(seconds(30));
    let world = server.world();
    let operation = tagging("theirs", &["tag-5"]);
    let theirs = Record::Intend(PendingOperation {
        id: operation.id.clone(),
        endpoint: operation.endpoint.clone(),
        intended_at: world.clock.now(),
        task: None,
        accepted_at: None,
        asked_at: None,
        correlation_id: None,
        sends: 1,
        directories: Vec::new(),
        entries: operation.entries(),
    });
    let (execution, ()) = tokio::join!(world.run(taggings(10)), another(&world, vec![theirs]));
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 9), (Outcome::Deferred, 1)]
    );
    assert_eq!(outcome(&execution, "tag-5"), Outcome::Deferred);
    assert_eq!(server.purges().len(), 9);
}

#[tokio::test(start_paused = true)]
async fn what_runs_for_others_takes_room_though_nobody_asks_about_it() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    world.waiting.wait = false;
    world.run(taggings(LIMIT)).await;
    world.waiting.wait = true;
    let execution = world.run(vec![tagging("new", &["new"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Deferred, 1)]);
    assert_eq!(server.purges().len(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_what_finds_no_room_is_left_to_the_next_run() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    world.waiting.wait = false;
    let execution = world.run(taggings(5)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Submitted, 3), (Outcome::Deferred, 2)]
    );
    assert_eq!(server.purges().len(), LIMIT);
    assert_eq!(pending(&world).len(), LIMIT);
    let message = execution.entries[4].message.clone().unwrap();
    assert_eq!(
        message,
        "not attempted: 3 tags still in progress at the CDN, limit 3"
    );
    // The next one asks first, and finds as little room.
    let new = vec![tagging("new", &["new"])];
    let run = world.try_run(&world.transport, new.clone(), pending(&world));
    let execution = run.await.unwrap();
    assert_eq!(outcome(&execution, "new"), Outcome::Deferred);
    assert_eq!(outcome(&execution, "tag-0"), Outcome::InProgress);
    tokio::time::advance(seconds(30)).await;
    let run = world.try_run(&world.transport, new, pending(&world));
    let execution = run.await.unwrap();
    assert_eq!(outcome(&execution, "new"), Outcome::Submitted);
    assert_eq!(outcome(&execution, "tag-0"), Outcome::Succeeded);
    assert_eq!(server.peak(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_keeps_its_room() {
    let server = Server::new(seconds(1_000_000)).pausing(5);
    let mut world = server.world();
    world.endpoint.limits.concurrent_requests = 1;
    world.endpoint.poll.timeout = seconds(60);
    let execution = world.run(taggings(3)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::InProgress, 1), (Outcome::Deferred, 2)]
    );
    assert_eq!(server.purges().len(), 1);
    assert_eq!(world.clock.started.elapsed().as_secs(), 60);
    assert!(!execution.timed_out, "that is the time of one task");
}

#[tokio::test(start_paused = true)]
async fn more_than_all_room_goes_when_nothing_else_is_in_progress() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    world.endpoint.limits.items_per_request = 5;
    let operations = vec![
        tagging("small", &["a"]),
        tagging("large", &["b", "c", "d", "e", "f"]),
        tagging("after", &["g"]),
    ];
    let execution = world.run(operations).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 7)]);
    assert_eq!(server.peak(), 5);
    let ids: Vec<_> = server.purges().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["small", "large", "after"]);
}

#[tokio::test(start_paused = true)]
async fn refusals_and_last_words_give_their_room_back() {
    let refused = answer(400, &json!({ "error": "no such tag" }));
    let reactions = [
        Reaction::Answer(refused),
        // Nobody knows, and nobody can ask: a purge that may run is no reason to stop.
        Reaction::Lost(TransportErrorKind::Interrupted),
    ];
    for reaction in reactions {
        let server = Server::new(seconds(5));
        let mut world = server.world();
        world.endpoint.limits.concurrent_requests = 1;
        let one = reaction.clone();
        server.behave(move |_, call| match call {
            Call::Purge(id, _) if id == "operation-0" => one.clone(),
            Call::Purge(..) | Call::Ask(_) | Call::Token => Reaction::Normal,
        });
        let execution = world.run(taggings(3)).await;
        assert_eq!(
            outcome(&execution, "tag-2"),
            Outcome::Succeeded,
            "{reaction:?}"
        );
        assert_ne!(outcome(&execution, "tag-0"), Outcome::Succeeded);
    }
    let server = Server::without_tasks();
    let world = server.world();
    let execution = world.run(taggings(20)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 20)]);
}

/// A CDN that others keep full for so long.
fn full_for(time: u64) -> Server {
    let server = Server::new(seconds(5));
    let until = tokio::time::Instant::now() + seconds(time);
    let full = answer(423, &json!({ "error": "too many in progress" }));
    server.behave(move |_, call| match call {
        Call::Purge(..) if tokio::time::Instant::now() < until => Reaction::Answer(full.clone()),
        Call::Purge(..) | Call::Ask(_) | Call::Token => Reaction::Normal,
    });
    server
}

#[tokio::test(start_paused = true)]
async fn what_others_leave_no_room_for_waits_and_holds_nothing() {
    let server = full_for(100);
    let mut world = server.world();
    world.endpoint.poll.max_interval = seconds(30);
    let other = vec![Record::Forget { keys: Vec::new() }];
    let (execution, ()) = tokio::join!(world.run(taggings(1)), another(&world, other));
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    // At 0, 30, 60, 90 and 120 s, under one id.
    let ids: Vec<_> = server.purges().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, ["operation-0"; 5]);
    assert_eq!(execution.repeated, 0);
    assert!(pending(&world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_in_time_is_left_to_the_next_run() {
    for (waits, sends) in [(true, 4), (false, 1)] {
        let server = full_for(1_000_000);
        let mut world = server.world();
        world.endpoint.poll.max_interval = seconds(30);
        world.endpoint.poll.timeout = seconds(90);
        world.waiting.wait = waits;
        let execution = world.run(taggings(1)).await;
        assert_eq!(tally(&execution), [(Outcome::Deferred, 1)]);
        assert_eq!(server.purges().len(), sends);
        assert!(pending(&world).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_one_account_share_the_room() {
    let server = Server::new(seconds(30));
    let mut world = server.world();
    let mut other = world.endpoint.clone();
    other.name = "img".into();
    world.others = vec![other];
    let mut operations = taggings(4);
    operations.extend(taggings(4).into_iter().map(|mut operation| {
        operation.id = format!("img-{}", operation.id);
        operation.endpoint = "img".into();
        for serve in &mut operation.serves {
            serve.key.endpoint = "img".into();
        }
        operation
    }));
    let execution = world.run(operations).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 8)]);
    assert_eq!(server.peak(), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_room_is_skipped_when_the_run_ends() {
    for is_late in [true, false] {
        let server = Server::new(seconds(600));
        let mut world = server.world();
        if is_late {
            world.waiting.timeout = Some(seconds(20));
        } else {
            let cancel = world.waiting.cancel.clone();
            tokio::spawn(async move {
                tokio::time::sleep(seconds(20)).await;
                cancel.cancel();
            });
        }
        let execution = world.run(taggings(5)).await;
        assert_eq!(world.clock.started.elapsed().as_secs(), 20);
        assert_eq!(
            tally(&execution),
            [(Outcome::InProgress, 3), (Outcome::Skipped, 2)]
        );
        assert_eq!(
            (execution.timed_out, execution.interrupted),
            (is_late, !is_late)
        );
        let message = execution.entries[4].message.clone().unwrap();
        let reason = match is_late {
            true => "not attempted: the time of `--timeout` is up",
            false => "not attempted: interrupted",
        };
        assert_eq!(message, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_room_is_skipped_when_the_endpoint_is_given_up() {
    let server = Server::new(seconds(600));
    let world = server.world();
    server.behave(|_, call| match call {
        Call::Ask(_) => Reaction::Answer(answer(401, &json!({ "error": "revoked" }))),
        Call::Purge(..) | Call::Token => Reaction::Normal,
    });
    let execution = world.run(taggings(5)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Submitted, 3), (Outcome::Skipped, 2)]
    );
    assert_eq!(server.purges().len(), LIMIT);
}
