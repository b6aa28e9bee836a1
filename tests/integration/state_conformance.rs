//! What every state store must do. A new one is one line in [`backends`].

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, io, thread};

use crate::common::memory_store::{Fault, MemoryStore};
use proptest::collection::vec;
use proptest::prelude::*;
use purgit::entry::Generation;
use purgit::state::file::FileStore;
use purgit::state::format::to_bytes;
use purgit::state::recorder::LEASE;
use purgit::state::{Lease, Record, Seq, State, StateError, StateStore, Tail};
use tempfile::TempDir;

use super::state_fixture::{any_record, at, confirmed, file, holder, sample};

/// Opens one more handle to the same state.
type Open = Arc<dyn Fn() -> Box<dyn StateStore> + Send + Sync>;

/// A store with a state of its own.
struct Backend {
    name: &'static str,
    open: Open,
    /// Takes the lease away from whoever has it.
    lose: Box<dyn Fn()>,
    /// What has to live as long as the state.
    _keep: Box<dyn Debug>,
}

/// All of them, empty or with a snapshot.
fn backends(snapshot: Option<&State>) -> Vec<Backend> {
    vec![
        of_a_file(snapshot),
        git::here(snapshot),
        git::on_a_remote(snapshot),
        of_memory(snapshot),
    ]
}

fn of_memory(snapshot: Option<&State>) -> Backend {
    let memory = snapshot.map_or_else(MemoryStore::new, MemoryStore::with);
    let other = memory.clone();
    Backend {
        name: "memory",
        open: Arc::new(move || Box::new(memory.clone())),
        lose: Box::new(move || other.pass(LEASE)),
        _keep: Box::new(()),
    }
}

fn of_a_file(snapshot: Option<&State>) -> Backend {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(".purgit/state.json");
    let lock = folder.path().join(".purgit/state.json.lock");
    if let Some(state) = snapshot {
        fs::create_dir(folder.path().join(".purgit")).expect("made");
        fs::write(&path, to_bytes(state)).expect("written");
    }
    Backend {
        name: "file",
        open: Arc::new(move || Box::new(FileStore::new(path.clone()))),
        lose: Box::new(move || fs::remove_file(&lock).expect("removed")),
        _keep: Box::new(folder),
    }
}

/// Stores on a ref: in one clone, and in two clones of one remote.
mod git {
    use std::process::Command;
    use std::sync::Mutex;

    use chrono::{DateTime, TimeDelta, Utc};
    use purgit::clock::Clock;
    use purgit::state::git::{GitStore, SKEW};

    use super::*;

    pub(super) const ON_A_REMOTE: &str = "git, on a remote";

    const REF: &str = "refs/purgit/state";

    /// A clock that can be told to go on.
    #[derive(Debug, Default)]
    pub(super) struct Watch(Mutex<TimeDelta>);

    impl Clock for Watch {
        fn now(&self) -> DateTime<Utc> {
            at(0) + *self.0.lock().expect("whole")
        }
    }

    impl Watch {
        fn pass(&self, time: Duration) {
            *self.0.lock().expect("whole") += TimeDelta::from_std(time).expect("in range");
        }
    }

    pub(super) fn here(snapshot: Option<&State>) -> Backend {
        let folder = TempDir::new().expect("a folder");
        run(folder.path(), &["init", "--quiet", "--bare", "."]);
        of(folder, &["."], None, snapshot)
    }

    pub(super) fn on_a_remote(snapshot: Option<&State>) -> Backend {
        let folder = TempDir::new().expect("a folder");
        run(folder.path(), &["init", "--quiet", "--bare", "remote"]);
        for clone in ["one", "two"] {
            run(folder.path(), &["clone", "--quiet", "remote", clone]);
        }
        of(folder, &["one", "two"], Some("origin"), snapshot)
    }

