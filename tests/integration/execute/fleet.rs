//! Caches that are purged node by node: nothing is confirmed unless every node confirmed it, with every
//! variant and as often as it is to be; and a node that was down catches up alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::scripted_transport::ScriptedTransport;
use proptest::prelude::*;
use proptest::sample::select;
use purgit::execute::Execution;
use purgit::operation::Operation;
use purgit::state::Outcome;
use purgit::transport::{Request, Response, TransportError, TransportErrorKind};
use tokio::time::Instant;

use super::{World, key, purging, seconds, tally};
use crate::caches::Node;
use crate::common::fleet::http_cache;

const TWO: &str = "{ preset: varnish, nodes: { static: [\"http://10.0.0.1:6081\", \"http://10.0.0.2:6081\"] }, secondPass: 10s }";
const ONCE: &str = "{ preset: varnish, nodes: { static: [\"http://10.0.0.1:6081\", \"http://10.0.0.2:6081\"] }, secondPass: 0s }";
const BY_NAME: &str =
    "{ preset: varnish, nodes: { dns: \"http://varnish.web:6081\" }, secondPass: 0s }";
const VARIED: &str = "{ preset: varnish, nodes: { static: [\"http://10.0.0.1:6081\", \"http://10.0.0.2:6081\"] }, \
     secondPass: 10s, variants: [{}, { Accept-Encoding: gzip }] }";

/// What a node does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Down,
    Frozen,
    Cut,
    Status(u16),
    /// An origin that knows nothing of purges.
    Unmarked,
}

/// A request that a node confirmed, when, and by what the variants differ.
#[derive(Debug, Clone)]
struct Done {
    at: Instant,
    node: String,
    url: String,
    encoding: Option<String>,
}

type Script = dyn FnMut(&str, usize) -> Mood + Send;

/// The nodes; clones share them.
#[derive(Clone)]
struct Nodes(Arc<Mutex<Inner>>);

struct Inner {
    script: Box<Script>,
    /// By node.
    asked: BTreeMap<String, usize>,
    done: Vec<Done>,
    addresses: Vec<&'static str>,
}

impl Nodes {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            script: Box::new(|_, _| Mood::Well),
            asked: BTreeMap::new(),
            done: Vec::new(),
            addresses: Vec::new(),
        })))
    }

    /// Told the node, and how many requests it had before.
    fn behave(&self, script: impl FnMut(&str, usize) -> Mood + Send + 'static) {
        self.0.lock().unwrap().script = Box::new(script);
    }

    fn resolve_to(&self, addresses: &[&'static str]) {
        self.0.lock().unwrap().addresses = addresses.to_vec();
    }

    fn asked(&self, node: &str) -> usize {
        let inner = self.0.lock().unwrap();
        inner.asked.get(node).copied().unwrap_or_default()
    }

    fn done(&self) -> Vec<Done> {
        self.0.lock().unwrap().done.clone()
    }

    fn transport(&self) -> ScriptedTransport {
        let (nodes, names) = (self.clone(), self.clone());
        ScriptedTransport::new(move |request| nodes.answer(&request)).with_names(move |_| {
            let inner = names.0.lock().unwrap();
            let address = |text: &&str| text.parse::<SocketAddr>().unwrap();
            inner.addresses.iter().map(address).collect()
        })
    }

    fn answer(&self, request: &Request) -> Result<Response, TransportError> {
        let mut inner = self.0.lock().unwrap();
        let authority = request.url.strip_prefix("http://").unwrap();
        let (node, path) = authority.split_once('/').unwrap();
        let before = inner.asked.entry(node.to_owned()).or_default();
        *before += 1;
        let before = *before - 1;
        let mood = (inner.script)(node, before);
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            let found = headers.find(|(known, _)| *known == name);
            found.map(|(_, value)| value.expose().to_owned())
        };
        assert_eq!(header("host").as_deref(), Some("www.example.com"));
        let answer = |status, mark: Option<&str>| Response {
            status,
            headers: mark
                .map(|mark| ("cache-purge-result".to_owned(), mark.to_owned()))
                .into_iter()
                .collect(),
            body: Vec::new(),
        };
        match mood {
            Mood::Well => {
                inner.done.push(Done {
                    at: Instant::now(),
                    node: node.to_owned(),
                    url: format!("https://www.example.com/{path}"),
                    encoding: header("accept-encoding"),
                });
                Ok(answer(200, Some("exact;count=1")))
            }
            Mood::Down => Err(TransportErrorKind::Connect.into()),
            Mood::Frozen => Err(TransportErrorKind::Timeout.into()),
            Mood::Cut => Err(TransportErrorKind::Interrupted.into()),
            Mood::Status(status) => Ok(answer(status, None)),
            Mood::Unmarked => Ok(answer(200, None)),
        }
    }
}

