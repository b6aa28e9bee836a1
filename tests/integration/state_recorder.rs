//! Group commit: a record that returned is durable, and many records share few appends; a lease is
//! waited for, given back, and never outlived.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use crate::common::memory_store::{Fault, MemoryStore};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use purgit::entry::Generation;
use purgit::state::recorder::{LEASE, Recorder};
use purgit::state::{
    Held, Holder, Lease, Loaded, Record, Seq, State, StateError, StateStore, Tail,
};

use super::state_fixture::{at, file, holder, sample};

const LINEAGE: &str = "00000000-0000-0000-0000-00000000000a";

const REQUEST: Duration = Duration::from_secs(60);

async fn open(store: &MemoryStore, command: &str, patience: u64) -> Result<Recorder, StateError> {
    let patience = Duration::from_secs(patience);
    let store = Arc::new(store.clone());
    Recorder::open(store, holder(command), patience, LINEAGE.to_owned()).await
}

async fn recorder(store: &MemoryStore) -> Recorder {
    open(store, "apply", 0).await.expect("opened")
}

fn add(number: usize) -> Record {
    Record::Adopt {
        entries: vec![(
            file("spring", &format!("/{number}")),
            Generation::recorded("r1"),
        )],
        at: at(1),
    }
}

fn durable(store: &MemoryStore) -> Arc<State> {
    store.after_a_crash().load().expect("readable").state
}

fn has(state: &State, number: usize) -> bool {
    let key = file("spring", &format!("/{number}"));
    state.entries.contains_key(&key)
}

fn is_fenced<T>(result: &Result<T, StateError>) -> bool {
    matches!(result, Err(StateError::Fenced(_)))
}

#[tokio::test]
async fn the_first_record_gives_the_lineage_and_later_ones_keep_it() {
    let store = MemoryStore::new();
    recorder(&store)
        .await
        .record(add(1))
        .await
        .expect("recorded");
    assert_eq!(durable(&store).lineage, LINEAGE);
    assert_eq!(durable(&store).serial, 2);

    let store = MemoryStore::with(&sample());
    recorder(&store)
        .await
        .record(add(1))
        .await
        .expect("recorded");
    assert_eq!(durable(&store).lineage, sample().lineage);
    assert_eq!(durable(&store).serial, 2);
}

#[tokio::test]
async fn a_record_that_returned_is_durable_and_in_the_snapshot() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    let early = recorder.snapshot();
    for number in 0..5 {
        recorder.record(add(number)).await.expect("recorded");
        assert!(has(&durable(&store), number));
        assert!(has(&recorder.snapshot(), number));
    }
    assert_eq!(recorder.snapshot(), durable(&store));
    assert_eq!(*early, State::default(), "a snapshot stays what it was");
}

#[tokio::test]
async fn concurrent_records_share_appends_and_none_is_early() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    join_all((0..100).map(|number| {
        let (recorder, store) = (&recorder, &store);
        async move {
            recorder.record(add(number)).await.expect("recorded");
            assert!(has(&durable(store), number), "{number}");
        }
    }))
    .await;
    assert_eq!(durable(&store).entries.len(), 100);
    assert_eq!(durable(&store).serial, 101);
    let appends = store.writes().len();
    assert!(appends <= 20, "{appends} appends for 100 records");
}

#[tokio::test]
async fn records_are_written_in_the_order_of_the_calls() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    join_all((0..50).map(|number| {
        recorder.record(Record::Applied {
            revision: number.to_string(),
        })
    }))
    .await;
    assert_eq!(durable(&store).last_applied.as_deref(), Some("49"));
    let writes = store.writes().concat();
    let text = String::from_utf8(writes).expect("text");
    let found: Vec<&str> = text
        .split("{\"applied\":{\"revision\":\"")
        .skip(1)
        .collect();
    let found: Vec<usize> = found
        .iter()
        .map(|rest| {
            rest.split('"')
                .next()
                .expect("a number")
                .parse()
                .expect("a number")
        })
        .collect();
    assert_eq!(found, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn records_of_one_call_are_one_append() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    let all = (0..5).map(add).collect();
    recorder.record_all(all).await.expect("recorded");
    assert_eq!(store.writes().len(), 1);
    store.fault(1, Fault::Io(ErrorKind::StorageFull));
    let more = (5..9).map(add).collect();
    recorder.record_all(more).await.expect_err("refused");
    assert_eq!(durable(&store).entries.len(), 5);
}

#[tokio::test]
async fn after_a_failed_append_everything_fails_alike() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
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
    recorder.ensure(REQUEST).await.expect_err("still failing");
    recorder.release().await.expect_err("still failing");
    assert_eq!(
        recorder.snapshot(),
        durable(&store),
        "no further than what is durable"
    );
    recorder.clone().finish().await.expect_err("still failing");
    assert_eq!(durable(&store).entries.len(), 1);
    assert_eq!(store.writes().len(), 1);
}

