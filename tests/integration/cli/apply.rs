//! `purgit apply` when all goes well.

use purgit::entry::TargetKind;
use purgit::status::RunResult;

use crate::common::World;

#[test]
fn it_purges_waits_and_remembers() {
    let world = World::new();
    world.purge("spring", &["/b.png", "/a.png"], &["/d/"], "1");
    let output = world.run("apply").code(0);
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
    Applied: 3 Succeeded in 1 request, [SECONDS]
    --- stderr
    [www] submitting 3 URLs
    [www] accepted 3 URLs as task [GUID]
    [www] 3 URLs Succeeded
    ");
    let log = world.cdn.purge_log();
    assert_eq!(log.len(), 1);
    assert_eq!(
        log[0].listed(TargetKind::File),
        [
            "https://www.example.com/a.png",
            "https://www.example.com/b.png"
        ]
    );
    assert_eq!(
        log[0].listed(TargetKind::Directory),
        ["https://www.example.com/d/"]
    );

    world
        .run("plan --detailed-exitcode")
        .code(0)
        .stdout_has("No changes: nothing to purge, 3 entries as last purged");
    world
        .run("apply")
        .code(0)
        .stdout_has("Applied: nothing was to be done");
    assert_eq!(world.posts(), 1);
}

#[test]
fn requests_are_as_few_as_their_size_allows() {
    let world = World::builder().limits("itemsPerRequest: 3").build();
    let files: Vec<String> = (0..7).map(|number| format!("/{number}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &["/d/", "/e/", "/f/"], "1");
    world
        .run("apply")
        .code(0)
        .stdout_has("10 Succeeded in 4 requests");
    assert_eq!(world.posts(), 4);
    let log = world.cdn.purge_log();
    assert!(log.iter().all(|task| task.items.len() <= 3));
    let mut purged = world.purged();
    let all = purged.len();
    purged.sort();
    purged.dedup();
    assert_eq!((all, purged.len()), (10, 10), "each once");
}

#[test]
fn a_url_declared_twice_is_sent_once() {
    let world = World::new();
    world.purge(
        "spring",
        &["/a.png", "HTTPS://WWW.example.com:443/%61.png"],
        &[],
        "1",
    );
    world.purge("summer", &["/a.png"], &[], "7");
    world
        .run("apply")
        .code(0)
        .stdout_has("2 Succeeded in 1 request")
        .stderr_has("[www] submitting 1 URL\n");
    assert_eq!(world.purged(), ["https://www.example.com/a.png"]);
    world.run("plan --detailed-exitcode").code(0);
    // Each manifest has a generation of its own.
    world.purge("summer", &["/a.png"], &[], "8");
    world.run("plan").stdout_has("Plan: 1 entry to purge");
}

#[test]
fn another_revision_purges_again() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply").code(0);
    world.purge("spring", &["/a.png"], &[], "2");
    world.run("apply --detailed-exitcode").code(2);
    // Also one that was there before: only the last one confirmed counts.
    world.purge("spring", &["/a.png"], &[], "1");
    world.run("apply --detailed-exitcode").code(2);
    assert_eq!(world.posts(), 3);
}

#[test]
fn a_dropped_declaration_purges_nothing_and_is_forgotten() {
    let world = World::new();
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("apply").code(0);
    world.purge("spring", &["/a.png"], &[], "1");
    world
        .run("apply --detailed-exitcode")
        .code(0)
        .stdout_has("1 entry no longer declared: forgotten, not purged");
    assert_eq!(world.posts(), 1);
    assert_eq!(world.state().entries.len(), 1);
    world.run("plan").stdout_lacks("forgotten");
    // Declared again, it is as if it never had been there.
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    world.run("plan").stdout_has("b.png  added");
}

#[test]
fn the_status_says_that_everything_is_confirmed() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "r1");
    world.run("apply").code(0);
    let status = world.status();
    let run = status.last_run.as_ref().unwrap();
    assert_eq!(run.result, RunResult::Succeeded);
    assert_eq!((run.exit_code, run.requests), (0, 1));
    assert_eq!(status.conditions.len(), 1);
    assert_eq!(status.conditions[0].kind, "Ready");
    assert_eq!(status.conditions[0].status.as_str(), "True");
    let manifest = status.manifest("Purge", "spring").unwrap();
    assert_eq!(manifest.last_applied_revision.as_deref(), Some("r1"));
    assert_eq!(manifest.conditions[0].reason, "PurgeSucceeded");
    assert_eq!(status.history.len(), 1);

    let since = status.conditions[0].last_transition_time;
    world.purge("spring", &["/a.png"], &[], "r2");
    world.run("apply").code(0);
    let later = world.status();
    assert_eq!(later.conditions[0].last_transition_time, since);
    assert_eq!(later.history.len(), 2);
}

#[test]
fn two_thousand_files_need_no_more_requests_than_the_batch_size_asks_for() {
    let world = World::new();
    let files: Vec<String> = (0..2000).map(|number| format!("/{number}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    world.purge("spring", &files, &[], "1");
    world
        .run("apply")
        .code(0)
        .stdout_has("2,000 Succeeded in 20 requests");
    let requests = world.cdn.requests();
    let of = |operation| {
        let mine = requests
            .iter()
            .filter(|request| request.operation == Some(operation));
        mine.count()
    };
    assert_eq!(of("purge"), 20);
    assert_eq!(of("query"), 20, "one question each: all is done at once");
    assert_eq!(requests.len(), 40);
}
