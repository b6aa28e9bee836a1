//! `purgit status`

use crate::common::World;

#[test]
fn before_anything_happened_nothing_is_known() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let before = world.files();
    let output = world.run("status").code(0);
    assert_eq!(world.files(), before, "only telling");
    insta::assert_snapshot!(output.scrubbed(), @r"
    exit: 0
    --- stdout
    emulated
      Ready: Unknown (NotPurged) 0 of 1 manifests are ready

    purge/spring on www
      Ready: Unknown (NotPurged) 0 of 1 entries are confirmed
      0 of 1 entry as declared
      Planned    purge/spring/file/https://www.example.com/a.png
    --- stderr
    ");
}

#[test]
fn it_tells_how_things_stand_now() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.fault("fail-url=**/b.png");
    world.run("apply").code(3);
    let output = world.run("status").code(0);
    insta::assert_snapshot!(output.scrubbed(), @r"
    exit: 0
    --- stdout
    emulated
      Ready: False (PurgeFailed) 0 of 1 manifests are ready
      Last run: PartlyFailed, exit code 3, at [TIME]

    purge/spring on www
      Ready: False (PurgeFailed) 1 of 2 entries failed, first `https://www.example.com/b.png`: the CDN reports the purge as failed; it may have reached part of the edge
      1 of 2 entries as declared
      Succeeded  purge/spring/file/https://www.example.com/a.png
      Failed     purge/spring/file/https://www.example.com/b.png  the CDN reports the purge as failed; it may have reached part of the edge
    --- stderr
    ");
    // What was declared since counts.
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("status")
        .code(0)
        .stdout_has("Ready: True")
        .stdout_has("1 of 1 entry as declared");
}

#[test]
fn json_is_the_status_document() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let document = world.run("status --format json").code(0).json();
    assert_eq!(document["apiVersion"], "purgit/v1alpha1");
    assert_eq!(document["kind"], "Status");
    assert_eq!(document["metadata"]["name"], "emulated");
    assert_eq!(document["conditions"][0]["type"], "Ready");
    assert_eq!(document["conditions"][0]["status"], "True");
    assert_eq!(document["lastRun"]["result"], "Succeeded");
    assert_eq!(
        document["manifests"][0]["outcomes"][0]["outcome"],
        "Succeeded"
    );
    assert_eq!(document["history"][0]["outcomes"]["Succeeded"], 1);
}

#[test]
fn refresh_asks_about_what_is_under_way_and_submits_nothing() {
    let world = World::slow();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.purge("summer", &["/b.png"], &[], "1");
    world
        .run("status")
        .code(0)
        .stdout_has("Submitted  purge/spring/file/https://www.example.com/a.png  task ")
        .stdout_has("Planned    purge/summer/file/https://www.example.com/b.png");
    assert_eq!(world.queries(), 0);
    world
        .run("status --refresh")
        .code(0)
        .stdout_has("InProgress purge/spring/");
    assert_eq!(world.queries(), 1);
    world.finish("");
    world
        .run("status --refresh")
        .code(0)
        .stdout_has("Succeeded  purge/spring/");
    assert_eq!(world.posts(), 1);
    assert_eq!(world.state().entries.len(), 1);
    let document = world.run("status --refresh --format json").code(0).json();
    assert_eq!(document["kind"], "Status");
    world.run("plan").stdout_has("Plan: 1 entry to purge");
}

#[test]
fn refresh_without_anything_under_way_asks_nobody() {
    let mut world = World::new();
    world.unset("AZURE_CDN_KEY_ID");
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("status --refresh").code(0);
    assert_eq!(world.cdn.requests().len(), 0);
}

#[test]
fn refresh_keeps_what_the_last_run_said() {
    let world = World::new();
    world.purge("all", &[], &["/"], "1");
    world.run("apply").code(4);
    world.run("status").stdout_has("(Refused)");
    world
        .run("status --refresh")
        .code(0)
        .stdout_has("(Refused)");
    let run = world.status().last_run.unwrap();
    assert_eq!(run.exit_code, 4, "looking is not a run of its own");
}