#[tokio::test]
async fn someone_elses_write_stops_the_recorder() {
    for fault in [Fault::Conflict, Fault::LostLease] {
        let store = MemoryStore::new();
        let recorder = recorder(&store).await;
        store.fault(1, fault);
        for number in 0..2 {
            let error = recorder.record(add(number)).await.expect_err("refused");
            let is_expected = match fault {
                Fault::Conflict => matches!(error, StateError::Conflict(_)),
                _ => matches!(error, StateError::Fenced(_)),
            };
            assert!(is_expected, "{error:?}");
        }
        assert_eq!(store.writes().len(), 0);
    }
}

#[tokio::test]
async fn what_was_written_though_the_answer_was_lost_is_known_to_the_next_run() {
    let store = MemoryStore::with(&sample());
    let first = recorder(&store).await;
    store.fault(1, Fault::LostAnswer);
    first.record(add(0)).await.expect_err("no answer");
    first.record(add(1)).await.expect_err("stopped");
    drop(first);
    let second = recorder(&store).await;
    assert!(has(&second.snapshot(), 0));
    second.record(add(1)).await.expect("recorded");
    let state = second.finish().await.expect("finished");
    assert_eq!((state.serial, &state), (3, &durable(&store)));
}

#[tokio::test]
async fn finish_waits_for_records_whose_callers_are_gone_and_folds_them() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    // Polled once, so that it is under way, then dropped.
    let early = recorder.record(add(0)).now_or_never();
    assert!(early.is_none(), "nothing was written yet: {early:?}");
    let state = recorder.finish().await.expect("finished");
    assert_eq!(state.entries.len(), 1);
    assert_eq!(state, durable(&store));
    assert_eq!(store.writes().len(), 2, "an append and a snapshot");
    assert_eq!(store.snapshot(), store.writes().pop());
    store.lease(&holder("watch"), LEASE).expect("given back");
}

#[tokio::test]
async fn finishing_without_a_record_writes_nothing() {
    let store = MemoryStore::with(&sample());
    let state = recorder(&store).await.finish().await.expect("finished");
    assert_eq!(*state, sample());
    assert_eq!(store.writes().len(), 1);
}

#[tokio::test]
async fn finishing_folds_what_a_killed_run_left() {
    let store = MemoryStore::with(&sample());
    recorder(&store)
        .await
        .record(add(0))
        .await
        .expect("recorded");
    let store = store.after_a_crash();
    let state = recorder(&store).await.finish().await.expect("finished");
    assert!(has(&state, 0));
    assert_eq!(store.snapshot(), store.writes().pop());
}

