//! A quota that the CDN says is used up: what needs it waits for another day, and nothing else does.

use crate::common::scripted_transport::ScriptedTransport;
use purgit::entry::{EntryKey, Target, TargetKind};
use purgit::execute::Execution;
use purgit::operation::Operation;
use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;
use serde_json::json;

use super::cdn::{Call, Reaction, answer};
use super::tag_cdn::{self, Server, taggings};
use super::{World, azure, key, operation, operations, purging, seconds, tally};

/// The CDN's words for it.
pub(super) fn exhausted() -> Reaction {
    let info =
        json!({ "Type": "RequestThrottled", "Message": "The quota of files per day is used up." });
    Reaction::Answer(answer(
        429,
        &json!({ "Succeeded": false, "ErrorInfo": info }),
    ))
}

/// Refuses every request with a file in it.
pub(super) fn no_files(_: usize, call: &Call) -> Reaction {
    match call {
        Call::Purge(items) if items.iter().any(|(kind, _)| *kind == TargetKind::File) => {
            exhausted()
        }
        Call::Purge(_) | Call::Items(_) | Call::Overall(_) => Reaction::Normal,
    }
}

pub(super) fn directory(number: usize) -> EntryKey {
    let url = format!("https://www.example.com/d{number}/");
    EntryKey {
        target: Target::parse(TargetKind::Directory, &url).unwrap(),
        ..key(0)
    }
}

fn directories(count: usize) -> Vec<Operation> {
    let one = |number| {
        let id = format!("directory-{number}");
        purging(&azure(), &id, [directory(number)], Some("r1"))
    };
    (0..count).map(one).collect()
}

fn messages(execution: &Execution, outcome: Outcome) -> Vec<&str> {
    let of = execution
        .entries
        .iter()
        .filter(|entry| entry.outcome == outcome);
    let mut messages: Vec<_> = of.filter_map(|entry| entry.message.as_deref()).collect();
    messages.dedup();
    messages
}

#[tokio::test(start_paused = true)]
async fn what_needs_the_quota_is_deferred_and_no_further_request_is_sent() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.cdn.behave(no_files);
    let mut all = operations(30, 1);
    all.extend(directories(5));
    let execution = world.run(all).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 5), (Outcome::Deferred, 30)]
    );
    // One for the files, without retries, and all those for the directories.
    assert_eq!(world.cdn.purges(), 1 + 5);
    assert!(
        execution.failures.is_empty(),
        "the endpoint is not given up"
    );
    assert!(world.state().pending_operations.is_empty());
    let [message] = messages(&execution, Outcome::Deferred)[..] else {
        panic!("{execution:?}");
    };
    assert!(message.contains("used up"), "{message}");
    // The clock of the tests starts at 11:08:20 UTC; the CDN's day turns at midnight in UTC+8.
    assert!(
        message.ends_with("; there is quota again from 2026-11-18 16:00:00Z"),
        "{message}"
    );
    let hint = execution
        .entries
        .iter()
        .find_map(|entry| entry.hint.clone());
    assert!(hint.unwrap().contains("stays planned"));
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_under_way_already_are_all_that_come_to_it() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(1));
    world.cdn.behave(no_files);
    let execution = world.run(operations(30, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Deferred, 30)]);
    assert_eq!(
        world.cdn.purges(),
        world.endpoint.limits.concurrent_requests
    );
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_the_account_are_deferred_too_and_others_are_not() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    let mut sibling = world.endpoint.clone();
    sibling.name = "img".into();
    let mut stranger = super::endpoint(std::sync::Arc::new(super::azure_of(9)));
    stranger.name = "shop".into();
    world.others = vec![sibling, stranger];
    let cdn = world.cdn.clone();
    world.transport = ScriptedTransport::new(move |request| {
        let of_the_account = request
            .url
            .contains("/subscriptions/00000000-0000-0000-0000-000000000001/");
        cdn.behave(move |before, call| match of_the_account {
            true => no_files(before, call),
            false => Reaction::Normal,
        });
        cdn.answer(&request)
    });
    let at = |name: &str| {
        let operations = operations(3, 1).into_iter();
        let name: std::sync::Arc<str> = name.into();
        operations.map(move |mut operation| {
            operation.id = format!("{name}-{}", operation.id);
            operation.endpoint = name.clone();
            for serve in &mut operation.serves {
                serve.key.endpoint = name.clone();
            }
            operation
        })
    };
    let all = at("www").chain(at("img")).chain(at("shop")).collect();
    let execution = world.run(all).await;
    for entry in &execution.entries {
        let outcome = match &*entry.key.endpoint {
            "shop" => Outcome::Succeeded,
            _ => Outcome::Deferred,
        };
        assert_eq!(entry.outcome, outcome, "{entry:?}");
    }
    assert_eq!(world.cdn.purges(), 1 + 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_two_quotas_is_divided_by_them() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.cdn.behave(no_files);
    let keys = [key(0), key(1), directory(0)];
    let mut all = vec![purging(&azure(), "mixed", keys, Some("r1"))];
    all.extend((2..4).map(|number| operation(&format!("file-{number}"), &[number], "r1")));
    all.push(purging(&azure(), "directory", [directory(1)], Some("r1")));
    let execution = world.run(all).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 2), (Outcome::Deferred, 4)]
    );
    // The mixed one, one of the files, and both directories.
    assert_eq!(world.cdn.purges(), 1 + 1 + 2);
    assert!(world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_doubt_is_not_removed_by_an_exhausted_quota_but_it_is_heard() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.cdn.behave(|before, _| match before {
        0 => Reaction::DoneButLost(TransportErrorKind::Interrupted),
        _ => exhausted(),
    });
    let execution = world.run(operations(4, 1)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Deferred, 3), (Outcome::Unknown, 1)]
    );
    assert_eq!(world.cdn.purges(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_no_budget_declares_stops_the_endpoint_for_today() {
    let server = Server::new(seconds(5));
    let mut world = server.world();
    world.endpoint.limits.concurrent_requests = 1;
    server.behave(|_, call| match call {
        tag_cdn::Call::Purge(id, _) if id != "operation-0" => {
            let until = "2026-12-01T00:00:00Z";
            let body = json!({ "error": "month is used up", "until": until });
            Reaction::Answer(answer(402, &body))
        }
        tag_cdn::Call::Purge(..) | tag_cdn::Call::Ask(_) | tag_cdn::Call::Token => Reaction::Normal,
    });
    let execution = world.run(taggings(10)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 1), (Outcome::Deferred, 9)]
    );
    assert_eq!(server.purges().len(), 2);
    let [message] = messages(&execution, Outcome::Deferred)[..] else {
        panic!("{execution:?}");
    };
    assert!(
        message.ends_with("; there is quota again from 2026-12-01 00:00:00Z"),
        "{message}"
    );
}

