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
async fn what_is_as_it_was_confirmed_is_purged_if_a_run_that_never_sent_anything_saw_it_otherwise() {
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
