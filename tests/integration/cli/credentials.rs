//! Credentials: missing, wrong, read-only, from files and from programs.

use purgit::emulator::azure_china_cdn::{DISABLED_KEY_ID, READ_ONLY_KEY_ID};
use purgit::status::UnusableReason;

use crate::common::World;

/// Three requests, one after the other.
fn world() -> World {
    let world = World::builder()
        .limits("itemsPerRequest: 1, concurrentRequests: 1")
        .build();
    world.purge("spring", &["/a.png", "/b.png", "/c.png"], &[], "1");
    world
}

#[test]
fn a_missing_variable_is_named_and_nothing_is_sent() {
    let mut world = world();
    world.unset("AZURE_CDN_KEY_VALUE");
    world
        .run("apply")
        .code(7)
        .stdout_has("Plan: 3 entries to purge")
        .stderr_has(
            "endpoint `www`: no `keyValue`: environment variable `AZURE_CDN_KEY_VALUE` is not set",
        )
        .stderr_has("hint: ");
    assert_eq!(world.cdn.requests().len(), 0);
    let status = world.status();
    let run = status.last_run.unwrap();
    assert_eq!(run.exit_code, 7);
    assert_eq!(
        run.unusable["www"].reason,
        UnusableReason::CredentialsMissing
    );
    assert_eq!(
        status.manifests[0].conditions[0].reason,
        "CredentialsMissing"
    );
    world.set("AZURE_CDN_KEY_VALUE", "   ");
    world
        .run("apply")
        .code(7)
        .stderr_has("holds no usable text");
    assert_eq!(world.cdn.requests().len(), 0);
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let mut world = world();
    let manifest = world.read("purgit.yaml");
    let (_, endpoint) = manifest.split_once("---\n").unwrap();
    let other = endpoint
        .replace("name: www", "name: img")
        .replace("www.example.com", "img.example.com")
        .replace("{ env: AZURE_CDN_KEY_VALUE }", "{ file: key }");
    world.write("purges/img.yaml", &other);
    world.write(
        "purges/logo.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: logo }\n\
         spec: { endpoint: img, files: [\"https://img.example.com/logo.png\"] }\n",
    );
    world.unset("AZURE_CDN_KEY_ID");
    world.unset("AZURE_CDN_KEY_VALUE");
    let output = world
        .run("apply")
        .code(7)
        .stderr_has("error: 4 credentials are missing\n")
        .stderr_has("hint: ");
    for missing in [
        "  endpoint `img`: no `keyId`: environment variable `AZURE_CDN_KEY_ID` is not set",
        "  endpoint `img`: no `keyValue`: cannot read file `",
        "  endpoint `www`: no `keyId`: environment variable `AZURE_CDN_KEY_ID` is not set",
        "  endpoint `www`: no `keyValue`: environment variable `AZURE_CDN_KEY_VALUE` is not set",
    ] {
        let line = output.stderr.lines().find(|line| line.starts_with(missing));
        assert!(line.is_some(), "{missing} in {output:?}");
    }
    assert_eq!(world.cdn.requests().len(), 0);
    let status = world.status();
    let unusable = status.last_run.unwrap().unusable;
    for endpoint in ["img", "www"] {
        let why = &unusable[endpoint];
        assert_eq!(why.reason, UnusableReason::CredentialsMissing, "{why:?}");
        assert!(why.message.contains("no `keyId`"), "{why:?}");
        assert!(why.message.contains("no `keyValue`"), "{why:?}");
    }
    for manifest in &status.manifests {
        assert_eq!(manifest.conditions[0].reason, "CredentialsMissing");
    }
    world
        .run("watch")
        .code(7)
        .stderr_has("error: 4 credentials are missing\n");
}

#[test]
fn nothing_to_send_needs_no_credentials() {
    let mut world = world();
    world.run("apply").code(0);
    world.unset("AZURE_CDN_KEY_ID");
    world.unset("AZURE_CDN_KEY_VALUE");
    world.run("apply").code(0);
    world.run("status").code(0);
}

