//! `purgit history`.

use purgit::entry::{EntryKey, Owner, Target, TargetKind};
use purgit::state::{MAX_RUN_BYTES, MAX_RUN_ENTRIES, Outcome, kept};

use crate::common::World;
use crate::schema::assert_valid;

fn key(path: &str) -> EntryKey {
    EntryKey {
        owner: Owner::Purge("spring".into()),
        path: None,
        target: Target::parse(TargetKind::File, &format!("https://www.example.com/{path}"))
            .unwrap(),
        endpoint: "www".into(),
    }
}

#[test]
fn past_runs_are_listed_newest_first() {
    let mut world = World::new();
    world.set("USER", "alice");
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world
        .run("history")
        .code(0)
        .stdout_is_empty()
        .stderr_has("No run is recorded yet");
    world.run("apply").code(0);
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_ACTOR", "bob\u{1b}[31m"),
        ("GITHUB_SHA", "0123456789abcdef0123456789abcdef01234567"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_RUN_ID", "17"),
    ] {
        world.set(name, value);
    }
    world.fault("fail-url=**/b.png");
    world.purge("spring", &["/a.png", "/b.png"], &["/c/"], "2");
    world.run("apply").code(3);
    // Nothing to do is no run.
    world.run("plan");

    let listed = world.run("history").code(0);
    let lines: Vec<_> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(
        lines[0].contains("  apply by bob\\u{1b}[31m in GitHub Actions at 0123456789ab  2 Succeeded, 1 Failed in 1 request, "),
        "{listed}"
    );
    assert!(lines[0].contains(" s  exit code 3  plan "), "{listed}");
    assert!(
        lines[1].contains("  apply by alice  2 Succeeded in 1 request, "),
        "{listed}"
    );
    assert!(lines[1].contains("  done  plan "), "{listed}");

    world
        .run("history -v")
        .code(0)
        .stdout_has("  https://github.example/o/r/actions/runs/17\n")
        .stdout_has("  Failed     purge/spring/file/https://www.example.com/b.png\n");
    let some = world
        .run("history --address purge/spring/directory")
        .code(0);
    assert_eq!(some.stdout.lines().count(), 3, "{some}");
    some.stdout_has("  Succeeded  purge/spring/directory/https://www.example.com/c/\n");
    world
        .run("history --address purge/autumn")
        .code(0)
        .stdout_is_empty()
        .stderr_has("No such run is recorded");
    world.run("history --since 1h").stdout_has("apply by alice");
    world
        .run("history --since 2099-01-01")
        .code(0)
        .stdout_is_empty();
    world
        .run("history --since yesterday")
        .code(64)
        .stderr_has("`36h`");

    let document = world.run("history --format json").json();
    assert_valid("history", &document, "runs");
    let run = &document["runs"][0];
    assert_eq!(run["run_url"], "https://github.example/o/r/actions/runs/17");
    assert_eq!(run["outcomes"]["Failed"], 1);
    assert_eq!(run["entries"].as_array().unwrap().len(), 3);
    assert_eq!(run["entries_not_recorded"], 0);
    assert!(
        run["seconds"].is_number() && run["plan_id"].is_string(),
        "{run}"
    );
    // Later runs keep it, and so does whoever reads it back.
    world.run("apply").code(3);
    world.run("history").stdout_has("alice");
    assert_valid(
        "status",
        &world.run("status --format json").json(),
        "manifests",
    );
}

#[test]
fn a_history_without_the_new_fields_reads_well() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    let state = world.read(".purgit/state.json");
    let at = state.find("\"exit_code\":0").unwrap() + "\"exit_code\":0".len();
    let end = at + state[at..].find("}\n").unwrap();
    world.write(
        ".purgit/state.json",
        &[&state[..at], &state[end..]].concat(),
    );
    let listed = world.run("history -v").code(0);
    assert!(
        listed.stdout.contains("Z  1 Succeeded in 1 request  done"),
        "{listed}"
    );
    assert!(listed.stdout.contains("and 1 entry more"), "{listed}");
    world
        .run("history --address purge/spring")
        .stdout_is_empty()
        .stderr_has("1 other run may also have included it");
}

#[test]
fn what_is_kept_of_a_run_is_bounded_and_failures_come_first() {
    let many: Vec<_> = (0..200)
        .map(|number| (key(&number.to_string()), Outcome::Succeeded))
        .collect();
    let mut all = many.clone();
    all.push((key("z"), Outcome::Failed));
    let found = kept(all.iter().map(|(key, outcome)| (key, *outcome)));
    assert_eq!(found[&Outcome::Failed], [key("z").address()]);
    assert_eq!(found[&Outcome::Succeeded].len(), MAX_RUN_ENTRIES - 1);
    let long = ["x", "y", "z"]
        .map(|letter| (key(&letter.repeat(MAX_RUN_BYTES * 2 / 5)), Outcome::Unknown));
    let found = kept(long.iter().map(|(key, outcome)| (key, *outcome)));
    assert_eq!(found[&Outcome::Unknown].len(), 2);
}
