//! What only a file can do wrong: links, modes, foreign edits, a full disk, a killed holder.

use std::fs;
use std::path::{Path, PathBuf};

use purgit::state::file::FileStore;
use purgit::state::{State, StateError, StateStore};
use tempfile::TempDir;

use super::state_fixture::{holder, sample};

fn project() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(".purgit/state.json");
    (folder, path)
}

fn next() -> State {
    let mut state = sample();
    state.serial += 1;
    state
}

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|item| {
            item.expect("an item")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn the_first_run_makes_a_folder_whose_state_is_committed() {
    let (folder, path) = project();
    let store = FileStore::new(path);
    let guard = store.lock(&holder("apply")).expect("locked");
    store.write(&sample(), None).expect("written");
    drop(guard);
    let own = folder.path().join(".purgit");
    assert_eq!(names(&own), [".gitignore", "state.json", "state.json.lock"]);
    let ignored = fs::read_to_string(own.join(".gitignore")).expect("readable");
    assert!(ignored.lines().any(|line| line == "*.lock"), "{ignored}");
    assert!(!ignored.contains("json"), "{ignored}");
    assert_eq!(
        fs::read(own.join("state.json.lock")).expect("readable"),
        b""
    );
}

#[test]
fn a_users_folder_and_gitignore_are_left_alone() {
    let folder = TempDir::new().expect("a folder");
    let store = FileStore::new(folder.path().join("state.json"));
    store.write(&sample(), None).expect("written");
    assert_eq!(names(folder.path()), ["state.json"]);

    let (folder, path) = project();
    fs::create_dir(folder.path().join(".purgit")).expect("made");
    let ignored = folder.path().join(".purgit/.gitignore");
    fs::write(&ignored, "mine\n").expect("written");
    FileStore::new(path)
        .write(&sample(), None)
        .expect("written");
    assert_eq!(fs::read_to_string(&ignored).expect("readable"), "mine\n");
}

#[test]
fn an_edit_by_hand_since_the_read_is_a_conflict_whatever_the_times_say() {
    let (_folder, path) = project();
    let store = FileStore::new(path.clone());
    let version = store.write(&sample(), None).expect("written");
    let before = fs::metadata(&path)
        .expect("there")
        .modified()
        .expect("a time");

    // Same length, same inode, same time.
    let edited = fs::read_to_string(&path)
        .expect("readable")
        .replace("/a.png", "/z.png");
    fs::write(&path, &edited).expect("written");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(before))
        .expect("set");
    let error = store.write(&next(), Some(&version)).expect_err("refused");
    assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
    assert_eq!(fs::read_to_string(&path).expect("readable"), edited);

    fs::remove_file(&path).expect("removed");
    let error = store.write(&next(), Some(&version)).expect_err("refused");
    assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
    assert!(!path.exists());
    // Nor anything of what was to be written.
    assert_eq!(names(path.parent().expect("a folder")), [".gitignore"]);
}

#[test]
fn touching_the_file_is_no_conflict() {
    let (_folder, path) = project();
    let store = FileStore::new(path.clone());
    let version = store.write(&sample(), None).expect("written");
    let bytes = fs::read(&path).expect("readable");
    fs::remove_file(&path).expect("removed");
    fs::write(&path, bytes).expect("written");
    store.write(&next(), Some(&version)).expect("written");
}

/// A state with something about it that no file keeps, so that one that is read differs.
fn marked() -> State {
    let mut state = sample();
    state.unknown.insert("serial".to_owned(), "mark".into());
    state
}

#[test]
fn what_is_remembered_is_not_parsed_again() {
    let (_folder, path) = project();
    let plain = FileStore::new(path.clone());
    let store = FileStore::new(path.clone()).remembering();
    let version = store.write(&marked(), None).expect("written");
    for _ in 0..2 {
        let snapshot = store.read().expect("readable");
        assert_eq!(snapshot.state, marked());
        assert_eq!(snapshot.version.as_ref(), Some(&version));
    }
    let read = plain.read().expect("readable");
    assert_eq!(read.state, sample());
    assert_eq!(read.version.as_ref(), Some(&version));

    // The same bytes in another file are the same state.
    let bytes = fs::read(&path).expect("readable");
    fs::remove_file(&path).expect("removed");
    fs::write(&path, bytes).expect("written");
    assert_eq!(store.read().expect("readable").state, marked());
}