    /// Handles are in the clones by turns.
    fn of(
        folder: TempDir,
        clones: &'static [&'static str],
        remote: Option<&'static str>,
        snapshot: Option<&State>,
    ) -> Backend {
        let root = folder.path().to_owned();
        if let Some(state) = snapshot {
            let first = root.join(clones[0]);
            put(&first, &to_bytes(state));
            if let Some(remote) = remote {
                run(&first, &["push", "--quiet", remote, REF]);
            }
        }
        let clock = Arc::new(Watch::default());
        let (shown, turn) = (clock.clone(), Mutex::new(0));
        let open = move || -> Box<dyn StateStore> {
            let mut turn = turn.lock().expect("whole");
            *turn += 1;
            let root = root.join(clones[*turn % clones.len()]);
            let store = GitStore::open(&root, REF, remote, shown.clone());
            Box::new(store.expect("opened").asking_after(Duration::ZERO))
        };
        Backend {
            name: if remote.is_some() { ON_A_REMOTE } else { "git" },
            open: Arc::new(open),
            lose: Box::new(move || clock.pass(LEASE + SKEW)),
            _keep: Box::new(folder),
        }
    }

    /// Puts a snapshot on the ref, as the docs tell people to.
    fn put(clone: &std::path::Path, state: &[u8]) {
        let file = clone.join("state.json.tmp");
        fs::write(&file, state).expect("written");
        let line = format!(
            "tree=$(printf '100644 blob %s\\tstate.json\\n' \
             $(git hash-object -w state.json.tmp) | git mktree) && \
             git -c user.name=n -c user.email=e update-ref {REF} $(git -c user.name=n \
             -c user.email=e commit-tree -m state $tree)"
        );
        let done = Command::new("sh")
            .args(["-c", &line])
            .current_dir(clone)
            .output();
        let done = done.expect("run");
        assert!(done.status.success(), "{done:?}");
    }

    fn run(folder: &std::path::Path, arguments: &[&str]) {
        let mut git = Command::new("git");
        let done = git
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("run");
        assert!(done.status.success(), "{arguments:?}: {done:?}");
    }
}

impl Backend {
    fn state(&self) -> State {
        State::clone(&(self.open)().load().expect("readable").state)
    }
}

fn lease(store: &dyn StateStore) -> Box<dyn Lease> {
    store.lease(&holder("apply"), LEASE).expect("free")
}

/// A record that adds an entry.
fn adopt(path: &str) -> Record {
    Record::Adopt {
        entries: vec![(file("later", path), Generation::recorded("r1"))],
        at: at(1),
    }
}

fn begin() -> Record {
    Record::Begin {
        lineage: sample().lineage,
    }
}

/// The state after such records.
fn after(state: &State, records: &[Record]) -> State {
    let mut state = state.clone();
    state.extend(records.iter().cloned());
    state
}

#[track_caller]
fn fenced<T: Debug>(name: &str, result: Result<T, StateError>) {
    match result {
        Err(error @ StateError::Fenced(_)) => assert!(error.hint().is_some()),
        other => panic!("{name}: not fenced off: {other:?}"),
    }
}

#[test]
fn nothing_is_there_before_the_first_append() {
    for backend in backends(None) {
        let store = (backend.open)();
        let loaded = store.load().expect("readable");
        assert_eq!((&*loaded.state, loaded.seq), (&State::default(), Seq(0)));
        assert_eq!(store.tail(Seq(0)).expect("readable"), Tail::Records(vec![]));
        assert!(!store.place().is_empty());
    }
}

#[test]
fn a_snapshot_is_loaded_and_goes_on() {
    for backend in backends(Some(&sample())) {
        assert_eq!(backend.state(), sample(), "{}", backend.name);
        let store = (backend.open)();
        let lease = lease(&*store);
        let seq = store.append(&*lease, Seq(1), &[adopt("/1")]);
        assert_eq!(seq.expect("appended"), Seq(2), "{}", backend.name);
        let expected = after(&sample(), &[adopt("/1")]);
        assert_eq!(backend.state(), expected, "{}", backend.name);
        assert_eq!(expected.serial, 2);
        store.compact(&*lease, Seq(2)).expect("folded");
        assert_eq!(backend.state(), expected, "{}", backend.name);
    }
}

#[test]
fn appends_follow_each_other_by_number() {
    for backend in backends(None) {
        let store = (backend.open)();
        let lease = lease(&*store);
        let (mut seq, mut state) = (Seq(0), State::default());
        for records in [
            vec![begin(), adopt("/1")],
            vec![adopt("/2")],
            vec![adopt("/3")],
        ] {
            seq = store.append(&*lease, seq, &records).expect("appended");
            state.extend(records);
            assert_eq!(seq, Seq(state.serial), "{}", backend.name);
            let loaded = (backend.open)().load().expect("readable");
            assert_eq!(
                (&*loaded.state, loaded.seq),
                (&state, seq),
                "{}",
                backend.name
            );
        }
    }
}

