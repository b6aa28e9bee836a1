//! What does not fit a quota waits for another window: the binary, over several days of the CDN.

use crate::common::World;
use crate::git::fixture::{run_git, skipped};

/// The quota's day starts at this hour.
fn starts(hour: u32) -> String {
    format!("dayStartsAt: \"{hour:02}:00Z\"")
}

/// A project that may purge so many files a day.
fn world(limits: &str, safety: &str) -> World {
    let limits = format!("{limits}, {}", starts(0));
    World::builder().limits(&limits).safety(safety).build()
}

/// Another window of the quota begins: one that starts at another time of the day.
fn turn(world: &World, day: u32) {
    world.edit("purgit.yaml", &starts(day - 1), &starts(day));
}

fn site(world: &World) {
    world.write(
        "purges/site.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\nspec:\n  endpoint: www\n  \
         baseUrl: https://www.example.com/\n  content: { root: public }\n",
    );
}

fn paths(world: &World) -> Vec<String> {
    let purged = world.purged().into_iter();
    let path = |url: String| {
        let path = url.strip_prefix("https://www.example.com");
        path.unwrap().to_owned()
    };
    purged.map(path).collect()
}

#[test]
fn what_waits_goes_in_the_next_window_and_is_said_until_then() {
    let world = world("filesPerDay: 2", "maxUrls: 100");
    world.purge("spring", &["/a", "/b", "/c", "/d", "/e"], &[], "1");
    let plan = world.run("plan").code(0);
    plan.stdout_has("Plan: 2 entries to purge (2 files), 3 deferred until 20")
        .stdout_has("quota of the day: 2 of 2 files");
    world
        .run("apply")
        .code(8)
        .stdout_has("Deferred [www] 3 entries: no quota is left until 20")
        .stdout_has("2 Succeeded, 3 Deferred")
        .stderr_has("hint: what waits stays planned: `purgit apply` sends it from 20");
    assert_eq!(paths(&world), ["/a", "/b"]);

    // In the same window it says what waits, sends nothing, and records nothing.
    let state = world.read(".purgit/state.json");
    let again = world.run("apply").code(8);
    again.stdout_has("Deferred: 3 entries until 20");
    assert_eq!(world.posts(), 1);
    assert_eq!(world.read(".purgit/state.json"), state);
    world.run("plan --detailed-exitcode").code(2);
    world
        .run("plan --explain purge/spring/file/https://www.example.com/d")
        .stdout_has("Deferred  until 20");
    world
        .run("status")
        .stdout_has("QuotaExhausted")
        .stdout_has("no quota is left until 20");
    let json = world.run("plan --format json").json();
    assert_eq!(
        (&json["summary"]["purge"], &json["summary"]["deferred"]),
        (&3.into(), &3.into())
    );
    let quota = &json["quota"][0];
    assert_eq!(
        (&quota["left"], &quota["reserve"], &quota["deferred"]),
        (&0.into(), &0.into(), &3.into())
    );
    assert_eq!(json["changes"][0]["deferred_until"], quota["turns_at"]);
    assert_eq!(json["steps"].as_array().unwrap().len(), 0);
    world
        .run("plan --format markdown")
        .stdout_has("### 3 entries wait for quota until 20");

    turn(&world, 1);
    world
        .run("apply")
        .code(8)
        .stdout_has("2 Succeeded, 1 Deferred");
    turn(&world, 2);
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(paths(&world), ["/a", "/b", "/c", "/d", "/e"]);
    world.run("plan --detailed-exitcode").code(0);
}

#[test]
fn a_saved_plan_is_the_same_plan_in_the_same_window() {
    let world = world("filesPerDay: 1", "maxUrls: 100");
    world.purge("spring", &["/a", "/b"], &[], "1");
    world.run("plan --out plan.json").code(0);
    world
        .run("apply --plan plan.json")
        .code(8)
        .stdout_has("1 Succeeded, 1 Deferred");
    // Edited so that more is sent.
    world.purge("summer", &["/c"], &[], "1");
    turn(&world, 1);
    world.run("plan --out plan.json").code(0);
    let edited = world.read("plan.json").replacen(
        "\"deferred_until\": \"2",
        "\"deferred_until\": null, \"x\": \"2",
        1,
    );
    assert_ne!(edited, world.read("plan.json"));
    world.write("plan.json", &edited);
    world.run("apply --plan plan.json").code(5);
}

#[test]
fn a_reserve_is_for_what_is_urgent() {
    let limits = "filesPerDay: 3, reserve: { files: 1 }";
    let world = world(limits, "maxUrls: 100");
    let url = |name: &str| format!("https://www.example.com/{name}");
    let line = ["purge", &url("a"), &url("b"), &url("c")].join(" ");
    world
        .run(&line)
        .code(8)
        .stdout_has("2 Succeeded, 1 Deferred")
        .stderr_has("hint: `--urgent` spends what `limits.reserve` keeps for emergencies");
    assert_eq!(paths(&world), ["/a", "/b"]);
    world.run(&format!("purge --urgent {}", url("z"))).code(0);
    // Not even that is left.
    world.run(&format!("purge --urgent {}", url("y"))).code(8);
    world.run("doctor --offline");
    // What was asked for is remembered.
    world.run("plan").stdout_has("Deferred: 2 entries until 20");
    turn(&world, 1);
    world.run("apply").code(0);
    assert_eq!(paths(&world), ["/a", "/b", "/z", "/c", "/y"]);
    world.run("plan --detailed-exitcode").code(0);
}

