//! A saved file becomes a purge, however it is saved.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use futures_util::FutureExt as _;
use purgit::watch::files::{FileChanges, Files};
use purgit::watch::scope::WatchScope;
use purgit::watch::{Changes as _, Notice};
use tempfile::TempDir;
use tokio::time::Instant;

use super::binary::Scene;
use super::pure::scope_at;

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_file_is_purged_and_nothing_else() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    scene.write("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    let line = watcher.has_purged().await;
    let usual = line.starts_with("1 change: purged https://www.example.com/docs/a.html in ");
    assert!(
        usual || line.starts_with("asked again: 1 Succeeded in "),
        "{line}"
    );
    scene.save("public/b.html", "b2");
    scene.until_purged(["/docs/b.html"]).await;
    watcher.has_purged().await;
    assert_eq!(scene.purged(), ["/docs/a.html", "/docs/b.html"]);
    assert_eq!(watcher.stop().await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_json_each_run_is_a_line_on_stdout() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&["--format", "json"]).await;
    for text in ["2", "3"] {
        scene.save("public/a.html", text);
        watcher.has_purged().await;
    }
    scene.until_purged(["/docs/a.html"]).await;
    let text = watcher.stop().await;
    let runs: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // One that an event hurries ends with 8, and the next one asks again.
    let mut codes = runs.iter().map(|run| &run["result"]["exit_code"]);
    assert!(codes.clone().all(|code| *code == 0 || *code == 8), "{text}");
    assert_eq!(codes.by_ref().filter(|code| **code == 0).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_change_of_content_there_is_no_run() {
    let scene = Scene::new().await;
    let mut watcher = scene.watch(&["-vv"]).await;
    let status = || fs::read(scene.path("purgit.status.yaml")).unwrap();
    let before = status();
    let file = fs::File::options()
        .append(true)
        .open(scene.path("public/a.html"));
    file.unwrap().set_modified(SystemTime::now()).unwrap();
    watcher.says("nothing changed").await;
    scene.write("purgit.yaml", &scene.project());
    watcher.says("nothing changed").await;
    assert_eq!(status(), before);
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_writes_itself_does_not_wake_it() {
    let scene = Scene::new().await;
    let mut watcher = scene.watch(&["-vv"]).await;
    for text in ["2", "3", "4"] {
        scene.save("public/a.html", text);
        watcher.has_purged().await;
    }
    // Events come in order, so those of its own writes are among what it said.
    assert!(watcher.said(" changed path=") >= 3);
    assert_eq!(
        watcher.said(" changed path="),
        watcher.said("public/a.html")
    );
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_listed_ahead_is_not_listed_again() {
    let scene = Scene::new().await;
    let mut watcher = scene.watch(&["-vv"]).await;
    // On a busy machine, many may come to nothing.
    let mut saves = 0;
    while watcher.said("wake=Change ahead=true") == 0 {
        saves += 1;
        scene.save("public/a.html", &saves.to_string());
        watcher.has_purged().await;
        assert!(saves < 100);
    }
    let looks = watcher.said(" looking wake=") + watcher.said(" looking ahead");
    assert!(watcher.said(" listed") < looks);
    watcher.stop().await;
}

/// The clock of this test stands still; that of the thread which is told of files does not.
#[tokio::test(start_paused = true)]
async fn a_change_is_told_with_the_time_it_came_and_not_when_it_is_taken() {
    let folder = TempDir::new().unwrap();
    let (root, _, _files, mut changes) = watched(&folder);
    fs::write(root.join("public/a.html"), "a").unwrap();
    let (notice, at) = changes.changed().await;
    assert_eq!(notice, Notice::Changed);
    assert!(at > Instant::now());
}

/// Files of a folder, watched, with `public` as the content root.
fn watched(folder: &TempDir) -> (PathBuf, WatchScope, Files, FileChanges) {
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir(root.join("public")).unwrap();
    let scope = scope_at(&root, "{}", "public");
    let (mut files, changes) = Files::new(scope.clone()).unwrap();
    files.arm(&scope).unwrap();
    (root, scope, files, changes)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn writes_through_a_memory_map_are_reported_when_it_is_closed() {
    let folder = TempDir::new().unwrap();
    let (root, _, files, mut changes) = watched(&folder);
    let path = root.join("public/a.html");
    fs::write(&path, "one").unwrap();
    let (mut map, file) = vmap::MapMut::with_options().open(&path).unwrap();
    // What came of the file so far.
    fs::write(root.join("public/last"), "").unwrap();
    while !files.take_written().contains(&root.join("public/last")) {
        changes.changed().await;
    }
    let _ = changes.changed().now_or_never();
    map[0] = b'O';
    drop((map, file));
    let (notice, _) = changes.changed().await;
    assert_eq!(notice, Notice::Changed);
    assert_eq!(files.take_written(), [path].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_through_a_memory_map_is_purged() {
    let mut scene = Scene::new().await;
    let watcher = scene.watch(&[]).await;
    let path = scene.path("public/a.html");
    let (mut map, file) = vmap::MapMut::with_options().open(path).unwrap();
    map[0] = b'A';
    drop((map, file));
    scene.until_purged(["/docs/a.html"]).await;
    watcher.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_was_moved_away_and_came_back_is_known() {
    let folder = TempDir::new().unwrap();
    let (root, scope, mut files, mut changes) = watched(&folder);
    let path = |name: &str| root.join("public").join(name);
    for name in ["there", "new", "swap"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("file"), name).unwrap();
    }
    for name in ["file", "saved", "draft"] {
        fs::write(path(name), name).unwrap();
    }
    let mut armed = async |files: &mut Files| {
        // Events come in order.
        fs::write(path("last"), "").unwrap();
        while !files.take_written().contains(&path("last")) {
            changes.changed().await;
        }
        files.arm(&scope).unwrap();
        files.take_returned()
    };
    assert_eq!(armed(&mut files).await, BTreeSet::new());
    // Between two looks.
    fs::rename(path("there"), path("away")).unwrap();
    fs::rename(path("away"), path("there")).unwrap();
    fs::rename(path("file"), root.join("elsewhere")).unwrap();
    fs::rename(root.join("elsewhere"), path("file")).unwrap();
    // Another folder came to the same place, as in a deployment; a file was replaced, as editors do.
    fs::rename(path("swap"), path("old")).unwrap();
    fs::rename(path("new"), path("swap")).unwrap();
    fs::rename(path("draft"), path("saved")).unwrap();
    let expected: BTreeSet<_> = ["file", "there"].map(path).into();
    assert_eq!(armed(&mut files).await, expected);
    assert_eq!(armed(&mut files).await, BTreeSet::new());
    // With a look in between.
    fs::rename(path("there"), path("away")).unwrap();
    assert_eq!(armed(&mut files).await, BTreeSet::new());
    fs::rename(path("away"), path("there")).unwrap();
    assert_eq!(armed(&mut files).await, [path("there")].into());
    // It is watched as before.
    fs::write(path("there/file"), "2").unwrap();
    while !files.take_written().contains(&path("there/file")) {
        changes.changed().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_does_without_events() {
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&["--poll", "20ms"]).await;
    scene.save("public/a.html", "a2");
    scene.until_purged(["/docs/a.html"]).await;
    watcher.has_purged().await;
    watcher.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_changes_are_few_runs_and_each_is_purged() {
    const FILES: usize = 5000;
    const FOLDERS: usize = 50;
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    let mut wanted = Vec::new();
    for number in 0..FILES {
        let name = format!("{}/{number}.txt", number % FOLDERS);
        scene.write(&format!("public/{name}"), &number.to_string());
        wanted.push(format!("/docs/{name}"));
    }
    scene.until_purged(wanted.iter().map(String::as_str)).await;
    watcher.has_purged().await;
    watcher.stop().await;
    let purged: BTreeSet<_> = scene.purged().into_iter().collect();
    assert_eq!(purged, wanted.into_iter().collect());
    // A file that was just created may be seen empty once; each file is not a run of its own.
    let requests = scene.emulator.purge_log().len();
    assert!(requests < FILES / 10, "{requests} requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_in_folders_made_at_once_are_not_lost() {
    const DEPTH: usize = 100;
    let mut scene = Scene::new().await;
    let mut watcher = scene.watch(&[]).await;
    let deep = vec!["d"; DEPTH].join("/");
    scene.write(&format!("public/{deep}/deep.txt"), "1");
    let url = format!("/docs/{deep}/deep.txt");
    scene.until_purged([url.as_str()]).await;
    watcher.has_purged().await;
    // The new folders are watched.
    scene.write(&format!("public/{deep}/late.txt"), "1");
    let url = format!("/docs/{deep}/late.txt");
    scene.until_purged([url.as_str()]).await;
    // Also under a new name.
    fs::rename(scene.path("public/d"), scene.path("public/moved")).unwrap();
    let moved = deep.replacen('d', "moved", 1);
    let url = format!("/docs/{moved}/deep.txt");
    scene.until_purged([url.as_str()]).await;
    scene.write(&format!("public/{moved}/last.txt"), "1");
    let url = format!("/docs/{moved}/last.txt");
    scene.until_purged([url.as_str()]).await;
    watcher.stop().await;
}
