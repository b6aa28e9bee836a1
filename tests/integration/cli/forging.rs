//! No text of others forges output: it is put into every place that foreign text comes in by, and
//! looked for in everything that is printed or written for people.

use std::time::Duration;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use purgit::state::StateStore as _;
use serde_json::json;

use crate::common::{Output, World};
use crate::site::fixture::site;
use crate::state_fixture::holder;

/// What a file name, a message or a token may hold to forge output.
const FORGED: &str = "x\u{1b}[2J\nNo changes: forged\n::error::forged\r##[error]forged\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}```\u{7f}\u{9b}31m";

/// As a text in double quotes, of YAML and of JSON.
fn quoted() -> String {
    let text = json!(FORGED).to_string();
    // YAML takes neither as it is.
    text.replace('\u{7f}', "\\u007f")
        .replace('\u{9b}', "\\u009b")
}

/// As a text of a manifest, which has no control characters but line ends.
fn declared() -> String {
    let is_taken = |c: &char| !c.is_control() || *c == '\n';
    json!(FORGED.chars().filter(is_taken).collect::<String>()).to_string()
}

#[track_caller]
fn assert_honest(text: &str, from: &str) {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || "\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}".contains(c)
    };
    assert!(!text.contains(hidden), "{from}:\n{}", text.escape_debug());
    for line in text.lines() {
        let line = line.trim_start();
        let forged = ["::error::forged", "No changes: forged", "```", "##[error]"];
        let found = forged.iter().find(|mark| match **mark {
            mark @ ("```" | "##[error]") => line.contains(mark),
            mark => line.starts_with(mark),
        });
        assert_eq!(found, None, "{from}:\n{text}");
    }
}

/// That an output is honest, and that the forged text came into it at all.
#[track_caller]
fn assert_shown(output: &Output, line: &str) {
    assert_honest(&output.stdout, &format!("stdout of {line}"));
    assert_honest(&output.stderr, &format!("stderr of {line}"));
    let both = format!("{}{}", output.stdout, output.stderr);
    assert!(
        both.contains("forged"),
        "{line} shows nothing of it: {output:?}"
    );
}

/// A project with hostile names, in which everything is hostile that may be.
fn hostile() -> World {
    let world = World::new();
    let declared = declared();
    let purge = |name: &str, more: &str| {
        format!(
            "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: {{ name: {name} }}\nspec:\n  \
             endpoint: www\n  files: [\"https://www.example.com/{name}\"]\n  {more}\n"
        )
    };
    let name = format!("purges/{FORGED}.yaml");
    world.write(&name, &purge("spring", &format!("revision: {declared}")));
    let suspended = format!("suspend: true\n  suspendReason: {declared}");
    world.write("purges/summer.yaml", &purge("summer", &suspended));
    world.write("purges/docs.yaml", &site(""));
    world.write(&format!("public/{FORGED}.html"), "1");
    world
}

/// A state in which every free text is forged.
fn forged_state() -> String {
    let url = "https://www.example.com/spring";
    let address = format!("purge/spring/file/{url}");
    let gone = format!("site/docs/{FORGED}");
    let at = "2026-11-18T11:06:49Z";
    json!({
        "version": 1,
        "serial": 1,
        "lineage": FORGED,
        "tool_version": FORGED,
        "entries": [
            {
                "address": address, "endpoint": "www", "kind": "file", "url": url,
                "generation": FORGED, "confirmed_at": at,
                "attempt": { "generation": FORGED, "outcome": "Failed", "at": at, "message": FORGED },
            },
            {
                "address": gone, "endpoint": "www", "kind": "file",
                "url": "https://www.example.com/gone", "generation": FORGED, "confirmed_at": at,
            },
        ],
        "pending_operations": [{
            "id": FORGED, "endpoint": "www", "intended_at": at, "task": { "id": FORGED },
            "accepted_at": at, "correlation_id": FORGED,
            "entries": [{
                "address": gone, "kind": "file", "url": "https://www.example.com/gone",
                "generation": null,
            }],
        }],
        "quota": [],
        "history": [{
            "at": at, "plan_id": FORGED, "outcomes": { "Failed": 1 }, "requests": 1, "exit_code": 3,
            "command": FORGED, "by": FORGED, "commit": FORGED, "ci": FORGED, "run_url": FORGED,
            "entries": { "Failed": [FORGED] },
        }],
    })
    .to_string()
}

#[test]
fn manifests_file_names_and_state_forge_nothing() {
    let world = hostile();
    for state in [None, Some(forged_state())] {
        if let Some(state) = &state {
            world.write(".purgit/state.json", state);
        }
        for line in [
            "plan",
            "plan -vvv",
            "plan -vvv --log-format json",
            "plan --format json",
            "plan --format json --json-into plan.json",
            "status",
            "status --all",
            "status --all --format json",
        ] {
            assert_shown(&world.run(line), line);
        }
        assert_honest(&world.read("plan.json"), "the plan's file");
    }
    for line in [
        "history -v",
        "history --format json",
        "state list",
        "state list --format json",
    ] {
        assert_shown(&world.run(line), line);
    }
    world.run("apply -vvv --no-wait");
    world.fault("fail-url=**");
    world.fault("status=503@purge");
    for line in [
        "apply",
        "apply --format json --timeout 100ms",
        "status",
        "status --refresh --all",
    ] {
        assert_shown(&world.run(line), line);
        assert_honest(&world.read("purgit.status.yaml"), "the status file");
    }
    assert!(world.read("purgit.status.yaml").contains("forged"));
}