/// What is booked against the quota of files.
fn booked(world: &World) -> u64 {
    let state = world.state();
    let files = state
        .ledger
        .iter()
        .filter(|(key, _)| &*key.counts == "file");
    files.map(|(_, amount)| amount).sum()
}

#[tokio::test(start_paused = true)]
async fn every_send_that_may_have_been_accepted_is_booked_and_no_other() {
    use Reaction::{Answer, DoneButLost, Lost, Normal};
    use TransportErrorKind::{Connect, Interrupted, Timeout};
    let rows: [(Vec<Reaction>, u64); 8] = [
        (vec![Normal], 3),
        (vec![exhausted()], 0),
        (
            vec![Answer(super::cdn::refusal(400, "ParameterMissing"))],
            0,
        ),
        (vec![Lost(Connect), Lost(Connect), Normal], 3),
        // Once for the first, of which nobody knows, and once for the second.
        (vec![DoneButLost(Interrupted), Normal], 6),
        (vec![Lost(Timeout), Normal], 6),
        (vec![Lost(Timeout), Lost(Timeout)], 6),
        (vec![Lost(Timeout), exhausted()], 3),
    ];
    for (reactions, expected) in rows {
        let world = World::new();
        let shown = format!("{reactions:?}");
        let mut left = reactions.into_iter();
        world.cdn.behave(move |_, call| match call {
            Call::Purge(_) => left.next().unwrap_or(Normal),
            Call::Items(_) | Call::Overall(_) => Normal,
        });
        world.run(operations(3, 3)).await;
        assert_eq!(booked(&world), expected, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_any_more_is_not_booked() {
    let mut world = World::new();
    world.endpoint.limits.requests_per_second = 0.01;
    world.endpoint.limits.concurrent_requests = 4;
    world.waiting.timeout = Some(seconds(5));
    let execution = world.run(operations(9, 1)).await;
    assert!(execution.timed_out);
    assert_eq!((world.cdn.purges(), booked(&world)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_after_the_day_turned_is_taken_from_the_day_it_was_booked_in() {
    let world = World::new();
    // The CDN's day turns 4 h 51 min 40 s after the start; it refuses for good a minute later.
    tokio::time::advance(seconds(4 * 3600 + 51 * 60)).await;
    let mut first = true;
    world.cdn.behave(move |_, _| {
        if std::mem::take(&mut first) {
            let refused = super::cdn::refusal(429, "RequestThrottled");
            return Reaction::Answer(super::cdn::with_header(refused, "retry-after", "60"));
        }
        Reaction::Answer(super::cdn::refusal(400, "ParameterMissing"))
    });
    world.run(operations(3, 3)).await;
    let ledger = world.state().ledger;
    assert!(ledger.values().all(|amount| *amount == 0), "{ledger:?}");
}
