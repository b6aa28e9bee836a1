//! What goes wrong, and that it passes.

use std::fs;
use std::time::Duration;

use purgit::emulator::Settings;
use purgit::emulator::azure_china_cdn::KEY_ID;

use super::binary::{Scene, state};

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_manifest_leaves_the_last_good_one_in_force() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&["--rescan", "50ms"]).await;
    scene.write("purges/site.yaml", "kind: [");
    watcher.says("purges/site.yaml:1:").await;
    watcher.says("the last valid ones stay in force").await;
    scene.save("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    scene.save("purges/site.yaml", &Scene::site("moved"));
    watcher.says("the manifests are valid again").await;
    assert_eq!(
        watcher.said("stay in force"),
        1,
        "once, however often it looked"
    );
    scene
        .until_purged(["/moved/a.html", "/moved/b.html", "/moved/c.html"])
        .await;
    fs::rename(scene.path("purgit.yaml"), scene.path("gone")).unwrap();
    watcher.says("there is no `purgit.yaml`").await;
    scene.save("public/new.html", "new");
    scene.until_purged(["/moved/new.html"]).await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_the_start_ends_it() {
    let scene = Scene::new().await;
    let (code, _) = scene.start(&[], &["AZURE_CDN_KEY_VALUE"]).end().await;
    assert_eq!(code, 7);
    scene.write("purges/site.yaml", "kind: [");
    let (code, _) = scene.start(&[], &[]).end().await;
    assert_eq!(code, 1);
    fs::remove_file(scene.path("purgit.yaml")).unwrap();
    let (code, _) = scene.start(&[], &[]).end().await;
    assert_eq!(code, 1);
    let (code, _) = scene.start(&["--poll", "0s"], &[]).end().await;
    assert_eq!(code, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_recovers_when_the_api_comes_back() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    let fault = "error=CredentialInvalid".parse().unwrap();
    scene.emulator.inject(fault).unwrap();
    scene.save("public/a.html", "a2");
    watcher.says("Failed").await;
    scene.emulator.clear_faults();
    // Without a change: by itself.
    scene.until_purged(["/docs/a.html"]).await;
    watcher.has_purged().await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_is_told_once_and_a_refusal_with_its_remedy() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    scene
        .emulator
        .inject("drop-before@purge*always".parse().unwrap())
        .unwrap();
    scene.save("public/a.html", "a2");
    let told = watcher.says("[www] trying again: ").await;
    scene.emulator.clear_faults();
    scene.until_purged(["/docs/a.html"]).await;
    watcher.has_purged().await;
    assert_eq!(watcher.said(&told), 1);
    let fault = "error=CredentialInvalid@purge*2".parse().unwrap();
    scene.emulator.inject(fault).unwrap();
    scene.save("public/b.html", "b2");
    watcher.says("warning: [www] ").await;
    watcher.says("hint: ").await;
    scene.until_purged(["/docs/b.html"]).await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_and_a_status_that_move_are_followed() {
    let mut scene = Scene::new().await;
    let watcher = scene.watch(&["--rescan", "50ms"]).await;
    let project = scene.project();
    let places = "  state: { file: moved.json }\n  status: { file: moved.yaml }\n  safety: ";
    scene.save("purgit.yaml", &project.replacen("  safety: ", places, 1));
    // Of the new state nothing is known to be purged.
    scene
        .until_purged(["/docs/a.html", "/docs/b.html", "/docs/c.html"])
        .await;
    watcher.stop().await;
    let moved = fs::read_to_string(scene.path("moved.json")).unwrap();
    assert!(moved.contains("site/docs/c.html"), "{moved}");
    assert!(scene.path("moved.yaml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_does_not_wait_for_a_purge_under_way() {
    let settings = Settings {
        latency: Duration::from_secs(3600),
        ..Settings::default()
    };
    let mut scene = Scene::with(settings).await;
    let mut watcher = scene.watch(&[]).await;
    scene.save("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    scene.save("public/b.html", "b2");
    scene.until_purged(["/docs/b.html"]).await;
    watcher.says("1 change: 1 ").await;
    watcher.signal("TERM");
    let (code, _) = watcher.end().await;
    assert_eq!(code, 143);
    assert_eq!(
        scene.purged(),
        ["/docs/a.html", "/docs/b.html"],
        "each once"
    );
    for task in scene.emulator.purge_log() {
        let id = task.id;
        assert!(
            state(scene.folder.path()).contains(&id),
            "task {id} is not saved"
        );
    }
    // Nothing is left locked.
    scene.purgit(&["state", "baseline"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it() {
    let scene = Scene::new().await;
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let watcher = scene.watch(&[]).await;
        watcher.signal(signal);
        assert_eq!(watcher.end().await.0, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_waited_for_and_said_once() {
    let mut scene = Scene::new().await;
    let lock = fs::File::options()
        .write(true)
        .open(scene.path(".purgit/state.json.lock"))
        .unwrap();
    lock.lock().unwrap();
    let mut watcher = scene.start(&["--rescan", "50ms"], &[]);
    watcher.says("waiting: the state is locked").await;
    lock.unlock().unwrap();
    watcher.says("watching for changes").await;
    assert_eq!(watcher.said("waiting"), 1);
    scene.save("public/a.html", KEY_ID);
    scene.until_purged(["/docs/a.html"]).await;
    watcher.stop().await;
}
