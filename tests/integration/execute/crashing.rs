//! A run that is killed at any point, among faults: the next runs converge.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use crate::common::memory_store::MemoryStore;
use proptest::collection::vec;
use proptest::prelude::*;
use purgit::credential::CredentialRef;
use purgit::credential::source::{CredentialSource, Resolving};
use purgit::desired::Contents;
use purgit::execute::Waiting;
use purgit::exit::Exit;
use purgit::manifest::resource::{Endpoint, Project, Purge, Safety, StatePlace, StatusPlace};
use purgit::plan::Plan;
use purgit::plan::select::Selection;
use purgit::reconcile::{Approval, Gate, Intent, Reconciled, Reconciler, Verdict};
use purgit::secret::Secret;
use purgit::state::{Origin, State, StateStore as _};
use purgit::status::StatusDocument;
use purgit::status::file::StatusError;
use purgit::status::file::StatusSink;
use purgit::transport::http_fetch::HttpFetch;
use purgit::view::Views;

use super::cdn::{Cdn, Reaction, any_reaction};
use super::{Events, TestClock, azure, endpoint, key, seconds, url};
use crate::state_fixture::holder;

/// Files that are wanted, in steps of [`SIZE`].
const FILES: usize = 12;

const SIZE: usize = 3;

const CONCURRENT: usize = 2;

/// Runs without faults after which everything must be confirmed: the first takes up what was left,
/// the second purges again what that found out.
const ENOUGH: usize = 3;

#[derive(Debug)]
struct Outside;

impl CredentialSource for Outside {
    fn resolve<'a>(&'a self, _: &'a CredentialRef) -> Resolving<'a> {
        Box::pin(std::future::ready(Ok(Secret::new("not-a-real-key"))))
    }
}

impl Gate for Outside {
    fn planned(&self, _: &Plan, _: &State) -> Approval {
        Approval::Go
    }
}

impl StatusSink for Outside {
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError> {
        Ok(None)
    }

    fn write(&self, _: &StatusDocument) -> Result<(), StatusError> {
        Ok(())
    }
}

fn project() -> Project {
    project_of(FILES)
}

/// A project with a `Purge` of so many files.
pub(super) fn project_of(files: usize) -> Project {
    let mut www: Endpoint = endpoint(Arc::new(azure()));
    www.limits.items_per_request = SIZE;
    www.limits.concurrent_requests = CONCURRENT;
    www.poll.timeout = seconds(60);
    Project {
        name: "site".into(),
        manifests: Vec::new(),
        state: StatePlace::default(),
        status: StatusPlace::default(),
        safety: Safety::default(),
        endpoints: BTreeMap::from([("www".into(), www)]),
        purges: vec![Purge {
            name: "spring".into(),
            endpoint: "www".into(),
            revision: Some("r1".to_owned()),
            targets: (0..files).map(|number| key(number).target).collect(),
            suspension: None,
        }],
        sites: Vec::new(),
        declared: BTreeMap::default(),
    }
}

/// Runs; killed after it was polled that often. `None` when it was killed.
async fn run(store: &MemoryStore, cdn: &Cdn, polls: usize) -> Option<Reconciled> {
    run_waiting(store, cdn, Waiting::default(), polls).await
}

pub(super) async fn run_waiting(
    store: &MemoryStore,
    cdn: &Cdn,
    waiting: Waiting,
    polls: usize,
) -> Option<Reconciled> {
    let views = Views::new(Arc::new(store.clone()), None);
    run_project(&project(), &views, cdn, waiting, polls).await
}