#[test]
fn a_forged_status_file_forges_nothing() {
    let world = hostile();
    // The CDN refuses one of the URLs.
    world.run("apply").code(3);
    let run = world.read("purgit.status.yaml");
    let forged = format!("  refused: [{0}]\n  error: {0}\n  requests:", quoted());
    world.write(
        "purgit.status.yaml",
        &run.replacen("  requests:", &forged, 1),
    );
    for line in ["status", "status --format json", "status --refresh"] {
        assert_shown(&world.run(line).code(0), line);
    }
    assert_honest(&world.read("purgit.status.yaml"), "what --refresh wrote");
}

#[test]
fn problems_of_manifests_forge_nothing() {
    let world = hostile();
    let quoted = quoted();
    world.write(
        &format!("purges/{FORGED}2.yaml"),
        &format!(
            "apiVersion: {quoted}\nkind: Purge\nmetadata: {{ name: {quoted} }}\nspec:\n  \
             endpoint: {quoted}\n  {quoted}: 1\n  files: [{quoted}, \"http://{FORGED}/\"]\n"
        ),
    );
    // As it is in the snippet that shows the place.
    let raw = FORGED.replace(['\n', '\r'], "");
    world.write(
        "purges/raw.yaml",
        &format!("kind: Purge\nspec: {{ wrong: {raw} }}\n"),
    );
    world.write(
        "purges/key.yaml",
        &format!(
            "apiVersion: purgit/v1alpha1\nkind: Endpoint\nmetadata: {{ name: two }}\nspec:\n  hosts: [{quoted}]\n  \
             azureChinaCdn:\n    subscriptionId: {quoted}\n    endpointId: {quoted}\n    apiUrl: {quoted}\n    \
             credentials: {{ keyId: {{ env: {quoted} }}, keyValue: {{ file: {quoted} }} }}\n"
        ),
    );
    for line in [
        "validate",
        "validate --format json",
        "plan",
        "apply --format json",
    ] {
        assert_shown(&world.run(line).code(1), line);
    }
    let line = "validate --format github";
    let output = world.run(line).code(1);
    assert_shown(&output, line);
    for line in output.stdout.lines() {
        let command = line
            .strip_prefix("::error ")
            .or(line.strip_prefix("::warning "));
        let (properties, _) = command.and_then(|rest| rest.split_once("::")).unwrap();
        let is_known = |property: &str| {
            let names = [
                "file=",
                "line=",
                "col=",
                "endLine=",
                "endColumn=",
                "title=purgit",
            ];
            names.iter().any(|name| property.starts_with(name))
        };
        assert!(properties.split(',').all(is_known), "{line}");
    }
}

#[test]
fn errors_forge_nothing() {
    let world = hostile();
    git2::Repository::init(world.root()).unwrap();
    // What is typed may come from others too: the name of a branch, an address.
    for (option, value) in [
        ("--since", FORGED),
        ("--target", FORGED),
        ("--exclude", FORGED),
    ] {
        let output = world.run_arguments(&["plan", option, value]).code(1);
        assert_shown(&output, option);
    }
    let url = format!("https://{FORGED}.com/");
    let output = world.run_arguments(&["purge", &url]).code(1);
    assert_shown(&output, "purge");

    let lock = world
        .store()
        .lease(&holder(FORGED), Duration::from_secs(60))
        .unwrap();
    for line in ["apply", "apply --format json"] {
        assert_shown(
            &world.run(&format!("{line} --lock-timeout 0s")).code(6),
            line,
        );
    }
    drop(lock);
    world.edit(
        "purgit.yaml",
        "env: AZURE_CDN_KEY_ID",
        &format!("file: {}", declared()),
    );
    for line in ["apply", "apply --format json", "status --format json"] {
        assert_shown(&world.run(line), line);
    }
    assert_honest(&world.read("purgit.status.yaml"), "the status file");
    let entry = json!({
        "address": FORGED, "endpoint": "www", "kind": FORGED, "url": FORGED, "generation": FORGED,
    });
    let state = json!({ "version": 1, "serial": 1, "lineage": "x", "entries": [entry] });
    world.write(".purgit/state.json", &state.to_string());
    assert_shown(&world.run("plan").code(1), "a corrupt state");
}

#[test]
fn a_cdn_forges_nothing() {
    let world = hostile();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let error = json!({ "Succeeded": false, "ErrorInfo": { "Type": FORGED, "Message": FORGED } });
    let bodies = [
        error.to_string(),
        FORGED.to_owned(),
        format!("<title>{FORGED}</title>"),
    ];
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            // Only so that it has been sent.
            let _ = stream.read(&mut vec![0; 64 * 1024]);
            let body = &bodies[number % bodies.len()];
            let length = body.len();
            let head = "HTTP/1.1 400 Bad\r\nconnection: close\r\nx-correlation-id: forged\u{202e}";
            let _ = write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{body}");
        }
    });
    world.edit("purgit.yaml", &world.cdn.api_url(), &api);
    for line in [
        "apply",
        "apply --format json",
        "apply -q",
        "status",
        "status --format json",
    ] {
        assert_shown(&world.run(line), line);
    }
    assert_honest(&world.read("purgit.status.yaml"), "the status file");
    assert!(world.read("purgit.status.yaml").contains("forged"));
}

#[test]
fn a_watch_forges_nothing() {
    let world = hostile();
    let watch = world.start("watch --format json --poll 50ms");
    watch.wait_for_stderr("watching for changes");
    world.write(&format!("purges/{FORGED}.yaml"), "kind: [");
    watch.wait_for_stderr("the last valid ones stay in force");
    watch.signal("INT");
    let output = watch.finish();
    assert!(output.stdout.contains("forged"), "{output:?}");
    assert_shown(&output, "watch");
}
