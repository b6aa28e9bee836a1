//! The view of a state is used while it holds, and never otherwise.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use purgit::cache::CacheFolder;
use purgit::entry::{EntryKey, Target};
use purgit::state::file::FileStore;
use purgit::state::format::{digest, to_bytes};
use purgit::state::recorder::LEASE;
use purgit::state::{
    Held, Holder, Lease, Loaded, Record, Seq, Stamp, State, StateError, StateStore, Tail,
};
use purgit::url::CdnUrl;
use purgit::view::{StateView, Views};

use crate::site::fixture::{Folder, now, site};
use crate::state_fixture::{any_record_about, holder};

/// A file that counts how often all of it is read, and the bytes written to it and to its journal.
#[derive(Debug)]
pub(crate) struct Counting {
    file: FileStore,
    path: PathBuf,
    loads: Arc<AtomicUsize>,
    pub(crate) written: Arc<AtomicU64>,
}

impl Counting {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            file: FileStore::new(path.clone()),
            path,
            loads: Arc::default(),
            written: Arc::default(),
        }
    }

    fn weigh<T>(&self, work: impl FnOnce() -> T) -> T {
        let size = |path: PathBuf| fs::metadata(path).map_or(0, |found| found.len());
        let journal = || size(self.path.with_extension("json.journal"));
        let before = journal();
        let done = work();
        let after = journal();
        let written = match after < before {
            true => size(self.path.clone()),
            false => after - before,
        };
        self.written.fetch_add(written, Ordering::Relaxed);
        done
    }
}

impl StateStore for Counting {
    fn place(&self) -> String {
        self.file.place()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.file.load()
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        self.file.tail(from)
    }

    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError> {
        self.file.lease(holder, ttl)
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        self.file.held()
    }

    fn break_lease(&self, epoch: u64) -> Result<bool, StateError> {
        self.file.break_lease(epoch)
    }

    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError> {
        self.weigh(|| self.file.append(lease, at, records))
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        self.weigh(|| self.file.compact(lease, upto))
    }

    fn stamp(&self) -> Option<Stamp> {
        self.file.stamp()
    }

    fn holds(&self, stamp: &Stamp) -> Result<bool, StateError> {
        self.file.holds(stamp)
    }
}

/// A site of which all was purged, with the state on disk.
fn purged() -> (Folder, State) {
    let folder = Folder::new("");
    folder.publish(&["a.html", "b/c.html", "b/index.html"]);
    let state = State {
        serial: 1,
        lineage: "views".to_owned(),
        ..folder.purged()
    };
    write(&folder, &state);
    (folder, state)
}

fn state_file(folder: &Folder) -> PathBuf {
    folder.path().join(".purgit/state.json")
}

fn view_file(folder: &Folder) -> PathBuf {
    folder.path().join(".purgit/cache/state.view")
}

fn write(folder: &Folder, state: &State) {
    folder.write(
        ".purgit/state.json",
        &String::from_utf8(to_bytes(state)).unwrap(),
    );
}

fn views(folder: &Folder) -> (Views, Arc<AtomicUsize>) {
    let store = Counting::new(state_file(folder));
    let loads = store.loads.clone();
    let cache = CacheFolder::new(folder.path());
    (Views::new(Arc::new(store), Some(cache)), loads)
}

/// Reads the state as a process of its own does, and saves the view; with whether all was read.
fn read(folder: &Folder) -> (StateView, bool) {
    let (views, loads) = views(folder);
    let project = folder.project();
    let view = views.read(&project).unwrap();
    views.keep(view.clone());
    views.save(&project);
    (view, loads.load(Ordering::Relaxed) > 0)
}

/// Appends records as another process, which is killed before it folds them.
fn killed(folder: &Folder, records: &[Record]) {
    let store = FileStore::new(state_file(folder));
    let lease = store.lease(&holder("apply"), LEASE).unwrap();
    let seq = store.load().unwrap().seq;
    store.append(&*lease, seq, records).unwrap();
}

fn forget(key: &EntryKey) -> Record {
    Record::Forget {
        keys: vec![key.clone()],
    }
}

#[test]
fn a_cache_folder_whose_mark_a_full_disk_left_empty_is_still_purgits() {
    let (folder, _) = purged();
    let mark = ".purgit/cache/.gitignore";
    folder.write(mark, "");
    assert!(read(&folder).1);
    assert!(!read(&folder).1, "the first one was kept");
    assert_eq!(
        std::fs::read_to_string(folder.path().join(mark)).unwrap(),
        "*\n"
    );
    // What somebody else keeps there is not told to git.
    folder.remove(".purgit/cache");
    folder.write(mark, "");
    folder.write(".purgit/cache/theirs", "");
    assert!(read(&folder).1);
    assert!(read(&folder).1);
}

#[test]
fn a_state_is_read_once_as_long_as_its_file_stays() {
    let (folder, mut state) = purged();
    let (whole, all) = read(&folder);
    assert!(all);
    assert_eq!(whole.state.entries.len(), 0);
    assert_eq!(whole.digest(), Some(digest(&state)));

    let (view, all) = read(&folder);
    assert!(!all);
    assert_eq!((&view.state, view.digest()), (&whole.state, whole.digest()));
    let mut unpacked = view.clone();
    unpacked.unpack(&folder.project(), state.entries.keys());
    assert!(unpacked.state.entries.keys().eq(state.entries.keys()));
    assert_eq!(unpacked.digest(), Some(digest(&unpacked.state)));
    assert_eq!(unpacked.digest(), Some(digest(&state)));

    state.serial += 1;
    state.entries.pop_first();
    write(&folder, &state);
    let (view, all) = read(&folder);
    assert!(all);
    assert_eq!(view.digest(), Some(digest(&state)));
    assert!(!read(&folder).1);
}