struct Fleet {
    nodes: Nodes,
    world: World,
}

impl Fleet {
    fn new(block: &str) -> Self {
        let nodes = Nodes::new();
        let world = World {
            transport: nodes.transport(),
            endpoint: http_cache(block),
            ..World::new()
        };
        Self { nodes, world }
    }

    fn operations(&self, files: usize) -> Vec<Operation> {
        let provider = &*self.world.endpoint.provider;
        let operation = |number| {
            let id = format!("operation-{number}");
            purging(provider, &id, [key(number)], Some("r1"))
        };
        (0..files).map(operation).collect()
    }

    /// The second node behaves so, and the first well.
    fn other_is(&self, mood: Mood) {
        let of = move |node: &str, _| if node == OTHER { mood } else { Mood::Well };
        self.nodes.behave(of);
    }

    async fn run(&self, files: usize) -> Execution {
        self.world.run(self.operations(files)).await
    }

    /// What people are told of the first entry.
    fn message(execution: &Execution) -> &str {
        execution.entries[0].message.as_deref().unwrap_or_default()
    }

    fn task(&self) -> String {
        let state = self.world.state();
        state
            .pending_operations
            .first()
            .unwrap()
            .task
            .clone()
            .unwrap()
            .id
    }
}

const ONE: &str = "10.0.0.1:6081";
const OTHER: &str = "10.0.0.2:6081";

