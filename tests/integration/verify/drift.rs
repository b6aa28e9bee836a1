//! `plan --verify` and `apply --verify`: what the edges serve is asked for before there is a plan.

use serde_json::Value;

use super::fixture::Edges;
use crate::schema::assert_valid;

const QUICK: &str = "timeout: 1ms, rebound: 0, acceptEncoding: [identity]";

/// Two pages that are purged and kept by every edge.
fn purged(behaviours: &[&str]) -> Edges {
    let world = Edges::new(behaviours, QUICK);
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    world.run("state baseline").code(0);
    world.visit(&["a.html", "b.html"]);
    world
}

/// The second of two edges serves an old page that counts as purged.
fn drifted() -> Edges {
    let world = purged(&["plain", "deaf"]);
    world.publish("a.html", "a 2");
    world.run("apply --no-verify").code(0);
    world
}

fn reasons(plan: &Value) -> Vec<(String, String)> {
    let changes = plan["changes"].as_array().unwrap().iter();
    let text = |value: &'_ Value| value.as_str().unwrap().to_owned();
    changes
        .map(|row| (text(&row["address"]), text(&row["reason"])))
        .collect()
}

fn stale(address: &str) -> (String, String) {
    (address.to_owned(), "stale_at_edge".to_owned())
}

#[test]
fn what_the_edges_serve_stale_is_planned_and_nothing_is_recorded() {
    let world = drifted();
    world.run("plan --detailed-exitcode").code(0);
    let before = world.read(".purgit/state.json");
    let shown = world.run("plan --verify --detailed-exitcode").code(2);
    shown
        .stdout_has("a.html  stale_at_edge")
        .stdout_has("Edges: 1 fresh, 1 stale, 0 unknown in 4 requests\n")
        .stderr_has("asking the edges for 2 entries: 4 requests");
    let plan = world.run("plan --verify --format json").code(0).json();
    assert_eq!(reasons(&plan), [stale("site/docs/a.html")]);
    assert_eq!(plan["changes"][0]["evidence"]["verdict"], "stale");
    assert_eq!(plan["edges"]["stale"], 1);
    assert_eq!(plan["summary"]["noop"], 1);
    assert_valid("plan", &plan, "plan_id");
    assert_eq!(world.read(".purgit/state.json"), before);
    assert_eq!(world.cdn.tasks().len(), 1);
    // Nobody knows of it but who asks.
    world.run("plan --detailed-exitcode").code(0);
    let same = world.run("plan --verify --format json").code(0).json();
    assert_eq!(same["plan_id"], plan["plan_id"]);
}

#[test]
fn only_what_is_selected_is_asked_for() {
    let world = drifted();
    world
        .run("plan --verify --target site/docs/b.html")
        .code(0)
        .stdout_has("No changes")
        .stdout_has("Edges: 1 fresh, 0 stale, 0 unknown in 2 requests");
    world
        .run("plan --verify --target site/dogs")
        .code(1)
        .stderr_has("site/dogs");
    world
        .run("plan --verify --explain site/docs/a.html")
        .code(0)
        .stdout_has("stale_at_edge");
}

#[test]
fn apply_purges_what_drifted_and_records_what_was_seen() {
    let world = drifted();
    let edges = world.read("purgit.yaml");
    world.run("apply --verify --no-verify").code(0);
    assert_eq!(world.cdn.tasks().len(), 2);
    // Confirmed once more, and not looked at since.
    assert!(
        world
            .state()
            .proofs
            .values()
            .any(purgit::verify::Proof::is_due)
    );
    // The edge still lies: without a stage afterwards, only the next look tells.
    world.run("plan --detailed-exitcode").code(0);
    world.run("plan --verify --detailed-exitcode").code(2);
    assert_eq!(world.read("purgit.yaml"), edges);
}

#[test]
fn what_came_right_by_itself_is_not_purged() {
    let world = drifted();
    world.run("verify site/docs").code(3);
    world.run("plan --detailed-exitcode").code(2);
    // The edge that lies is not asked any more.
    let manifest = world.read("purgit.yaml");
    let (front, rest) = manifest.split_once(", \"http").unwrap();
    let (_, rest) = rest.split_once(']').unwrap();
    world.write("purgit.yaml", &format!("{front}]{rest}"));
    world
        .run("plan --verify --detailed-exitcode")
        .code(0)
        .stdout_has("1 entry adopted, which they serve as wanted");
    world.run("plan --detailed-exitcode").code(2);
    world.run("apply --verify").code(0);
    world.run("plan --detailed-exitcode").code(0);
    assert_eq!(world.cdn.tasks().len(), 1);
}

