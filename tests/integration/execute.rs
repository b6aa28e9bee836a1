//! The executor against a CDN in memory, on a paused clock: what is sent, when, and what becomes
//! of it.

mod asking;
mod budgets;
mod cancelling;
mod cdn;
mod crashing;
mod doubting;
mod exhausted;
mod failing;
mod fleet;
mod following;
mod in_progress;
mod isolating;
mod moving;
mod quotas;
mod submitting;
mod superseding;
mod tag_cdn;
mod timing;
mod tokens;
mod verdicts;
mod writing;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::memory_store::MemoryStore;
use crate::common::scripted_transport::ScriptedTransport;
use chrono::{DateTime, Utc};
use purgit::clock::Clock;
use purgit::credential::source::CredentialSource;
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{EntryKey, Generation, Owner, Target};
use purgit::execute::{
    EndpointClient, EntryOutcome, Event, Execution, Observer, Ports, Waiting, run,
};
use purgit::manifest::resource::{Broaden, Endpoint, Poll};
use purgit::operation::{Operation, itemize};
use purgit::provider::Limits;
use purgit::provider::Provider;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::secret::Secret;
use purgit::state::recorder::Recorder;
use purgit::state::{Outcome, PendingOperation, State, StateError, StateStore};
use purgit::transport::Transport;
use purgit::url::{CdnUrl, HostPattern};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::state_fixture::{at, holder};
use cdn::Cdn;

const LINEAGE: &str = "00000000-0000-0000-0000-000000000001";

/// How long a task of the CDN takes unless a test says otherwise.
const TAKES: Duration = Duration::from_secs(7);

/// Tells tokio's time, so that pausing one pauses the other.
#[derive(Debug, Clone, Copy)]
struct TestClock {
    started: Instant,
}

impl TestClock {
    fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        at(100) + self.started.elapsed()
    }
}

/// Keeps every event.
#[derive(Debug, Default)]
struct Events(Mutex<Vec<Event>>);

impl Observer for Events {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

impl Events {
    fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.0
            .lock()
            .unwrap()
            .iter()
            .filter(|event| is(event))
            .count()
    }
}

/// All that a run needs, to be turned into what a test is about.
#[derive(Debug)]
struct World {
    cdn: Cdn,
    transport: ScriptedTransport,
    store: MemoryStore,
    endpoint: Endpoint,
    /// Further ones, perhaps of the same account.
    others: Vec<Endpoint>,
    waiting: Waiting,
    /// Where credentials are read again.
    source: Option<Arc<dyn CredentialSource>>,
    clock: TestClock,
    events: Events,
}

impl World {
    fn new() -> Self {
        Self::with(Cdn::new(TAKES))
    }

    fn with(cdn: Cdn) -> Self {
        Self {
            transport: cdn.transport(),
            cdn,
            store: MemoryStore::new(),
            endpoint: endpoint(Arc::new(azure())),
            others: Vec::new(),
            waiting: Waiting::default(),
            source: None,
            clock: TestClock::start(),
            events: Events::default(),
        }
    }

    fn state(&self) -> State {
        Arc::unwrap_or_clone(self.store.load().unwrap().state)
    }

    async fn run(&self, operations: Vec<Operation>) -> Execution {
        self.try_run(&self.transport, operations, Vec::new())
            .await
            .unwrap()
    }

    /// Asks about everything that the state knows to be under way.
    async fn resume(&self) -> Execution {
        let pending = self.state().pending_operations;
        let pending = pending.iter().cloned().collect();
        let run = self.try_run(&self.transport, Vec::new(), pending);
        run.await.unwrap()
    }

    async fn try_run(
        &self,
        transport: &dyn Transport,
        operations: Vec<Operation>,
        resumed: Vec<PendingOperation>,
    ) -> Result<Execution, StateError> {
        let store = Arc::new(self.store.clone());
        let (holder, lineage) = (holder("apply"), LINEAGE.to_owned());
        let recorder = Recorder::open(store, holder, Duration::ZERO, lineage).await?;
        let client = |endpoint| EndpointClient {
            endpoint,
            credentials: credentials(),
            source: self.source.as_deref(),
            given_up: CancellationToken::new(),
        };
        let endpoints = std::iter::once(&self.endpoint).chain(&self.others);
        let clients: BTreeMap<_, _> = endpoints
            .map(|endpoint| (endpoint.name.clone(), client(endpoint)))
            .collect();
        let ports = Ports {
            transport,
            clock: &self.clock,
            recorder: &recorder,
            observer: &self.events,
        };
        let known = recorder.snapshot();
        let mut left: Vec<_> = known.pending_operations.iter().cloned().collect();
        left.retain(|one| one.task.is_some() && resumed.iter().all(|other| other.id != one.id));
        drop(known);
        run(
            &clients,
            operations,
            None,
            resumed,
            left,
            &self.waiting,
            ports,
        )
        .await
    }