#[test]
fn a_forced_plan_goes_on_for_days_without_force() {
    let world = world("filesPerDay: 2", "maxUrls: 3");
    world.purge("spring", &["/a", "/b", "/c", "/d", "/e"], &[], "1");
    world
        .run("apply")
        .code(4)
        .stdout_has("5 URLs in one plan, limit 3");
    world.run("apply --force=max-urls").code(8);
    turn(&world, 1);
    world
        .run("apply")
        .code(8)
        .stdout_has("2 Succeeded, 1 Deferred");
    turn(&world, 2);
    world.run("apply").code(0);
    assert_eq!(paths(&world).len(), 5);
    // What was not forced is checked as ever.
    world.purge("spring", &["/a", "/b", "/c", "/d", "/e"], &[], "2");
    world.run("plan").code(4);
}

#[test]
fn what_failed_goes_before_what_is_new() {
    let world = world("filesPerDay: 2", "maxUrls: 100");
    world.purge("spring", &["/x", "/y"], &[], "1");
    world.fault("fail-url=**");
    world.run("apply").code(3);
    turn(&world, 1);
    world.purge("autumn", &["/a", "/b", "/c"], &[], "1");
    world.cdn.clear_faults();
    world.run("apply").code(8);
    assert_eq!(paths(&world), ["/x", "/y", "/x", "/y"]);
}

#[test]
fn what_waits_is_not_lost_when_the_base_moves_on() {
    let world = world(
        "filesPerDay: 1, directoriesPerDay: 0",
        "maxChangePercent: 100",
    );
    world.write(".gitignore", "/.purgit/\n/purgit.status.yaml\n");
    site(&world);
    let root = world.root();
    let git = |line: &str| run_git(&root, &line.split(' ').collect::<Vec<_>>());
    let commit = |text: &str, names: &[&str]| {
        for name in names {
            world.write(&format!("public/{name}.html"), text);
        }
        git("add .").is_some() && git(&format!("commit -q -m {text}")).is_some()
    };
    if git("init -q").is_none() || !commit("one", &["a", "b", "c"]) {
        return;
    }
    assert!(commit("two", &["a", "b"]));
    world
        .run("apply --since HEAD~1")
        .code(8)
        .stdout_has("1 Succeeded, 1 Deferred");
    assert!(commit("three", &["c"]));
    turn(&world, 1);
    // What waited, and what changed since.
    world
        .run("apply --since HEAD~1")
        .code(8)
        .stdout_has("1 Succeeded, 1 Deferred");
    turn(&world, 2);
    world
        .run("apply --since HEAD")
        .code(0)
        .stdout_has("1 Succeeded");
    let mut purged = paths(&world);
    purged.sort();
    assert_eq!(purged, ["/a.html", "/b.html", "/c.html"]);
}

#[test]
fn an_older_purge_is_asked_about_while_a_newer_one_waits() {
    let world = world("filesPerDay: 1", "maxUrls: 100");
    site(&world);
    world.fault("stuck");
    world.write("public/a.html", "1");
    world.run("apply --no-wait").code(8);
    world.write("public/a.html", "2");
    world.finish("a.html");
    world
        .run("apply")
        .code(8)
        .stdout_has("1 Succeeded, 1 Deferred");
    assert!(world.state().pending_operations.is_empty());
    world.run("status").stdout_has("QuotaExhausted");
    // The edge may have fetched what waited, so going back to what was purged must be purged too.
    world.write("public/a.html", "1");
    world.run("plan").stdout_has("a.html  previous_unknown");
}

#[test]
fn an_older_purge_that_is_asked_about_counts_in_how_far_a_run_is() {
    let world = world("filesPerDay: 1", "maxUrls: 100");
    world.fault("stuck");
    world.purge("spring", &["/a"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.purge("spring", &["/a"], &[], "2");
    let Some(apply) = world.start_on_terminal("apply") else {
        skipped("there is no `script` of util-linux to make a terminal");
        return;
    };
    apply.wait_for_stdout("0 of 1");
    world.finish("/a");
    apply.finish().code(8);
}

#[test]
fn a_page_of_a_ci_run_tells_a_few_of_many_that_wait() {
    let mut world = world("filesPerDay: 2", "maxUrls: 100");
    let urls: Vec<_> = (10..40).map(|number| format!("/{number}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    world.purge("spring", &urls, &[], "1");
    let summary = world.folder().join("summary.md");
    world.set("GITHUB_ACTIONS", "true");
    world.set("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    world
        .run("apply")
        .code(8)
        .stderr_has("::warning")
        .stderr_has("28 entries wait for quota until 20");
    let text = std::fs::read_to_string(summary).unwrap();
    let said = "- Deferred 28 entries: `no quota is left until 20";
    assert!(text.contains(said), "{text}");
    assert!(
        text.contains("; 28 entries wait for quota until 20"),
        "{text}"
    );
    assert_eq!(text.matches("- Deferred").count(), 1, "{text}");
}

#[test]
fn a_failure_is_worse_than_waiting() {
    let world = world("filesPerDay: 2, itemsPerRequest: 1", "maxUrls: 100");
    world.purge("spring", &["/a", "/b", "/c"], &[], "1");
    world.fault("fail-url=**/a");
    world
        .run("apply")
        .code(3)
        .stdout_has("1 Succeeded, 1 Failed, 1 Deferred");
}

#[test]
fn a_reserve_above_its_quota_is_refused_with_its_place() {
    let limits = "filesPerDay: 10, reserve: { files: 11 }";
    let world = world(limits, "maxUrls: 100");
    world
        .run("validate")
        .code(1)
        .stderr_has("a reserve of 11 files is more than the 10 of a day")
        .stderr_has("purgit.yaml:");
}
