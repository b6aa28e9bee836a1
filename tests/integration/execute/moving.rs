//! Answers that say where to ask next, and not before when; and items that end at different times.

use std::time::Duration;

use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;
use serde_json::json;

use super::cdn::{Reaction, answer, with_header};
use super::tag_cdn::{Call, Server, tag, tagging};
use super::{seconds, tally};
use crate::providers::tag_cdn::API;

#[tokio::test(start_paused = true)]
async fn the_cdn_is_asked_at_its_new_place_and_not_before_it_wants_to_be() {
    let server = Server::new(seconds(40)).pausing(11);
    let world = server.world();
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    let places: Vec<_> = (1..=4).map(|place| format!("/tasks/0/{place}")).collect();
    assert_eq!(server.places(), places);
    let calls = server.calls();
    let times: Vec<_> = calls.iter().map(|(at, _)| *at).collect();
    for pair in times[1..].windows(2) {
        let pause = (pair[1] - pair[0]).as_secs();
        assert_eq!(pause, 11, "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_new_place_survives_a_restart() {
    let server = Server::new(seconds(40)).pausing(11);
    let world = server.world();
    let cancel = world.waiting.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(25)).await;
        cancel.cancel();
    });
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    assert_eq!(server.places(), ["/tasks/0/1", "/tasks/0/2"]);
    let pending = world.state().pending_operations;
    let task = pending.iter().next().unwrap().task.clone().unwrap();
    assert_eq!(task.details, json!(format!("{API}/tasks/0/3")));

    let mut world = server.world_after(&world);
    world.waiting.wait = false;
    world.resume().await;
    assert_eq!(server.places().last().unwrap(), "/tasks/0/3");
    world.waiting.wait = true;
    let execution = world.resume().await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert_eq!(server.places()[3], "/tasks/0/4");
}

