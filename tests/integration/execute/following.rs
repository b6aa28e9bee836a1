//! Following tasks: when they are asked about, how answers are read, and that none gets lost.

use purgit::entry::{EntryKey, Target, TargetKind};
use purgit::execute::Event;
use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;
use serde_json::{Value, json};

use super::cdn::{Call, Reaction, answer, page, refusal};
use super::{World, entry, operations, seconds, tally, url};

/// An answer about items that lists these files.
fn listing(files: &[(usize, &str)]) -> Reaction {
    let file = |(number, status): &(usize, &str)| json!({ "Url": url(*number), "Status": status });
    let files: Vec<_> = files.iter().map(file).collect();
    Reaction::Answer(answer(200, &json!({ "Files": files })))
}

fn overall(status: &str) -> Reaction {
    Reaction::Answer(answer(200, &json!({ "Status": status })))
}

#[tokio::test(start_paused = true)]
async fn questions_come_after_growing_pauses_up_to_the_longest() {
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Items(_) => listing(&[(0, "Running")]),
        Call::Purge(_) | Call::Overall(_) => Reaction::Normal,
    });
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    let calls = world.cdn.calls();
    let pauses: Vec<_> = calls
        .windows(2)
        .map(|pair| (pair[1].0 - pair[0].0).as_millis() / 100)
        .collect();
    assert_eq!(pauses[..7], [50, 50, 75, 112, 168, 253, 300]);
    let (last, steady) = pauses[7..].split_last().unwrap();
    assert!(steady.iter().all(|pause| *pause == 300), "{pauses:?}");
    assert!(*last <= 300);
    // The last question comes at the deadline, half an hour after acceptance.
    let waited = calls[calls.len() - 1].0 - calls[0].0;
    assert_eq!(waited.as_secs(), 1800);
    assert!(
        world
            .state()
            .pending_operations
            .first()
            .unwrap()
            .asked_at
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn without_waiting_nothing_is_asked_and_the_next_run_goes_on() {
    let mut world = World::new();
    world.waiting.wait = false;
    let execution = world.run(operations(4, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Submitted, 4)]);
    assert_eq!(world.cdn.calls().len(), 2);

    // Asks once, at once, and leaves what is not over.
    let execution = world.resume().await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 4)]);
    assert_eq!(world.cdn.calls().len(), 4);
    assert_eq!(
        world
            .events
            .count(|event| matches!(event, Event::Resumed { .. })),
        2
    );

    world.waiting.wait = true;
    let execution = world.resume().await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 4)]);
    assert_eq!(execution.requests, 0);
    assert_eq!(world.cdn.purges(), 2);
    assert!(world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn no_failure_to_ask_loses_the_task() {
    let troubles = [
        Reaction::Answer(page(200)),
        // A proxy's, since the CDN has words of its own.
        Reaction::Answer(page(404)),
        Reaction::Answer(page(410)),
        Reaction::Answer(page(502)),
        Reaction::Answer(answer(200, &json!([]))),
        Reaction::Answer(refusal(429, "RequestThrottled")),
        Reaction::Lost(TransportErrorKind::Connect),
        Reaction::Lost(TransportErrorKind::Timeout),
        Reaction::Lost(TransportErrorKind::Interrupted),
        Reaction::Lost(TransportErrorKind::BodyTooLarge),
    ];
    for trouble in troubles {
        let world = World::new();
        let one = trouble.clone();
        // More failures than one round of retries has.
        world.cdn.behave(move |before, _| match before {
            1..9 => one.clone(),
            _ => Reaction::Normal,
        });
        let execution = world.run(operations(2, 2)).await;
        assert_eq!(tally(&execution), [(Outcome::Succeeded, 2)], "{trouble:?}");
        assert_eq!(world.cdn.purges(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_about_the_endpoint_keeps_the_task() {
    let mut redirect = page(302);
    redirect
        .headers
        .push(("location".to_owned(), "https://sso.example/".to_owned()));
    let refusals = [
        (Reaction::Answer(refusal(401, "WrongSignature")), true),
        (Reaction::Answer(refusal(403, "PermissionDenied")), true),
        (
            Reaction::Answer(refusal(409, "EndpointNotInActiveState")),
            false,
        ),
        (Reaction::Answer(redirect), false),
        (Reaction::Lost(TransportErrorKind::Tls), false),
    ];
    for (reaction, credentials) in refusals {
        let world = World::new();
        let one = reaction.clone();
        world.cdn.behave(move |_, call| match call {
            Call::Purge(_) => Reaction::Normal,
            Call::Items(_) | Call::Overall(_) => one.clone(),
        });
        let execution = world.run(operations(1, 1)).await;
        assert_eq!(tally(&execution), [(Outcome::Submitted, 1)], "{reaction:?}");
        assert_eq!(execution.failures.len(), 1, "{reaction:?}");
        let effect = execution.failures[0].1.effect;
        assert_eq!(effect == purgit::provider::Effect::Credentials, credentials);
        assert_eq!(world.cdn.calls().len(), 2, "{reaction:?}");
        world.cdn.behave(|_, _| Reaction::Normal);
        assert_eq!(tally(&world.resume().await), [(Outcome::Succeeded, 1)]);
        assert_eq!(world.cdn.purges(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_the_cdn_does_not_know_any_more_is_unknown_at_once() {
    for reaction in [
        Reaction::Answer(refusal(400, "ParameterInvalid")),
        Reaction::Answer(refusal(404, "PurgeNotFound")),
    ] {
        let world = World::new();
        let one = reaction.clone();
        world.cdn.behave(move |_, call| match call {
            Call::Purge(_) => Reaction::Normal,
            Call::Items(_) | Call::Overall(_) => one.clone(),
        });
        let execution = world.run(operations(2, 2)).await;
        assert_eq!(tally(&execution), [(Outcome::Unknown, 2)], "{reaction:?}");
        assert!(entry(&execution, 0).message.is_some());
        assert_eq!(world.observed(0), Some(Outcome::Unknown));
        assert!(world.state().pending_operations.is_empty());
        assert_eq!(world.cdn.calls().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_of_which_only_the_whole_is_known_is_asked_about_as_a_whole() {
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Items(_) => Reaction::Answer(page(404)),
        Call::Purge(_) | Call::Overall(_) => Reaction::Normal,
    });
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_runs_goes_on_when_only_the_whole_is_not_known() {
    let world = World::new();
    world.cdn.behave(|before, call| match call {
        Call::Items(_) if before < 4 => listing(&[(0, "Running")]),
        Call::Overall(_) => Reaction::Answer(page(404)),
        Call::Purge(_) | Call::Items(_) => Reaction::Normal,
    });
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 2)],
        "{execution:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_never_reported_is_unknown_at_the_deadline() {
    for (answer, outcome) in [
        (refusal(404, "PurgeNotFound"), Outcome::Unknown),
        // Not the CDN's word.
        (page(404), Outcome::InProgress),
    ] {
        let world = World::new();
        world.cdn.behave(move |_, call| match call {
            Call::Items(_) => listing(&[(0, "Succeed")]),
            Call::Overall(_) => Reaction::Answer(answer.clone()),
            Call::Purge(_) => Reaction::Normal,
        });
        let execution = world.run(operations(2, 2)).await;
        assert_eq!(entry(&execution, 0).outcome, Outcome::Succeeded);
        assert_eq!(entry(&execution, 1).outcome, outcome);
        let known = (outcome == Outcome::Unknown).then_some(outcome);
        assert_eq!(world.observed(1), known);
    }
}

#[tokio::test(start_paused = true)]
async fn a_bare_404_for_ever_keeps_the_task_for_a_day() {
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Purge(_) => Reaction::Normal,
        Call::Items(_) | Call::Overall(_) => Reaction::Answer(page(404)),
    });
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Submitted, 2)]);
    let message = entry(&execution, 0).message.clone().unwrap();
    assert!(message.contains("HTTP 404"), "{message}");
    assert_eq!(world.state().pending_operations.iter().count(), 1);
    let state = world.state();
    // It is not lost for a word that was never said.
    tokio::time::advance(seconds(24 * 3600)).await;
    assert_eq!(tally(&world.resume().await), [(Outcome::Unknown, 2)]);
    assert!(world.state().pending_operations.is_empty());

    world.store.replace(&state);
    world.cdn.behave(|_, _| Reaction::Normal);
    assert_eq!(tally(&world.resume().await), [(Outcome::Succeeded, 2)]);
    assert_eq!(world.cdn.purges(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_settles_is_kept_when_the_next_question_is_refused() {
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Items(_) => listing(&[(0, "Succeed")]),
        Call::Overall(_) => Reaction::Answer(refusal(401, "WrongSignature")),
        Call::Purge(_) => Reaction::Normal,
    });
    let execution = world.run(operations(2, 2)).await;
    assert_eq!(entry(&execution, 0).outcome, Outcome::Succeeded);
    assert_eq!(entry(&execution, 1).outcome, Outcome::InProgress);
    assert_eq!(world.observed(0), Some(Outcome::Succeeded));
    let pending = &world.state().pending_operations;
    assert_eq!(pending.first().unwrap().entries.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn short_null_and_absent_lists_are_made_up_for_by_the_whole() {
    let lists: [Value; 5] = [
        json!({}),
        json!({ "Files": null, "Directories": null }),
        json!({ "Files": [] }),
        json!({ "Files": [{ "Url": url(0), "Status": "Succeed" }] }),
        json!({ "Files": [{ "Status": "Succeed" }, "?"] }),
    ];
    for list in lists {
        let world = World::new();
        let body = list.clone();
        world.cdn.behave(move |_, call| match call {
            Call::Items(_) => Reaction::Answer(answer(200, &body)),
            Call::Purge(_) | Call::Overall(_) => Reaction::Normal,
        });
        let execution = world.run(operations(2, 2)).await;
        assert_eq!(tally(&execution), [(Outcome::Succeeded, 2)], "{list}");
    }
}

#[tokio::test(start_paused = true)]
async fn urls_are_recognised_however_the_cdn_spells_them() {
    let keys = [
        (
            TargetKind::File,
            "https://www.example.com/caf%C3%A9/a%20b.png?v=1",
        ),
        (TargetKind::Directory, "https://www.example.com/pictures/"),
    ];
    let keys = keys.map(|(kind, url)| EntryKey {
        target: Target::parse(kind, url).unwrap(),
        ..super::key(0)
    });
    let spelt = super::purging(&super::azure(), "operation-0", keys, None);
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Items(_) => Reaction::Answer(answer(
            200,
            &json!({
                "Files": [{ "Url": "HTTPS://www.Example.com:443/café/a%20b.png?v=1", "Status": "Succeed" }],
                "Directories": [{ "Url": "https://WWW.example.com/pictures/", "Status": "Succeeded" }],
            }),
        )),
        Call::Overall(_) => overall("Failed"),
        Call::Purge(_) => Reaction::Normal,
    });
    let execution = world.run(vec![spelt]).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 2)],
        "{execution:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_that_is_listed_twice_succeeded_only_when_both_did() {
    let rows = [
        (["Succeed", "Failed"], Outcome::Failed),
        (["Failed", "Succeed"], Outcome::Failed),
        (["Succeed", "Running"], Outcome::InProgress),
        (["Running", "Failed"], Outcome::InProgress),
        (["Succeed", "Odd"], Outcome::Unknown),
        (["Succeed", "Succeed"], Outcome::Succeeded),
    ];
    for (words, outcome) in rows {
        let world = World::new();
        world.cdn.behave(move |_, call| match call {
            Call::Items(_) => listing(&words.map(|word| (0, word))),
            Call::Purge(_) | Call::Overall(_) => Reaction::Normal,
        });
        let execution = world.run(operations(1, 1)).await;
        assert_eq!(entry(&execution, 0).outcome, outcome, "{words:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_word_is_never_success() {
    for word in ["Done", "", "Success", "Cancelled", "成功"] {
        let world = World::new();
        world.cdn.behave(move |_, call| match call {
            Call::Items(_) => listing(&[(0, word), (1, "Succeed")]),
            Call::Overall(_) => overall("Succeeded"),
            Call::Purge(_) => Reaction::Normal,
        });
        let execution = world.run(operations(2, 2)).await;
        assert_eq!(entry(&execution, 0).outcome, Outcome::Unknown, "{word}");
        assert_eq!(entry(&execution, 1).outcome, Outcome::Succeeded);
        assert_eq!(world.state().entries[&super::key(0)].generation, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_runs_for_ever_is_given_up_after_a_day() {
    let mut world = World::with(super::Cdn::new(seconds(1_000_000)));
    world.waiting.timeout = Some(seconds(60));
    let execution = world.run(operations(1, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    tokio::time::advance(seconds(23 * 3600)).await;
    assert_eq!(tally(&world.resume().await), [(Outcome::InProgress, 1)]);
    tokio::time::advance(seconds(3600)).await;
    let execution = world.resume().await;
    assert_eq!(tally(&execution), [(Outcome::Unknown, 1)]);
    let message = entry(&execution, 0).message.as_deref();
    assert!(
        message.is_some_and(|text| text.contains("24 h")),
        "{message:?}"
    );
    assert!(world.state().pending_operations.is_empty());
}
