//! A step that is refused for some of its URLs: the guilty ones are singled out, the others go
//! through.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use purgit::entry::{EntryKey, Target, TargetKind};
use purgit::state::Outcome;
use purgit::transport::{Method, Request, Sending, Transport, TransportErrorKind};
use tokio::time::Instant;

use super::cdn::{Call, Reaction, refusal};
use super::{World, entry, key, operations, seconds, tally, url};

/// Refuses every request with one of these files in it.
pub(super) fn refuse(guilty: &[usize]) -> impl FnMut(usize, &Call) -> Reaction + Send + 'static {
    let guilty: Vec<_> = guilty.iter().map(|number| url(*number)).collect();
    move |_, call| {
        if guilty.iter().any(|url| call.has(url)) {
            return Reaction::Answer(refusal(400, "ParameterInvalid"));
        }
        Reaction::Normal
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_guilty_fail() {
    for guilty in [&[0][..], &[99], &[17, 42], &[3, 4, 50, 98]] {
        let world = World::new();
        world.cdn.behave(refuse(guilty));
        let execution = world.run(operations(100, 100)).await;
        let failed: Vec<_> = (0..100)
            .filter(|number| entry(&execution, *number).outcome == Outcome::Failed)
            .collect();
        assert_eq!(failed, guilty);
        let succeeded = (Outcome::Succeeded, 100 - guilty.len());
        assert_eq!(
            tally(&execution),
            [succeeded, (Outcome::Failed, guilty.len())]
        );
        for number in 0..100 {
            assert_eq!(
                world.observed(number),
                Some(entry(&execution, number).outcome)
            );
            let accepted = usize::from(!guilty.contains(&number));
            assert_eq!(world.cdn.times(&url(number)), accepted);
        }
        // Two requests for each halving, seven halvings to single out one of a hundred.
        assert!(
            execution.requests <= 1 + guilty.len() * 14,
            "{}",
            execution.requests
        );
        assert!(world.state().pending_operations.is_empty());
        assert!(execution.failures.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn files_and_directories_of_one_step_are_told_apart() {
    let directory = EntryKey {
        target: Target::parse(TargetKind::Directory, "https://www.example.com/d/").unwrap(),
        ..key(0)
    };
    let keys = [key(0), key(1), directory];
    let mixed = super::purging(&super::azure(), "operation-0", keys, Some("r1"));
    let world = World::new();
    world.cdn.behave(|_, call| match call {
        Call::Purge(items) if items.iter().any(|(_, url)| url.ends_with("/d/")) => {
            Reaction::Answer(refusal(400, "MaliciousItemPathDetected"))
        }
        Call::Purge(_) | Call::Items(_) | Call::Overall(_) => Reaction::Normal,
    });
    let execution = world.run(vec![mixed]).await;
    assert_eq!(
        tally(&execution),
        [(Outcome::Succeeded, 2), (Outcome::Failed, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_bounded_when_everything_is_refused() {
    let mut world = World::new();
    world.endpoint.limits.concurrent_requests = 1;
    world.cdn.behave(refuse(&(0..150).collect::<Vec<_>>()));
    let execution = world.run(operations(150, 75)).await;
    assert_eq!(tally(&execution), [(Outcome::Failed, 150)]);
    assert!(execution.requests <= 2 + 2 * 100, "{}", execution.requests);
    assert!(world.state().pending_operations.is_empty());
}

/// Notes the intents that are written when a purge goes out.
#[derive(Debug)]
struct Inspecting<'a> {
    world: &'a World,
    purges: AtomicUsize,
}

impl Transport for Inspecting<'_> {
    fn send(&self, request: Request, deadline: Option<Instant>) -> Sending<'_> {
        if request.method == Method::Post {
            self.purges.fetch_add(1, Ordering::SeqCst);
            let body = String::from_utf8(request.body.clone()).unwrap();
            let state = self.world.state();
            let exact = state.pending_operations.iter().filter(|operation| {
                let urls: BTreeSet<_> = operation
                    .entries
                    .iter()
                    .map(|(key, _)| &key.target)
                    .collect();
                operation.task.is_none()
                    && urls.len() == body.matches("https://").count()
                    && urls.iter().all(|url| body.contains(url.as_str()))
            });
            assert_eq!(exact.count(), 1, "{body}");
            let mut ids: Vec<_> = state.pending_operations.iter().map(|op| &op.id).collect();
            ids.sort();
            assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{ids:?}");
        }
        self.world.transport.send(request, deadline)
    }
}

#[tokio::test(start_paused = true)]
async fn every_part_has_a_durable_intent_of_its_own() {
    for concurrent in [1, 4] {
        let mut world = World::new();
        world.endpoint.limits.concurrent_requests = concurrent;
        world.cdn.behave(refuse(&[5, 40]));
        let inspecting = Inspecting {
            world: &world,
            purges: AtomicUsize::new(0),
        };
        let run = world.try_run(&inspecting, operations(64, 64), Vec::new());
        let execution = run.await.unwrap();
        assert_eq!(
            tally(&execution),
            [(Outcome::Succeeded, 62), (Outcome::Failed, 2)]
        );
        assert_eq!(inspecting.purges.into_inner(), execution.requests);
    }
}

#[tokio::test(start_paused = true)]
async fn parts_that_are_not_sent_any_more_are_skipped_and_leave_nothing_behind() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(1));
    let cancel = world.waiting.cancel.clone();
    world.cdn.behave(move |_, _| {
        cancel.cancel();
        Reaction::Answer(refusal(400, "ParameterInvalid"))
    });
    let execution = world.run(operations(10, 10)).await;
    assert_eq!(tally(&execution), [(Outcome::Skipped, 10)]);
    assert!(execution.interrupted);
    assert!(world.state().pending_operations.is_empty());
    assert_eq!(execution.requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_step_that_may_have_arrived_is_not_taken_apart() {
    let world = World::new();
    world.cdn.behave(|before, _| match before {
        0 => Reaction::DoneButLost(TransportErrorKind::Timeout),
        _ => Reaction::Answer(refusal(400, "ParameterInvalid")),
    });
    let execution = world.run(operations(10, 10)).await;
    assert_eq!(tally(&execution), [(Outcome::Unknown, 10)]);
    assert_eq!(execution.requests, 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_step_as_such_are_not_taken_apart() {
    for kind in ["ParameterMissing", "BrandNew"] {
        let world = World::new();
        world
            .cdn
            .behave(move |_, _| Reaction::Answer(refusal(400, kind)));
        let execution = world.run(operations(10, 10)).await;
        assert_eq!(tally(&execution), [(Outcome::Failed, 10)]);
        assert_eq!(execution.requests, 1);
    }
}
