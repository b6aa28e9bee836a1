//! `purgit state list`, `show`, `rm` and `unlock`.

use purgit::state::recorder::LEASE;
use purgit::state::{Holder, StateStore as _};

use crate::common::World;
use crate::schema::assert_valid;

fn purged() -> World {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &["/c/"], "1");
    world.purge("autumn", &["/a.png"], &[], "2");
    world.run("apply").code(0);
    world
}

#[test]
fn entries_are_listed_and_shown_with_all_that_is_recorded() {
    let world = purged();
    insta::assert_snapshot!(world.run("state list").scrubbed(), @r"
    exit: 0
    --- stdout
    Succeeded  purge/autumn/file/https://www.example.com/a.png  2
    Succeeded  purge/spring/file/https://www.example.com/a.png  1
    Succeeded  purge/spring/file/https://www.example.com/b.png  1
    Succeeded  purge/spring/directory/https://www.example.com/c/  1
    --- stderr
    ");
    let autumn = world
        .run("state list purge/autumn --format json")
        .code(0)
        .stdout_has("\"generation\": \"2\"")
        .stdout_lacks("spring");
    assert_valid("state", &autumn.json(), "lineage");
    world
        .run("state list purge/summer")
        .code(1)
        .stderr_has("hint: `purgit state list`");
    world.fault("fail-url=**/a.png");
    world.purge("autumn", &["/a.png"], &[], "3");
    world.run("apply");
    let shown = world.run("state show purge/autumn/file/https://www.example.com/a.png");
    let scrubbed = shown.scrubbed();
    for line in [
        "purge/autumn/file/https://www.example.com/a.png on www\n",
        "  file         https://www.example.com/a.png\n",
        "  outcome      Failed\n",
        "  confirmed    generation 2, [TIME]\n",
        "  last attempt Failed generation 3, [TIME]",
    ] {
        assert!(scrubbed.contains(line), "no `{line}` in {scrubbed}");
    }
    world
        .run("state show purge/autumn")
        .code(1)
        .stderr_has("no entry has an address like");
}

#[test]
fn what_is_under_way_is_shown_with_its_task() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world
        .run("state list")
        .stdout_has("Submitted  purge/spring/file/https://www.example.com/a.png\n");
    let shown = world
        .run("state show purge/spring/file/https://www.example.com/a.png --format json")
        .json();
    assert_valid("state", &shown, "entries");
    let entry = &shown["entries"][0];
    assert_eq!(entry["outcome"], "Submitted");
    assert!(entry["operation"]["task_id"].is_string(), "{shown}");
    world
        .run("state rm purge/spring --yes")
        .code(0)
        .stderr_has("1 entry under way at the CDN");
}

#[test]
fn what_is_forgotten_is_purged_again() {
    let world = purged();
    let posts = world.posts();
    world
        .run("state rm purge/spring/file/* purge/autumn")
        .code(1)
        .stderr_has("hint: add `--auto-approve`");
    world.run("plan").stdout_has("No changes");
    world
        .run("state rm purge/spring/file/* purge/autumn --auto-approve")
        .code(0)
        .stdout_has("Forgot 3 entries\n");
    world
        .run("state list")
        .stdout_has("/c/")
        .stdout_lacks(".png");
    assert_eq!(world.posts(), posts);
    world.run("apply").code(0);
    assert!(world.posts() > posts);
    world
        .run("state rm purge/summer --yes")
        .code(1)
        .stderr_has("no entry has an address like `purge/summer`");
    world.run("state rm").code(64);
}

#[test]
fn forgetting_asks_on_a_terminal() {
    let world = purged();
    let Some(mut process) = world.start_on_terminal("state rm purge/spring") else {
        return;
    };
    process.wait_for_stdout("Only `yes` is accepted");
    process.type_in("no\n");
    process
        .finish()
        .code(1)
        .stdout_has("not approved; nothing was changed");
    world.run("plan").stdout_has("No changes");
}

#[test]
fn a_lock_is_taken_away_by_its_id_only() {
    let world = purged();
    world
        .run("state unlock 1 --yes")
        .code(0)
        .stdout_has("The state is not locked; nothing to do\n");
    let holder = Holder {
        command: "apply".to_owned(),
        pid: 4711,
        host: "build-1".to_owned(),
        since: "2026-11-20T01:02:03Z".parse().unwrap(),
    };
    let lease = world.store().lease(&holder, LEASE).unwrap();
    let id = lease.epoch();
    let before = world.read(".purgit/state.json");
    for line in [
        "state rm purge/spring --yes --lock-timeout 0s",
        "state baseline",
    ] {
        world
            .run(line)
            .code(6)
            .stderr_has(&format!(", lock {id}\n"));
    }
    assert_eq!(world.read(".purgit/state.json"), before);
    world
        .run(&format!("state unlock {} --yes", id + 1))
        .code(1)
        .stderr_has("`purgit apply`, process 4711 on build-1")
        .stderr_has(&format!("hint: `purgit state unlock {id}` removes it"));
    world
        .run(&format!("state unlock {id} --yes"))
        .code(6)
        .stderr_has("the process that holds the lock is still running")
        .stderr_has("`--force`");
    assert!(!lease.lost());
    world
        .run(&format!("state unlock {id} --force"))
        .code(1)
        .stderr_has("add `--auto-approve`");
    world
        .run(&format!("state unlock {id} --force --yes"))
        .code(0)
        .stdout_has("Unlocked; it was held by `purgit apply`");
    assert!(lease.lost());
    world.run("state rm purge/spring --yes").code(0);
    world.run("state unlock spring").code(64);
}