#[tokio::test(start_paused = true)]
async fn every_node_confirms_twice_before_an_entry_is_confirmed() {
    let fleet = Fleet::new(TWO);
    let execution = fleet.run(2).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 2)]);
    assert_eq!((execution.requests, execution.repeated), (8, 0));
    assert_eq!(fleet.world.observed(0), Some(Outcome::Succeeded));
    for node in [ONE, OTHER] {
        let done = fleet.nodes.done().into_iter();
        let done = done.filter(|done| done.node == node && done.url.ends_with("0000.png"));
        let at: Vec<_> = done.map(|done| done.at).collect();
        assert_eq!(at[1] - at[0], seconds(10), "{node}");
    }
    assert!(fleet.world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_variant_is_purged_in_both_passes() {
    let fleet = Fleet::new(VARIED);
    let execution = fleet.run(1).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    let done = fleet.nodes.done().into_iter();
    let encodings: Vec<_> = done
        .filter(|done| done.node == ONE)
        .map(|done| done.encoding)
        .collect();
    let gzip = || Some("gzip".to_owned());
    assert_eq!(encodings, [None, gzip(), None, gzip()]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_was_down_catches_up_alone() {
    for mood in [Mood::Down, Mood::Frozen, Mood::Cut, Mood::Status(503)] {
        let fleet = Fleet::new(TWO);
        fleet.other_is(mood);
        let execution = fleet.run(1).await;
        assert_eq!(tally(&execution), [(Outcome::InProgress, 1)], "{mood:?}");
        assert_eq!(fleet.nodes.asked(ONE), 2, "{mood:?}");
        let message = Fleet::message(&execution);
        assert!(
            message.starts_with("open on http://10.0.0.2:6081 ("),
            "{message}"
        );
        assert_eq!(fleet.task(), "open on http://10.0.0.2:6081");
        assert_eq!(fleet.world.observed(0), None, "{mood:?}");

        fleet.nodes.behave(|_, _| Mood::Well);
        let resumed = fleet.world.resume().await;
        assert_eq!(tally(&resumed), [(Outcome::Succeeded, 1)], "{mood:?}");
        assert_eq!(fleet.nodes.asked(ONE), 2, "the other is left alone");
        assert_eq!(fleet.world.observed(0), Some(Outcome::Succeeded));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_in_doubt_is_sent_twice_and_a_dead_node_is_soon_left_alone() {
    let fleet = Fleet::new(ONCE);
    fleet.other_is(Mood::Frozen);
    let execution = fleet.run(1).await;
    assert_eq!(fleet.nodes.asked(OTHER), 2);
    assert_eq!(execution.repeated, 1);
    let fleet = Fleet::new(ONCE);
    fleet.other_is(Mood::Frozen);
    let execution = fleet.run(200).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 200)]);
    assert_eq!(fleet.nodes.asked(ONE), 200);
    assert!(
        fleet.nodes.asked(OTHER) < 50,
        "{}",
        fleet.nodes.asked(OTHER)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_configuration_stops_the_fleet_and_is_not_repeated() {
    for status in [400, 401, 403, 405, 501] {
        let fleet = Fleet::new(ONCE);
        fleet.nodes.behave(move |node, _| match node {
            OTHER => Mood::Status(status),
            _ => Mood::Well,
        });
        let execution = fleet.run(30).await;
        let (_, failure) = &execution.failures[0];
        assert!(
            failure
                .message
                .starts_with("http://10.0.0.2:6081: PURGE: HTTP "),
            "{failure:?}"
        );
        assert!(failure.hint.is_some(), "{status}");
        assert!(fleet.nodes.asked(OTHER) <= 8, "{status}");
        let outcomes: BTreeMap<_, _> = tally(&execution).into_iter().collect();
        let unconfirmed = [Outcome::Failed, Outcome::Skipped].map(|outcome| outcomes.get(&outcome));
        assert_eq!(
            unconfirmed.into_iter().flatten().sum::<usize>(),
            30,
            "{outcomes:?}"
        );
        assert!(fleet.world.state().pending_operations.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_proof_confirms_nothing() {
    for (mood, outcome) in [
        (Mood::Unmarked, Outcome::Unknown),
        (Mood::Status(202), Outcome::Unknown),
        (Mood::Status(404), Outcome::Failed),
        (Mood::Status(412), Outcome::Failed),
        (Mood::Status(302), Outcome::Failed),
    ] {
        let fleet = Fleet::new(ONCE);
        fleet.other_is(mood);
        let execution = fleet.run(1).await;
        let told: Vec<_> = execution.entries.iter().map(|one| one.outcome).collect();
        assert_eq!(told, [outcome], "{mood:?}");
        assert_eq!(fleet.nodes.asked(OTHER), 1, "{mood:?}");
        assert!(Fleet::message(&execution).starts_with("http://10.0.0.2:6081: "));
        assert_eq!(fleet.world.observed(0), Some(outcome));
    }
}

#[tokio::test(start_paused = true)]
async fn nodes_by_name_are_looked_up_again_before_an_entry_is_confirmed() {
    let fleet = Fleet::new(BY_NAME);
    fleet.nodes.resolve_to(&[ONE]);
    let nodes = fleet.nodes.clone();
    fleet.nodes.behave(move |_, _| Mood::Well);
    // A pod comes up while the first is purged.
    let late = nodes.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        late.resolve_to(&[ONE, OTHER]);
    });
    let slow = nodes.transport().with_latency(Duration::from_millis(10));
    let execution = fleet.world.try_run(&slow, fleet.operations(1), Vec::new());
    let execution = execution.await.unwrap();
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert_eq!((nodes.asked(ONE), nodes.asked(OTHER)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_node_is_dropped_after_two_lookups_without_it() {
    let fleet = Fleet::new(BY_NAME);
    fleet.nodes.resolve_to(&[ONE, OTHER]);
    let nodes = fleet.nodes.clone();
    fleet.nodes.behave(move |node, _| match node {
        OTHER => {
            let gone = nodes.clone();
            tokio::spawn(async move { gone.resolve_to(&[ONE]) });
            Mood::Down
        }
        _ => Mood::Well,
    });
    let started = Instant::now();
    let execution = fleet.run(1).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    // Some retries, and then a pause between the two lookups.
    assert!(started.elapsed() > seconds(10), "{:?}", started.elapsed());
}

/// A real node that is gone, and with the second lookup also from the name.
#[test]
fn what_a_real_cache_confirmed_stands_when_the_other_is_gone() {
    let (Some(one), Some(mut other)) = (Node::varnish(), Node::varnish()) else {
        return;
    };
    let key = key(0);
    let path = key.target.as_str().strip_prefix("https://www.example.com");
    let path = path.unwrap();
    one.outdate(path);
    other.stop();
    let (alone, both) = ([one.address()], [one.address(), other.address()]);
    let lookups = AtomicUsize::new(0);
    let nodes = Arc::new([one, other]);
    let asked = nodes.clone();
    let transport = ScriptedTransport::new(move |request| {
        let of = |node: &&Node| {
            let at = format!("http://{}/", node.address());
            request.url.starts_with(&at)
        };
        asked.iter().find(of).unwrap().answer(&request)
    });
    let transport = transport.with_names(move |_| match lookups.fetch_add(1, Relaxed) {
        0 => both.to_vec(),
        _ => alone.to_vec(),
    });
    let world = World {
        transport,
        endpoint: http_cache(BY_NAME),
        ..World::new()
    };
    let operation = purging(&*world.endpoint.provider, "operation", [key.clone()], None);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    let execution = runtime.unwrap().block_on(world.run(vec![operation]));
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 1)]);
    assert!(
        nodes[0].get(path).ends_with(" v2"),
        "{}",
        nodes[0].get(path)
    );
}

#[tokio::test(start_paused = true)]
async fn one_lookup_without_a_node_drops_nothing() {
    let fleet = Fleet::new(BY_NAME);
    fleet.nodes.resolve_to(&[ONE, OTHER]);
    fleet.other_is(Mood::Down);
    let execution = fleet.run(1).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    assert_eq!(fleet.task(), "open on http://10.0.0.2:6081");
}

#[tokio::test(start_paused = true)]
async fn a_name_without_addresses_is_an_error() {
    let fleet = Fleet::new(BY_NAME);
    let execution = fleet.run(3).await;
    assert_eq!(tally(&execution), [(Outcome::Skipped, 3)]);
    let (_, failure) = &execution.failures[0];
    assert!(
        failure
            .message
            .starts_with("no address found of `varnish.web`"),
        "{failure:?}"
    );
    assert!(fleet.world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_with_a_public_address_is_refused() {
    let fleet = Fleet::new(BY_NAME);
    fleet.nodes.resolve_to(&[ONE, "192.0.2.7:6081"]);
    let execution = fleet.run(1).await;
    assert_eq!(tally(&execution), [(Outcome::Skipped, 1)]);
    assert_eq!(fleet.nodes.asked(ONE), 0);
    let (_, failure) = &execution.failures[0];
    assert!(
        failure.message.contains("public address 192.0.2.7"),
        "{failure:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_under_another_configuration_starts_over() {
    let mut fleet = Fleet::new(ONCE);
    fleet.other_is(Mood::Down);
    fleet.run(1).await;
    let asked = fleet.nodes.asked(ONE);
    fleet.nodes.behave(|_, _| Mood::Well);
    fleet.world.endpoint =
        http_cache(&ONCE.replace("preset", "variants: [{ Accept-Language: de }], preset"));
    let resumed = fleet.world.resume().await;
    assert_eq!(tally(&resumed), [(Outcome::Succeeded, 1)]);
    assert_eq!(fleet.nodes.asked(ONE), asked + 1);
}

#[tokio::test(start_paused = true)]
async fn without_waiting_every_node_is_purged_once_and_the_rest_is_left_to_the_next_run() {
    let mut fleet = Fleet::new(TWO);
    fleet.world.waiting.wait = false;
    let execution = fleet.run(1).await;
    assert_eq!(tally(&execution), [(Outcome::InProgress, 1)]);
    assert_eq!((fleet.nodes.asked(ONE), fleet.nodes.asked(OTHER)), (1, 1));
    fleet.world.waiting.wait = true;
    let resumed = fleet.world.resume().await;
    assert_eq!(tally(&resumed), [(Outcome::Succeeded, 1)]);
    assert_eq!((fleet.nodes.asked(ONE), fleet.nodes.asked(OTHER)), (2, 2));
}

fn any_mood() -> impl Strategy<Value = Mood> {
    let faults = vec![
        Mood::Down,
        Mood::Frozen,
        Mood::Cut,
        Mood::Status(503),
        Mood::Status(429),
        Mood::Status(404),
        Mood::Status(202),
        Mood::Status(403),
        Mood::Unmarked,
    ];
    prop_oneof![12 => Just(Mood::Well), 3 => select(faults)]
}

/// How often each node must have confirmed a URL: two variants, two passes.
const CONFIRMATIONS: usize = 4;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever goes wrong, what is confirmed was confirmed by all; and once all is well, all is.
    #[test]
    fn nothing_is_confirmed_that_some_node_did_not_confirm(
        tape in proptest::collection::vec(any_mood(), 0..60),
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
            let fleet = Fleet::new(VARIED);
            let mut tape = tape.into_iter();
            fleet.nodes.behave(move |_, _| tape.next().unwrap_or(Mood::Well));
            let check = |execution: &Execution| {
                for entry in &execution.entries {
                    if entry.outcome == Outcome::Succeeded {
                        let confirmed = fleet.nodes.done();
                        for node in [ONE, OTHER] {
                            let mine = confirmed.iter().filter(|done| {
                                done.node == node && done.url == entry.key.target.as_str()
                            });
                            assert!(mine.count() >= CONFIRMATIONS, "{node} {:?}", entry.key);
                        }
                    }
                }
            };
            check(&fleet.run(3).await);
            for _ in 0..2 {
                check(&fleet.world.resume().await);
            }
            fleet.nodes.behave(|_, _| Mood::Well);
            check(&fleet.world.resume().await);
            // What is not under way any more is planned again.
            let is_open = |operation: &Operation| {
                let state = fleet.world.state();
                let known = state.entries.get(&operation.serves[0].key);
                known.is_none_or(|known| known.generation.is_none())
            };
            let open = fleet.operations(3).into_iter().filter(is_open);
            check(&fleet.world.run(open.collect()).await);
            for number in 0..3 {
                assert_eq!(fleet.world.observed(number), Some(Outcome::Succeeded));
            }
        });
    }
}