#[test]
fn a_view_that_lags_behind_the_journal_is_not_used() {
    let (folder, mut state) = purged();
    read(&folder);
    let keys: Vec<_> = state.entries.keys().cloned().collect();
    for key in &keys[..2] {
        killed(&folder, &[forget(key)]);
        state.apply(forget(key));
        let (view, all) = read(&folder);
        assert!(all);
        assert_eq!(view.digest(), Some(digest(&state)));
    }
    // Folded, it is another file.
    let store = FileStore::new(state_file(&folder));
    let lease = store.lease(&holder("apply"), LEASE).unwrap();
    let seq = store.load().unwrap().seq;
    store.compact(&*lease, seq).unwrap();
    let (view, all) = read(&folder);
    assert!(all);
    assert_eq!(view.digest(), Some(digest(&state)));
    assert!(!read(&folder).1);
}

#[test]
fn a_view_is_known_to_be_the_one_of_another_time() {
    let (folder, state) = purged();
    let (views, _) = views(&folder);
    let project = folder.project();
    let view = views.read(&project).unwrap();
    assert!(views.is_current(&view).unwrap());
    killed(&folder, &[forget(state.entries.keys().next().unwrap())]);
    assert!(!views.is_current(&view).unwrap());
    views.keep(view);
    assert_eq!(
        views.read(&project).unwrap().digest(),
        read(&folder).0.digest()
    );
}

#[test]
fn under_another_mapping_the_whole_state_is_read() {
    let (folder, state) = purged();
    read(&folder);
    assert!(!read(&folder).1);
    for spec in ["baseUrl: https://www.example.com/new/", "redirect: true"] {
        folder.manifests(&site(spec));
        let (view, all) = read(&folder);
        assert!(all, "{spec}");
        assert_eq!(view.digest(), Some(digest(&state)));
    }
}

#[test]
fn a_damaged_view_counts_as_none() {
    let (folder, _) = purged();
    read(&folder);
    let path = view_file(&folder);
    let good = fs::read(&path).unwrap();
    for damage in [0, 20, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[damage] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(read(&folder).1, "{damage}");
    }
    for length in [good.len() - 10, 20, 0] {
        fs::write(&path, &good[..length]).unwrap();
        assert!(read(&folder).1, "{length}");
    }
    assert!(!read(&folder).1);
}

#[test]
fn without_a_state_nothing_was_recorded() {
    let folder = Folder::new("");
    let (view, _) = read(&folder);
    assert_eq!((view.digest(), &*view.state), (None, &State::default()));
    // Not even a folder for it: this may be a bare repository.
    assert!(!view_file(&folder).exists());
}

#[test]
fn what_is_open_is_not_packed() {
    let (folder, state) = purged();
    let key = state.entries.keys().next().unwrap();
    let due = Record::Due {
        entries: vec![(key.clone(), None)],
        forced: false,
        at: now(),
    };
    killed(&folder, &[due]);
    let (view, _) = read(&folder);
    let open: Vec<_> = view.state.entries.keys().collect();
    assert_eq!(open, [key]);
}

#[test]
fn a_view_after_records_is_the_state_after_them() {
    let (folder, purged) = purged();
    let (project, keys) = (folder.project(), site_keys());
    proptest!(ProptestConfig::with_cases(64), |(records in vec(any_site_record(), 0..12))| {
        let mut state = purged.clone();
        let mut view = StateView::from(state.clone());
        view.pack(&project);
        prop_assert_eq!(view.state.entries.len(), 0);
        // As a run does with what it is about.
        view.unpack(&project, &keys[..3]);
        Arc::make_mut(&mut view.state).extend(records.clone());
        view.pack(&project);
        state.extend(records);
        prop_assert_eq!(view.digest(), Some(digest(&state)));
        view.unpack(&project, state.entries.keys());
        let generations = |state: &State| {
            let entries = state.entries.iter();
            entries.map(|(key, one)| (key.clone(), one.generation.clone(), one.attempt.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(generations(&view.state), generations(&state));
        prop_assert_eq!(&view.state.due, &state.due);
        prop_assert_eq!(&view.state.pending_operations, &state.pending_operations);
    });
}

/// Of two files that were purged, and of one that is new.
fn site_keys() -> Vec<EntryKey> {
    let (_, state) = purged();
    let known = state.entries.into_keys();
    let known = known.filter(|key| key.path.as_deref() != Some("b/c.html"));
    let mut keys: Vec<_> = known.collect();
    let target = CdnUrl::parse("https://www.example.com/new.html").unwrap();
    keys.push(EntryKey {
        path: Some("new.html".into()),
        target: Target::File(target),
        ..keys[0].clone()
    });
    keys
}

fn any_site_record() -> impl Strategy<Value = Record> {
    let (_, state) = purged();
    let ids = state.entries.values();
    let ids: Vec<_> = ids.filter_map(|known| known.generation.clone()).collect();
    any_record_about(select(site_keys()).boxed(), select(ids).boxed())
}