    /// The outcome of the file of that number, when the state has none pending.
    fn observed(&self, number: usize) -> Option<Outcome> {
        let state = self.state();
        let observed = state.entries.get(&key(number))?;
        let attempt = observed.attempt.as_ref().map(|attempt| attempt.outcome);
        attempt.or(observed.generation.as_ref().map(|_| Outcome::Succeeded))
    }
}

fn azure() -> AzureChinaCdn {
    azure_of(1)
}

/// An endpoint of the subscription of that number.
fn azure_of(subscription: u8) -> AzureChinaCdn {
    AzureChinaCdn::new(Config {
        subscription_id: format!("00000000-0000-0000-0000-{subscription:012}"),
        endpoint_id: "00000000-0000-0000-0000-000000000002".to_owned(),
        api_url: DEFAULT_API_URL.to_owned(),
        credentials: Keys {
            key_id: CredentialRef::Env("AZURE_CDN_KEY_ID".to_owned()),
            key_value: CredentialRef::Env("AZURE_CDN_KEY_VALUE".to_owned()),
        },
    })
}

fn credentials() -> Credentials {
    Credentials::new([
        ("keyId", Secret::new("00000000-0000-0000-0000-0000000000aa")),
        ("keyValue", Secret::new("not-a-real-key")),
    ])
}

/// An endpoint that lets everything through at once, up to four requests.
fn endpoint(provider: Arc<dyn Provider>) -> Endpoint {
    let limits = Limits {
        requests_per_second: 1000.0,
        concurrent_requests: 4,
        reserve: None,
        ..(provider.kind().default_limits)()
    };
    Endpoint {
        name: "www".into(),
        hosts: vec![HostPattern::parse("www.example.com").unwrap()],
        provider,
        limits,
        origin: None,
        verify: None,
        broaden: Broaden::default(),
        poll: Poll::default(),
    }
}

fn url(number: usize) -> String {
    format!("https://www.example.com/{number:04}.png")
}

fn key(number: usize) -> EntryKey {
    EntryKey {
        owner: Owner::Purge("spring".into()),
        path: None,
        target: Target::File(CdnUrl::parse(&url(number)).unwrap()),
        endpoint: "www".into(),
    }
}

/// Operations of `size` files each, of the files numbered below `files`.
fn operations(files: usize, size: usize) -> Vec<Operation> {
    let numbers: Vec<_> = (0..files).collect();
    let chunks = numbers.chunks(size).enumerate();
    chunks
        .map(|(number, numbers)| operation(&format!("operation-{number}"), numbers, "r1"))
        .collect()
}

fn operation(id: &str, numbers: &[usize], generation: &str) -> Operation {
    let keys = numbers.iter().map(|number| key(*number));
    purging(&azure(), id, keys, Some(generation))
}

/// An operation that brings these entries to a generation, or deletes them.
fn purging(
    provider: &dyn Provider,
    id: &str,
    keys: impl IntoIterator<Item = EntryKey>,
    generation: Option<&str>,
) -> Operation {
    let entries = keys.into_iter().map(|key| {
        let item = provider.lower(&key.target).unwrap();
        (item, key, generation.map(Generation::recorded))
    });
    let (items, serves) = itemize(entries.collect());
    Operation {
        id: id.to_owned(),
        endpoint: "www".into(),
        items,
        serves,
    }
}

/// How often each outcome occurs.
fn tally(execution: &Execution) -> Vec<(Outcome, usize)> {
    let outcomes = execution.entries.iter().map(|entry| entry.outcome);
    purgit::state::transition::tally(outcomes)
        .into_iter()
        .collect()
}

fn entry(execution: &Execution, number: usize) -> &EntryOutcome {
    let key = key(number);
    let mut entries = execution.entries.iter();
    entries.find(|entry| entry.key == key).unwrap()
}

const fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
