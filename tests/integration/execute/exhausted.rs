//! What the ledger learns when the CDN says that a quota is used up: the next plan knows it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use purgit::entry::TargetKind;
use purgit::provider::{Budget, Counts, DayStart, Window};
use purgit::state::{Outcome, Standing};
use purgit::transport::TransportErrorKind;
use serde_json::json;

use super::budgets::{FILES, budget, world};
use super::cdn::{Call, Reaction, answer, refusal};
use super::isolating::refuse;
use super::quotas::{directory, exhausted, no_files};
use super::tag_cdn::{self, Server, taggings};
use super::{World, azure, key, operations, purging, seconds, tally};
use crate::providers::tag_cdn::TagCdn;
use crate::state_fixture::at;

const BOTH: Counts = Counts::Items(&[TargetKind::File, TargetKind::Directory]);
const DIRECTORIES: Counts = Counts::Items(&[TargetKind::Directory]);

fn daily(counts: Counts, amount: u64) -> Budget {
    budget(counts, amount, Window::Day(DayStart::default()))
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// How the budgets of the world's endpoint stand, by what is counted.
fn standings(world: &World, now: DateTime<Utc>) -> Vec<(String, u64)> {
    let state = world.state();
    let budgets = world.endpoint.budgets();
    let used = budgets.iter().filter_map(|budget| {
        let Standing { used, .. } = state.standing(budget, now)?;
        Some((budget.counts.word(), used))
    });
    used.collect()
}

fn used(world: &World, now: DateTime<Utc>) -> u64 {
    standings(world, now)
        .into_iter()
        .find(|(counts, _)| counts == "file")
        .map_or(0, |(_, used)| used)
}

/// When the tests begin, and when the CDN's day turns.
fn evening() -> DateTime<Utc> {
    time("2026-11-18T15:59:59Z")
}

fn next_day() -> DateTime<Utc> {
    time("2026-11-18T16:00:00Z")
}

#[tokio::test(start_paused = true)]
async fn the_quota_is_full_until_the_window_turns_whatever_was_counted() {
    let world = World::new();
    world.cdn.behave(no_files);
    let directories = [directory(0), directory(1)];
    let mut all = operations(3, 3);
    all.push(purging(&azure(), "directories", directories, Some("r1")));
    world.run(all).await;
    let full = [("file".to_owned(), 2000), ("directory".to_owned(), 2)];
    assert_eq!(standings(&world, at(100)), full);
    assert_eq!(used(&world, evening()), 2000);
    assert_eq!(used(&world, next_day()), 0);
    // What was sent is counted as ever: nothing of it arrived.
    let booked = world.state().ledger;
    let booked: Vec<_> = booked
        .iter()
        .map(|(key, amount)| (&*key.counts, *amount))
        .collect();
    assert_eq!(booked, [("directory", 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_booked_back_meanwhile_leaves_it_full() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 8;
    world.transport = world.cdn.transport().with_latency(seconds(1));
    // The first is refused for the quota, those under way with it for something else.
    world.cdn.behave(|before, _| match before {
        0 => exhausted(),
        _ => Reaction::Answer(refusal(400, "ParameterMissing")),
    });
    world.run(operations(16, 2)).await;
    assert!(world.state().ledger.is_empty());
    assert_eq!(used(&world, at(100)), 2000);
}

#[tokio::test(start_paused = true)]
async fn endpoints_of_an_account_that_learn_it_at_once_fill_it_once() {
    let mut world = World::new();
    let mut sibling = world.endpoint.clone();
    sibling.name = "img".into();
    // The CDN refused what would have been within the larger limit.
    sibling.limits.files_per_day = 3000;
    world.others = vec![sibling];
    world.transport = world.cdn.transport().with_latency(seconds(1));
    world.cdn.behave(no_files);
    let mut all = operations(4, 2);
    for operation in operations(4, 2) {
        let mut operation = operation;
        operation.id = format!("img-{}", operation.id);
        operation.endpoint = "img".into();
        for serve in &mut operation.serves {
            serve.key.endpoint = "img".into();
        }
        all.push(operation);
    }
    world.run(all).await;
    assert_eq!(world.cdn.purges(), 4);
    assert_eq!(used(&world, at(100)), 3000);
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_raised_then_leaves_what_is_more_and_counts_what_is_sent_of_it() {
    let mut world = World::new();
    let mut refuses = true;
    world.cdn.behave(move |_, call| match call {
        Call::Purge(_) if std::mem::take(&mut refuses) => exhausted(),
        Call::Purge(_) | Call::Items(_) | Call::Overall(_) => Reaction::Normal,
    });
    world.run(operations(3, 3)).await;
    world.endpoint.limits.files_per_day = 5000;
    assert_eq!(used(&world, at(100)), 2000);
    let again = world.run(operations(3, 3)).await;
    assert_eq!(tally(&again), [(Outcome::Succeeded, 3)]);
    assert_eq!(used(&world, at(100)), 2003);
}

#[tokio::test(start_paused = true)]
async fn of_several_budgets_none_is_taken_for_full_as_nobody_can_tell_which_is() {
    for more in [daily(BOTH, 100), daily(Counts::Requests, 100)] {
        let world = world(vec![daily(FILES, 10), more, daily(DIRECTORIES, 10)]);
        world.cdn.behave(no_files);
        let execution = world.run(operations(3, 3)).await;
        assert_eq!(tally(&execution), [(Outcome::Deferred, 3)]);
        assert!(world.state().told.is_empty());
    }
    // One that counts requests is as sure as any, where it is the only one.
    let world = world(vec![daily(Counts::Requests, 100)]);
    world.cdn.behave(no_files);
    world.run(operations(3, 3)).await;
    assert_eq!(standings(&world, at(100)), [("request".to_owned(), 100)]);
}

#[tokio::test(start_paused = true)]
async fn a_mixed_request_fills_only_the_quota_that_its_parts_prove() {
    let world = World::new();
    world.cdn.behave(no_files);
    let keys = [key(0), key(1), directory(0)];
    world
        .run(vec![purging(&azure(), "mixed", keys, Some("r1"))])
        .await;
    let full = [("file".to_owned(), 2000), ("directory".to_owned(), 1)];
    assert_eq!(standings(&world, at(100)), full);
}

#[tokio::test(start_paused = true)]
async fn it_is_heard_of_a_resend_in_doubt_too_unless_that_is_mixed() {
    let doubt = || {
        |before, _: &Call| match before {
            0 => Reaction::DoneButLost(TransportErrorKind::Interrupted),
            _ => exhausted(),
        }
    };
    let plain = World::new();
    plain.cdn.behave(doubt());
    plain.run(operations(2, 2)).await;
    assert_eq!(used(&plain, at(100)), 2000);
    // The doubtful send stays booked besides.
    assert_eq!(plain.state().ledger.values().sum::<u64>(), 2);

    let mixed = World::new();
    mixed.cdn.behave(doubt());
    let keys = [key(0), directory(0)];
    mixed
        .run(vec![purging(&azure(), "mixed", keys, Some("r1"))])
        .await;
    assert!(mixed.state().told.is_empty());
    assert_eq!(mixed.state().ledger.values().sum::<u64>(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_apart_is_booked_for_what_went_through() {
    let world = world(vec![daily(Counts::Requests, 100), daily(FILES, 100)]);
    world.cdn.behave(refuse(&[1]));
    let execution = world.run(operations(4, 4)).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 3), (Outcome::Failed, 1)]
    );
    // One request of two files, and one of one.
    let booked = [("file".to_owned(), 3), ("request".to_owned(), 2)];
    let mut standings = standings(&world, at(100));
    standings.sort();
    assert_eq!(standings, booked);
}

/// A CDN of tags that counts requests of a day and says until when there are none.
async fn until(said: &str) -> World {
    let server = Server::new(seconds(5));
    let mut world = server.world();
    world.endpoint.provider = Arc::new(TagCdn::counting(daily(Counts::Requests, 50)));
    let body = json!({ "error": "used up", "until": said });
    server.behave(move |_, call| match call {
        tag_cdn::Call::Purge(..) => Reaction::Answer(answer(402, &body)),
        tag_cdn::Call::Ask(_) | tag_cdn::Call::Token => Reaction::Normal,
    });
    world.run(taggings(1)).await;
    world
}

#[tokio::test(start_paused = true)]
async fn it_holds_as_long_as_the_cdn_says_whatever_our_window() {
    let used = |world: &World, now| standings(world, now)[0].1;
    // Its day turns sooner than ours.
    let sooner = until("2026-11-18T12:00:00Z").await;
    assert_eq!(used(&sooner, time("2026-11-18T11:59:59Z")), 50);
    assert_eq!(used(&sooner, time("2026-11-18T12:00:00Z")), 0);
    // Later, and after our window turned.
    let later = until("2026-11-20T00:00:00Z").await;
    assert_eq!(used(&later, next_day()), 50);
    assert_eq!(used(&later, time("2026-11-19T23:59:59Z")), 50);
    assert_eq!(used(&later, time("2026-11-20T00:00:00Z")), 0);
    let standing = later
        .state()
        .standing(&daily(Counts::Requests, 50), next_day());
    assert_eq!(standing.unwrap().until, time("2026-11-20T00:00:00Z"));
    // What is over says nothing, and nothing holds for ever.
    let over = until("2026-11-17T00:00:00Z").await;
    assert_eq!((used(&over, evening()), used(&over, next_day())), (50, 0));
    let never = until("2999-01-01T00:00:00Z").await;
    assert_eq!(used(&never, time("2027-01-01T00:00:00Z")), 0);
}

#[tokio::test(start_paused = true)]
async fn where_no_budget_is_declared_there_is_nothing_to_fill() {
    let server = Server::new(seconds(5));
    let world = server.world();
    server.behave(|_, call| match call {
        tag_cdn::Call::Purge(..) => Reaction::Answer(answer(402, &json!({ "error": "used up" }))),
        tag_cdn::Call::Ask(_) | tag_cdn::Call::Token => Reaction::Normal,
    });
    let execution = world.run(taggings(1)).await;
    assert_eq!(tally(&execution), [(Outcome::Deferred, 1)]);
    assert!(world.state().told.is_empty());
}
