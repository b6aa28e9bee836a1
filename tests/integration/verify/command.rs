//! `purgit verify`, run.

use super::fixture::Edges;
use crate::schema::assert_valid;

const QUICK: &str = "timeout: 1ms, rebound: 0, acceptEncoding: [identity]";

/// A site of two pages that is purged and fresh.
fn fresh(behaviours: &[&str]) -> Edges {
    let world = Edges::new(behaviours, QUICK);
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    world.run("state baseline").code(0);
    world
}

#[test]
fn what_is_fresh_is_proven_and_nothing_is_purged() {
    let world = fresh(&["plain", "plain"]);
    world
        .run("verify")
        .code(0)
        .stdout_has("Verified: 2 fresh, 0 stale, 0 unknown in 4 requests\n");
    assert_eq!(world.cdn.tasks().len(), 0);
    world
        .run("status")
        .stdout_has("Verified: True (ProvenFresh) 2 entries asked for are fresh");
    world.run("plan --detailed-exitcode").code(0);
    let all = world.run("verify --all").code(0);
    assert!(all.stdout.contains("fresh   https://www.example.com/a.html: the bytes are the wanted ones; edge http://127.0.0.1:"), "{}", all.stdout);
}

#[test]
fn a_page_that_is_stale_ends_with_3_and_is_planned() {
    let world = fresh(&["plain", "deaf"]);
    world.visit(&["a.html", "b.html"]);
    world.publish("a.html", "a 2");
    // The CDN says that it is done, and one edge does nothing.
    world.run("apply --no-verify").code(0);
    let found = world.run("verify site/docs/a.html").code(3);
    found
        .stdout_has("stale   https://www.example.com/a.html: ")
        .stdout_has("; cache HIT")
        .stdout_has("Verified: 0 fresh, 1 stale, 0 unknown in 2 requests\n")
        .stderr_has("`purgit apply` purges again what is stale");
    world
        .run("plan")
        .code(0)
        .stdout_has("a.html  stale_at_edge");
    let status = world.run("status");
    status
        .stdout_has("Verified: False (StaleAtEdge) 1 of 1 entries asked for are stale (first `https://www.example.com/a.html`)")
        .stdout_has("stale at the edge http://127.0.0.1:");
    let document = world
        .run("verify --format json site/docs/a.html")
        .code(3)
        .json();
    assert_eq!(document["ok"], false);
    assert_eq!(document["summary"]["stale"], 1);
    assert_eq!(document["entries"][0]["address"], "site/docs/a.html");
    assert_eq!(document["entries"][0]["evidence"]["verdict"], "stale");
    assert_valid("verify", &document, "ok");
}

/// Publishes a body that is worth to be compressed, and asks in each way.
fn publish_large(world: &Edges, path: &str) {
    world.publish(path, &"a body that is worth to be compressed ".repeat(20));
    world.run("state baseline").code(0);
    world.edit(
        "purgit.yaml",
        "acceptEncoding: [identity]",
        "acceptEncoding: [identity, gzip, br]",
    );
}

#[test]
fn what_is_changed_on_the_way_is_unknown() {
    let world = fresh(&["compress,minify"]);
    world.publish("a.html", "<p>\n  one   two\n</p>\n");
    publish_large(&world, "b.html");
    // The second has a blank at its end, which is taken away.
    world
        .run("verify")
        .code(0)
        .stdout_has("0 fresh, 0 stale, 2 unknown in 6 requests")
        .stderr_has("hint: where pages are made or changed on their way, let `origin.expect` name");
    world.edit("purgit.yaml", "rebound: 0", "required: true");
    world.run("verify").code(3);
}

#[test]
fn what_is_only_compressed_is_fresh() {
    let world = fresh(&["compress"]);
    publish_large(&world, "a.html");
    world
        .run("verify")
        .code(0)
        .stdout_has("2 fresh, 0 stale, 0 unknown in 6 requests");
}

#[test]
fn what_is_not_purged_yet_is_not_asked_for() {
    let world = Edges::new(&["plain"], QUICK);
    world.publish("a.html", "a 1");
    world
        .run("verify")
        .code(0)
        .stdout_has("0 unknown in 0 requests; 1 entry not purged yet")
        .stderr_has("`purgit state baseline` records it as purged");
    world
        .run("verify site/dogs")
        .code(1)
        .stderr_has("site/dogs");
}

#[test]
fn a_sample_is_asked_for_unless_entries_are_named() {
    let world = Edges::new(&["plain"], "sample: 3, acceptEncoding: [identity]");
    for page in 0..8 {
        world.publish(&format!("{page}.html"), &page.to_string());
    }
    world.run("state baseline").code(0);
    world
        .run("verify")
        .code(0)
        .stdout_has("3 fresh, 0 stale, 0 unknown in 3 requests; 5 entries not asked for");
    world
        .run("verify site/docs")
        .code(0)
        .stdout_has("8 fresh, 0 stale, 0 unknown in 8 requests\n");
}

#[test]
fn nobody_who_answers_is_no_proof() {
    let world = fresh(&["plain"]);
    world.edit("purgit.yaml", "edges: [", "edges: [\"127.0.0.1:1\", ");
    world
        .run("verify site/docs/a.html")
        .code(0)
        .stdout_has("unknown https://www.example.com/a.html: no answer: cannot connect")
        .stdout_has("0 fresh, 0 stale, 1 unknown in 2 requests");
}

#[test]
fn a_page_that_is_gone_must_be_gone_at_every_edge() {
    let world = fresh(&["plain", "deaf"]);
    world.visit(&["a.html", "b.html"]);
    world.unpublish("a.html");
    world.run("apply --no-verify").code(0);
    world
        .run("verify site/docs/a.html")
        .code(3)
        .stdout_has("stale   https://www.example.com/a.html: serves an earlier generation");
    world.run("plan").stdout_has("a.html  stale_at_edge");
    // Once the purge is heard everywhere, nothing is left to be said.
    let deaf = world.read("purgit.yaml");
    let edges = deaf.split_once(", \"http").unwrap();
    let (_, rest) = edges.1.split_once(']').unwrap();
    world.write("purgit.yaml", &format!("{}]{rest}", edges.0));
    world
        .run("verify site/docs/a.html")
        .code(0)
        .stdout_has("1 fresh");
    world.run("plan --detailed-exitcode").code(0);
    assert!(
        world
            .state()
            .proofs
            .keys()
            .all(|key| key.path.as_deref() != Some("a.html"))
    );
}
