//! What a run against history is about to do survives it, whatever ends it.

use std::collections::BTreeSet;

use super::apply::Scene;
use super::fixture::{publish, withdraw};

/// A scene whose last commit changes ten files and removes one, one URL a request.
async fn changed() -> Scene {
    let names: Vec<_> = (0..11).map(|number| format!("f{number}")).collect();
    let of: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let mut scene = Scene::new(&of).await;
    for name in &names[..10] {
        publish(&mut scene.files, name, "2");
    }
    withdraw(&mut scene.files, "f10");
    scene.commit();
    scene
}

fn all() -> BTreeSet<String> {
    (0..11)
        .map(|number| format!("https://www.example.com/f{number}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_credentials_loses_nothing() {
    let mut scene = changed().await;
    let ran = scene.without_credentials(&[
        "apply",
        "--since",
        "HEAD~1",
        "--auto-approve",
        "--force=max-change-percent",
    ]);
    assert_eq!(ran.code, 7, "{ran:?}");
    publish(&mut scene.files, "other", "1");
    scene.commit();
    // From the commit that nobody applied.
    let ran = scene.apply("HEAD~1");
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut expected = all();
    expected.insert("https://www.example.com/other".to_owned());
    assert_eq!(scene.sent(), expected);
    assert_eq!(scene.planned(&["--since", "HEAD"]), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_state_confirms_is_not_purged_again() {
    let scene = changed().await;
    assert_eq!(scene.apply("HEAD~1").code, 0);
    assert_eq!(scene.sent(), all());
    let before = scene.requests();
    assert_eq!(scene.planned(&["--since", "HEAD~1"]), [""; 0]);
    let ran = scene.apply("HEAD~1");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(scene.requests(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_as_it_was_confirmed_is_purged_if_a_run_that_never_sent_anything_saw_it_otherwise()
{
    let mut scene = Scene::new(&[("a", "1"), ("b", "1"), ("same", "1")]).await;
    assert_eq!(scene.run(&["state", "baseline"]).code, 0);
    publish(&mut scene.files, "a", "2");
    withdraw(&mut scene.files, "b");
    publish(&mut scene.files, "new", "1");
    scene.commit();
    let apply = ["apply", "--auto-approve"];
    let unsent = scene.without_credentials(&apply);
    assert_eq!(unsent.code, 7, "{unsent:?}");
    // Again, it knows that already.
    let state = scene.state();
    assert_eq!(scene.without_credentials(&apply).code, 7);
    assert_eq!(scene.state(), state);
    publish(&mut scene.files, "a", "1");
    publish(&mut scene.files, "b", "1");
    withdraw(&mut scene.files, "new");
    scene.commit();
    let expected = [
        "content_deleted site/docs/new",
        "previous_unknown site/docs/a",
        "previous_unknown site/docs/b",
    ];
    assert_eq!(scene.planned(&[]), expected);
    assert_eq!(scene.run(&apply).code, 0);
    assert_eq!(scene.planned(&[]), [""; 0]);
    assert_eq!(scene.requests(), 1);
}

/// The files that a plan since the last applied revision would purge.
fn since_last_applied(scene: &Scene) -> Vec<String> {
    scene.planned(&["--since", "last-applied"])
}

#[tokio::test(flavor = "multi_thread")]
async fn last_applied_covers_every_commit_since_the_last_run_that_recorded_its_changes() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1"), ("c", "1")]).await;
    let unknown = scene.run(&["plan", "--since", "last-applied"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stderr.contains("hint: "), "{unknown:?}");
    assert_eq!(scene.run(&["state", "baseline"]).code, 0);
    assert_eq!(since_last_applied(&scene), [""; 0]);
    // Nobody runs anything for the first of two commits.
    publish(&mut scene.files, "a", "2");
    scene.commit();
    withdraw(&mut scene.files, "b");
    scene.commit();
    let both = ["content_changed site/docs/a", "content_deleted site/docs/b"];
    assert_eq!(since_last_applied(&scene), both);
    // A refused run records nothing.
    let refused = [
        "apply",
        "--since",
        "last-applied",
        "--auto-approve",
        "--exclude",
        "site/docs/b",
    ];
    assert_eq!(scene.run(&refused).code, 0, "in part");
    assert_eq!(since_last_applied(&scene), both[1..]);
    assert_eq!(scene.apply("last-applied").code, 0);
    assert_eq!(since_last_applied(&scene), [""; 0]);
    publish(&mut scene.files, "c", "2");
    scene.commit();
    assert_eq!(since_last_applied(&scene), ["content_changed site/docs/c"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_of_a_part_or_of_uncommitted_work_is_of_no_revision() {
    let mut scene = Scene::new(&[("a", "1"), ("b", "1")]).await;
    assert_eq!(scene.run(&["state", "baseline"]).code, 0);
    publish(&mut scene.files, "a", "2");
    scene.commit();
    assert_eq!(scene.run(&["state", "baseline", "site/docs/b"]).code, 0);
    assert_eq!(since_last_applied(&scene), ["content_changed site/docs/a"]);
    let file = scene.path().join("public/b");
    std::fs::write(&file, "2").unwrap();
    assert_eq!(scene.run(&["state", "baseline"]).code, 0);
    // Of the commit before: what was adopted since is confirmed all the same.
    let base = scene
        .run(&["plan", "--since", "last-applied", "--format", "json"])
        .json();
    let first = scene
        .run(&["plan", "--since", "HEAD~1", "--format", "json"])
        .json();
    assert_eq!(base["base"]["git"]["from"], first["base"]["git"]["from"]);
    assert_eq!(since_last_applied(&scene), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_run_against_history_sends_is_booked() {
    let mut scene = changed().await;
    let used = |scene: &Scene| {
        let plan = scene
            .run(&["plan", "--since", "HEAD~1", "--format", "json"])
            .json();
        plan["quota"][0].clone()
    };
    let figure = |quota: &serde_json::Value, name: &str| quota[name].as_u64().unwrap();
    let before = used(&scene);
    assert_eq!(
        (figure(&before, "used"), figure(&before, "planned")),
        (0, 11)
    );
    assert_eq!(scene.apply("HEAD~1").code, 0);
    publish(&mut scene.files, "f3", "3");
    scene.commit();
    let after = used(&scene);
    assert_eq!((figure(&after, "used"), figure(&after, "planned")), (11, 1));
}
