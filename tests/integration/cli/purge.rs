//! `purgit purge URL…`

use purgit::entry::TargetKind;

use crate::common::World;

/// A second endpoint that serves `img.example.com` and, like the first, `both.example.com`.
fn two_endpoints() -> World {
    let world = World::new();
    world.edit("purgit.yaml", "hosts: [", "hosts: [both.example.com, ");
    let manifest = world.read("purgit.yaml");
    let endpoint = manifest.split("---\n").nth(1).unwrap();
    let second = endpoint
        .replace("name: www", "name: img")
        .replace("\"www.example.com\"", "\"img.example.com\"");
    world.write("purges/img.yaml", &second);
    world
}

#[test]
fn files_and_directories_are_purged_once_and_leave_the_declared_alone() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("purge https://www.example.com/a.png https://www.example.com/d/ HTTPS://www.example.com/a.png")
        .code(0)
        .stdout_has("asked for on www\n  ~ file      https://www.example.com/a.png  forced\n  ~ directory https://www.example.com/d/  forced\n")
        .stdout_lacks("Checks:")
        .stdout_lacks("Plan id:")
        .stdout_has("Applied: 2 Succeeded in 1 request, 0.");
    let log = world.cdn.purge_log();
    assert_eq!(
        log[0].listed(TargetKind::File),
        ["https://www.example.com/a.png"]
    );
    assert_eq!(
        log[0].listed(TargetKind::Directory),
        ["https://www.example.com/d/"]
    );
    assert!(world.state().entries.is_empty());
    assert_eq!(world.state().history.len(), 1);
    world.run("plan").stdout_has("a.png  added");
    // It is not remembered as done: again means again.
    world.run("purge https://www.example.com/a.png").code(0);
    assert_eq!(world.posts(), 2);
}

#[test]
fn a_slash_means_a_directory_unless_said_otherwise() {
    let world = World::new();
    world
        .run("purge --as-files https://www.example.com/d/")
        .code(0);
    assert_eq!(
        world.cdn.purge_log()[0].listed(TargetKind::File),
        ["https://www.example.com/d/"]
    );
}

#[test]
fn the_endpoint_is_found_by_host_or_named() {
    let world = two_endpoints();
    world
        .run("purge https://img.example.com/a")
        .code(0)
        .stdout_has("on img");
    world
        .run("purge https://www.example.com/a")
        .code(0)
        .stdout_has("on www");
    world
        .run("purge https://both.example.com/a")
        .code(1)
        .stderr_has("several endpoints serve `both.example.com`")
        .stderr_has("name one with `--endpoint`: `img`, `www`");
    world
        .run("purge --endpoint img https://both.example.com/a")
        .code(0)
        .stdout_has("on img");
    world
        .run("purge https://unknown.example.com/a")
        .code(1)
        .stderr_has("no endpoint serves `unknown.example.com`")
        .stderr_has("hint: ");
    world
        .run("purge --endpoint img https://www.example.com/a")
        .code(1)
        .stderr_has("endpoint `img` does not serve `www.example.com`");
    world
        .run("purge --endpoint image https://img.example.com/a")
        .code(1)
        .stderr_has("there is no endpoint `image`")
        .stderr_has("the endpoints are `img`, `www`");
    assert_eq!(world.posts(), 3);
}

#[test]
fn a_bad_url_stops_all_of_it() {
    let world = World::new();
    for url in [
        "nonsense",
        "ftp://www.example.com/a",
        "https://www.example.com/a#b",
    ] {
        world
            .run(&format!("purge https://www.example.com/good {url}"))
            .code(1)
            .stdout_is_empty()
            .stderr_has(&format!("`{url}`"));
    }
    assert_eq!(world.posts(), 0);
}

#[test]
fn the_same_checks_apply() {
    let world = World::new();
    world
        .run("purge https://www.example.com/")
        .code(4)
        .stdout_has("is a root directory")
        .stderr_has("refused by a safety check");
    world
        .run("purge https://www.example.com/ --force=max-directories")
        .code(0);
}

#[test]
fn a_one_off_can_be_left_to_the_next_run() {
    let world = World::new();
    world
        .run("purge https://www.example.com/a --no-wait")
        .code(8);
    assert_eq!(world.state().pending_operations.len(), 1);
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert!(world.state().pending_operations.is_empty());
    world.fault("fail-url=**");
    world
        .run("purge https://www.example.com/a")
        .code(3)
        .stdout_has("1 Failed");
    assert!(
        world.state().entries.is_empty(),
        "nothing would ever ask for it again"
    );
}
