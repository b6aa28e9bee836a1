//! Runs that end before the CDN does: the next one asks, and purges nothing again.

use purgit::status::RunResult;

use crate::common::World;

#[test]
fn a_task_that_outlasts_the_wait_is_resumed_and_not_submitted_again() {
    let world = World::slow();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world
        .run("apply --timeout 1s --detailed-exitcode")
        .code(8)
        .stdout_has("2 InProgress")
        .stderr_has("hint: tasks are still running; the next `purgit apply` resumes them");
    let state = world.state();
    assert_eq!(state.pending_operations.len(), 1);
    let operation = &state.pending_operations.first().unwrap();
    assert_eq!(
        operation.task.as_ref().unwrap().id,
        world.cdn.purge_log()[0].id
    );
    assert!(operation.correlation_id.is_some());
    assert!(state.entries.is_empty(), "nothing is confirmed");
    let status = world.status();
    assert_eq!(status.last_run.unwrap().result, RunResult::InProgress);
    let kinds: Vec<_> = status
        .conditions
        .iter()
        .map(|one| one.kind.as_str())
        .collect();
    assert_eq!(kinds, ["Ready", "Reconciling"]);

    world
        .run("plan --detailed-exitcode")
        .code(0)
        .stdout_has("Under way: 2 entries, nothing new to purge");
    world
        .run("apply --timeout 100ms")
        .code(8)
        .stderr_has("[www] resuming task ");
    world.finish("");
    world
        .run("apply --detailed-exitcode")
        .code(2)
        .stdout_has("2 Succeeded in 0 requests");
    assert_eq!(world.posts(), 1);
    assert!(world.state().pending_operations.is_empty());
    world
        .run("plan --detailed-exitcode")
        .code(0)
        .stdout_lacks("under way");
}

#[test]
fn no_wait_leaves_the_asking_to_the_next_run() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("apply --no-wait")
        .code(8)
        .stdout_has("1 Submitted");
    assert_eq!((world.posts(), world.queries()), (1, 0));
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!((world.posts(), world.queries()), (1, 1));
}

#[test]
fn a_stuck_task_is_asked_about_for_ever_and_never_sent_again() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("stuck");
    for _ in 0..3 {
        world.run("apply --no-wait").code(8);
    }
    assert_eq!(world.posts(), 1);
    // Until somebody wants it anew.
    world.purge("spring", &["/a.png"], &[], "2");
    world.cdn.clear_faults();
    world.run("apply").code(0);
    assert_eq!(world.posts(), 2);
    assert!(world.state().pending_operations.is_empty());
}

#[test]
fn what_is_done_of_a_task_is_confirmed_while_the_rest_runs() {
    let world = World::slow();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.finish("a.png");
    world
        .run("apply --no-wait")
        .code(8)
        .stdout_has("1 InProgress, 1 Succeeded");
    assert_eq!(world.state().entries.len(), 1);
    world.finish("b.png");
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_declaration_dropped_meanwhile_leaves_nothing_behind() {
    let world = World::slow();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.purge("spring", &["/a.png"], &[], "1");
    world.finish("");
    world.run("apply").code(0);
    world.run("apply").code(0);
    assert_eq!(world.state().entries.len(), 1);
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_new_change_and_an_old_task_go_together() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world
        .run("plan")
        .stdout_has("Plan: 1 entry to purge")
        .stdout_has("1 entry under way");
    world
        .run("apply --timeout 1s")
        .code(8)
        .stdout_has("2 InProgress in 1 request");
    world.finish("");
    world
        .run("apply")
        .code(0)
        .stdout_has("2 Succeeded in 0 requests");
    assert_eq!(world.purged().len(), 2);
}

#[test]
fn a_revision_changed_meanwhile_is_purged_and_the_old_task_does_not_count() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.purge("spring", &["/a.png"], &[], "2");
    world.run("plan --detailed-exitcode").code(2);
    world.finish("");
    world.run("apply --no-wait").code(8);
    let state = world.state();
    assert!(
        state
            .entries
            .values()
            .all(|entry| entry.generation.is_none()),
        "what the first task did confirms nothing"
    );
    world.finish("");
    world.run("apply").code(0);
    assert_eq!(world.posts(), 2);
    world.run("plan --detailed-exitcode").code(0);
}
