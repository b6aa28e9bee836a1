//! `purgit apply` asks what it purged, waits, purges again, and comes to an end.

use super::fixture::Edges;
use crate::schema::assert_valid;

/// A site of two pages that is purged and kept by every edge, and one page that changes.
fn changed(behaviours: &[&str], verify: &str) -> Edges {
    let world = Edges::new(behaviours, verify);
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    world.run("state baseline").code(0);
    world.visit(&["a.html", "b.html"]);
    world.publish("a.html", "a 2");
    world
}

#[test]
fn what_is_purged_is_proven_and_nothing_else_is_asked_for() {
    let world = changed(&["plain", "compress"], "");
    world
        .run("apply")
        .code(0)
        .stdout_has("Verified: 1 fresh, 0 stale, 0 unknown in 6 requests\n")
        .stderr_has("[www] 1 URL Succeeded\nasking the edges for 1 entry\n");
    assert_eq!(world.cdn.tasks().len(), 1);
    let proof = world.state().proofs.into_values().next().unwrap();
    assert!(!proof.is_due());
    assert_eq!(proof.earlier.len(), 1);
    world.run("apply").code(0).stdout_lacks("Verified");
}

#[test]
fn an_edge_that_lags_is_waited_for() {
    let world = changed(
        &["plain", "lag=2s"],
        "acceptEncoding: [identity], timeout: 1m",
    );
    let done = world.run("apply --format json").code(0).json();
    assert_eq!(done["result"]["requests"], 1);
    let verified = &done["result"]["verified"];
    assert_eq!(verified["fresh"], 1);
    // Each edge once, and the one that lags until it is fresh.
    assert!(verified["requests"].as_u64() > Some(2), "{verified}");
    assert_eq!(world.cdn.tasks().len(), 1);
}

#[test]
fn an_edge_that_lies_is_purged_again_and_then_reported() {
    let verify = "acceptEncoding: [identity], timeout: 1ms, rebound: 2";
    let world = changed(&["plain", "deaf"], verify);
    let done = world.run("apply --format json").code(3).json();
    // The plan's own purge and two more; each time both edges are asked once.
    assert_eq!(world.cdn.tasks().len(), 3);
    assert_eq!(done["result"]["requests"], 3);
    assert_eq!(
        done["result"]["verified"],
        serde_json::json!({ "fresh": 0, "stale": 1, "unknown": 0, "requests": 6 })
    );
    let entry = &done["result"]["entries"][0];
    assert_eq!(entry["outcome"], "Failed");
    let message = entry["message"].as_str().unwrap();
    assert!(
        message.starts_with("stale at the edge http://127.0.0.1:"),
        "{message}"
    );
    assert!(
        message.contains("serves an earlier generation"),
        "{message}"
    );
    assert_valid("plan", &done, "plan_id");
    world.run("plan").stdout_has("a.html  stale_at_edge");
    world
        .run("status")
        .stdout_has("Ready: False (PurgeFailed)")
        .stdout_has("Verified: False (StaleAtEdge)");
    world.run("history").stdout_has("Failed");
    // It stays planned until it is true.
    world.run("apply").code(3).stdout_has("1 stale");
}

#[test]
fn what_is_changed_on_the_way_is_no_failure_unless_proof_is_required() {
    let verify = "acceptEncoding: [identity], timeout: 1ms";
    let world = changed(&["minify"], verify);
    world.publish("a.html", "a\n  2\n");
    world
        .run("apply")
        .code(0)
        .stdout_has("Verified: 0 fresh, 0 stale, 1 unknown in 1 request\n")
        .stderr_has("`purgit verify ADDRESS` says why an entry is unknown");
    world
        .run("status")
        .stdout_has("Verified: Unknown (NotProven)");
    world.edit(
        "purgit.yaml",
        "timeout: 1ms",
        "timeout: 1ms, required: true",
    );
    world.publish("a.html", "a\n  3\n");
    world
        .run("apply")
        .code(3)
        .stdout_has("Unknown https://www.example.com/a.html: not proven fresh: ");
    // A purge would not help, but looking again might.
    let again = world.run("apply").code(3);
    again.stdout_has("0 fresh, 0 stale, 1 unknown");
    assert_eq!(world.cdn.tasks().len(), 2);
}

#[test]
fn who_does_not_verify_is_not_asked_and_the_next_run_makes_up_for_it() {
    let world = changed(&["plain"], "acceptEncoding: [identity]");
    world
        .run("apply --no-verify")
        .code(0)
        .stdout_lacks("Verified");
    world
        .run("status")
        .stdout_has("Verified: Unknown (NotProven) 1 of 1 entries");
    world
        .run("apply")
        .code(0)
        .stdout_has("Verified: 1 fresh, 0 stale, 0 unknown in 1 request\n");
    assert_eq!(world.cdn.tasks().len(), 1);
}