#[test]
fn a_key_that_is_rejected_stops_the_endpoint() {
    for (variable, value, word) in [
        ("AZURE_CDN_KEY_VALUE", "wrong", "WrongSignature"),
        (
            "AZURE_CDN_KEY_ID",
            "00000000-0000-0000-0000-0000000000ff",
            "ApiKeyNotFound",
        ),
        ("AZURE_CDN_KEY_ID", DISABLED_KEY_ID, "InvalidApiKey"),
        ("AZURE_CDN_KEY_ID", READ_ONLY_KEY_ID, "PermissionDenied"),
    ] {
        let mut world = world();
        world.set(variable, value);
        world
            .run("apply")
            .code(7)
            .stdout_has("1 Failed, 2 Skipped")
            .stderr_has(&format!(
                "gave up for this run: the CDN refused the request with `{word}`"
            ));
        assert_eq!(world.posts(), 1, "{word}: the rest is not tried");
        assert_eq!(world.status().last_run.unwrap().exit_code, 7);
        assert_eq!(
            world.status().manifests[0].conditions[0].reason,
            "CredentialsRejected"
        );
        let plan = world.run("plan --format json").json();
        assert_eq!(plan["summary"]["purge"], 3, "{word}: nothing is lost");
    }
}

#[test]
fn a_key_that_is_rejected_later_leaves_the_task_to_the_next_run() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.set("AZURE_CDN_KEY_VALUE", "wrong");
    world.run("apply").code(7);
    world.run("status --refresh").code(7);
    world.set(
        "AZURE_CDN_KEY_VALUE",
        purgit::emulator::azure_china_cdn::KEY_VALUE,
    );
    world.run("apply").code(0);
    assert_eq!(world.posts(), 1);
}

#[test]
fn a_read_only_key_can_ask() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --no-wait").code(8);
    world.set("AZURE_CDN_KEY_ID", READ_ONLY_KEY_ID);
    world
        .run("status --refresh")
        .code(0)
        .stdout_has("Ready: True");
}

#[test]
fn files_are_read_below_the_project() {
    let mut world = World::new();
    world.unset("AZURE_CDN_KEY_ID");
    world.unset("AZURE_CDN_KEY_VALUE");
    world.edit(
        "purgit.yaml",
        "{ env: AZURE_CDN_KEY_ID }",
        "{ file: secret/id }",
    );
    world.edit(
        "purgit.yaml",
        "{ env: AZURE_CDN_KEY_VALUE }",
        "{ file: secret/value }",
    );
    world.purge("spring", &["/a.png"], &[], "1");
    world.write("src/file", "");
    #[cfg(unix)]
    {
        world.write("secret/.keep", "");
        std::os::unix::fs::symlink("/dev/zero", world.root().join("secret/id")).unwrap();
        world
            .run("apply")
            .code(7)
            .stderr_has("secret/id` is not a regular file");
        std::fs::remove_file(world.root().join("secret/id")).unwrap();
    }
    world
        .run_in("src", "apply")
        .code(7)
        .stderr_has("no `keyId`: cannot read file `")
        .stderr_has("secret/id`: ");
    world.write("secret/id", &"x".repeat(64 * 1024 + 1));
    world
        .run("apply")
        .code(7)
        .stderr_has("no `keyId`: file `secret/id` holds more than 64 KiB");
    world.write(
        "secret/id",
        &format!("{}\r\n", purgit::emulator::azure_china_cdn::KEY_ID),
    );
    world.write(
        "secret/value",
        &format!("{}\n", purgit::emulator::azure_china_cdn::KEY_VALUE),
    );
    world.run_in("src", "apply").code(0);
}

#[cfg(unix)]
#[test]
fn programs_are_asked() {
    let mut world = World::new();
    world.unset("AZURE_CDN_KEY_VALUE");
    let command = |script: &str| format!("{{ command: [/bin/sh, -c, \"{script}\"] }}");
    let (good, bad) = (
        command("echo not-a-real-key"),
        command("echo not-a-real-key; exit 3"),
    );
    world.edit("purgit.yaml", "{ env: AZURE_CDN_KEY_VALUE }", &bad);
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("apply")
        .code(7)
        .stderr_has("`/bin/sh` ended with exit status: 3");
    let endless = command("while :; do echo not-a-real-key; done");
    world.edit("purgit.yaml", &bad, &endless);
    world
        .run("apply")
        .code(7)
        .stderr_has("holds more than 64 KiB");
    world.edit("purgit.yaml", &endless, &good);
    world.run("apply").code(0);
    world.edit("purgit.yaml", "/bin/sh", "no-such-program");
    world.purge("spring", &["/a.png"], &[], "2");
    world
        .run("apply")
        .code(7)
        .stderr_has("cannot run `no-such-program`");
}
