//! Group commit: a change that returned is durable, and many changes share few writes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use purgit::entry::Generation;
use purgit::state::format::from_bytes;
use purgit::state::memory::{Fault, MemoryStore};
use purgit::state::recorder::Recorder;
use purgit::state::{HistoryRecord, Record, State, StateError, StateStore as _};

use super::state_fixture::{file, sample};

const LINEAGE: &str = "00000000-0000-0000-0000-00000000000a";

fn recorder(store: &MemoryStore) -> Recorder {
    let snapshot = store.read().expect("readable");
    Recorder::new(Arc::new(store.clone()), snapshot, LINEAGE.to_owned())
}

fn add(number: usize) -> Record {
    let key = file("spring", &format!("/{number}"));
    Record::Adopt {
        entries: vec![(key, Generation::recorded("r1"))],
        at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn durable(store: &MemoryStore) -> State {
    let writes = store.writes();
    from_bytes(writes.last().expect("a write"), "memory").expect("readable")
}

#[tokio::test]
async fn the_first_write_gives_the_lineage_and_later_ones_keep_it() {
    let store = MemoryStore::new();
    recorder(&store).record(add(1)).await.expect("recorded");
    assert_eq!(
        (durable(&store).serial, &*durable(&store).lineage),
        (1, LINEAGE)
    );

    let store = MemoryStore::with(&sample());
    recorder(&store).record(add(1)).await.expect("recorded");
    assert_eq!(durable(&store).lineage, sample().lineage);
    assert_eq!(durable(&store).serial, 2);
}

#[tokio::test]
async fn a_change_that_returned_is_in_the_written_bytes() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    for number in 0..5 {
        recorder.record(add(number)).await.expect("recorded");
        let key = file("spring", &format!("/{number}"));
        assert!(durable(&store).entries.contains_key(&key));
    }
    assert_eq!(*recorder.snapshot(), durable(&store));
}

#[tokio::test]
async fn concurrent_changes_share_writes_and_none_is_early() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    join_all((0..100).map(|number| {
        let (recorder, store) = (&recorder, &store);
        async move {
            recorder.record(add(number)).await.expect("recorded");
            let key = file("spring", &format!("/{number}"));
            assert!(durable(store).entries.contains_key(&key), "{number}");
        }
    }))
    .await;
    assert_eq!(durable(&store).entries.len(), 100);
    let writes = store.writes().len();
    assert!(writes <= 20, "{writes} writes for 100 changes");
    assert_eq!(durable(&store).serial, u64::try_from(writes).expect("few"));
}

#[tokio::test]
async fn changes_are_applied_in_the_order_of_the_calls() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    let run = |number: u8| {
        Record::Remember(HistoryRecord {
            at: chrono::DateTime::UNIX_EPOCH,
            plan_id: String::new(),
            outcomes: BTreeMap::new(),
            requests: 0,
            exit_code: number,
        })
    };
    join_all((0..50).map(|number| recorder.record(run(number)))).await;
    let history = durable(&store).history;
    let codes: Vec<_> = history.iter().map(|run| run.exit_code).collect();
    assert_eq!(codes, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn after_a_failed_write_everything_fails_alike() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    recorder.record(add(0)).await.expect("recorded");
    store.fault(1, Fault::Io(ErrorKind::StorageFull));
    let results = join_all((1..10).map(|number| recorder.record(add(number)))).await;
    for result in results {
        let Err(StateError::Io { source, .. }) = result else {
            panic!("not a failure of the backend: {result:?}");
        };
        assert_eq!(source.kind(), ErrorKind::StorageFull);
    }
    recorder.record(add(10)).await.expect_err("still failing");
    recorder.clone().finish().await.expect_err("still failing");
    assert_eq!(durable(&store).entries.len(), 1);
    assert_eq!(store.writes().len(), 1);
}

#[tokio::test]
async fn someone_elses_write_stops_the_recorder() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    store.fault(1, Fault::Conflict);
    let error = recorder.record(add(0)).await.expect_err("refused");
    assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
    let error = recorder.record(add(1)).await.expect_err("refused");
    assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
    assert_eq!(store.writes().len(), 0);
}

#[tokio::test]
async fn finish_waits_for_changes_whose_callers_are_gone() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    // Polled once, so that it is under way, then dropped.
    let early = recorder.record(add(0)).now_or_never();
    assert!(early.is_none(), "nothing was written yet: {early:?}");
    let state = recorder.finish().await.expect("finished");
    assert_eq!(state.entries.len(), 1);
    assert_eq!(*state, durable(&store));
}

#[tokio::test]
async fn finishing_without_a_change_writes_nothing() {
    let store = MemoryStore::with(&sample());
    let state = recorder(&store).finish().await.expect("finished");
    assert_eq!(*state, sample());
    assert_eq!(store.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_write_takes_no_time_on_a_paused_clock() {
    let store = MemoryStore::new();
    let recorder = recorder(&store);
    let start = tokio::time::Instant::now();
    let sleep = tokio::time::sleep(std::time::Duration::from_secs(60));
    recorder.record(add(0)).await.expect("recorded");
    assert!(start.elapsed().as_secs() < 1);
    sleep.await;
    assert_eq!(start.elapsed().as_secs(), 60);
}