#[tokio::test(start_paused = true)]
async fn a_new_place_is_durable_as_soon_as_it_is_known() {
    let server = Server::new(seconds(40)).pausing(11);
    let world = server.world();
    let (store, places) = (world.store.clone(), server.clone());
    // As if it was killed before each question.
    server.behave(move |_, call| {
        if let Call::Ask(place) = call {
            let state = purgit::state::StateStore::load(&store).unwrap().state;
            let operation = state.pending_operations.iter().next().unwrap();
            let details = &operation.task.as_ref().unwrap().details;
            assert_eq!(*details, json!(format!("{API}{place}")));
        }
        Reaction::Normal
    });
    world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(places.places().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_pause_that_is_longer_than_the_time_there_is() {
    for timeout in [None, Some(seconds(60))] {
        let server = Server::new(seconds(40)).pausing(3600);
        let mut world = server.world();
        world.waiting.timeout = timeout;
        let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
        assert_eq!(tally(&execution), [(Outcome::Submitted, 1)]);
        assert!(server.places().is_empty());
        assert!(world.clock.started.elapsed() < seconds(1));
        assert_eq!(world.state().pending_operations.iter().count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cdn_that_wants_to_be_asked_at_once_for_ever_is_asked_in_rounds() {
    let server = Server::new(seconds(600)).pausing(0);
    let world = server.world();
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    // A round of 11 questions at each of some 25 times.
    let asked = server.places().len();
    assert!((200..400).contains(&asked), "{asked} questions");
}

#[tokio::test(start_paused = true)]
async fn rounds_end_at_the_deadline() {
    let server = Server::new(seconds(1_000_000)).pausing(0);
    let mut world = server.world();
    world.waiting.timeout = Some(seconds(100));
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    assert_eq!(world.clock.started.elapsed().as_secs(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_nothing_at_the_same_place_is_no_wish() {
    let server = Server::new(seconds(60));
    let world = server.world();
    let again = with_header(answer(202, &json!({ "purged": [] })), "retry-after", "0");
    let again = with_header(again, "location", &format!("{API}/tasks/0/1"));
    let mut left = 5;
    server.behave(move |_, call| match call {
        Call::Ask(_) if left > 0 => {
            left -= 1;
            Reaction::Answer(again.clone())
        }
        Call::Ask(_) | Call::Purge(..) | Call::Token => Reaction::Normal,
    });
    world.run(vec![tagging("operation-0", &["news"])]).await;
    let calls = server.calls();
    let asked = calls
        .iter()
        .filter(|(_, call)| matches!(call, Call::Ask(_)));
    let times: Vec<_> = asked.map(|(at, _)| *at).collect();
    for pair in times[..5].windows(2) {
        assert!(pair[1] - pair[0] >= seconds(5), "{calls:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn part_of_a_purge_may_fail_at_once_or_later() {
    for server in [Server::without_tasks(), Server::new(seconds(10))] {
        let world = server.world();
        let tags = ["locked-1", "news", "locked-2"];
        let execution = world.run(vec![tagging("operation-0", &tags)]).await;
        assert_eq!(
            tally(&execution),
            [(Outcome::Succeeded, 1), (Outcome::Failed, 2)]
        );
        let state = world.state();
        for name in tags {
            let observed = &state.entries[&tag(name)];
            let failed = observed.attempt.as_ref();
            match name.starts_with("locked") {
                true => {
                    assert_eq!(
                        failed.unwrap().message.as_deref(),
                        Some("the tag is locked")
                    );
                }
                false => assert!(failed.is_none() && observed.generation.is_some()),
            }
        }
        assert!(state.pending_operations.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_reported_in_the_last_word_is_in_doubt() {
    let server = Server::without_tasks();
    let world = server.world();
    server.behave(|_, call| match call {
        Call::Purge(..) => Reaction::Answer(answer(200, &json!({ "purged": ["news"] }))),
        Call::Ask(_) | Call::Token => Reaction::Normal,
    });
    let execution = world
        .run(vec![tagging("operation-0", &["news", "sports"])])
        .await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 1), (Outcome::Unknown, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn targets_that_are_one_item_are_sent_once_and_settled_together() {
    let server = Server::new(seconds(10));
    let world = server.world();
    let operation = tagging("operation-0", &["News", "news", "NEWS"]);
    let execution = world.run(vec![operation]).await;
    assert_eq!(
        server.purges(),
        [("operation-0".to_owned(), vec!["news".to_owned()])]
    );
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)]);
    for name in ["News", "news", "NEWS"] {
        assert!(world.state().entries[&tag(name)].generation.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn items_that_end_at_different_times_are_recorded_when_they_do_and_the_rest_is_resumed() {
    let server = Server::new(seconds(20)).pausing(5);
    let world = server.world();
    let cancel = world.waiting.cancel.clone();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(30)).await;
        cancel.cancel();
    });
    let tags = ["news", "slow-1", "slow-2", "Slow-1"];
    let execution = world.run(vec![tagging("operation-0", &tags)]).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::InProgress, 3), (Outcome::Succeeded, 1)]
    );
    let state = world.state();
    assert!(state.entries[&tag("news")].generation.is_some());
    let pending = state.pending_operations.iter().next().unwrap().clone();
    assert_eq!(pending.entries.len(), 3);

    let world = server.world_after(&world);
    let execution = world.resume().await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)]);
    let state = world.state();
    assert!(state.pending_operations.is_empty());
    assert_eq!(state.entries.len(), 4);
    assert_eq!(server.purges().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_purge_in_doubt_is_sent_again_with_the_same_id() {
    let server = Server::new(seconds(10));
    let world = server.world();
    server.behave(|before, call| match (before, call) {
        // After the token.
        (1, Call::Purge(..)) => Reaction::DoneButLost(TransportErrorKind::Interrupted),
        _ => Reaction::Normal,
    });
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    let purge = ("operation-0".to_owned(), vec!["news".to_owned()]);
    assert_eq!(server.purges(), [purge.clone(), purge]);
    assert_eq!(execution.repeated, 1);
}

#[tokio::test(start_paused = true)]
async fn a_first_answer_that_is_lost_changes_no_pause() {
    let server = Server::new(seconds(30)).pausing(11);
    let world = server.world();
    let mut lost = 0;
    server.behave(move |_, call| match call {
        Call::Ask(_) if lost < 2 => {
            lost += 1;
            Reaction::DoneButLost(TransportErrorKind::Timeout)
        }
        Call::Ask(_) | Call::Purge(..) | Call::Token => Reaction::Normal,
    });
    let execution = world.run(vec![tagging("operation-0", &["news"])]).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert!(world.clock.started.elapsed() < Duration::from_secs(60));
}
