//! `purgit apply` at an endpoint with an `origin` block: what is there is sent, the rest is held.

use std::process::Command;

use purgit::state::Outcome;

use crate::schema::assert_valid;
use crate::verify::fixture::Edges;

/// Asks again soon.
const SOON: &str = "interval: 10ms, timeout: 1m";
/// Gives up at once.
const NEVER: &str = "interval: 1ms, timeout: 1ms";

/// A site of two pages that is purged and at the origin, and one page that changes, not yet there.
fn changed(origin: &str) -> Edges {
    let world = Edges::gated(origin);
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    world.run("state baseline").code(0);
    world.write("public/a.html", "a 2");
    world
}

fn git(world: &Edges, line: &str) -> String {
    let mut git = Command::new("git");
    let git = git.current_dir(world.root()).args(line.split(' '));
    let git = git.env("GIT_CONFIG_GLOBAL", "/dev/null");
    let said = git.output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

fn commit(world: &Edges) {
    git(world, "add .");
    git(world, "-c user.name=a -c user.email=a@b.c commit -qm all");
}

fn purges(world: &Edges) -> usize {
    world.cdn.purge_log().len()
}

#[test]
fn what_is_at_the_origin_is_sent_at_once() {
    let world = changed(NEVER);
    world.deploy("a.html", "a 2");
    world
        .run("plan")
        .stdout_has("[www] purges are sent once the origin http://127.0.0.1:");
    world
        .run("apply")
        .code(0)
        .stdout_has("Origin: 1 ready, 0 held in 1 request\n")
        .stdout_has("Applied: 1 Succeeded in 1 request");
    world.run("apply").code(0).stdout_lacks("Origin:");
}

#[test]
fn an_origin_that_lags_is_waited_for_without_the_lease() {
    let world = changed(SOON);
    let process = world.start("apply");
    process.wait_for_stderr("[www] 1 entry waits for the origin, which still serves the bytes of");
    assert_eq!(purges(&world), 0);
    assert!(world.state().pending_operations.is_empty());
    // Somebody else gets through meanwhile, and is not gated.
    world
        .run("purge https://www.example.com/b.html --lock-timeout 0s")
        .code(0)
        .stdout_lacks("the origin");
    world.deploy("a.html", "a 2");
    process.finish().code(0).stdout_has("1 ready, 0 held in ");
    assert_eq!(purges(&world), 2);
}

#[test]
fn an_origin_that_never_has_it_holds_it_back_until_the_next_run() {
    let world = changed(NEVER);
    let done = world.run("apply --format json").code(8).json();
    assert_valid("plan", &done, "plan_id");
    assert_eq!(done["result"]["origin"]["held"], 1);
    let entry = &done["result"]["entries"][0];
    assert_eq!(entry["outcome"], "Held");
    let message = entry["message"].as_str().unwrap();
    assert!(
        message.starts_with("the origin still serves the bytes of generation "),
        "{message}"
    );
    assert_eq!(purges(&world), 0);
    world.run("status").stdout_has(
        "OriginReady: False (OriginNotReady) 1 of 2 entries held: the origin still serves",
    );
    let plan = world.run("plan --format json").json();
    assert_eq!(plan["summary"]["purge"], 1);
    world.run("history").stdout_has("1 Held");
    world
        .run("plan --explain site/docs/a.html")
        .stdout_has("Held ");
    world.deploy("a.html", "a 2");
    world.run("apply").code(0).stdout_has("1 Succeeded");
    world.run("status").stdout_lacks("OriginReady");
}

#[test]
fn without_waiting_it_is_asked_once() {
    let world = changed(SOON);
    let run = world.run("apply --no-wait").code(8);
    run.stdout_has("Origin: 0 ready, 1 held in 1 request\n");
}

#[test]
fn a_timeout_of_the_run_sends_what_is_there() {
    let world = changed("interval: 10ms, timeout: 1h");
    world.publish("b.html", "b 2");
    world
        .run("apply --timeout 3s")
        .code(8)
        .stdout_has("Origin: 1 ready, 1 held in ")
        .stdout_has("1 Succeeded, 1 Held in 1 request");
    assert_eq!(purges(&world), 1);
}

#[test]
fn a_page_of_a_ci_run_tells_a_few_of_many_that_wait() {
    let mut world = changed(NEVER);
    for page in 10..40 {
        world.publish(&format!("{page}.html"), &format!("old {page}"));
    }
    world.run("state baseline").code(0);
    for page in 10..40 {
        world.write(&format!("public/{page}.html"), "new");
    }
    let summary = world.folder().join("summary.md");
    world.set("GITHUB_ACTIONS", "true");
    world.set("GITHUB_STEP_SUMMARY", summary.to_str().unwrap());
    world
        .run("apply --force=max-change-percent")
        .code(8)
        .stderr_has("30 entries wait for the origin; the next `purgit apply` goes on");
    let text = std::fs::read_to_string(summary).unwrap();
    // Those that were asked for, and those that were not since these are not there.
    let told = text.matches("- Held ").count();
    assert!((1..=2).contains(&told), "{text}");
    let said = " entries: `the origin still serves the bytes of generation";
    assert!(text.contains(said), "{text}");
}

#[test]
fn what_is_held_back_took_the_place_of_nothing() {
    let world = changed(NEVER);
    world.cdn.inject("stuck".parse().unwrap()).unwrap();
    world.deploy("a.html", "a 2");
    world.run("apply --no-wait").code(8);
    world.write("public/a.html", "a 3");
    world
        .run("apply --no-wait")
        .code(8)
        .stdout_has("1 Held in 0 requests")
        .stdout_lacks("Superseded");
    // Then it did.
    world.deploy("a.html", "a 3");
    world
        .run("apply --no-wait")
        .code(8)
        .stdout_has("1 Submitted, 1 Superseded");
}

#[test]
fn nobody_waits_for_the_origin_of_an_endpoint_that_is_given_up() {
    let mut world = changed("interval: 10ms, timeout: 1h");
    let usual = "limits: { ";
    world.edit(
        "purgit.yaml",
        usual,
        &format!("{usual}itemsPerRequest: 1, "),
    );
    world.publish("b.html", "b 2");
    world.set("AZURE_CDN_KEY_VALUE", "another-not-a-real-key");
    world
        .run("apply")
        .code(7)
        .stdout_has("Origin: 1 ready, 0 held in ")
        .stdout_has("Skipped https://www.example.com/a.html: not attempted")
        .stdout_has("1 Failed, 1 Skipped in 1 request");
}

#[test]
fn a_deleted_file_must_be_gone() {
    let world = changed(NEVER);
    world.deploy("a.html", "a 2");
    std::fs::remove_file(world.root().join("public/b.html")).unwrap();
    world.run("apply").code(8).stdout_has(
        "Held https://www.example.com/b.html: the origin still answers 200 for what is gone",
    );
    world.undeploy("b.html");
    world.run("apply").code(0).stdout_has("1 Succeeded");
}

#[test]
fn bytes_that_are_changed_on_their_way_need_a_mark_of_the_release() {
    let world = changed(NEVER);
    world.deploy("a.html", "minified");
    let held = world.run("apply").code(8);
    held.stdout_has("the origin serves other bytes than the wanted ones")
        .stderr_has("hint: where the origin changes bytes on their way, let `origin.expect` name a header or a file of the release");
    world.edit(
        "purgit.yaml",
        "timeout: 1ms",
        "timeout: 1ms, expect: { file: /release.txt, equals: r2 }",
    );
    world.deploy("release.txt", "r1\n");
    world
        .run("apply")
        .code(8)
        .stdout_has("the origin serves another release than `r2`");
    world.deploy("release.txt", "r2\n");
    world
        .run("apply")
        .code(0)
        .stdout_has("Origin: 1 ready, 0 held in 1 request\n");
}

#[test]
fn a_header_tells_the_release_however_it_is_spelt() {
    let world = changed("timeout: 1ms, interval: 1ms, expect: { header: X-CACHE, equals: MISS }");
    world.run("apply").code(0).stdout_has("1 Succeeded");
    world.write("public/a.html", "a 3");
    world.edit("purgit.yaml", "equals: MISS", "equals: HIT");
    world
        .run("apply")
        .code(8)
        .stdout_has("the origin says `x-cache: MISS`, not `HIT`");
}

#[test]
fn a_revision_needs_a_commit() {
    let world = changed(
        "timeout: 1ms, interval: 1ms, expect: { file: /release.txt, equals: \"${revision}\" }",
    );
    world.run("apply").code(1).stderr_has(
        "endpoint `www`: `origin.expect` names `${revision}`, and this project is at no git commit",
    );
    git(&world, "init -q");
    commit(&world);
    world.run("apply").code(8).stdout_has("answers 404");
    world.deploy("release.txt", &git(&world, "rev-parse HEAD"));
    world.run("apply").code(0).stdout_has("1 Succeeded");
}

#[test]
fn what_is_held_between_revisions_stays_due() {
    let world = Edges::gated(NEVER);
    git(&world, "init -q");
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    commit(&world);
    world.write("public/a.html", "a 2");
    commit(&world);
    let since = "apply --since HEAD~1";
    world
        .run(since)
        .code(8)
        .stdout_has("Held https://www.example.com/a.html");
    assert_eq!(world.state().due.len(), 1);
    // The next comparison would not find it.
    world.publish("b.html", "b 2");
    commit(&world);
    world.deploy("a.html", "a 2");
    world.run(since).code(0).stdout_has("2 Succeeded");
    assert!(world.state().due.is_empty());
}

#[test]
fn watch_tries_again_what_is_held() {
    let world = changed(NEVER);
    let process = world.start("watch");
    process.wait_for_stderr("[www] waiting for the origin, which still serves the bytes");
    world.deploy("a.html", "a 2");
    process.wait_for_stderr("purged https://www.example.com/a.html");
    process.signal("INT");
    process.finish().code(130);
    assert_eq!(purges(&world), 1);
}

#[test]
fn an_origin_that_cannot_be_reached_holds_and_does_not_fail() {
    let world = changed(NEVER);
    let manifest = world.read("purgit.yaml");
    let at = manifest.find("origin: { url: \"http://127.0.0.1:").unwrap();
    let url = manifest[at..].split('"').nth(1).unwrap();
    world.edit("purgit.yaml", url, "http://127.0.0.1:1/");
    world
        .run("apply")
        .code(8)
        .stdout_has("Held https://www.example.com/a.html: the origin gives no answer: ");
}

#[test]
fn doctor_asks_the_origin() {
    let world = changed("expect: { header: X-Cache, equals: MISS }");
    world
        .run("doctor")
        .stdout_has("/ answers 404 with `x-cache: MISS`");
    world.edit("purgit.yaml", "header: X-Cache", "header: X-Release");
    world
        .run("doctor")
        .stdout_has("/ answers 404 without `x-release`");
    let manifest = world.read("purgit.yaml");
    let at = manifest.find("origin: { url: \"").unwrap();
    let url = manifest[at..].split('"').nth(1).unwrap();
    world.edit("purgit.yaml", url, "http://127.0.0.1:1/");
    world
        .run("doctor")
        .stdout_has("http://127.0.0.1:1/ gives no answer: ");
}

#[test]
fn doctor_gets_each_credential_once() {
    let world = changed(
        "headers: { X-Bypass: { command: [/bin/sh, -c, \"echo asked >> asked; echo not-a-real-key\"] } }",
    );
    world.run("doctor").stdout_has("/ answers 404");
    assert_eq!(world.read("asked"), "asked\n");
}

#[test]
fn credentials_of_the_origin_are_named_with_the_others() {
    let mut world = changed("interval: 1ms, timeout: 1ms, headers: { X-Bypass: { env: BYPASS } }");
    world.unset("AZURE_CDN_KEY_ID");
    world
        .run("apply")
        .code(7)
        .stderr_has("no `keyId`")
        .stderr_has("no `origin.headers.x-bypass`: environment variable `BYPASS` is not set");
    world.set(
        "AZURE_CDN_KEY_ID",
        purgit::emulator::azure_china_cdn::KEY_ID,
    );
    // Who purges by hand needs none.
    world.run("purge https://www.example.com/b.html").code(0);
}

#[test]
fn signals_end_the_waiting_and_nothing_was_sent() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let world = changed(SOON);
        let process = world.start("apply");
        process.wait_for_stderr("waits for the origin");
        process.signal(signal);
        process.finish().code(code).stdout_has("Held");
        assert_eq!(purges(&world), 0);
        world.deploy("a.html", "a 2");
        world.run("apply").code(0).stdout_has("1 Succeeded");
    }
}