#[test]
fn who_does_not_know_the_last_record_is_fenced_off() {
    for backend in backends(Some(&sample())) {
        let store = (backend.open)();
        let lease = lease(&*store);
        let seq = store
            .append(&*lease, Seq(1), &[adopt("/1")])
            .expect("appended");
        for stale in [Seq(0), Seq(1), Seq(3)] {
            fenced(backend.name, store.append(&*lease, stale, &[adopt("/2")]));
            fenced(backend.name, store.compact(&*lease, stale));
        }
        // Nor by a handle that never looked.
        fenced(
            backend.name,
            (backend.open)().append(&*lease, Seq(1), &[adopt("/2")]),
        );
        let expected = after(&sample(), &[adopt("/1")]);
        assert_eq!(backend.state(), expected, "{}", backend.name);
        store
            .append(&*lease, seq, &[adopt("/2")])
            .expect("appended");
    }
}

#[test]
fn who_lost_the_lease_between_two_appends_is_fenced_off() {
    for backend in backends(Some(&sample())) {
        let (early, late) = ((backend.open)(), (backend.open)());
        let stale = lease(&*early);
        early
            .append(&*stale, Seq(1), &[adopt("/1")])
            .expect("appended");
        assert!(!stale.lost());
        (backend.lose)();
        assert!(stale.lost(), "{}", backend.name);
        fenced(backend.name, stale.renew());
        fenced(backend.name, early.append(&*stale, Seq(2), &[adopt("/2")]));

        // Also when somebody else has it by now, and did nothing yet.
        let fresh = lease(&*late);
        fenced(backend.name, early.append(&*stale, Seq(2), &[adopt("/2")]));
        fenced(backend.name, early.compact(&*stale, Seq(2)));
        late.append(&*fresh, Seq(2), &[adopt("/3")])
            .expect("appended");
        fenced(backend.name, early.append(&*stale, Seq(3), &[adopt("/2")]));
        // Giving up what was lost does not take it from others.
        drop(stale);
        assert!(!fresh.lost(), "{}", backend.name);
        late.append(&*fresh, Seq(3), &[adopt("/4")])
            .expect("appended");
        let records = [adopt("/1"), adopt("/3"), adopt("/4")];
        assert_eq!(
            backend.state(),
            after(&sample(), &records),
            "{}",
            backend.name
        );
    }
}

#[test]
fn the_lease_excludes_and_names_its_holder() {
    for backend in backends(None) {
        let held = (backend.open)()
            .lease(&holder("apply"), LEASE)
            .expect("free");
        let error = (backend.open)()
            .lease(&holder("watch"), LEASE)
            .expect_err("refused");
        let StateError::Locked(Some(other)) = &error else {
            panic!("{}: {error:?}", backend.name);
        };
        assert_eq!(other.holder, holder("apply"), "{}", backend.name);
        let text = error.to_string();
        assert!(
            text.contains("`purgit apply`, process 4711 on build-1"),
            "{text}"
        );

        drop(held);
        let held = (backend.open)()
            .lease(&holder("watch"), LEASE)
            .expect("free again");
        let error = (backend.open)()
            .lease(&holder("apply"), LEASE)
            .expect_err("refused");
        assert!(error.to_string().contains("`purgit watch`"), "{error}");
        drop(held);
    }
}

