//! Safety checks: a dangerous plan refuses itself, is shown all the same, and can be forced.

use purgit::status::RunResult;

use crate::common::World;

/// Eleven confirmed entries, of which eight are declared anew.
fn eight_of_eleven() -> World {
    let world = World::new();
    let files: Vec<String> = (0..11).map(|number| format!("/{number}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.purge("changing", &files[..8], &[], "1");
    world.purge("staying", &files[8..], &[], "1");
    world.run("apply").code(0);
    world.purge("changing", &files[..8], &[], "2");
    world
}

const ARITHMETIC: &str =
    "[www] 72.7% of entries change, limit 30% (8/11); --force=max-change-percent:www";

#[test]
fn a_refusal_shows_the_plan_with_its_arithmetic_and_purges_nothing() {
    let world = eight_of_eleven();
    let before = world.state();
    world
        .run("apply")
        .code(4)
        .stdout_has("Plan: 8 entries to purge")
        .stdout_has("; refused, see the checks\n")
        .stdout_has("Checks: 3 passed, 1 failed\n")
        .stdout_has(&format!("  failed max-change-percent {ARITHMETIC}\n"))
        .stdout_has(
            "To purge all the same, add `--force=max-change-percent:www` to `purgit apply`\n",
        )
        .stderr_has("error: the plan is refused by a safety check; nothing was purged\n")
        .stderr_has(&format!("  max-change-percent {ARITHMETIC}\n"));
    assert_eq!(world.posts(), 1);
    assert_eq!(world.state(), before, "the state is as it was");
    let status = world.status();
    let run = status.last_run.unwrap();
    assert_eq!((run.result, run.exit_code), (RunResult::Refused, 4));
    assert_eq!(run.refused, [ARITHMETIC]);
    let changing = &status.manifests[0];
    assert_eq!(changing.conditions[0].reason, "Refused");
    assert_eq!(changing.conditions[0].message, ARITHMETIC);
    assert_eq!(status.manifests[1].conditions[0].status.as_str(), "True");

    world
        .run("plan")
        .code(4)
        .stdout_has(ARITHMETIC)
        .stderr_has(&format!("  max-change-percent {ARITHMETIC}\n"));
    world.run("plan --detailed-exitcode").code(4);
    let plan = world.run("plan --format json").code(4).json();
    assert_eq!(plan["applyable"], false);
    assert_eq!(plan["checks"][0]["status"], "failed");
    assert_eq!(plan["checks"][0]["detail"], ARITHMETIC);
    let applied = world.run("apply --format json").code(4).json();
    assert_eq!(applied["plan_id"], plan["plan_id"]);
    assert_eq!(applied["result"]["exit_code"], 4);
}

#[test]
fn force_is_for_one_check_and_maybe_one_endpoint() {
    for force in ["max-change-percent", "max-change-percent:www"] {
        eight_of_eleven()
            .run(&format!("apply --force={force}"))
            .code(0)
            .stdout_has("  forced max-change-percent [www] 72.7% of entries change, limit 30% (8/11); forced");
    }
    let world = eight_of_eleven();
    for force in ["max-urls", "max-change-percent:other"] {
        world.run(&format!("apply --force={force}")).code(4);
    }
    assert_eq!(world.posts(), 1);
}

#[test]
fn forcing_a_check_that_passes_is_harmless() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("apply --force=max-urls --force=quota:www --force=max-directories --force=max-change-percent")
        .code(0)
        .stdout_lacks("forced");
}

#[test]
fn a_narrower_selection_is_a_way_out() {
    let world = eight_of_eleven();
    world
        .run("apply --target purge/changing/file/https://www.example.com/1.png")
        .code(0)
        .stdout_has("Checks: 4 passed");
    world
        .run("plan --all --target purge/changing/file/https://www.example.com/2.png")
        .code(0)
        .stdout_has("9.1% of entries change, limit 30% (1/11)");
}

#[test]
fn additions_do_not_count_and_few_entries_have_no_share() {
    let world = World::new();
    let files: Vec<String> = (0..40).map(|number| format!("/{number}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files[..9], &[], "1");
    world.run("apply").code(0);
    world.purge("spring", &files[..9], &[], "2");
    world
        .run("apply --all")
        .code(0)
        .stdout_has("9 of 9 observed entries change; a share is checked from 10 observed");
    world.purge("more", &files[9..], &[], "1");
    world.run("apply").code(0);
}

#[test]
fn too_many_urls_and_directories_are_refused() {
    let world = World::builder()
        .safety("maxUrls: 3, maxDirectories: 1")
        .build();
    world.purge("spring", &["/a", "/b", "/c"], &[], "1");
    world.run("plan").code(0);
    world.purge("spring", &["/a", "/b"], &["/c/", "/d/"], "1");
    world
        .run("plan")
        .code(4)
        .stdout_has("failed max-urls           [www] 4 URLs in one plan, limit 3; --force=max-urls:www")
        .stdout_has("failed max-directories    [www] 2 directories in one plan, limit 1; --force=max-directories:www");
    world.run("apply --force=max-urls").code(4);
    world
        .run("apply --force=max-urls --force=max-directories")
        .code(0);
}

#[test]
fn a_root_directory_always_needs_force() {
    let world = World::new();
    world.purge("all", &[], &["/"], "1");
    world
        .run("apply")
        .code(4)
        .stdout_has("[www] https://www.example.com/ is a root directory: all of it; 1 directory in one plan, limit 50; --force=max-directories:www");
    assert_eq!(world.posts(), 0);
    world.run("apply --force=max-directories:www").code(0);
}

#[test]
fn the_quota_is_counted() {
    let world = World::builder().limits("filesPerDay: 2").build();
    world.purge("spring", &["/a", "/b", "/c"], &["/d/"], "1");
    world
        .run("apply --force=quota")
        .code(0)
        .stdout_has("forced quota              [www] 3 files a day, limit 2; 1 directory a day, limit 500; forced");
    // What no day has room for is refused.
    world.edit("purgit.yaml", "filesPerDay: 2", "filesPerDay: 0");
    world.purge("spring", &["/a", "/b", "/c"], &["/d/"], "2");
    world
        .run("apply")
        .code(4)
        .stdout_has("failed quota              [www] 3 files a day (3 used so far), limit 0, which has no room for 3 on any day; 2 directories a day (1 used so far), limit 500; --force=quota:www");
}