#[test]
fn a_kill_while_waiting_leaves_nothing_in_doubt() {
    let world = changed(SOON);
    let process = world.start("apply");
    process.wait_for_stderr("waits for the origin");
    process.signal("KILL");
    process.finish();
    assert!(world.state().pending_operations.is_empty());
    world.deploy("a.html", "a 2");
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(purges(&world), 1);
}

#[test]
fn one_endpoint_does_not_wait_for_the_origin_of_another() {
    let world = changed(SOON);
    let manifest = world.read("purgit.yaml");
    let endpoint = manifest.split("---\n").nth(1).unwrap();
    let at = endpoint.find("  origin:").unwrap();
    let other = endpoint[..at]
        .replace("name: www", "name: other")
        .replace("www.example.com", "other.example.com");
    let purge = "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: now }\nspec:\n  \
                 endpoint: other\n  files: [\"https://other.example.com/c.html\"]\n";
    world.write("purges/other.yaml", &format!("{other}---\n{purge}"));
    let process = world.start("apply");
    process.wait_for_stderr("waits for the origin");
    process.wait_for_stderr("1 URL Succeeded");
    assert_eq!(purges(&world), 1);
    world.deploy("a.html", "a 2");
    process.finish().code(0).stdout_has("2 Succeeded");
}

#[test]
fn of_two_runs_that_wait_one_sends() {
    let world = changed(SOON);
    let processes = [world.start("apply"), world.start("apply")];
    for process in &processes {
        process.wait_for_stderr("waits for the origin");
    }
    world.deploy("a.html", "a 2");
    for process in processes {
        process.finish().code(0);
    }
    assert_eq!(purges(&world), 1);
}

#[test]
fn a_directory_waits_for_the_files_below_it_and_what_nobody_declares_does_not() {
    let world = changed(NEVER);
    world.write(
        "purges/all.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: all }\nspec:\n  endpoint: www\n  \
         directories: [\"https://www.example.com/\"]\n  files: [\"https://www.example.com/unknown\"]\n",
    );
    let run = world.run("apply --force=max-directories").code(8);
    run.stdout_has("Held");
    let held = world.state().entries.into_values();
    let held = held.filter_map(|known| known.attempt.map(|attempt| attempt.outcome));
    assert!(held.into_iter().all(|outcome| outcome == Outcome::Held));
    world.deploy("a.html", "a 2");
    world.run("apply --force=max-directories").code(0);
}