#[test]
fn a_lease_is_found_and_taken_away_by_its_number() {
    for backend in backends(Some(&sample())) {
        let (store, other) = ((backend.open)(), (backend.open)());
        assert_eq!(other.held().expect("readable"), None, "{}", backend.name);
        let stale = lease(&*store);
        let held = other.held().expect("readable").expect("held");
        assert_eq!(
            (&held.holder, held.epoch),
            (&holder("apply"), stale.epoch())
        );
        assert!(!other.break_lease(held.epoch + 1).expect("nobody's"));
        assert!(!stale.lost(), "{}", backend.name);
        assert!(other.break_lease(held.epoch).expect("taken away"));
        assert_eq!(other.held().expect("readable"), None, "{}", backend.name);
        assert!(!other.break_lease(held.epoch).expect("nobody's by now"));
        fenced(backend.name, store.append(&*stale, Seq(1), &[adopt("/1")]));

        let fresh = lease(&*other);
        assert!(fresh.epoch() > stale.epoch(), "{}", backend.name);
        drop(stale);
        let held = store.held().expect("readable").expect("held");
        assert_eq!(held.epoch, fresh.epoch(), "{}", backend.name);
        drop(fresh);
        assert_eq!(store.held().expect("readable"), None, "{}", backend.name);
    }
}

#[test]
fn epochs_grow_and_a_renewed_lease_keeps_its_own() {
    for backend in backends(None) {
        let mut last = 0;
        for _ in 0..3 {
            let store = (backend.open)();
            let lease = lease(&*store);
            assert!(lease.epoch() > last, "{}", backend.name);
            last = lease.epoch();
            lease.renew().expect("ours");
            assert_eq!(lease.epoch(), last);
            assert!(!lease.lost());
            assert!(lease.left().is_none_or(|left| left > LEASE / 2));
        }
    }
}

#[test]
fn of_many_writers_each_has_its_turn() {
    const WRITERS: usize = 6;
    for backend in backends(Some(&sample())) {
        thread::scope(|scope| {
            for number in 0..WRITERS {
                let store = (backend.open)();
                scope.spawn(move || {
                    loop {
                        let lease = match store.lease(&holder("apply"), LEASE) {
                            Err(StateError::Locked(_)) => {
                                thread::yield_now();
                                continue;
                            }
                            lease => lease.expect("free"),
                        };
                        let seq = store.load().expect("readable").seq;
                        let record = adopt(&format!("/{number}"));
                        let seq = store.append(&*lease, seq, &[record]).expect("appended");
                        if number % 2 == 0 {
                            store.compact(&*lease, seq).expect("folded");
                        }
                        break;
                    }
                });
            }
        });
        let state = backend.state();
        assert_eq!(
            state.entries.len(),
            sample().entries.len() + WRITERS,
            "{}",
            backend.name
        );
        assert_eq!(state.serial, 1 + WRITERS as u64, "{}", backend.name);
    }
}

#[test]
fn the_tail_is_what_others_recorded_since() {
    for backend in backends(Some(&sample())) {
        let (writer, reader) = ((backend.open)(), (backend.open)());
        let known = reader.load().expect("readable").seq;
        let lease = lease(&*writer);
        let records = [adopt("/1"), adopt("/2"), adopt("/3")];
        let seq = writer
            .append(&*lease, known, &records[..2])
            .expect("appended");
        let seq = writer
            .append(&*lease, seq, &records[2..])
            .expect("appended");
        for skipped in 0..=3 {
            let from = known.after(skipped);
            let expected = Tail::Records(records[skipped..].to_vec());
            assert_eq!(
                reader.tail(from).expect("readable"),
                expected,
                "{}",
                backend.name
            );
        }
        assert_eq!(reader.tail(seq.after(1)).expect("readable"), Tail::Reload);

        writer.compact(&*lease, seq).expect("folded");
        assert_eq!(
            reader.tail(known).expect("readable"),
            Tail::Reload,
            "{}",
            backend.name
        );
        assert_eq!(reader.load().expect("readable").seq, seq);
        assert_eq!(reader.tail(seq).expect("readable"), Tail::Records(vec![]));
        writer
            .append(&*lease, seq, &[adopt("/4")])
            .expect("appended");
        let tail = reader.tail(seq).expect("readable");
        assert_eq!(tail, Tail::Records(vec![adopt("/4")]), "{}", backend.name);
    }
}