#[test]
fn a_lost_state_purges_only_what_is_not_proven_fresh() {
    let world = drifted();
    std::fs::remove_file(world.root().join(".purgit/state.json")).unwrap();
    world.deploy("c.html", "other bytes than wanted");
    world.write("public/c.html", "c 1");
    world.run("plan").code(0).stdout_has("3 entries to purge");
    let shown = world.run("plan --verify").code(0);
    // Nobody knows the old bytes of the first any more: they are not proven fresh.
    shown
        .stdout_has("2 entries to purge")
        .stdout_has("+ file https://www.example.com/a.html  added")
        .stdout_has("Edges: 1 fresh, 0 stale, 2 unknown in 6 requests; 1 entry adopted");
    let plan = world.run("plan --verify --format json").code(0).json();
    assert_eq!(plan["adopted"][0]["address"], "site/docs/b.html");
    assert_valid("plan", &plan, "plan_id");
    world.run("apply --verify --no-verify").code(0);
    let task = world.cdn.purge_log().pop().unwrap();
    let urls: Vec<_> = task.items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(
        urls,
        [
            "https://www.example.com/a.html",
            "https://www.example.com/c.html"
        ]
    );
    world.run("plan --detailed-exitcode").code(0);
    let state = world.state();
    assert_eq!(state.entries.len(), 3);
}

#[test]
fn a_state_that_was_lost_where_all_is_fresh_needs_no_purge() {
    let world = purged(&["plain", "compress"]);
    std::fs::remove_file(world.root().join(".purgit/state.json")).unwrap();
    world.run("apply --verify").code(0).stdout_has("No changes");
    assert_eq!(world.cdn.tasks().len(), 0);
    world.run("plan --detailed-exitcode").code(0);
    world
        .run("status")
        .stdout_has("Verified: True (ProvenFresh) 2 entries");
}

#[test]
fn an_endpoint_without_the_block_is_asked_as_by_default() {
    let world = purged(&["plain"]);
    let manifest = world.read("purgit.yaml");
    let verify = manifest.find("  verify: {").unwrap();
    let end = verify + manifest[verify..].find('\n').unwrap() + 1;
    world.write(
        "purgit.yaml",
        &format!("{}{}", &manifest[..verify], &manifest[end..]),
    );
    world.edit(
        "purgit.yaml",
        "hosts: [www.example.com]",
        "hosts: [localhost]",
    );
    world.edit(
        "purgit.yaml",
        "https://www.example.com/",
        "http://localhost:1/",
    );
    // Nobody is there: nothing is proven, and all is planned.
    world
        .run("plan --verify")
        .code(0)
        .stdout_has("Edges: 0 fresh, 0 stale, 2 unknown in 6 requests\n");
}

#[test]
fn a_sample_is_asked_for_on_purpose_only() {
    let world = Edges::new(&["plain"], "sample: 3, acceptEncoding: [identity]");
    for page in 0..8 {
        world.publish(&format!("{page}.html"), &page.to_string());
    }
    world.run("state baseline").code(0);
    world
        .run("plan --verify")
        .code(0)
        .stdout_has("Edges: 8 fresh, 0 stale, 0 unknown in 8 requests\n");
    let shown = world.run("plan --verify=sample --format markdown").code(0);
    shown.stdout_has(
        "The edges were asked first: 3 fresh, 0 stale, 0 unknown in 3 requests; 5 entries not asked for.",
    );
}

#[test]
fn a_saved_plan_is_carried_out_though_the_edge_came_right() {
    let world = drifted();
    world.publish("c.html", "c 1");
    world.run("plan --verify --out plan.json").code(0);
    let saved: Value = serde_json::from_str(&world.read("plan.json")).unwrap();
    assert_eq!(saved["arguments"]["verify"], "all");
    assert_eq!(saved["adopted"][0]["address"], "site/docs/c.html");
    assert_eq!(reasons(&saved), [stale("site/docs/a.html")]);
    // Only what is not purged is asked for again.
    let applied = world.run("apply --plan plan.json --no-verify").code(0);
    applied.stderr_has("asking the edges for 1 entry: 2 requests");
    assert_eq!(world.cdn.tasks().len(), 2);
    assert_eq!(world.state().entries.len(), 3);
    world
        .run("apply --plan plan.json")
        .code(5)
        .stderr_has("its entries changed");
}