pub(super) async fn run_project(
    project: &Project,
    views: &Views,
    cdn: &Cdn,
    waiting: Waiting,
    polls: usize,
) -> Option<Reconciled> {
    let transport = cdn.transport().with_latency(Duration::from_millis(200));
    // Time goes on from run to run.
    let started = cdn.began();
    let (clock, events) = (TestClock { started }, Events::default());
    let reconciler = Reconciler {
        project,
        manifests_digest: "sha256:00".to_owned(),
        views,
        holder: holder("apply"),
        origin: Origin::default(),
        again: Vec::new(),
        inquiry: None,
        gives_up: false,
        lock_timeout: Duration::ZERO,
        selection: Selection::default(),
        forces: Vec::new(),
        urgent: false,
        waiting,
        interruption: &Exit::Interrupted,
        transport: &transport,
        fetch: &HttpFetch::default(),
        prove: false,
        clock: &clock,
        credentials: &Outside,
        observer: &events,
        gate: &Outside,
        status: &Outside,
        new_id: || uuid::Uuid::now_v7().to_string(),
    };
    let sides = Contents::new().into();
    let intent = Intent::Manifests(&sides);
    let mut left = polls;
    let mut whole = pin!(can_be_spawned(reconciler.run(intent)));
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        whole.as_mut().poll(context).map(Some)
    })
    .await
    .map(|result| result.expect("the state can be written"))
}

/// A watcher runs it beside other things.
fn can_be_spawned<T: Send>(work: T) -> T {
    work
}

/// What is on the disk of a killed process: all that was written, and no lock.
fn reopened(store: &MemoryStore) -> MemoryStore {
    store.after_a_crash()
}

/// Runs until nothing is left to do; fails when that takes too long.
pub(super) async fn converge(mut store: MemoryStore, cdn: &Cdn) -> State {
    cdn.behave(|_, _| Reaction::Normal);
    for _ in 0..ENOUGH {
        let done = run(&store, cdn, usize::MAX).await.expect("not killed");
        if done.verdict() == Verdict::Done && done.plan.is_empty() && done.plan.in_progress == 0 {
            return Arc::unwrap_or_clone(store.load().expect("readable").state);
        }
        store = reopened(&store);
    }
    panic!("no end: {:?}", store.load());
}

fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(work)
}

pub(super) fn check_all_confirmed(state: &State, cdn: &Cdn) {
    assert!(state.pending_operations.is_empty(), "{state:?}");
    for number in 0..FILES {
        let observed = &state.entries[&key(number)];
        assert!(observed.generation.is_some() && observed.attempt.is_none());
        assert!(cdn.times(&url(number)) >= 1, "{number} is lost");
    }
}

#[test]
fn a_killed_run_loses_nothing_and_repeats_only_what_was_under_way() {
    let mut kills = 0;
    for polls in 0.. {
        let through = paused(async {
            let (store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
            let through = run(&store, &cdn, polls).await.is_some();
            let state = converge(reopened(&store), &cdn).await;
            check_all_confirmed(&state, &cdn);
            let times: Vec<_> = (0..FILES).map(|number| cdn.times(&url(number))).collect();
            let repeated = times.iter().filter(|times| **times > 1).count();
            assert!(repeated <= CONCURRENT * SIZE, "{times:?}");
            assert!(times.iter().all(|times| *times <= 2), "{times:?}");
            through
        });
        if through {
            break;
        }
        kills += 1;
    }
    assert!(kills > 10, "killed at {kills} points only");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_goes_wrong_the_next_runs_converge(
        kills in vec(0_usize..40, 0..4),
        reactions in vec(any_reaction(3, 1), 0..40),
    ) {
        paused(async {
            let (mut store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
            cdn.behave(move |before, _| reactions.get(before).cloned().unwrap_or(Reaction::Normal));
            for polls in kills {
                run(&store, &cdn, polls).await;
                store = reopened(&store);
            }
            run(&store, &cdn, usize::MAX).await;
            let state = converge(reopened(&store), &cdn).await;
            check_all_confirmed(&state, &cdn);
        });
    }
}

#[test]
fn the_second_run_sends_nothing() {
    paused(async {
        let (store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
        run(&store, &cdn, usize::MAX).await.expect("not killed");
        let calls = cdn.calls().len();
        let second = run(&store, &cdn, usize::MAX).await.expect("not killed");
        assert!(second.plan.is_empty());
        assert_eq!(second.verdict(), Verdict::Done);
        assert_eq!(cdn.calls().len(), calls);
    });
}