#[test]
fn folding_changes_nothing_and_twice_is_once() {
    for backend in backends(None) {
        let store = (backend.open)();
        let lease = lease(&*store);
        store.compact(&*lease, Seq(0)).expect("nothing to fold");
        let records = [begin(), adopt("/1")];
        let seq = store.append(&*lease, Seq(0), &records).expect("appended");
        let before = backend.state();
        store.compact(&*lease, seq).expect("folded");
        store.compact(&*lease, seq).expect("folded");
        assert_eq!(backend.state(), before, "{}", backend.name);
        let seq = store
            .append(&*lease, seq, &[adopt("/2")])
            .expect("appended");
        assert_eq!(
            backend.state(),
            after(&before, &[adopt("/2")]),
            "{}",
            backend.name
        );
        // By a handle that did not write.
        (backend.open)().compact(&*lease, seq).expect("folded");
        assert_eq!(
            backend.state(),
            after(&before, &[adopt("/2")]),
            "{}",
            backend.name
        );
    }
}

#[test]
fn a_reader_beside_a_writer_sees_whole_states_in_their_order() {
    for backend in backends(Some(&sample())) {
        // Each is several processes on a ref.
        let rounds = if backend.name.starts_with("git") {
            9
        } else {
            60
        };
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                let (reader, done) = ((backend.open)(), &done);
                scope.spawn(move || {
                    let (mut last, known) = (Seq(0), sample().entries.len());
                    while !done.load(Ordering::Acquire) {
                        let loaded = reader.load().expect("readable");
                        assert!(loaded.seq >= last, "it went back");
                        last = loaded.seq;
                        let entries = loaded.state.entries.len() - known;
                        assert_eq!(loaded.state.serial, 1 + entries as u64);
                    }
                });
            }
            let store = (backend.open)();
            let lease = lease(&*store);
            let mut seq = Seq(1);
            for round in 0..rounds {
                let records = [adopt(&format!("/{round}/1")), adopt(&format!("/{round}/2"))];
                seq = store.append(&*lease, seq, &records).expect("appended");
                if round % 3 == 0 {
                    store.compact(&*lease, seq).expect("folded");
                }
            }
            done.store(true, Ordering::Release);
        });
    }
}

#[test]
fn unknown_top_level_fields_survive() {
    let mut state = sample();
    let value = serde_json::json!({"b": [1]});
    state.unknown.insert("leases".to_owned(), value);
    for backend in backends(Some(&state)) {
        let store = (backend.open)();
        let lease = lease(&*store);
        let seq = store
            .append(&*lease, Seq(1), &[adopt("/1")])
            .expect("appended");
        store.compact(&*lease, seq).expect("folded");
        assert_eq!(backend.state().unknown, state.unknown, "{}", backend.name);
        assert!(backend.state().entries.contains_key(&file("later", "/1")));
    }
}

#[test]
fn a_stamp_holds_until_something_changes() {
    for backend in backends(Some(&sample())) {
        let (store, other) = ((backend.open)(), (backend.open)());
        assert_eq!(store.stamp(), None, "{}", backend.name);
        let seq = store.load().expect("readable").seq;
        let stamp = store.stamp().expect("loaded");
        assert!(store.holds(&stamp).expect("readable"));
        assert!(other.holds(&stamp).expect("readable"), "{}", backend.name);
        assert_eq!(other.stamp(), Some(stamp.clone()));

        // As good as loaded.
        let lease = lease(&*other);
        let seq = other
            .append(&*lease, seq, &[adopt("/1")])
            .expect("appended");
        let appended = other.stamp().expect("written");
        assert!(!store.holds(&stamp).expect("readable"), "{}", backend.name);
        assert!(other.holds(&appended).expect("readable"));
        other.compact(&*lease, seq).expect("folded");
        let folded = other.stamp().expect("written");
        assert!(!store.holds(&appended).expect("readable"));
        assert!(other.holds(&folded).expect("readable"));
        assert!(store.holds(&folded).expect("readable"));
        assert_eq!(store.load().expect("readable").seq, seq);
    }
}

#[test]
fn a_state_that_was_never_written_has_a_stamp() {
    for backend in backends(None) {
        let (store, other) = ((backend.open)(), (backend.open)());
        store.load().expect("empty");
        let stamp = store.stamp().expect("loaded");
        assert!(other.holds(&stamp).expect("readable"), "{}", backend.name);
        let lease = lease(&*store);
        store.append(&*lease, Seq(0), &[begin()]).expect("appended");
        assert!(!other.holds(&stamp).expect("readable"), "{}", backend.name);
    }
}

