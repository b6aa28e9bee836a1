//! `purgit plan --explain ADDRESS`: all there is to say about one entry.

use serde_json::json;

use crate::common::World;
use crate::schema::assert_valid;

const ADDRESS: &str = "purge/spring/file/https://www.example.com/a.png";

#[test]
fn it_names_line_generations_and_request() {
    let world = World::new();
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "1");
    insta::assert_snapshot!(world.run(&format!("plan --explain {ADDRESS}")).scrubbed(), @"
    exit: 0
    --- stdout
    purge/spring/file/https://www.example.com/a.png
      Standing  to be purged: added
      Target    file https://www.example.com/a.png on www
      Manifest  purges/spring.yaml:9:7
      Purged    nothing
      Wanted    1
      Request   1 of 1 on www, with 3 targets; serves 2 other entries
    --- stderr
    ");
    world.run("apply").code(0);
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "2");
    insta::assert_snapshot!(world.run(&format!("plan --explain {ADDRESS}")).scrubbed(), @"
    exit: 0
    --- stdout
    purge/spring/file/https://www.example.com/a.png
      Standing  to be purged: revision_changed (1 -> 2)
      Target    file https://www.example.com/a.png on www
      Manifest  purges/spring.yaml:9:7
      Purged    1, confirmed [TIME]
      Wanted    2
      Last try  Succeeded [TIME]
      Request   1 of 1 on www, with 3 targets; serves 2 other entries
    --- stderr
    ");
}

#[test]
fn a_manifest_without_a_revision_is_said_to_have_none() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    world.edit("purges/spring.yaml", "revision: \"1\"", "");
    world
        .run(&format!("plan --explain {ADDRESS}"))
        .code(0)
        .stdout_has("to be purged: revision_changed (1 -> no revision)\n")
        .stdout_has("  Wanted    as declared, without a revision\n");
    world
        .run("plan --format markdown")
        .stdout_has("revision changed (1 -> no revision)");
    // A revision that is so called is another one.
    world.purge("spring", &["/a.png"], &[], "declared");
    world.run("plan").stdout_has("(1 -> revision:declared)");
}

#[test]
fn it_says_why_nothing_is_to_be_done() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let explained = || world.run(&format!("plan --explain {ADDRESS}")).code(0);
    world.run("apply").code(0);
    explained()
        .stdout_has("  Standing  nothing to do: purged as wanted\n")
        .stdout_has("  Last try  Succeeded 20");
    let manifest = world.read("purges/spring.yaml");
    world.write(
        "purges/spring.yaml",
        &format!("{manifest}  suspend: true\n"),
    );
    explained().stdout_has("left as it is: its manifest is suspended");
    world.purge("spring", &["/b.png"], &[], "1");
    explained()
        .stdout_has("forgotten: no manifest declares it any more")
        .stdout_lacks("Manifest");
    world
        .run("plan --explain https://www.example.com/b.png --exclude */b.png")
        .code(0)
        .stdout_has("not in this plan: `--target` or `--exclude` leaves it out; added");
}

#[test]
fn it_names_the_task_and_the_failure() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    let task = world.state().pending_operations.first().unwrap().clone();
    world
        .run(&format!("plan --explain {ADDRESS}"))
        .code(0)
        .stdout_has("under way: the CDN has accepted it")
        .stdout_has(&format!("  Task      {}, sent 20", task.task.unwrap().id));

    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("error=MaliciousItemPathDetected@purge*always");
    world.run("apply").code(3);
    world
        .run(&format!("plan --explain {ADDRESS}"))
        .code(0)
        .stdout_has("to be purged: previous_failed")
        .stdout_has("  Last try  Failed 20")
        .stdout_has("`MaliciousItemPathDetected`");
}

#[test]
fn a_file_of_a_site_may_have_several_urls() {
    let world = World::new();
    world.write("purges/docs.yaml", &crate::site::fixture::site(""));
    world.write("public/a/index.html", "1");
    world
        .run("plan --explain site/docs/a/index.html")
        .code(0)
        .stdout_has("  Target    file https://www.example.com/a/ on www\n")
        .stdout_has("  Target    file https://www.example.com/a/index.html on www\n")
        .stdout_has("  Manifest  purges/docs.yaml:3:");
    // The one that is meant, however it is spelt.
    let output = world.run("plan --explain HTTPS://www.example.com:443/a/");
    assert_eq!(output.code(0).stdout.matches("Standing").count(), 1);
}

#[test]
fn json_has_the_same() {
    let world = World::new();
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "1");
    let output = world.run(&format!("plan --explain {ADDRESS} --format json"));
    let document = output.code(0).json();
    assert_valid("explain", &document, "plan_id");
    assert_eq!(
        document["entries"],
        json!([{
            "address": ADDRESS, "endpoint": "www", "kind": "file",
            "target": "https://www.example.com/a.png", "outcome": null, "generation": null,
            "confirmed_at": null, "attempt": null, "due": null, "operation": null,
            "standing": "planned", "reason": "added",
            "declared": { "file": "purges/spring.yaml", "line": 9, "column": 7 },
            "before": null, "after": "1",
            "request": { "number": 1, "of": 1, "targets": 3, "other_entries": 2 },
        }])
    );
}

#[test]
fn what_is_not_there_is_an_error_with_the_nearest_address() {
    let world = World::new();
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "1");
    for slip in [
        "purge/spring/file/https://www.example.com/a.pngg",
        "spring/file/https://www.example.com/a.png",
        "purge/sprign/file/https://www.example.com/a.png",
        "https://www.example.com/aa.png",
    ] {
        world
            .run(&format!("plan --explain {slip}"))
            .code(1)
            .stdout_is_empty()
            .stderr_has(&format!("error: no entry has the address `{slip}`"))
            .stderr_has(&format!("hint: did you mean `{ADDRESS}`?"));
    }
    world
        .run("plan --explain nonsense")
        .code(1)
        .stderr_has("hint: `purgit status --all` lists the addresses of all entries");
}
