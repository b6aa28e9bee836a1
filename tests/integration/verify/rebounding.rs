//! What a purge of what stayed stale may spend and throw away.

use purgit::entry::TargetKind;

use super::fixture::Edges;

/// A site on an edge that does nothing, of which these pages change.
fn deaf(limits: &str, pages: usize, changed: usize) -> Edges {
    let world = Edges::new(
        &["deaf"],
        "acceptEncoding: [identity], timeout: 1ms, rebound: 1",
    );
    let usual = "limits: { requestsPerSecond: 1000, ";
    world.edit("purgit.yaml", usual, &format!("{usual}{limits}, "));
    let path = |page: usize| format!("a/{page}.html");
    for page in 0..pages {
        world.publish(&path(page), "old");
    }
    world.run("state baseline").code(0);
    let paths: Vec<_> = (0..changed).map(path).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    world.visit(&paths);
    for path in paths {
        world.publish(path, "new");
    }
    world
}

/// How many files and directories the CDN was asked for, request by request.
fn asked(world: &Edges) -> Vec<(usize, usize)> {
    let log = world.cdn.purge_log().into_iter();
    let counts = log.map(|task| {
        let count = |kind| task.listed(kind).len();
        (count(TargetKind::File), count(TargetKind::Directory))
    });
    counts.collect()
}

#[test]
fn a_second_purge_throws_away_no_more_than_a_first_one_may() {
    // A tenth of the 40 entries may be thrown away, and a directory has 37.
    let world = deaf("filesPerDay: 5, directoriesPerDay: 5", 40, 3);
    world.run("apply").code(3).stdout_has("3 stale");
    assert_eq!(asked(&world), [(3, 0), (2, 0)]);
    // Whoever allows it for the first purge allows it for the second.
    let world = deaf("filesPerDay: 5, directoriesPerDay: 5", 40, 3);
    world.run("apply --force=max-collateral").code(3);
    assert_eq!(asked(&world), [(3, 0), (0, 1)]);
}

#[test]
fn a_second_purge_spends_what_is_kept_for_emergencies() {
    let world = deaf("filesPerDay: 2, reserve: { files: 1 }", 2, 1);
    world.run("apply").code(3).stdout_has("1 stale");
    assert_eq!(asked(&world), [(1, 0), (1, 0)]);
}
