//! A newer generation while an older task is pending.

use purgit::desired::Desired;
use purgit::diff::{Reason, diff};
use purgit::entry::{Entry, Generation};
use purgit::state::Outcome;
use purgit::transport::TransportErrorKind;

use super::cdn::Reaction;
use super::{World, key, operation, tally};

/// What the next plan does about the file 0 when that generation is wanted.
fn next(world: &World, generation: &str) -> Option<Reason> {
    let desired = Desired {
        entries: vec![Entry {
            key: key(0),
            generation: Generation::recorded(generation),
        }],
        ..Desired::default()
    };
    let difference = diff(&desired, &world.state());
    difference.changes.first().map(|change| change.reason)
}

/// A world in which `r1` of the files 0 and 1 is confirmed and `r2` of them is under way.
async fn under_way() -> World {
    let mut world = World::new();
    world
        .run(vec![operation("operation-1", &[0, 1], "r1")])
        .await;
    world.waiting.wait = false;
    world
        .run(vec![operation("operation-2", &[0, 1], "r2")])
        .await;
    world.waiting.wait = true;
    world
}

#[tokio::test(start_paused = true)]
async fn the_newer_one_takes_over_and_the_rest_of_the_older_task_goes_on() {
    let world = under_way().await;
    let mut older = Vec::from_iter(world.state().pending_operations.first().cloned());
    older[0].entries.remove(0);
    let operations = vec![operation("operation-3", &[0], "r3")];
    let run = world.try_run(&world.transport, operations, older);
    let execution = run.await.unwrap();
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 2)]);
    let state = world.state();
    assert!(state.pending_operations.is_empty());
    let generation = |number| state.entries[&key(number)].generation.clone().unwrap();
    assert_eq!(generation(0).as_str(), "r3");
    assert_eq!(generation(1).as_str(), "r2");
}

#[tokio::test(start_paused = true)]
async fn going_back_while_another_generation_is_under_way_is_never_forgotten() {
    for kind in [
        None,
        Some(TransportErrorKind::Connect),
        Some(TransportErrorKind::Timeout),
    ] {
        let world = under_way().await;
        // The edge may fetch r2 any moment, although r1 is what was confirmed.
        assert_eq!(next(&world, "r1"), Some(Reason::PreviousUnknown));
        let cancel = world.waiting.cancel.clone();
        world.cdn.behave(move |_, _| {
            cancel.cancel();
            kind.map_or(Reaction::Normal, Reaction::Lost)
        });
        let execution = world.run(vec![operation("operation-3", &[0], "r1")]).await;
        assert!(execution.interrupted);
        match kind {
            // Under way itself now.
            None => assert_eq!(next(&world, "r1"), None),
            Some(_) => assert!(next(&world, "r1").is_some(), "{kind:?} {execution:?}"),
        }
        world.cdn.behave(|_, _| Reaction::Normal);
        assert!(next(&world, "r3").is_some());
    }
}
