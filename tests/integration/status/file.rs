//! The file that the status is in.

use std::fs;
use std::time::{Duration, SystemTime};

use insta::assert_snapshot;
use proptest::prelude::*;
use purgit::state::State;
use purgit::status::Run;
use purgit::status::file::{StatusError, read, to_yaml, write};
use tempfile::TempDir;

use super::{project, purge, run, spring, status};
use crate::state_fixture::sample;

#[test]
fn the_document_reads_well() {
    let project = project(vec![purge(
        "spring",
        &["/a.png", "/b.png", "/d.png", "/new.png"],
    )]);
    assert_snapshot!(to_yaml(&status(&project, &sample(), Some(&run(3)))).expect("YAML"), @r#"
    # Written by purgit after every run. Do not edit: change the manifests instead.
    apiVersion: purgit/v1alpha1
    kind: Status
    metadata:
      name: site
    conditions:
    - type: Ready
      status: "False"
      reason: PurgeFailed
      message: 0 of 2 manifests are ready
      lastTransitionTime: "2026-11-18T11:07:00Z"
    - type: Reconciling
      status: "True"
      reason: InProgress
      message: 1 of 2 manifests are under way
      lastTransitionTime: "2026-11-18T11:07:00Z"
    lastRun:
      planId: sha256:00
      result: PartlyFailed
      exitCode: 3
      startedAt: "2026-11-18T11:06:50Z"
      endedAt: "2026-11-18T11:07:00Z"
      requests: 1
    manifests:
    - kind: Purge
      name: '-'
      endpoint: www
      conditions:
      - type: Ready
        status: Unknown
        reason: NotPurged
        message: 0 of 1 entries are confirmed
        lastTransitionTime: "2026-11-18T11:07:00Z"
      entries:
        total: 1
        succeeded: 0
        notAttempted: 1
      outcomes:
      - address: purge/-/everything
        kind: everything
        target: ""
        generation: r2
    - kind: Purge
      name: spring
      endpoint: www
      desiredRevision: r1
      lastAttemptedRevision: r1
      conditions:
      - type: Ready
        status: "False"
        reason: PurgeFailed
        message: "1 of 4 entries failed: the CDN said no (first `https://www.example.com/b.png`)"
        lastTransitionTime: "2026-11-18T11:07:00Z"
      - type: Reconciling
        status: "True"
        reason: InProgress
        message: 1 of 4 entries are under way
        lastTransitionTime: "2026-11-18T11:07:00Z"
      entries:
        total: 4
        succeeded: 1
        submitted: 1
        failed: 1
        notAttempted: 1
      outcomes:
      - address: purge/spring/file/https://www.example.com/b.png
        kind: file
        target: https://www.example.com/b.png
        outcome: Failed
        generation: r1
        message: the CDN said no
      - address: purge/spring/file/https://www.example.com/d.png
        kind: file
        target: https://www.example.com/d.png
        outcome: Submitted
        generation: r1
        taskId: 00000000-0000-0000-0000-000000000003
      - address: purge/spring/file/https://www.example.com/new.png
        kind: file
        target: https://www.example.com/new.png
        generation: r1
    history:
    - at: "2026-11-18T11:06:49Z"
      planId: sha256:00
      outcomes:
        Failed: 1
        Succeeded: 2
      requests: 1
      exitCode: 3
    "#);
}

#[test]
fn the_file_is_written_once_read_back_and_never_taken_from_others() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("out/purgit.status.yaml");
    assert_eq!(read(&path).expect("readable"), None);
    let document = status(&spring(), &sample(), Some(&run(0)));
    write(&path, &document).expect("written");
    assert_eq!(read(&path).expect("readable").as_ref(), Some(&document));

    // Unchanged content is not written again: a read-only file does not matter.
    let mut permissions = fs::metadata(&path).expect("there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("set");
    write(&path, &document).expect("nothing to do");
    let other = status(&spring(), &State::default(), None);
    let error = write(&path, &other).expect_err("refused");
    assert!(
        matches!(
            error,
            StatusError::Io {
                action: "write",
                ..
            }
        ),
        "{error:?}"
    );
    fs::remove_file(&path).expect("removed");

    for ours in [
        "",
        "<<<<<<< HEAD\nkind: Status\n=======\n",
        "kind: Status\nmanifests: 7\n",
    ] {
        fs::write(&path, ours).expect("written");
        assert_eq!(read(&path).expect("ours"), None, "{ours}");
        write(&path, &document).expect("ours");
        assert_eq!(read(&path).expect("readable").as_ref(), Some(&document));
    }
    for foreign in ["hello", "kind: Project\n", "a: |\n  kind: Status\n"] {
        fs::write(&path, foreign).expect("written");
        for error in [
            read(&path).expect_err("refused"),
            write(&path, &document).expect_err("refused"),
        ] {
            assert!(matches!(error, StatusError::Foreign(_)), "{error:?}");
            assert!(error.to_string().contains("purgit.status.yaml"), "{error}");
            assert!(error.hint().is_some());
        }
        assert_eq!(fs::read_to_string(&path).expect("readable"), foreign);
    }
    let names: Vec<_> = fs::read_dir(folder.path().join("out"))
        .expect("a folder")
        .collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn a_large_document_is_read_back() {
    // Over the 250,000 nodes that the YAML reader allows by itself.
    const WORDS: usize = 126_000;
    let mut document = status(&spring(), &sample(), None);
    document.history[0].outcomes = (0..WORDS).map(|word| (word.to_string(), word)).collect();
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("purgit.status.yaml");
    write(&path, &document).expect("written");
    assert_eq!(read(&path).expect("readable"), Some(document));
}

proptest! {
    // Each case waits for the disk.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_survives_the_file(message in any::<String>(), plan_id in "\\PC{1,200}") {
        let run = Run { plan_id, error: Some(message), ..run(1) };
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("purgit.status.yaml");
        let document = status(&spring(), &sample(), Some(&run));
        write(&path, &document).expect("written");
        prop_assert_eq!(read(&path).expect("readable"), Some(document));
    }
}

#[test]
fn what_a_killed_process_left_is_removed_and_what_another_one_writes_is_not() {
    let folder = TempDir::new().expect("folder");
    let path = folder.path().join("purgit.status.yaml");
    let beside = |name: &str| {
        let file = fs::File::create(folder.path().join(name)).expect("created");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        file.set_modified(hour_ago).expect("touched");
        file
    };
    drop(beside(".purgit.status.yaml.killed.purgit-tmp"));
    let writing = beside(".purgit.status.yaml.writing.purgit-tmp");
    writing.lock().expect("locked");
    let begun = beside(".purgit.status.yaml.begun.purgit-tmp");
    begun.set_modified(SystemTime::now()).expect("touched");
    drop(beside(".other.yaml.killed.purgit-tmp"));
    let document = status(&spring(), &State::default(), None);
    for _ in 0..2 {
        // The second time there is nothing new to write.
        write(&path, &document).expect("written");
        let names = fs::read_dir(folder.path()).expect("read");
        let mut names: Vec<_> = names
            .map(|entry| {
                entry
                    .expect("read")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                ".other.yaml.killed.purgit-tmp",
                ".purgit.status.yaml.begun.purgit-tmp",
                ".purgit.status.yaml.writing.purgit-tmp",
                "purgit.status.yaml",
            ]
        );
        drop(beside(".purgit.status.yaml.killed.purgit-tmp"));
    }
}
