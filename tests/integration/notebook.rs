//! What is remembered between commands is used while it holds, and never otherwise.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use purgit::content::SortedFiles as _;
use purgit::state::State;
use purgit::state::extract::Extract;
use purgit::state::format::to_bytes;
use purgit::workspace::notebook::Notebook;

use crate::site::fixture::{Folder, site};

/// A site of which all was purged, with the state on disk.
fn purged() -> (Folder, State) {
    let folder = Folder::new("");
    folder.publish(&["a.html", "b/c.html", "b/index.html"]);
    let state = folder.purged();
    write(&folder, &state);
    (folder, state)
}

fn write(folder: &Folder, state: &State) {
    let path = folder.path().join(".purgit/state.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, to_bytes(state)).unwrap();
}

/// Reads the state long after it was written; whether all of it had to be read. What is read is
/// remembered.
fn read(folder: &Folder) -> (Extract, bool) {
    let project = folder.project();
    let notebook = Notebook::new(&project, folder.path());
    let later = SystemTime::now() + Duration::from_secs(60);
    let (extract, fresh) = notebook.state_as_of(&project, later).unwrap();
    if let Some(fresh) = &fresh {
        notebook.remember_state(&project, extract.known.clone(), fresh);
    }
    (extract, fresh.is_some())
}

fn extract_file(folder: &Folder) -> PathBuf {
    folder.path().join(".purgit/cache/state.extract")
}

#[test]
fn a_state_is_read_once_as_long_as_its_file_stays() {
    let (folder, mut state) = purged();
    let (whole, all) = read(&folder);
    assert!(all && whole.confirmed.is_empty());
    assert_eq!(whole.known.state.entries, state.entries);

    let (extract, all) = read(&folder);
    assert!(!all);
    assert_eq!(extract.known.digest, whole.known.digest);
    assert_eq!(extract.known.state.serial, state.serial);
    assert_eq!(extract.known.state.entries.len(), 0);
    let mut files = extract.confirmed["docs"].files();
    let paths = std::iter::from_fn(|| files.take()).map(|file| file.path);
    let paths: Vec<_> = paths.collect();
    assert_eq!(paths, ["a.html", "b/c.html", "b/index.html"]);

    state.serial += 1;
    let key = state.entries.keys().next().unwrap().clone();
    state.entries.remove(&key);
    write(&folder, &state);
    let (whole, all) = read(&folder);
    assert!(all);
    assert_eq!(whole.known.state.entries, state.entries);
    assert_eq!(read(&folder).0.known.digest, whole.known.digest);
}

#[test]
fn a_state_just_written_is_not_remembered() {
    let (folder, _) = purged();
    let project = folder.project();
    let notebook = Notebook::new(&project, folder.path());
    let (_, fresh) = notebook.state(&project).unwrap();
    assert!(fresh.is_none());
}

#[test]
fn no_state_is_nothing_to_remember() {
    let folder = Folder::new("");
    let (extract, all) = read(&folder);
    assert!(!all);
    assert_eq!(
        (extract.known.digest, extract.known.state),
        (None, State::default())
    );
}

#[test]
fn under_another_mapping_the_whole_state_is_read() {
    let (folder, state) = purged();
    read(&folder);
    assert!(!read(&folder).1);
    for spec in ["baseUrl: https://www.example.com/new/", "redirect: true"] {
        folder.manifests(&site(spec));
        let (extract, all) = read(&folder);
        assert!(all, "{spec}");
        assert_eq!(extract.known.state.entries, state.entries);
    }
}

#[test]
fn a_damaged_extract_counts_as_none() {
    let (folder, _) = purged();
    read(&folder);
    let path = extract_file(&folder);
    let good = fs::read(&path).unwrap();
    for damage in [0, 20, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[damage] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(read(&folder).1, "{damage}");
    }
    fs::write(&path, &good[..good.len() - 10]).unwrap();
    assert!(read(&folder).1);
    fs::write(&path, "").unwrap();
    assert!(read(&folder).1);
    assert!(!read(&folder).1);
}

#[test]
fn bytes_that_are_no_extract_are_none() {
    for length in 1..64 {
        let bytes: Vec<u8> = (0..length).map(|byte: u8| byte.wrapping_mul(7)).collect();
        assert_eq!(Extract::from_bytes(&bytes), None);
    }
}
