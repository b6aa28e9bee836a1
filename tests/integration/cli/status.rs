//! `purgit status`

use std::fs;

use serde_json::{Value, json};

use crate::common::World;
use crate::site::fixture::site;

/// A site of twelve pages that were all purged.
fn published(world: &World) {
    world.write("purges/docs.yaml", &site("index: index.html"));
    for number in 1..=11 {
        world.write(&format!("public/f{number}"), "1");
    }
    world.write("public/a/index.html", "1");
    world.run("apply").code(0);
    world
        .run("status")
        .code(0)
        .stdout_has("Ready: True (PurgeSucceeded) 13 entries are confirmed")
        .stdout_lacks("f11");
}

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
      Last run: PartlyFailed, exit code 3, since [TIME]

    purge/spring on www
      Ready: False (PurgeFailed) 1 of 2 entries failed: the CDN reports the purge as failed; it may have reached part of the edge (first `https://www.example.com/b.png`)
      1 of 2 entries as declared
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
    let manifest = &document["manifests"][0];
    assert_eq!(manifest["entries"]["succeeded"], 1);
    assert_eq!(manifest["outcomes"], json!([]), "all is as declared");
    let everything = world.run("status --all --format json").code(0).json();
    let address = "purge/spring/file/https://www.example.com/a.png";
    assert_eq!(
        everything["manifests"][0]["outcomes"],
        json!([{
            "address": address,
            "kind": "file",
            "target": "https://www.example.com/a.png",
            "outcome": "Succeeded",
            "generation": "1",
        }])
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
        .run("status --refresh --all")
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

#[test]
fn a_deletion_that_is_not_through_is_not_as_declared() {
    type Trouble = fn(&mut World);
    let failing = |world: &mut World| world.fault("fail-url=**/f11");
    let stuck = |world: &mut World| world.fault("stuck");
    let refused = |world: &mut World| {
        let name = "metadata: { name: emulated }\n";
        let safety = "spec: { safety: { maxUrls: 0 } }\n";
        world.edit("purgit.yaml", name, &format!("{name}{safety}"));
    };
    let locked_out = |world: &mut World| world.unset("AZURE_CDN_KEY_VALUE");
    let cases: [(Trouble, &str, i32, &[&str]); 4] = [
        (
            failing,
            "apply",
            3,
            &[
                "Ready: False (PurgeFailed) 1 of 13 entries failed: ",
                "Failed     site/docs/f11  https://www.example.com/f11  its content is gone  the CDN",
            ],
        ),
        (
            stuck,
            "apply --timeout 1s",
            8,
            &[
                "Reconciling: True (InProgress) 1 of 13 entries are under way",
                "InProgress site/docs/f11  https://www.example.com/f11  its content is gone  task ",
            ],
        ),
        (
            refused,
            "apply",
            4,
            &[
                "Stalled: True (Refused) [www] 1 URL in one plan, limit 0;",
                "Planned    site/docs/f11",
            ],
        ),
        (
            locked_out,
            "apply",
            7,
            &[
                "Stalled: True (CredentialsMissing) no `keyValue`: ",
                "Skipped    site/docs/f11",
            ],
        ),
    ];
    for (trouble, line, code, said) in cases {
        let mut world = World::new();
        published(&world);
        fs::remove_file(world.root().join("public/f11")).unwrap();
        trouble(&mut world);
        world.run(line).code(code);
        let output = world.run("status").code(0);
        let output = output
            .stdout_has("Ready: False (")
            .stdout_has("12 of 13 entries as declared")
            .stdout_lacks("/f10");
        said.iter()
            .fold(output, |output, text| output.stdout_has(text));
        let manifest = world.status().manifests.remove(0);
        let [entry] = &manifest.outcomes[..] else {
            panic!("{manifest:?}");
        };
        assert_eq!(entry.address, "site/docs/f11");
        assert_eq!((&entry.generation, manifest.entries.succeeded), (&None, 12));
    }
}

#[test]
fn what_it_prints_as_an_address_is_what_target_takes() {
    let world = World::new();
    published(&world);
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    let document = world.run("status --all --format json").code(0).json();
    let manifests = document["manifests"].as_array().unwrap();
    let entries = manifests
        .iter()
        .flat_map(|manifest| manifest["outcomes"].as_array().unwrap());
    let addresses: Vec<_> = entries
        .map(|entry| entry["address"].as_str().unwrap())
        .collect();
    assert_eq!(addresses.len(), 15);
    let text = world.run("status --all").code(0).stdout;
    for address in addresses {
        assert!(text.contains(&format!(" {address}")), "{address}");
        world.run(&format!("plan --target {address}")).code(0);
    }
}

#[test]
fn a_run_that_changes_nothing_leaves_the_file_as_it_is() {
    let world = World::new();
    published(&world);
    world.run("apply").code(0);
    let before = world.read("purgit.status.yaml");
    assert!(before.lines().count() < 60, "{before}");
    world.run("apply").code(0);
    assert_eq!(world.read("purgit.status.yaml"), before);
}

#[test]
fn a_document_of_an_older_purgit_is_read() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let path = "purgit.status.yaml";
    let written = world.read(path);
    let (front, times) = written.split_once("lastTransitionTime: ").unwrap();
    let (_, behind) = times.split_once('\n').unwrap();
    let older = format!("{front}lastTransitionTime: 2026-01-01T00:00:00Z\n{behind}").replace(
        "  outcomes: []\n",
        "  outcomes:\n  - url: https://www.example.com/a.png\n    kind: file\n    outcome: Succeeded\n    \
         generation: \"1\"\n",
    );
    assert!(older.contains("- url:"), "{older}");
    world.write(path, &older);
    let entry = &world.status().manifests[0].outcomes[0];
    assert_eq!(entry.target, "https://www.example.com/a.png");
    let document: Value = world.run("status --format json").code(0).json();
    let time = &document["conditions"][0]["lastTransitionTime"];
    assert_eq!(time, "2026-01-01T00:00:00Z", "it has not changed since");
    assert_eq!(document["manifests"][0]["outcomes"], json!([]));
}
