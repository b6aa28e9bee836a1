//! `purgit plan`: what it shows, and what it needs.

use serde_json::json;

use crate::common::{Environment, World};

#[test]
fn people_see_changes_steps_quota_and_checks() {
    let world = World::new();
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "2026-03-01");
    let output = world.run("plan").code(0);
    insta::assert_snapshot!(output.scrubbed(), @"
    exit: 0
    --- stdout
    Plan: 3 entries to purge (2 files, 1 directory)
      [www] 1 request; quota of the day: 2 of 2,000 files, 1 of 500 directories

    purge/spring on www
      + file      https://www.example.com/a.png  added
      + file      https://www.example.com/b.png  added
      + directory https://www.example.com/d/  added

    Checks: 4 passed
    Plan id: [DIGEST]
    --- stderr
    ");
}

#[test]
fn it_needs_neither_network_nor_credentials_and_leaves_nothing_behind() {
    let env = Environment::new();
    env.run("init").code(0);
    // Nobody listens there, and nobody has the keys.
    env.edit(
        "purgit.yaml",
        "# apiUrl: http://127.0.0.1:8787",
        "apiUrl: http://127.0.0.1:1",
    );
    let before = env.files();
    let advice = "hint: set `AZURE_CDN_KEY_ID`, `AZURE_CDN_KEY_VALUE` before `purgit apply`\n";
    assert_eq!(env.run("plan").code(0).stderr, advice);
    env.run("plan -q").code(0).stderr_is_empty();
    env.run("plan --format json").code(0).stderr_is_empty();
    assert_eq!(env.files(), before);
}

#[test]
fn the_first_plan_as_json_has_exactly_the_contract_s_fields() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &["/d/"], "1");
    let mut plan = world.run("plan --format json").code(0).json();
    for (pointer, prefix) in [
        ("/plan_id", "sha256:"),
        ("/base/manifests_digest", "sha256:"),
    ] {
        let value = plan.pointer_mut(pointer).unwrap();
        let digest = value.as_str().unwrap().strip_prefix(prefix).unwrap();
        assert_eq!(digest.len(), 64, "{digest}");
        *value = json!("…");
    }
    let timestamp = plan["timestamp"].take();
    let timestamp = timestamp.as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(timestamp).is_ok());
    for quota in plan["quota"].as_array_mut().unwrap() {
        let turns_at = quota["turns_at"].take();
        assert!(chrono::DateTime::parse_from_rfc3339(turns_at.as_str().unwrap()).is_ok());
    }
    let check = |name: &str, detail: &str| {
        json!({
            "name": name, "endpoint": "www", "status": "passed", "detail": format!("[www] {detail}")
        })
    };
    let expected = json!({
        "format_version": "1.0",
        "plan_id": "…",
        "tool_version": env!("CARGO_PKG_VERSION"),
        "timestamp": null,
        "base": { "state": null, "git": null, "manifests_digest": "…" },
        "applyable": true,
        "complete": true,
        "summary": {
            "purge": 2, "deferred": 0, "noop": 0, "in_progress": 0, "files": 1, "directories": 1, "tags": 0,
            "hosts": 0, "everything": 0, "requests": 1
        },
        "changes": [
            {
                "address": "purge/spring/file/https://www.example.com/a.png",
                "endpoint": "www",
                "kind": "file",
                "target": "https://www.example.com/a.png",
                "url": "https://www.example.com/a.png",
                "before": null,
                "after": "1",
                "reason": "added",
                "deferred_until": null,
            },
            {
                "address": "purge/spring/directory/https://www.example.com/d/",
                "endpoint": "www",
                "kind": "directory",
                "target": "https://www.example.com/d/",
                "url": "https://www.example.com/d/",
                "before": null,
                "after": "1",
                "reason": "added",
                "deferred_until": null,
            },
        ],
        "steps": [
            {
                "endpoint": "www",
                "files": ["https://www.example.com/a.png"],
                "directories": ["https://www.example.com/d/"],
                "tags": [],
                "hosts": [],
                "everything": false,
            },
        ],
        "quota": [
            {
                "endpoint": "www", "kind": "file", "used": 0, "planned": 1, "deferred": 0,
                "limit": 2000, "reserve": 0, "left": 1999, "turns_at": null
            },
            {
                "endpoint": "www", "kind": "directory", "used": 0, "planned": 1, "deferred": 0,
                "limit": 500, "reserve": 0, "left": 499, "turns_at": null
            },
        ],
        "checks": [
            check(
                "max-change-percent",
                "0 of 0 observed entries change; a share is checked from 10 observed",
            ),
            check("max-urls", "2 URLs in one plan, limit 2,000"),
            check("max-directories", "1 directory in one plan, limit 50"),
            check("quota", "1 file a day, limit 2,000; 1 directory a day, limit 500"),
        ],
        "diagnostics": [],
        "manifests": [{ "address": "purge/spring", "file": "purges/spring.yaml", "line": 3 }],
    });
    assert_eq!(plan, expected, "{plan:#}");
}

