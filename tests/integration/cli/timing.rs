//! `--timeout` bounds the whole of submitting and waiting.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::common::World;

/// The time that a run of `--timeout 1s` takes on a busy machine; without the bound, these take a
/// minute.
const AT_MOST: Duration = Duration::from_secs(15);

fn world(urls: usize) -> World {
    let world = World::builder()
        .limits("itemsPerRequest: 1, concurrentRequests: 2")
        .build();
    let urls: Vec<_> = (0..urls).map(|number| format!("/{number}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    world.purge("spring", &urls, &[], "1");
    world
}

/// How often each URL was accepted.
fn times(world: &World) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for url in world.purged() {
        *times.entry(url).or_default() += 1;
    }
    times
}

#[test]
fn slow_answers_do_not_make_a_run_longer_and_what_was_not_sent_stays_planned() {
    let world = world(100);
    world.fault("slow=600ms@purge");
    let started = Instant::now();
    world
        .run("apply --timeout 1s")
        .code(8)
        .stdout_has("not attempted: the time of `--timeout` is up");
    assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
    assert!(world.posts() <= 6, "{} requests", world.posts());
    world.cdn.clear_faults();
    world.run("apply").code(0);
    let times = times(&world);
    assert_eq!(times.len(), 100);
    assert!(times.values().all(|times| *times <= 2), "{times:?}");
}

#[test]
fn an_answer_that_drips_is_cut_off() {
    let world = world(3);
    world.fault("drip@purge");
    let started = Instant::now();
    world
        .run("apply --timeout 1s")
        .code(8)
        .stdout_has("no answer before the time of `--timeout` was up");
    assert!(started.elapsed() < AT_MOST, "{:?}", started.elapsed());
    world.cdn.clear_faults();
    world.run("apply").code(0);
    assert!(times(&world).values().all(|times| *times <= 2));
}

#[test]
fn a_bare_404_ends_no_task() {
    let world = world(1);
    world.run("apply --no-wait").code(8);
    world.fault("html=404@query*always");
    world.fault("html=404@operation*always");
    world
        .run("apply --timeout 1s")
        .code(8)
        .stdout_has("HTTP 404");
    assert_eq!(world.state().pending_operations.len(), 1);
    world.cdn.clear_faults();
    world
        .run("apply")
        .code(0)
        .stdout_has("1 Succeeded in 0 requests");
    assert_eq!(world.posts(), 1);
}
