//! The executor against a CDN in memory, on a paused clock: what is sent, when, and what becomes
//! of it.

mod cancelling;
mod cdn;
mod crashing;
mod failing;
mod following;
mod isolating;
mod submitting;
mod superseding;
mod tokens;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use purgit::clock::Clock;
use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{EntryKey, Generation, Owner, Target};
use purgit::execute::{EntryOutcome, Event, Execution, Job, Line, Observer, Ports, Waiting, run};
use purgit::manifest::resource::{Endpoint, Poll};
use purgit::plan::Step;
use purgit::provider::Limits;
use purgit::provider::Provider;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::secret::Secret;
use purgit::state::memory::MemoryStore;
use purgit::state::recorder::Recorder;
use purgit::state::{Outcome, PendingOperation, State, StateError, StateStore};
use purgit::transport::Transport;
use purgit::transport::scripted::ScriptedTransport;
use purgit::url::{CdnUrl, HostPattern};
use tokio::time::Instant;

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
    waiting: Waiting,
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
            waiting: Waiting::default(),
            clock: TestClock::start(),
            events: Events::default(),
        }
    }

    fn state(&self) -> State {
        Arc::unwrap_or_clone(self.store.load().unwrap().state)
    }

    async fn run(&self, jobs: Vec<Job>) -> Execution {
        self.try_run(&self.transport, jobs, Vec::new())
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
        jobs: Vec<Job>,
        resumed: Vec<PendingOperation>,
    ) -> Result<Execution, StateError> {
        let store = Arc::new(self.store.clone());
        let (holder, lineage) = (holder("apply"), LINEAGE.to_owned());
        let recorder = Recorder::open(store, holder, Duration::ZERO, lineage).await?;
        let line = Line {
            endpoint: &self.endpoint,
            credentials: credentials(),
        };
        let lines = BTreeMap::from([(self.endpoint.name.clone(), line)]);
        let ports = Ports {
            transport,
            clock: &self.clock,
            recorder: &recorder,
            observer: &self.events,
        };
        run(&lines, jobs, resumed, &self.waiting, ports).await
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
    AzureChinaCdn::new(Config {
        subscription_id: "00000000-0000-0000-0000-000000000001".to_owned(),
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
        ..(provider.kind().default_limits)()
    };
    Endpoint {
        name: "www".into(),
        hosts: vec![HostPattern::parse("www.example.com").unwrap()],
        provider,
        limits,
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

/// Steps of `size` files each, of the files numbered below `files`.
fn jobs(files: usize, size: usize) -> Vec<Job> {
    let numbers: Vec<_> = (0..files).collect();
    let steps = numbers.chunks(size).enumerate();
    steps
        .map(|(step, numbers)| job(&format!("job-{step}"), numbers, "r1"))
        .collect()
}

fn job(id: &str, numbers: &[usize], generation: &str) -> Job {
    let keys = numbers.iter().map(|number| key(*number));
    Job {
        id: id.to_owned(),
        step: Step {
            endpoint: "www".into(),
            targets: keys.clone().map(|key| key.target).collect(),
        },
        entries: keys
            .map(|key| (key, Some(Generation::recorded(generation))))
            .collect(),
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