#[test]
fn a_later_plan_names_its_state_and_the_generations() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply").code(0);
    world.purge("spring", &["/a.png"], &[], "2");
    let plan = world.run("plan --format json").code(0).json();
    let state = world.state();
    assert_eq!(plan["base"]["state"]["lineage"], json!(state.lineage));
    assert_eq!(plan["base"]["state"]["serial"], json!(state.serial));
    let digest = plan["base"]["state"]["digest"].as_str().unwrap();
    assert!(digest.starts_with("sha256:"), "{digest}");
    let change = &plan["changes"][0];
    assert_eq!(change["before"], "1");
    assert_eq!(change["after"], "2");
    assert_eq!(change["reason"], "revision_changed");
    assert_eq!(plan["diagnostics"][0]["severity"], "info");
    let message = plan["diagnostics"][0]["message"].as_str().unwrap();
    assert!(message.contains("forgotten, not purged"), "{message}");
    world
        .run("plan")
        .stdout_has("~ file https://www.example.com/a.png  revision_changed (1 -> 2)");
}

#[test]
fn json_into_a_file_is_the_same_document() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let mut printed = world.run("plan --format json --json-into plan.json").json();
    let mut written: serde_json::Value = serde_json::from_str(&world.read("plan.json")).unwrap();
    assert_eq!(printed, written);
    world.run("plan --json-into text.json").stdout_has("Plan:");
    written = serde_json::from_str(&world.read("text.json")).unwrap();
    printed["timestamp"].take();
    written["timestamp"].take();
    assert_eq!(printed, written);
    world
        .run("plan --json-into missing/plan.json")
        .code(1)
        .stderr_has("cannot write the plan to `missing/plan.json`");
    // Nothing is purged when the plan could not be kept.
    world.run("apply --json-into missing/plan.json").code(1);
    assert_eq!(world.posts(), 0);
}

#[test]
fn detailed_exit_codes_tell_whether_there_are_changes() {
    let world = World::new();
    world.run("plan --detailed-exitcode").code(0);
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("plan").code(0);
    world.run("plan --detailed-exitcode").code(2);
    world.run("apply --detailed-exitcode").code(2);
    world.run("plan --detailed-exitcode").code(0);
    world.run("apply --detailed-exitcode").code(0);
}

#[test]
fn a_target_or_exclusion_narrows_the_plan() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &["/d/"], "1");
    world.purge("summer", &["/c.png"], &[], "1");
    let planned = |arguments: &str| -> Vec<String> {
        let plan = world.run(&format!("plan --format json {arguments}"));
        let plan = plan.code(0).json();
        assert_eq!(plan["complete"], false, "{arguments}");
        let changes = plan["changes"].as_array().unwrap();
        let url = |change: &serde_json::Value| change["url"].as_str().unwrap()[23..].to_owned();
        changes.iter().map(url).collect()
    };
    assert_eq!(planned("--target purge/summer"), ["/c.png"]);
    assert_eq!(planned("--exclude purge/spring"), ["/c.png"]);
    assert_eq!(planned("--target purge/spring/file"), ["/a.png", "/b.png"]);
    assert_eq!(
        planned("--target purge/*/file/*.png --exclude */b.png"),
        ["/a.png", "/c.png"]
    );
    assert_eq!(
        planned("--target purge/summer --target purge/spring/directory/https://www.example.com/d/"),
        ["/d/", "/c.png"]
    );
    world
        .run("plan --target purge/summer")
        .stdout_has("Warning: 3 changes left out by `--target` or `--exclude`");
    world
        .run("plan --target purge/winter")
        .code(1)
        .stdout_is_empty()
        .stderr_has("no entry has an address like `purge/winter`")
        .stderr_has("hint: `purgit status --all` lists the addresses of all entries");

    world.run("apply --target purge/summer").code(0);
    assert_eq!(world.purged(), ["https://www.example.com/c.png"]);
    world.run("plan").stdout_has("Plan: 3 entries to purge");
}

#[test]
fn what_is_suspended_is_left_as_it_is() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let suspended = |until: &str| {
        world.purge("spring", &["/a.png"], &[], "2");
        let more = format!("  suspend: true\n  suspendReason: sale is off\n{until}");
        let manifest = world.read("purges/spring.yaml") + &more;
        world.write("purges/spring.yaml", &manifest);
    };
    suspended("");
    world
        .run("plan --detailed-exitcode")
        .code(0)
        .stdout_has("purge/spring is suspended: left as it is");
    world.run("apply").code(0);
    assert_eq!(world.posts(), 1);
    assert_eq!(world.state().entries.len(), 1, "not forgotten");
    suspended("  suspendUntil: 2999-01-01\n");
    world.run("plan --detailed-exitcode").code(0);
    suspended("  suspendUntil: 2001-01-01\n");
    world.run("plan --detailed-exitcode").code(2);
}

#[test]
fn addresses_name_what_people_wrote() {
    let world = World::new();
    world.edit(
        "purgit.yaml",
        "hosts: [",
        "hosts: [\"*.img.example.com\", bücher.example, ",
    );
    world.purge(
        "mixed",
        &[
            "https://a.img.example.com/x.png",
            "https://bücher.example/é.html",
        ],
        &[],
        "1",
    );
    let plan = world.run("plan --format json").code(0).json();
    let urls: Vec<_> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| &c["url"])
        .collect();
    assert_eq!(
        urls,
        [
            "https://a.img.example.com/x.png",
            "https://xn--bcher-kva.example/%C3%A9.html"
        ]
    );
    world.run("apply").code(0);
    world.purge("mixed", &["https://a.b.img.example.com/x.png"], &[], "1");
    world.run("plan").code(1).stderr_has("a.b.img.example.com");
}
