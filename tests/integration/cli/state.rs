//! The state on disk: locked, damaged, foreign, newer.

use purgit::state::recorder::LEASE;
use purgit::state::{Holder, StateStore as _};

use crate::common::World;

#[test]
fn a_lock_that_is_held_is_named_and_keeps_others_off() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let holder = Holder {
        command: "apply".to_owned(),
        pid: 4711,
        host: "build-1".to_owned(),
        since: "2026-11-20T01:02:03Z".parse().unwrap(),
    };
    let guard = world.store().lease(&holder, LEASE).unwrap();
    for line in [
        "apply --lock-timeout 0s",
        "purge https://www.example.com/a.png --lock-timeout 0s",
        "status --refresh --lock-timeout 0s",
    ] {
        world
            .run(line)
            .code(6)
            .stderr_has("the state is locked by `purgit apply`, process 4711 on build-1, since 2026-11-20 01:02:03Z")
            .stderr_has("hint: ");
    }
    assert_eq!(world.posts(), 0);
    // Reading needs no lock.
    world.run("plan").code(0);
    world.run("status").code(0);
    drop(guard);
    world.run("apply").code(0);
}

#[test]
fn what_is_no_state_is_reported_and_left_as_it_is() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let good = world.read(".purgit/state.json");
    world.purge("spring", &["/a.png"], &[], "2");
    let newer = good.replace("\"version\": 2", "\"version\": 99");
    for (state, message) in [
        (&good[..good.len() / 2], "is not a purgit state"),
        ("", "is not a purgit state"),
        ("{\"name\": \"left-pad\"}", "is not a purgit state"),
        ("<<<<<<< HEAD\n", "git conflict marker"),
        (
            &newer,
            "has state version 99, and this purgit reads up to 2",
        ),
    ] {
        world.write(".purgit/state.json", state);
        for line in [
            "plan",
            "apply",
            "status",
            "status --refresh",
            "purge https://www.example.com/a.png",
        ] {
            world
                .run(line)
                .code(1)
                .stdout_is_empty()
                .stderr_has(message)
                .stderr_has("error: .purgit/state.json ")
                .stderr_has("hint: ");
            assert_eq!(world.read(".purgit/state.json"), state, "{line}");
        }
    }
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_foreign_status_file_is_not_overwritten() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.write("purgit.status.yaml", "mine: true\n");
    world
        .run("apply")
        .code(1)
        .stderr_has(
            "error: purgit.status.yaml is not a status that purgit wrote, and is not overwritten",
        )
        .stderr_has("hint: ");
    assert_eq!(world.read("purgit.status.yaml"), "mine: true\n");
    assert_eq!(world.posts(), 0);
}

#[test]
fn unknown_fields_of_a_state_are_kept() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    world.edit(
        ".purgit/state.json",
        "\"version\": 2,",
        "\"version\": 2,\n\"invented\": [1],",
    );
    world.purge("spring", &["/a.png"], &[], "2");
    world.run("apply").code(0);
    assert!(
        world
            .read(".purgit/state.json")
            .contains("\"invented\": [1]")
    );
}

#[test]
fn a_lost_state_only_costs_a_purge() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    std::fs::remove_dir_all(world.root().join(".purgit")).unwrap();
    world.run("plan").stdout_has("added");
    world.run("apply").code(0);
    assert_eq!(world.posts(), 2);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_nothing_is_sent() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    // A file where the folder would be: even root cannot write below it.
    world.write(".purgit", "");
    world
        .run("apply")
        .code(1)
        .stderr_has("cannot ")
        .stderr_has("state.json");
    assert_eq!(world.posts(), 0);
}

#[test]
fn one_line_an_entry_and_git_is_told_what_to_leave_alone() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply").code(0);
    let text = world.read(".purgit/state.json");
    let lines = text
        .lines()
        .filter(|line| line.starts_with("  {\"address\""));
    assert_eq!(lines.count(), 2, "{text}");
    assert_eq!(
        world.read(".purgit/.gitignore"),
        "*.journal\n*.lock\n*.purgit-tmp\n"
    );
    // The number of the last lease, and nobody who holds it.
    let lock: serde_json::Value =
        serde_json::from_str(&world.read(".purgit/state.json.lock")).unwrap();
    assert!(lock["epoch"].as_u64() > Some(0), "{lock}");
    assert_eq!(lock.as_object().unwrap().len(), 1, "{lock}");
}