#[test]
fn the_memory_store_refuses_what_others_would_regret() {
    let store = MemoryStore::new();
    let held = lease(&store);
    let refused = |records: &[Record]| {
        let error = store.append(&*held, Seq(0), records).expect_err("refused");
        assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
    };
    refused(&[]);
    refused(&[adopt("/1")]);
    store.append(&*held, Seq(0), &[begin()]).expect("appended");
    let error = store.append(&*held, Seq(1), &[begin()]).expect_err("twice");
    assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
    assert_eq!(store.writes().len(), 1);
    assert_eq!(store.load().expect("readable").seq, Seq(1));
}

#[test]
fn the_memory_store_fails_in_every_way_a_remote_one_may() {
    let store = MemoryStore::with(&sample());
    let held = store
        .lease(&holder("apply"), Duration::from_secs(60))
        .expect("free");
    let append = |at, path| store.append(&*held, at, &[adopt(path)]);

    store.fault(1, Fault::Io(io::ErrorKind::StorageFull));
    store.fault(2, Fault::Conflict);
    store.fault(3, Fault::LostAnswer);
    assert!(matches!(append(Seq(1), "/1"), Err(StateError::Io { .. })));
    assert!(matches!(append(Seq(1), "/1"), Err(StateError::Conflict(_))));
    assert_eq!(store.load().expect("readable").seq, Seq(1));
    assert!(matches!(append(Seq(1), "/1"), Err(StateError::Io { .. })));
    assert_eq!(
        store.load().expect("readable").seq,
        Seq(2),
        "written all the same"
    );

    // A lease runs out unless it is renewed.
    store.pass(Duration::from_secs(40));
    held.renew().expect("ours");
    store.pass(Duration::from_secs(40));
    assert_eq!(held.left(), Some(Duration::from_secs(20)));
    append(Seq(2), "/2").expect("appended");
    store.fault(1, Fault::LostLease);
    fenced("memory", append(Seq(3), "/3"));
    assert_eq!(held.left(), Some(Duration::ZERO));

    // A slow append is not done before it is done, and is fenced off when it came too late.
    let slow = store.lease(&holder("apply"), LEASE).expect("free");
    store.pause();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| store.append(&*slow, Seq(3), &[adopt("/3")]));
        assert_eq!(store.load().expect("readable").seq, Seq(3));
        store.pass(LEASE);
        let other = store.lease(&holder("watch"), LEASE).expect("free");
        store.resume();
        fenced("memory", waiting.join().expect("no panic"));
        store
            .append(&*other, Seq(3), &[adopt("/4")])
            .expect("appended");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the records are grouped, and whenever they are folded, they come to the same state.
    #[test]
    fn replaying_is_the_state_in_memory(
        groups in vec((vec(any_record(), 1..5), any::<bool>(), any::<bool>()), 0..8),
        written in any::<bool>(),
    ) {
        let mut start = sample();
        start.entries.insert(file("later", "/1"), confirmed("r1"));
        let start_with = written.then_some(&start);
        let mut backends = vec![of_a_file(start_with), of_memory(start_with)];
        // Each append is several processes there.
        if groups.len() <= 3 {
            backends.push(git::here(start_with));
        }
        if groups.len() <= 2 {
            backends.push(git::on_a_remote(start_with));
        }
        for backend in backends {
            let store = (backend.open)();
            let held = lease(&*store);
            let mut state = if written { start.clone() } else { State::default() };
            let mut seq = Seq(state.serial);
            for (records, folds, reopens) in &groups {
                let mut records = records.clone();
                if state.lineage.is_empty() {
                    records.insert(0, begin());
                }
                let other;
                let store = match reopens {
                    true => {
                        other = (backend.open)();
                        &other
                    }
                    false => &store,
                };
                let loaded = store.load().unwrap();
                prop_assert_eq!(&*loaded.state, &state);
                seq = store.append(&*held, seq, &records).unwrap();
                state.extend(records);
                if *folds {
                    store.compact(&*held, seq).unwrap();
                }
                let loaded = (backend.open)().load().unwrap();
                prop_assert_eq!(&*loaded.state, &state, "{}", backend.name);
                prop_assert_eq!(loaded.seq, seq);
            }
        }
    }
}