#[test]
fn what_is_remembered_counts_only_for_the_bytes_it_was() {
    let (folder, path) = project();
    let plain = FileStore::new(path.clone());
    let store = FileStore::new(path.clone()).remembering();
    let version = store.write(&sample(), None).expect("written");
    let before = fs::metadata(&path).and_then(|found| found.modified());
    let before = before.expect("a time");

    // Same length and time, in place and by rename.
    let beside = folder.path().join("beside");
    for (target, name) in [(&path, "/y.png"), (&beside, "/z.png")] {
        let text = fs::read_to_string(&path).expect("readable");
        let known = ["/a.png", "/y.png"]
            .into_iter()
            .find(|known| text.contains(known));
        let edited = text.replace(known.expect("a name"), name);
        assert_eq!(edited.len(), text.len());
        fs::write(target, &edited).expect("written");
        let file = fs::File::options().write(true).open(target);
        file.and_then(|file| file.set_modified(before))
            .expect("set");
        fs::rename(target, &path).expect("moved");
        assert_eq!(
            store.read().expect("readable"),
            plain.read().expect("readable")
        );
        assert_ne!(
            store.read().expect("readable").version,
            Some(version.clone())
        );
    }

    // Refused, and what was refused is not remembered.
    let found = store.read().expect("readable");
    store.write(&next(), Some(&version)).expect_err("refused");
    assert_eq!(store.read().expect("readable"), found);

    // By another process.
    plain
        .write(&next(), found.version.as_ref())
        .expect("written");
    assert_eq!(store.read().expect("readable").state, next());
    fs::remove_file(&path).expect("removed");
    assert_eq!(store.read().expect("readable").version, None);
    fs::write(&path, "{}").expect("written");
    store.read().expect_err("refused");
}

#[test]
fn a_foreign_file_is_reported_and_kept() {
    let (folder, path) = project();
    fs::create_dir(folder.path().join(".purgit")).expect("made");
    for content in ["", "{\"a\": 1}", "\u{0}\u{1}"] {
        fs::write(&path, content).expect("written");
        let store = FileStore::new(path.clone());
        let error = store.read().expect_err("refused");
        assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
        let error = store.write(&sample(), None).expect_err("refused");
        assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), content);
    }
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    let (folder, path) = project();
    // A folder where the file should be.
    fs::create_dir_all(&path).expect("made");
    let store = FileStore::new(path.clone());
    let error = store.write(&sample(), None).expect_err("refused");
    assert!(
        matches!(
            error,
            StateError::Io {
                action: "write",
                ..
            }
        ),
        "{error:?}"
    );
    let error = store.read().expect_err("refused");
    assert!(
        matches!(error, StateError::Io { action: "read", .. }),
        "{error:?}"
    );
    assert_eq!(
        names(&folder.path().join(".purgit")),
        [".gitignore", "state.json"]
    );

    // A file where the folder should be.
    let below = folder.path().join("file");
    fs::write(&below, "x").expect("written");
    let store = FileStore::new(below.join("state.json"));
    let error = store.write(&sample(), None).expect_err("refused");
    assert!(
        matches!(
            error,
            StateError::Io {
                action: "write",
                ..
            }
        ),
        "{error:?}"
    );
    let error = store.lock(&holder("apply")).expect_err("refused");
    assert!(
        matches!(error, StateError::Io { action: "lock", .. }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(&below).expect("readable"), "x");
}

