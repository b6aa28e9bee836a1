//! `purgit doctor`.

use purgit::state::recorder::LEASE;
use purgit::state::{Holder, StateStore as _};

use crate::common::{Environment, World};
use crate::schema::assert_valid;

#[test]
fn all_is_well_and_nothing_is_changed() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let (posts, before) = (world.posts(), world.read(".purgit/state.json"));
    let well = world.run("doctor").code(0).stderr_is_empty();
    for line in [
        "ok      manifests    1 endpoint, 1 purge and 0 sites in 2 files\n",
        "ok      git          no repository",
        "ok      state        1 entry recorded in ",
        "ok      lock         free\n",
        "\nwww\n",
        "ok      credentials  2 credentials present\n",
        "ok      connection   the CDN's API answers\n",
        "ok      clock        in step with the CDN's\n",
        "ok      endpoint     known and switched on, lifetime Active, ICP verification Passed\n",
        "ok      quota        1,999 of 2,000 files left until ",
        "ok      quota        500 of 500 directories left until ",
    ] {
        assert!(well.stdout.contains(line), "no `{line}` in {well}");
    }
    let document = world.run("doctor --format json").code(0).json();
    assert_valid("doctor", &document, "findings");
    assert_eq!(document["ok"], true);
    assert_eq!(world.posts(), posts);
    assert_eq!(world.read(".purgit/state.json"), before);
}

#[test]
fn everything_is_checked_whatever_fails() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.write(".purgit/state.json", "not a state");
    world.unset("AZURE_CDN_KEY_ID");
    let found = world.run("doctor").code(1);
    for line in [
        "failed  state        ",
        "ok      lock         free\n",
        "failed  credentials  no `keyId`: environment variable `AZURE_CDN_KEY_ID` is not set\n",
        "                     hint: `spec.…credentials` of the endpoint says where it is read from",
    ] {
        assert!(found.stdout.contains(line), "no `{line}` in {found}");
    }
    assert!(!found.stdout.contains("connection"), "{found}");
}

#[test]
fn a_record_that_is_to_be_where_no_repository_is_does_not_hide_the_rest() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    let name = "metadata: { name: emulated }\n";
    let spec = "spec: { state: { git: { ref: refs/purgit/state, remote: origin } }, status: { gitNote: true } }\n";
    world.edit("purgit.yaml", name, &format!("{name}{spec}"));
    let found = world.run("doctor").code(1);
    for line in [
        "failed  state        cannot find the state at refs/purgit/state: ",
        "hint: run `git init` here, or keep the state in a `file`\n",
        "failed  status       cannot ",
        "hint: run `git init` here, or keep the status in a `file`\n",
        "ok      endpoint     known and switched on",
    ] {
        assert!(found.stdout.contains(line), "no `{line}` in {found}");
    }
    git2::Repository::init(world.root()).unwrap();
    let found = world.run("doctor").code(1);
    for line in [
        "failed  state        cannot find the state at refs/purgit/state: the repository has no remote `origin`\n",
        "hint: add it with `git remote add`",
        "ok      endpoint     known and switched on",
    ] {
        assert!(found.stdout.contains(line), "no `{line}` in {found}");
    }
}

#[test]
fn what_the_cdn_refuses_is_told_with_its_remedy() {
    let mut world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.set("AZURE_CDN_KEY_VALUE", "not-a-real-key-either");
    let found = world.run("doctor").code(1);
    assert!(found.stdout.contains("failed  credentials  "), "{found}");
    assert!(found.stdout.contains("ok      connection   "), "{found}");
    assert!(
        found
            .stdout
            .contains("warning endpoint     unknown without credentials"),
        "{found}"
    );
    assert!(!found.to_string().contains("not-a-real-key"), "{found}");

    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("error=EndpointNotFound@endpoint");
    let found = world.run("doctor").code(1);
    assert!(found.stdout.contains("failed  endpoint     "), "{found}");
    world.fault("html@endpoint");
    world
        .run("doctor")
        .code(1)
        .stdout_has("failed  endpoint     ");
    world.fault("drop-before@endpoint");
    world
        .run("doctor")
        .code(1)
        .stdout_has("failed  connection   ");
}

#[test]
fn a_wrong_clock_is_a_warning_and_does_not_hide_the_rest() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("skew=2h");
    world
        .run("doctor")
        .code(0)
        .stdout_has("warning clock        this machine's clock is ")
        .stdout_has(" behind the CDN's\n")
        .stdout_has("hint: set the clock")
        .stdout_has("ok      endpoint     known and switched on");
}

#[test]
fn hosts_locks_and_used_up_quotas_are_warned_of() {
    let world = World::builder().limits("filesPerDay: 10").build();
    let files: Vec<_> = (0..9).map(|number| format!("/{number}")).collect();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world.run("apply").code(0);
    let holder = Holder {
        command: "apply".to_owned(),
        pid: 4711,
        host: "build-1".to_owned(),
        since: "2026-11-20T01:02:03Z".parse().unwrap(),
    };
    let lease = world.store().lease(&holder, LEASE).unwrap();
    let found = world.run("doctor").code(0);
    let lock = format!(
        "warning lock         lock {} is held by `purgit apply`, process 4711",
        lease.epoch()
    );
    for line in [
        lock.as_str(),
        "hint: wait until it ends; if it never does, run `purgit state unlock",
        "warning quota        1 of 10 files left until ",
    ] {
        assert!(found.stdout.contains(line), "no `{line}` in {found}");
    }
}

#[test]
fn without_manifests_the_rest_is_checked_as_far_as_it_can_be() {
    let environment = Environment::new();
    environment
        .run("doctor")
        .code(1)
        .stdout_has("failed  manifests    there is no `purgit.yaml` in `.`\n")
        .stdout_has("hint: run `purgit init`")
        .stdout_has("ok      git          ");
    environment.write("purgit.yaml", "kind: Project\n");
    environment
        .run("doctor --format json")
        .code(1)
        .stdout_has("\"status\": \"failed\"")
        .stdout_has("`purgit validate` shows them");
}
