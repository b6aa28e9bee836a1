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