#[test]
fn a_read_only_state_is_not_replaced() {
    let (folder, path) = project();
    let store = FileStore::new(path.clone());
    let version = store.write(&sample(), None).expect("written");
    let mut permissions = fs::metadata(&path).expect("there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("set");
    let error = store.write(&next(), Some(&version)).expect_err("refused");
    let StateError::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(store.read().expect("readable").state, sample());
    assert_eq!(
        names(&folder.path().join(".purgit")),
        [".gitignore", "state.json"]
    );
}

#[test]
fn a_leftover_of_a_killed_writer_goes_with_the_next_lock() {
    let (folder, path) = project();
    let own = folder.path().join(".purgit");
    fs::create_dir(&own).expect("made");
    fs::write(own.join(".state.json.x1.purgit-tmp"), "half").expect("written");
    fs::write(own.join(".other.json.x1.purgit-tmp"), "half").expect("written");
    let _guard = FileStore::new(path).lock(&holder("apply")).expect("locked");
    let names = names(&own);
    assert!(
        !names.contains(&".state.json.x1.purgit-tmp".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&".other.json.x1.purgit-tmp".to_owned()),
        "{names:?}"
    );
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::{Command, Stdio};
    use std::{env, io};

    use super::*;

    const HOLD_LOCK: &str = "PURGIT_TEST_HOLD_LOCK";
    const FULL_DISK: &str = "PURGIT_TEST_FULL_DISK";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_of_the_file_is_kept() {
        let (folder, path) = project();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").expect("written");
        let store = FileStore::new(path.clone());
        let version = store.write(&sample(), None).expect("written");
        assert_eq!(mode(&path), mode(&plain), "as any new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).expect("set");
        store.write(&next(), Some(&version)).expect("written");
        assert_eq!(mode(&path), 0o664);
    }

    #[test]
    fn a_link_is_written_through() {
        let (folder, path) = project();
        fs::create_dir(folder.path().join(".purgit")).expect("made");
        let kept = folder.path().join("kept.json");
        // It leads nowhere yet.
        symlink("../kept.json", &path).expect("linked");
        let store = FileStore::new(path.clone());
        let version = store.write(&sample(), None).expect("written");
        let version = store.write(&next(), Some(&version)).expect("written");
        assert!(fs::symlink_metadata(&path).expect("there").is_symlink());
        assert!(fs::metadata(&kept).expect("there").is_file());
        assert_eq!(
            FileStore::new(kept).read().expect("readable").version,
            Some(version)
        );
    }

    #[test]
    fn a_loop_of_links_and_a_device_are_refused() {
        let (folder, path) = project();
        fs::create_dir(folder.path().join(".purgit")).expect("made");
        symlink("state.json", &path).expect("linked");
        let store = FileStore::new(path.clone());
        let error = store.write(&sample(), None).expect_err("refused");
        assert!(matches!(error, StateError::Io { .. }), "{error:?}");

        fs::remove_file(&path).expect("removed");
        symlink("/dev/null", &path).expect("linked");
        let error = store.read().expect_err("refused");
        assert!(matches!(error, StateError::Io { .. }), "{error:?}");
    }

    /// Runs one test of this binary again, in a process of its own.
    fn child(test: &str, variable: &str, path: &Path, shell: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
            .arg(env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "--nocapture",
                &format!("state_file::unix::{test}"),
            ])
            .env(variable, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    #[test]
    fn a_killed_process_leaves_no_lock_behind() {
        let (_folder, path) = project();
        let mut process = child("holds_the_lock_in_a_child", HOLD_LOCK, &path, "")
            .spawn()
            .expect("spawned");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let held = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("held"));
        assert!(held, "the child does not hold the lock");

        let store = FileStore::new(path);
        let error = store.lock(&holder("watch")).expect_err("refused");
        assert!(error.to_string().contains("`purgit apply`"), "{error}");
        process.kill().expect("killed");
        process.wait().expect("gone");
        let _guard = store.lock(&holder("watch")).expect("free again");
    }

    /// The other side of the test above; alone it does nothing.
    #[test]
    fn holds_the_lock_in_a_child() {
        let Some(path) = env::var_os(HOLD_LOCK) else {
            return;
        };
        let _guard = FileStore::new(path.into())
            .lock(&holder("apply"))
            .expect("locked");
        println!("held");
        // Until the parent kills us or goes away itself.
        io::stdin().lines().for_each(drop);
    }

    #[test]
    fn a_full_disk_leaves_the_state_as_it_was() {
        let (folder, path) = project();
        let store = FileStore::new(path.clone());
        store.write(&sample(), None).expect("written");
        // No file may grow over a few blocks, which is as good as a full disk.
        let output = child(
            "writes_to_a_full_disk_in_a_child",
            FULL_DISK,
            &path,
            "trap '' XFSZ; ulimit -f 8;",
        )
        .output()
        .expect("ran");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("refused: cannot write"), "{text}");
        assert_eq!(store.read().expect("readable").state, sample());
        assert_eq!(
            names(&folder.path().join(".purgit")),
            [".gitignore", "state.json"]
        );
    }

    /// The other side of the test above; alone it does nothing.
    #[test]
    fn writes_to_a_full_disk_in_a_child() {
        let Some(path) = env::var_os(FULL_DISK) else {
            return;
        };
        let store = FileStore::new(path.into());
        let snapshot = store.read().expect("readable");
        let mut state = snapshot.state;
        state.serial += 1;
        state
            .unknown
            .insert("large".to_owned(), "x".repeat(100_000).into());
        match store.write(&state, snapshot.version.as_ref()) {
            Err(error @ StateError::Io { .. }) => println!("refused: {error}"),
            other => println!("not refused: {other:?}"),
        }
    }
}
