//! What every state backend must do. A new backend is one line in [`backends`].

use std::fmt::Debug;
use std::sync::{Arc, Barrier};
use std::thread;

use purgit::state::file::FileStore;
use purgit::state::memory::MemoryStore;
use purgit::state::{State, StateError, StateStore, Version};
use tempfile::TempDir;

use super::state_fixture::{confirmed, file, holder, sample};

/// Opens one more handle to the same state.
type Open = Arc<dyn Fn() -> Box<dyn StateStore> + Send + Sync>;

/// A backend with a state of its own, empty.
struct Backend {
    name: &'static str,
    open: Open,
    /// What has to live as long as the state.
    _keep: Box<dyn Debug>,
}

fn backends() -> Vec<Backend> {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(".purgit/state.json");
    let second = TempDir::new().expect("a folder");
    let remembered = second.path().join(".purgit/state.json");
    let memory = MemoryStore::new();
    vec![
        Backend {
            name: "file",
            open: Arc::new(move || Box::new(FileStore::new(path.clone()))),
            _keep: Box::new(folder),
        },
        Backend {
            name: "file, remembering",
            open: Arc::new(move || Box::new(FileStore::new(remembered.clone()).remembering())),
            _keep: Box::new(second),
        },
        Backend {
            name: "memory",
            open: Arc::new(move || Box::new(memory.clone())),
            _keep: Box::new(()),
        },
    ]
}

/// The next state of the same lineage, with one more entry.
fn next(state: &State, path: &str) -> State {
    let mut state = state.clone();
    state.serial += 1;
    state.entries.insert(file("later", path), confirmed("r1"));
    state
}

/// Writes the sample as the first state.
fn first(store: &dyn StateStore) -> Version {
    store.write(&sample(), None).expect("written")
}

#[test]
fn nothing_is_read_before_the_first_write() {
    for backend in backends() {
        let snapshot = (backend.open)().read().expect("readable");
        assert_eq!(snapshot.state, State::default(), "{}", backend.name);
        assert_eq!(snapshot.version, None, "{}", backend.name);
        assert!(!(backend.open)().place().is_empty());
    }
}

#[test]
fn what_was_written_is_read_by_another_handle() {
    for backend in backends() {
        let version = first(&*(backend.open)());
        let snapshot = (backend.open)().read().expect("readable");
        assert_eq!(snapshot.state, sample(), "{}", backend.name);
        assert_eq!(snapshot.version, Some(version), "{}", backend.name);
    }
}

#[test]
fn writes_follow_each_other_by_the_returned_versions() {
    for backend in backends() {
        let store = (backend.open)();
        let mut version = first(&*store);
        let mut state = sample();
        for path in ["/1", "/2", "/3"] {
            state = next(&state, path);
            let newer = store.write(&state, Some(&version)).expect("written");
            assert_ne!(newer, version, "{}", backend.name);
            version = newer;
        }
        assert_eq!(
            store.read().expect("readable").state,
            state,
            "{}",
            backend.name
        );
    }
}

#[test]
fn a_stale_writer_is_refused_and_nothing_is_lost() {
    for backend in backends() {
        let (early, late) = ((backend.open)(), (backend.open)());
        let stale = first(&*early);
        let winner = next(&sample(), "/winner");
        let version = early.write(&winner, Some(&stale)).expect("written");
        for expected in [Some(&stale), None] {
            let error = late
                .write(&next(&sample(), "/loser"), expected)
                .expect_err("refused");
            assert!(
                matches!(error, StateError::Conflict(_)),
                "{}: {error:?}",
                backend.name
            );
        }
        let snapshot = late.read().expect("readable");
        assert_eq!(snapshot.state, winner, "{}", backend.name);
        assert_eq!(snapshot.version, Some(version), "{}", backend.name);
    }
}

#[test]
fn a_first_write_with_an_expectation_is_refused() {
    for backend in backends() {
        let other = backends();
        let foreign = first(&*(other[0].open)());
        let error = (backend.open)()
            .write(&sample(), Some(&foreign))
            .expect_err("refused");
        assert!(
            matches!(error, StateError::Conflict(_)),
            "{}: {error:?}",
            backend.name
        );
        assert_eq!((backend.open)().read().expect("readable").version, None);
    }
}

#[test]
fn of_concurrent_writers_one_wins() {
    const WRITERS: usize = 8;
    for backend in backends() {
        let version = first(&*(backend.open)());
        let start = Barrier::new(WRITERS);
        let won: usize = thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|number| {
                    let (store, version, start) = ((backend.open)(), &version, &start);
                    scope.spawn(move || {
                        let state = next(&sample(), &format!("/{number}"));
                        start.wait();
                        match store.write(&state, Some(version)) {
                            Ok(_) => 1,
                            Err(StateError::Conflict(_)) => 0,
                            Err(error) => panic!("neither won nor lost: {error:?}"),
                        }
                    })
                })
                .collect();
            writers
                .into_iter()
                .map(|writer| writer.join().expect("no panic"))
                .sum()
        });
        assert_eq!(won, 1, "{}", backend.name);
        assert_eq!((backend.open)().read().expect("readable").state.serial, 2);
    }
}

#[test]
fn the_lock_excludes_and_names_its_holder() {
    for backend in backends() {
        let guard = (backend.open)().lock(&holder("apply")).expect("locked");
        let error = (backend.open)()
            .lock(&holder("watch"))
            .expect_err("refused");
        let StateError::Locked(Some(other)) = &error else {
            panic!("{}: {error:?}", backend.name);
        };
        assert_eq!(*other, holder("apply"), "{}", backend.name);
        assert!(
            error
                .to_string()
                .contains("`purgit apply`, process 4711 on build-1")
        );

        drop(guard);
        let guard = (backend.open)().lock(&holder("watch")).expect("free again");
        let error = (backend.open)()
            .lock(&holder("apply"))
            .expect_err("refused");
        assert!(error.to_string().contains("`purgit watch`"), "{error}");
        drop(guard);
    }
}

#[test]
fn reading_and_writing_work_under_the_lock() {
    for backend in backends() {
        let store = (backend.open)();
        let _guard = store.lock(&holder("apply")).expect("locked");
        let version = first(&*store);
        assert_eq!(
            (backend.open)().read().expect("readable").version,
            Some(version)
        );
    }
}

#[test]
fn unknown_top_level_fields_survive_a_write() {
    for backend in backends() {
        let store = (backend.open)();
        let mut state = sample();
        state
            .unknown
            .insert("leases".to_owned(), serde_json::json!({"b": [1]}));
        let version = store.write(&state, None).expect("written");
        let read = store.read().expect("readable").state;
        store
            .write(&next(&read, "/1"), Some(&version))
            .expect("written");
        let read = store.read().expect("readable").state;
        assert_eq!(read.unknown, state.unknown, "{}", backend.name);
    }
}

#[test]
fn the_memory_backend_refuses_what_others_would_regret() {
    let store = MemoryStore::new();
    let broken: [fn(&mut State); 3] = [
        |state| state.serial = 2,
        |state| state.serial = 0,
        |state| state.lineage.clear(),
    ];
    for (number, change) in broken.into_iter().enumerate() {
        let mut state = sample();
        change(&mut state);
        let error = store.write(&state, None).expect_err("refused");
        assert!(
            matches!(error, StateError::Corrupt { .. }),
            "{number}: {error:?}"
        );
    }
    let version = first(&store);
    let mut state = next(&sample(), "/1");
    state.lineage.push('x');
    store
        .write(&state, Some(&version))
        .expect_err("another lineage");
    assert_eq!(store.writes().len(), 1);
}
