//! Nothing waits for a wait: the state is held while a run plans, submits and records, and not while
//! it waits for the CDN.

use std::time::Duration;

use purgit::state::{Holder, StateStore as _};

use crate::common::World;

#[test]
fn a_purge_goes_through_beside_an_apply_that_waits_for_the_cdn() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    let apply = world.start("apply --auto-approve");
    world.wait_for_query();
    world
        .run("purge https://www.example.com/b.png --no-wait")
        .code(8)
        .stdout_has("1 Submitted");
    assert_eq!(world.posts(), 2);
    world.finish("");
    apply.finish().code(0).stdout_has("1 Succeeded");
    // Neither run lost what the other recorded.
    assert_eq!(world.state().entries.len(), 1);
    assert_eq!(world.state().pending_operations.len(), 1);
    world.run("apply").code(0);
    assert!(world.state().pending_operations.is_empty());
    assert!(world.state().due.is_empty());
    assert_eq!(world.posts(), 2);
}

#[test]
fn two_runs_may_follow_one_task() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    let first = world.start("apply --auto-approve");
    world.wait_for_query();
    let second = world.start("apply --auto-approve");
    second.wait_for_stderr("resuming task");
    world.finish("");
    first.finish().code(0);
    second.finish().code(0);
    assert_eq!(world.posts(), 1);
    assert_eq!(world.state().entries.len(), 1);
}

#[test]
fn another_writer_is_waited_for_as_long_as_asked() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let holder = Holder {
        command: "apply".to_owned(),
        pid: 7,
        host: "elsewhere".to_owned(),
        since: chrono::DateTime::UNIX_EPOCH,
    };
    let lease = world
        .store()
        .lease(&holder, Duration::from_secs(60))
        .unwrap();
    for line in [
        "apply --lock-timeout 0s",
        "purge https://www.example.com/b --lock-timeout 10ms",
    ] {
        world.run(line).code(6).stderr_has("process 7 on elsewhere");
    }
    let apply = world.start("apply --lock-timeout 60s");
    drop(lease);
    apply.finish().code(0);
}

#[test]
fn a_purge_lists_no_site() {
    let world = World::new();
    world.write(
        "purges/site.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\nspec:\n  endpoint: www\n  \
         baseUrl: https://www.example.com/docs/\n  content: { root: not-there }\n",
    );
    world.run("purge https://www.example.com/b.png").code(0);
    assert_eq!(world.posts(), 1);
}
