//! Content roots that come, go, and are exchanged.

use std::fs;

use super::binary::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_root_is_refused_and_normal_again_when_its_files_come_back() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&["--rescan", "50ms"]).await;
    let pages = ["a", "b", "c"];
    for page in pages {
        fs::remove_file(scene.path(&format!("public/{page}.html"))).unwrap();
    }
    let line = watcher.says("refused: ").await;
    assert!(line.contains("site/docs has no files"), "{line}");
    assert_eq!(scene.purged(), [""; 0]);
    for page in pages {
        scene.write(&format!("public/{page}.html"), page);
    }
    watcher.says("nothing is refused any more").await;
    assert_eq!(
        watcher.said("refused: "),
        1,
        "once, however often it looked"
    );
    assert_eq!(scene.purged(), [""; 0]);
    scene.write("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    watcher.stop().await;
}

/// The edge may have fetched what was not there. No listing shows that.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_moved_away_and_came_back_is_purged_again() {
    let mut scene = Scene::new().await;
    scene.write("public/sub/d.html", "d");
    scene.write("public/sub/e/f.html", "f");
    scene.purgit(&["state", "baseline"]);
    let mut watcher = scene.watch(&[]).await;
    for _ in 0..2 {
        fs::rename(scene.path("public/sub"), scene.path("away")).unwrap();
        fs::rename(scene.path("away"), scene.path("public/sub")).unwrap();
        watcher.has_purged().await;
    }
    scene
        .until_purged(["/docs/sub/d.html", "/docs/sub/e/f.html"])
        .await;
    assert!(!scene.purged().contains(&"/docs/a.html".to_owned()));
    scene.purgit(&["plan", "--detailed-exitcode"]);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_site_that_was_moved_away_and_came_back_is_left_alone() {
    let mut scene = Scene::new().await;
    let project = scene.project();
    let careful = project.replace("maxChangePercent: 100", "maxChangePercent: 50");
    assert_ne!(careful, project);
    scene.write("purgit.yaml", &careful);
    let mut watcher = scene.watch(&[]).await;
    fs::rename(scene.path("public"), scene.path("away")).unwrap();
    fs::rename(scene.path("away"), scene.path("public")).unwrap();
    watcher.says("too many to purge again").await;
    assert_eq!(scene.purged(), [""; 0]);
    scene.write("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_can_be_built_anew_in_the_same_place() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    for round in 0..3 {
        fs::remove_dir_all(scene.path("public")).unwrap();
        watcher.says("there is no content folder").await;
        for page in ["a", "b", "c"] {
            scene.write(&format!("public/{page}.html"), page);
        }
        watcher.says("the content can be listed again").await;
        let name = format!("public/new{round}.html");
        scene.write(&name, "new");
        let url = name.replace("public", "/docs");
        scene.until_purged([url.as_str()]).await;
        watcher.has_purged().await;
        fs::remove_file(scene.path(&name)).unwrap();
        watcher.has_purged().await;
    }
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_can_be_exchanged_by_rename() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    for round in 0..3 {
        for page in ["a", "b", "c"] {
            scene.write(&format!("public.new/{page}.html"), page);
        }
        scene.write("public.new/sub/d.html", &round.to_string());
        fs::rename(scene.path("public"), scene.path(&format!("old{round}"))).unwrap();
        fs::rename(scene.path("public.new"), scene.path("public")).unwrap();
        watcher.has_purged().await;
        scene.write("public/sub/d.html", &format!("{round} changed"));
        watcher.has_purged().await;
    }
    scene.write("old1/sub/d.html", "of no interest");
    scene.write("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    let urls = scene.purged();
    assert_eq!(urls.len(), 7, "{urls:?}");
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_may_come_later() {
    let mut scene = Scene::new().await;
    let site = Scene::site("later").replace("root: public", "root: out/site");
    scene.write(
        "purges/later.yaml",
        &site.replace("name: docs", "name: later"),
    );
    let (code, _) = scene.start(&[], &[]).end().await;
    assert_eq!(code, 1, "it may be a typo");
    fs::remove_file(scene.path("purges/later.yaml")).unwrap();
    let mut watcher = scene.watch(&["--rescan", "50ms"]).await;
    scene.write(
        "purges/later.yaml",
        &site.replace("name: docs", "name: later"),
    );
    watcher.says("there is no content folder").await;
    scene.write("out/site/a.html", "a");
    scene.until_purged(["/later/a.html"]).await;
    scene.write("out/site/b.html", "b");
    scene.until_purged(["/later/b.html"]).await;
    watcher.has_purged().await;
    assert_eq!(
        watcher.said("there is no content folder"),
        1,
        "once, however often it looked"
    );
    watcher.stop().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_root_may_be_a_link_that_is_switched() {
    use std::os::unix::fs::symlink;
    let mut scene = Scene::new().await;
    fs::create_dir(scene.path("builds")).unwrap();
    fs::rename(scene.path("public"), scene.path("builds/1")).unwrap();
    symlink("current", scene.path("public")).unwrap();
    symlink("builds/1", scene.path("current")).unwrap();
    let mut watcher = scene.watch(&[]).await;
    scene.write("builds/1/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    for (build, page) in [("2", "b"), ("3", "c")] {
        for name in ["a", "b", "c"] {
            let text = if name == page { build } else { name };
            let text = if name == "a" { "a2" } else { text };
            let text = if name == "b" && build == "3" {
                "2"
            } else {
                text
            };
            scene.write(&format!("builds/{build}/{name}.html"), text);
        }
        symlink(format!("builds/{build}"), scene.path("next")).unwrap();
        fs::rename(scene.path("next"), scene.path("current")).unwrap();
        let url = format!("/docs/{page}.html");
        scene.until_purged([url.as_str()]).await;
        watcher.has_purged().await;
    }
    scene.write("builds/3/d.html", "d");
    scene.until_purged(["/docs/d.html"]).await;
    watcher.stop().await;
}

/// A project whose state file is at its root, with a site of that folder.
fn own_files_at_the_root(scene: &Scene, root: &str) {
    let project = scene.project();
    let state = "spec:\n  state: { file: state.json }\n  safety:";
    assert!(project.contains("spec:\n  safety:"));
    scene.write(
        "purgit.yaml",
        &project.replacen("spec:\n  safety:", state, 1),
    );
    scene.write(
        "purges/site.yaml",
        &Scene::site("docs").replace("root: public", root),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_named_cache_beside_the_state_is_watched() {
    let mut scene = Scene::new().await;
    own_files_at_the_root(&scene, "root: cache");
    scene.write("cache/a.html", "a");
    scene.purgit(&["state", "baseline"]);
    let watcher = scene.watch(&[]).await;
    scene.write("cache/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_holds_its_own_files_is_purged_once() {
    let mut scene = Scene::new().await;
    own_files_at_the_root(&scene, "root: ., hidden: true");
    scene.purgit(&["state", "baseline"]);
    let mut watcher = scene.watch(&["-vv"]).await;
    for text in ["2", "3"] {
        scene.write("public/a.html", text);
        watcher.has_purged().await;
    }
    scene.write("public/b.html", "2");
    scene.until_purged(["/docs/public/b.html"]).await;
    watcher.has_purged().await;
    let purged: std::collections::BTreeSet<_> = scene.purged().into_iter().collect();
    let content = ["/docs/public/a.html", "/docs/public/b.html"];
    assert_eq!(purged, content.map(str::to_owned).into());
    let woken = watcher.said(" changed path=");
    let by_content = watcher.said("public/a.html kind") + watcher.said("public/b.html kind");
    assert_eq!(woken, by_content);
    watcher.stop().await;
}