#[test]
fn a_saved_plan_does_not_hold_once_an_adopted_page_is_not_fresh() {
    let world = drifted();
    world.publish("c.html", "c 1");
    world.run("plan --verify --out plan.json").code(0);
    world.deploy("c.html", "rolled back");
    world.run("purge https://www.example.com/c.html").code(0);
    world
        .run("apply --plan plan.json")
        .code(5)
        .stderr_has("`site/docs/c.html` (https://www.example.com/c.html): new in the plan (added)");
    assert_eq!(world.cdn.tasks().len(), 2);
    world
        .run("apply --plan plan.json --verify=sample")
        .code(64)
        .stderr_has(
            "`--verify=sample` contradicts the saved plan, which was made with `--verify=all`",
        );
}

#[test]
fn a_saved_plan_whose_adopted_entries_were_edited_is_refused() {
    let world = drifted();
    world.publish("c.html", "c 1");
    world.run("plan --verify --out plan.json").code(0);
    let mut saved: Value = serde_json::from_str(&world.read("plan.json")).unwrap();
    saved["adopted"][0]["address"] = "site/docs/d.html".into();
    world.write("plan.json", &saved.to_string());
    world.run("apply --plan plan.json").code(5);
    assert_eq!(world.cdn.tasks().len(), 1);
}

#[test]
fn a_baseline_adopts_what_is_proven_fresh_and_leaves_the_rest_planned() {
    let world = Edges::new(&["plain", "deaf"], QUICK);
    world.publish("a.html", "a 1");
    world.publish("b.html", "b 1");
    world.visit(&["b.html"]);
    world.publish("b.html", "b 2");
    world
        .run("state baseline --verify")
        .code(0)
        .stdout_has("Adopted 1 entry as purged; nothing was sent\n")
        .stdout_has("Edges: 1 fresh, 0 stale, 1 unknown in 4 requests; 1 entry adopted")
        .stderr_has("`purgit plan` shows what is left");
    world
        .run("plan")
        .stdout_has("1 entry to purge")
        .stdout_has("b.html  added");
    assert_eq!(world.cdn.tasks().len(), 0);
    // What changed since may be there already, and what is gone may be gone.
    world.publish("a.html", "a 2");
    world.publish("c.html", "c 1");
    world.run("state baseline site/docs/c.html").code(0);
    world.unpublish("c.html");
    world
        .run("state baseline --verify")
        .code(0)
        .stdout_has("Edges: 1 fresh, 1 stale, 1 unknown");
    world
        .run("purge https://www.example.com/a.html https://www.example.com/b.html")
        .code(0);
    let manifest = world.read("purgit.yaml");
    let (front, rest) = manifest.split_once(", \"http").unwrap();
    let (_, rest) = rest.split_once(']').unwrap();
    world.write("purgit.yaml", &format!("{front}]{rest}"));
    world
        .run("state baseline --verify")
        .code(0)
        .stdout_has("Adopted 2 entries as purged");
    assert_eq!(world.state().entries.len(), 2);
}

#[test]
fn older_bytes_are_recognised_by_git_where_the_state_was_lost() {
    let world = Edges::new(&["plain", "deaf"], QUICK);
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .current_dir(world.root())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "-q"]);
    world.publish("a.html", "a 1");
    git(&["add", "public"]);
    git(&["commit", "-qm", "first"]);
    world.visit(&["a.html"]);
    world.publish("a.html", "a 2");
    git(&["commit", "-qam", "second"]);
    world
        .run("purge https://www.example.com/a.html --no-verify")
        .code(0);
    let plan = world.run("plan --verify --format json").code(0).json();
    let evidence = &plan["changes"][0]["evidence"];
    assert_eq!(evidence["verdict"], "stale");
    let why = evidence["why"].as_str().unwrap();
    assert!(why.starts_with("serves an earlier generation"), "{why}");
}