#[tokio::test(start_paused = true)]
async fn an_append_takes_no_time_on_a_paused_clock() {
    let store = MemoryStore::new();
    let recorder = recorder(&store).await;
    let start = tokio::time::Instant::now();
    let sleep = tokio::time::sleep(Duration::from_secs(60));
    recorder.record(add(0)).await.expect("recorded");
    assert!(start.elapsed().as_secs() < 1);
    sleep.await;
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_waited_for_as_long_as_told() {
    let store = MemoryStore::new();
    let held = store.lease(&holder("apply"), LEASE).expect("free");
    let start = tokio::time::Instant::now();
    let refused = open(&store, "purge", 30).await.expect_err("held");
    assert!(matches!(&refused, StateError::Locked(Some(by)) if by.holder.command == "apply"));
    assert_eq!(start.elapsed().as_secs(), 30);
    open(&store, "purge", 0).await.expect_err("held");
    assert_eq!(start.elapsed().as_secs(), 30);

    let late = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        drop(held);
    };
    let (opened, ()) = tokio::join!(open(&store, "purge", 30), late);
    opened.expect("free by then");
    assert!((37..=38).contains(&start.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_lease_can_be_given_up() {
    let store = MemoryStore::new();
    let held = store.lease(&holder("apply"), LEASE).expect("free");
    let waiting = open(&store, "purge", 30);
    tokio::time::timeout(Duration::from_secs(1), waiting)
        .await
        .expect_err("given up");
    drop(held);
    store.lease(&holder("watch"), LEASE).expect("free");
}

#[tokio::test(start_paused = true)]
async fn a_record_waits_for_the_lease_no_longer_than_told() {
    let store = MemoryStore::with(&sample());
    let one = recorder(&store).await;
    one.record(add(0)).await.expect("recorded");
    one.release().await.expect("given back");
    one.release().await.expect("given back already");
    let other = open(&store, "purge", 0).await.expect("free");
    let error = one.record(add(1)).await.expect_err("held");
    assert!(
        matches!(&error, StateError::Locked(Some(by)) if by.holder.command == "purge"),
        "{error:?}"
    );
    other.record(add(2)).await.expect("recorded");
}

#[tokio::test(start_paused = true)]
async fn without_the_lease_each_group_reads_what_others_recorded() {
    let store = MemoryStore::with(&sample());
    let one = open(&store, "apply", 30).await.expect("free");
    one.record(add(0)).await.expect("recorded");
    one.release().await.expect("given back");
    let other = open(&store, "purge", 30).await.expect("free");
    other.record(add(1)).await.expect("recorded");
    let waiting = one.record(add(2));
    let finishing = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        other.finish().await.expect("finished")
    };
    let (recorded, theirs) = tokio::join!(waiting, finishing);
    recorded.expect("recorded");
    assert!(has(&theirs, 0) && has(&theirs, 1) && !has(&theirs, 2));
    let mine = one.snapshot();
    assert!((0..3).all(|number| has(&mine, number)));
    assert_eq!(mine, durable(&store));

    // Without folding in between.
    let third = open(&store, "purge", 30).await.expect("free");
    third.record(add(3)).await.expect("recorded");
    third.release().await.expect("given back");
    one.record(add(4)).await.expect("recorded");
    third.record(add(5)).await.expect("recorded");
    let state = one.finish().await.expect("finished");
    assert!((0..6).all(|number| has(&state, number)));
    assert_eq!(third.finish().await.expect("finished"), state);
    assert_eq!(durable(&store), state);
}

#[tokio::test]
async fn two_runs_that_begin_a_state_give_it_one_lineage() {
    let store = MemoryStore::new();
    let (one, other) = (recorder(&store).await, store.clone());
    one.release().await.expect("given back");
    let other = recorder(&other).await;
    other.record(add(1)).await.expect("recorded");
    other.release().await.expect("given back");
    one.record(add(2)).await.expect("recorded");
    let state = one.finish().await.expect("finished");
    assert_eq!((&*state.lineage, state.serial), (LINEAGE, 3));
}

#[tokio::test]
async fn a_run_that_finishes_while_another_writes_leaves_the_folding_to_that() {
    let store = MemoryStore::with(&sample());
    let one = recorder(&store).await;
    one.record(add(0)).await.expect("recorded");
    one.release().await.expect("given back");
    let other = recorder(&store).await;
    let state = one.finish().await.expect("finished");
    assert!(has(&state, 0));
    assert_eq!(store.writes().len(), 2, "nothing was folded");
    other.finish().await.expect("finished");
    assert_eq!(store.snapshot(), store.writes().pop());
}

#[tokio::test]
async fn nothing_is_sent_under_a_lease_that_does_not_outlive_it() {
    let store = MemoryStore::with(&sample());
    let recorder = recorder(&store).await;
    recorder.ensure(REQUEST).await.expect("fresh");
    store.pass(LEASE.checked_sub(REQUEST / 2).expect("longer"));
    recorder.ensure(REQUEST).await.expect("renewed");
    store.pass(LEASE.checked_sub(REQUEST).expect("longer"));
    recorder.ensure(REQUEST).await.expect("still long enough");
    assert!(
        is_fenced(&recorder.ensure(LEASE * 2).await),
        "longer than any lease"
    );
    // Long appends renew it too.
    store.pass(LEASE / 2 + REQUEST);
    store.pass(REQUEST / 2);
    recorder.record(add(0)).await.expect("recorded");
    store.pass(LEASE.checked_sub(REQUEST).expect("longer"));
    recorder.ensure(REQUEST).await.expect("renewed");

    store.pass(LEASE);
    assert!(is_fenced(&recorder.ensure(REQUEST).await), "it ran out");
    let other = open(&store, "purge", 0).await.expect("free");
    assert!(
        is_fenced(&recorder.ensure(REQUEST).await),
        "somebody else has it"
    );
    assert!(is_fenced(&recorder.record(add(1)).await));
    other.release().await.expect("given back");
    assert!(is_fenced(&other.ensure(REQUEST).await), "it was given back");
}

#[tokio::test]
async fn a_state_that_was_replaced_by_another_one_is_no_place_to_go_on() {
    let store = MemoryStore::with(&sample());
    let one = recorder(&store).await;
    one.record(add(0)).await.expect("recorded");
    one.release().await.expect("given back");
    store.replace(&State {
        lineage: "another".to_owned(),
        serial: 9,
        ..sample()
    });
    let error = one.record(add(1)).await.expect_err("refused");
    assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
}

/// A store with a bug.
#[derive(Debug)]
struct Panicking(MemoryStore);

impl StateStore for Panicking {
    fn place(&self) -> String {
        self.0.place()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        self.0.load()
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        self.0.tail(from)
    }

    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError> {
        self.0.lease(holder, ttl)
    }

    fn held(&self) -> Result<Option<Held>, StateError> {
        self.0.held()
    }

    fn break_lease(&self, epoch: u64) -> Result<bool, StateError> {
        self.0.break_lease(epoch)
    }

    fn append(&self, _: &dyn Lease, _: Seq, _: &[Record]) -> Result<Seq, StateError> {
        panic!("on purpose")
    }

    fn compact(&self, _: &dyn Lease, _: Seq) -> Result<(), StateError> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_store_that_panics_does_not_leave_others_waiting() {
    let store = Arc::new(Panicking(MemoryStore::new()));
    let lineage = LINEAGE.to_owned();
    let recorder = Recorder::open(store, holder("apply"), Duration::ZERO, lineage);
    let recorder = recorder.await.expect("opened");
    for number in 0..2 {
        let error = recorder.record(add(number)).await.expect_err("stopped");
        assert!(matches!(error, StateError::Io { .. }), "{error:?}");
    }
}
