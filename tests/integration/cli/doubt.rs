//! Requests of which nobody knows whether they arrived, and quotas that are used up.

use crate::common::World;

#[test]
fn a_request_in_doubt_is_sent_again_at_most_once() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("drop-after@purge*always");
    world.run("apply").code(3).stdout_has("1 Unknown");
    assert_eq!(world.posts(), 2);
    assert_eq!(world.purged().len(), 2);
    let booked: u64 = world.state().ledger.values().sum();
    assert_eq!(booked, 2, "both may have been accepted");
    world.cdn.clear_faults();
    world.run("apply").code(0).stdout_has("1 Succeeded");
    assert_eq!(world.posts(), 3);
}

#[test]
fn what_surely_did_not_arrive_is_booked_back() {
    let world = World::new();
    world.purge("spring", &["/a.png"], &[], "1");
    world.fault("error=EndpointNotFound@purge");
    world.run("apply").code(3);
    assert!(world.state().ledger.is_empty());
    world.run("apply").code(0);
    assert_eq!(world.state().ledger.values().sum::<u64>(), 1);
    world.purge("spring", &["/a.png"], &[], "2");
    world.purge("spring", &["/a.png", "/b.png"], &[], "1");
    let plan = world.run("plan --format json").code(0).json();
    assert_eq!(plan["quota"][0]["used"], 1);
    assert_eq!(plan["quota"][0]["planned"], 1);
}

#[test]
fn an_endpoint_of_the_same_account_shares_the_quota() {
    let world = World::builder()
        .limits("filesPerDay: 3, directoriesPerDay: 1")
        .build();
    let root = world.read("purgit.yaml");
    let endpoint = root.split("---\n").nth(1).unwrap();
    let other = endpoint
        .replace("metadata: { name: www }", "metadata: { name: img }")
        .replace("www.example.com", "img.example.com");
    world.write("purges/img-endpoint.yaml", &other);
    world.purge("spring", &["/a", "/b"], &[], "1");
    world.write(
        "purges/img.yaml",
        "apiVersion: purgit/v1alpha1\nkind: Purge\nmetadata: { name: img }\nspec:\n  endpoint: img\n  \
         files: [https://img.example.com/c, https://img.example.com/d]\n",
    );
    world
        .run("apply")
        .code(8)
        .stdout_has("3 Succeeded, 1 Deferred");
    // They take turns.
    let mut purged = world.purged();
    purged.sort();
    let urls = [
        "https://img.example.com/c",
        "https://img.example.com/d",
        "https://www.example.com/a",
    ];
    assert_eq!(purged, urls);
}

#[test]
fn an_exhausted_quota_defers_the_rest_and_is_not_asked_for_again() {
    let world = World::builder().limits("itemsPerRequest: 1").build();
    let urls: Vec<_> = (0..20).map(|number| format!("/{number}")).collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    world.purge("spring", &urls, &["/d/"], "1");
    // Somebody else spent it.
    world.fault("exhausted@purge*always+5");
    world
        .run("apply")
        .code(8)
        .stdout_has("Deferred")
        .stderr_has("stays planned")
        .stderr_lacks("requestsPerSecond");
    assert!(world.posts() <= 12, "{} requests", world.posts());
    world.cdn.clear_faults();
    // The next run knows: it plans with a full quota, and sends nothing of it.
    let plan = world.run("plan --format json").json();
    let files = plan["quota"].as_array().unwrap().iter();
    let files: Vec<_> = files.filter(|row| row["kind"] == "file").collect();
    assert_eq!(
        (&files[0]["used"], &files[0]["limit"]),
        (&2000.into(), &2000.into())
    );
    let posts = world.posts();
    world.run("apply");
    assert_eq!(world.posts(), posts);
    world
        .run("doctor")
        .stdout_has("warning quota        0 of 2,000 files left until ");
    // A limit that was raised at the CDN is one that is declared.
    world.edit(
        "purgit.yaml",
        "limits: { ",
        "limits: { filesPerDay: 2500, directoriesPerDay: 600, ",
    );
    world.run("apply").code(0);
}