#[test]
fn what_is_deleted_is_asked_for_by_the_next_run_too() {
    let world = changed(&["plain"], "acceptEncoding: [identity]");
    world.run("apply").code(0);
    world.unpublish("b.html");
    world
        .run("apply --no-verify --force max-change-percent")
        .code(0);
    let asked = "Verified: 1 fresh, 0 stale, 0 unknown in 1 request\n";
    world.run("apply").code(0).stdout_has(asked);
    world.run("apply").code(0).stdout_lacks("Verified");
    assert_eq!(world.cdn.tasks().len(), 2);
}

#[test]
fn a_directory_is_proven_by_files_below_it() {
    let world = changed(
        &["plain", "deaf"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 0",
    );
    world.run("apply --no-verify").code(0);
    world.write(
        "purges/all.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: all }\nspec:\n  endpoint: www\n  directories: [\"https://www.example.com/\"]\n",
    );
    // The edge that does nothing still has the first page, of which an earlier generation is known.
    world
        .run("apply --force=max-directories --target purge/all")
        .code(3)
        .stdout_has("of https://www.example.com/a.html: serves an earlier generation");
    world
        .run("plan")
        .stdout_has("https://www.example.com/  stale_at_edge");
}

#[test]
fn what_is_proven_stale_is_shown_wherever_the_entry_is() {
    let world = changed(
        &["plain", "deaf"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 0",
    );
    let done = world.run_with("GITHUB_ACTIONS", "true", "apply --format json");
    done.code(3)
        .stderr_has("1 entry still stale after the purge: `site/docs/a.html`; stale at the edge");
    world
        .run("state show site/docs/a.html")
        .stdout_has("  edge         stale ")
        .stdout_has("; cache HIT; age ");
    world
        .run("plan --explain site/docs/a.html")
        .stdout_has("  Edge      stale ")
        .stdout_has("; cache HIT; age ");
    world.run("status").stdout_has("; cache HIT; age ");
    let shown = world
        .run("state show site/docs/a.html --format json")
        .json();
    assert_eq!(shown["entries"][0]["evidence"]["verdict"], "stale");
    assert_valid("state", &shown, "serial");
    let shown = world.run("plan --explain site/docs/a.html --format json");
    assert_eq!(shown.json()["entries"][0]["evidence"]["verdict"], "stale");
    let shown = world.run("status --format json").json();
    let entry = &shown["manifests"][0]["outcomes"][0];
    assert_eq!(entry["evidence"]["verdict"], "stale");
    let plan = world.run("plan --format json").json();
    assert_eq!(plan["changes"][0]["evidence"]["verdict"], "stale");
    let again = world.run("apply --format json").code(3).json();
    let entry = &again["result"]["entries"][0];
    assert_eq!(entry["evidence"]["verdict"], "stale");
}

#[test]
fn what_stays_stale_is_given_up_until_its_content_changes() {
    let world = changed(
        &["deaf"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 3",
    );
    world.run("apply").code(3);
    world.run("plan").stdout_lacks("`watch` does not");
    // Whoever types it may purge it again.
    world
        .run("apply")
        .code(3)
        .stdout_has("purged 8 times and still stale");
    assert_eq!(world.cdn.tasks().len(), 8);
    world
        .run("plan")
        .stdout_has("a.html  stale_at_edge")
        .stdout_has("1 entry still stale after 6 purges or more");
    world
        .run("status")
        .stdout_has("Stalled: True (StaleAtEdge) 1 entry still stale");
    world.publish("a.html", "a 3");
    world.run("plan").stdout_lacks("`watch` does not");
    world.run("status").stdout_lacks("Stalled");
}

#[test]
fn what_is_purged_by_hand_is_proven_by_what_the_state_knows() {
    let verify = "acceptEncoding: [identity], timeout: 1ms";
    let world = changed(&["plain", "compress"], verify);
    world.run("apply --no-verify").code(0);
    world
        .run("purge https://www.example.com/a.html https://www.example.com/b.html")
        .code(0)
        .stdout_has("Verified: 2 fresh, 0 stale, 0 unknown in 4 requests\n");
    world
        .run("purge https://www.example.com/a.html --no-verify")
        .code(0)
        .stdout_lacks("Verified");
    // A page that no site has: nobody knows its bytes.
    world.deploy("x.html", "x");
    world
        .run("purge https://www.example.com/x.html")
        .code(0)
        .stdout_has("Verified: 0 fresh, 0 stale, 1 unknown");
}
