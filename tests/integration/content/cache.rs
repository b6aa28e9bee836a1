//! The stat cache: what it saves, and what it never hides.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use purgit::content::disk::{list, list_as_of};
use purgit::content::{Listing, Selection, StatCache, blob_id};
use tempfile::TempDir;

use crate::git::fixture::{files, write};

/// Lists as if an hour had passed since the files were written.
fn later(root: &Path, cache: &mut StatCache) -> Listing {
    let started = SystemTime::now() + Duration::from_secs(3600);
    list_as_of(root, &Selection::everything(), cache, started).unwrap()
}

fn site() -> TempDir {
    let folder = TempDir::new().unwrap();
    write(
        folder.path(),
        &files(&[("a", "one"), ("b/c", "two"), ("b-c", "three")]),
    );
    folder
}

#[test]
fn unchanged_files_are_not_read_again() {
    let folder = site();
    let mut cache = StatCache::in_memory();
    let first = later(folder.path(), &mut cache);
    assert_eq!((first.stats.hashed, first.stats.from_cache), (3, 0));
    let second = later(folder.path(), &mut cache);
    assert_eq!((second.stats.hashed, second.stats.from_cache), (0, 3));
    assert_eq!(first.files, second.files);
}

#[test]
fn files_as_young_as_the_listing_are_read_again() {
    let folder = site();
    let mut cache = StatCache::in_memory();
    for _ in 0..2 {
        let stats = list(folder.path(), &Selection::everything(), &mut cache)
            .unwrap()
            .stats;
        assert_eq!((stats.hashed, stats.from_cache), (3, 0));
    }
}

#[test]
fn touching_reads_again_and_changes_nothing() {
    let folder = site();
    let mut cache = StatCache::in_memory();
    let first = later(folder.path(), &mut cache);
    let file = File::options()
        .append(true)
        .open(folder.path().join("a"))
        .unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let second = later(folder.path(), &mut cache);
    assert_eq!((second.stats.hashed, second.stats.from_cache), (1, 2));
    assert_eq!(first.files, second.files);
}

#[test]
fn a_change_that_keeps_size_and_modification_time_is_seen() {
    let folder = site();
    let path = folder.path().join("a");
    let mut cache = StatCache::in_memory();
    later(folder.path(), &mut cache);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "two").unwrap();
    File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(modified)
        .unwrap();
    assert_eq!(
        later(folder.path(), &mut cache).files[0].id,
        blob_id(b"two")
    );
    // By rename, with the same bytes at another inode.
    fs::write(folder.path().join("new"), "two").unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    assert_eq!(later(folder.path(), &mut cache).stats.hashed, 1);
}

#[test]
fn a_kept_cache_is_written_when_it_changed_and_read_again() {
    let folder = site();
    let kept = TempDir::new().unwrap();
    let path = kept.path().join(".purgit/cache/docs");
    let mut cache = StatCache::open(&path);
    later(folder.path(), &mut cache);
    cache.save().unwrap();
    let mut cache = StatCache::open(&path);
    assert_eq!(later(folder.path(), &mut cache).stats.from_cache, 3);
    fs::remove_file(&path).unwrap();
    cache.save().unwrap();
    assert!(!path.exists(), "nothing had changed");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);
}

#[test]
fn a_damaged_or_foreign_cache_counts_as_empty() {
    let folder = site();
    let kept = TempDir::new().unwrap();
    let path = kept.path().join("cache");
    let mut cache = StatCache::open(&path);
    let expected = later(folder.path(), &mut cache).files;
    cache.save().unwrap();
    let whole = fs::read(&path).unwrap();
    let mut damaged: Vec<Vec<u8>> = (0..whole.len())
        .map(|at| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x20;
            bytes
        })
        .collect();
    damaged.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    damaged.push([whole.as_slice(), b"x"].concat());
    for bytes in damaged {
        fs::write(&path, bytes).unwrap();
        let listing = later(folder.path(), &mut StatCache::open(&path));
        assert_eq!(listing.stats.from_cache, 0);
        assert_eq!(listing.files, expected);
    }
}

/// On Linux, a page that is dirty already is written to through a memory map without a trace.
#[cfg(unix)]
#[test]
fn a_file_that_is_distrusted_is_read_once_more_whatever_its_times_say() {
    let folder = site();
    let mut cache = StatCache::in_memory();
    let path = folder.path().join("a");
    let times = |path: &Path| {
        let found = fs::metadata(path).unwrap();
        let changed = (
            std::os::unix::fs::MetadataExt::ctime(&found),
            std::os::unix::fs::MetadataExt::ctime_nsec(&found),
        );
        (found.modified().unwrap(), changed)
    };
    let (mut map, file) = vmap::MapMut::with_options().open(&path).unwrap();
    map[0] = b'O';
    later(folder.path(), &mut cache);
    let before = times(&path);
    map[0] = b'0';
    drop((map, file));
    if times(&path) == before {
        let missed = later(folder.path(), &mut cache).files;
        assert_eq!(missed[0].id, blob_id(b"One"), "nothing tells");
    }
    cache.distrust("a".to_owned());
    let seen = later(folder.path(), &mut cache);
    assert_eq!(seen.files[0].id, blob_id(b"0ne"));
    assert!(seen.stats.hashed >= 1);
    assert_eq!(later(folder.path(), &mut cache).stats.hashed, 0);
}
