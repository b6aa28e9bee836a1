//! Signals and crashes: state saved, lock free, the next run converges.

use std::time::{Duration, Instant};

use purgit::status::RunResult;

use crate::common::World;

#[test]
fn ctrl_c_and_termination_save_the_state_and_say_so() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let world = World::slow();
        world.purge("spring", &["/a.png"], &[], "1");
        let process = world.start("apply");
        world.wait_for_query();
        process.signal(signal);
        process
            .finish()
            .code(code)
            .stdout_has("Applied: 1 ")
            .stderr_has("stopping after the request in flight; a second signal stops at once")
            .stderr_has("hint: interrupted; the next `purgit apply` goes on from here");
        assert_eq!(world.state().pending_operations.len(), 1);
        let run = world.status().last_run.unwrap();
        assert_eq!(run.result, RunResult::Interrupted);
        assert_eq!(i32::from(run.exit_code), code);
        world.finish("");
        world.run("apply").code(0).stdout_has("1 Succeeded");
        assert_eq!(world.posts(), 1);
    }
}

#[test]
fn a_second_signal_stops_at_once() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("slow=50s@purge*1");
    let process = world.start("apply");
    world.wait_for_acceptance(1);
    process.signal("INT");
    process.wait_for_stderr("a second signal stops at once");
    process.signal("INT");
    process.finish().code(130);
    // The request was in flight: its intent is on record, its task is not.
    let state = world.state();
    assert_eq!(state.pending_operations.len(), 1);
    assert!(state.pending_operations.first().unwrap().task.is_none());
    world.run("plan").stdout_has("previous_unknown");
    world.run("apply").code(0);
    assert_eq!(world.purged().len(), 2);
}

/// A program that would take longer than any test, and something it started that holds on to
/// purgit's own stderr: that is read to its end below.
#[test]
fn a_signal_ends_a_credentials_program_at_once() {
    for (signal, code, command) in [
        ("TERM", 143, "apply"),
        ("INT", 130, "apply"),
        ("TERM", 143, "watch"),
    ] {
        let world = World::new();
        let script = "/bin/sleep 300 & echo asking >&2; wait";
        let program = format!("{{ command: [/bin/sh, -c, \"{script}\"] }}");
        world.edit("purgit.yaml", "{ env: AZURE_CDN_KEY_VALUE }", &program);
        world.purge("spring", &["/a.png"], &[], "1");
        let process = world.start(command);
        process.wait_for_stderr("asking");
        let started = Instant::now();
        process.signal(signal);
        process.finish().code(code);
        assert!(started.elapsed() < Duration::from_secs(25));
        assert_eq!(world.cdn.requests().len(), 0);
        if command == "apply" {
            let run = world.status().last_run.unwrap();
            assert_eq!(run.result, RunResult::Interrupted);
            let plan = world.run("plan --format json").json();
            assert_eq!(plan["summary"]["purge"], 1);
        }
    }
}

#[test]
fn what_was_not_sent_yet_is_not_sent_after_a_signal() {
    // One request at once, the next in a minute and a half.
    let limits = "itemsPerRequest: 1, concurrentRequests: 4, requestsPerSecond: 0.01";
    let world = World::builder().limits(limits).build();
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &[], "1");
    let process = world.start("apply");
    world.wait_for_acceptance(1);
    process.signal("INT");
    let output = process.finish().code(130);
    assert_eq!(world.posts(), 1, "{output:?}");
    let plan = world.run("plan --format json").json();
    assert_eq!(plan["summary"]["purge"], 2, "{plan:#}");
    assert_eq!(plan["summary"]["in_progress"], 1, "{plan:#}");
}

#[test]
fn a_kill_while_waiting_loses_nothing() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    let process = world.start("apply");
    world.wait_for_query();
    process.signal("KILL");
    assert_eq!(process.finish().code, None);
    assert!(
        world
            .state()
            .pending_operations
            .first()
            .unwrap()
            .task
            .is_some()
    );
    world.finish("");
    world
        .run("apply")
        .code(0)
        .stderr_has("resuming task")
        .stdout_has("1 Succeeded in 0 requests");
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_kill_while_submitting_purges_at_most_once_more() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.fault("slow=50s@purge*1");
    let process = world.start("apply");
    world.wait_for_acceptance(1);
    process.signal("KILL");
    assert_eq!(process.finish().code, None);
    let state = world.state();
    assert_eq!(
        state.pending_operations.len(),
        1,
        "the intent was durable before its request"
    );
    assert!(state.pending_operations.first().unwrap().task.is_none());
    world
        .run("plan")
        .stdout_has("Warning: a purge of 2 entries on www was begun at ")
        .stdout_has("previous_unknown");
    world
        .run("apply")
        .code(0)
        .stdout_has("2 Succeeded in 1 request");
    assert_eq!(world.purged().len(), 4);
    world.run("plan --detailed-exitcode").code(0);
}
