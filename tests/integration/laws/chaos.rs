//! Whole runs against a CDN where everything goes wrong, with crashes and edits in between: nothing
//! is confirmed that the CDN did not do, nothing is lost, and once it calms down all is done.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::memory_store::{Fault, MemoryStore};
use crate::common::scripted_transport::ScriptedTransport;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use purgit::clock::FixedClock;
use purgit::credential::CredentialRef;
use purgit::credential::source::{CredentialSource, Resolving};
use purgit::desired::Contents;
use purgit::execute::{IgnoreEvents, Waiting};
use purgit::exit::Exit;
use purgit::manifest;
use purgit::manifest::resource::Project;
use purgit::plan::checks::Force;
use purgit::plan::select::Selection;
use purgit::plan::{CheckName, Plan};
use purgit::reconcile::{Approval, Gate, Intent, Reconciler, Verdict};
use purgit::secret::Secret;
use purgit::state::recorder::LEASE;
use purgit::state::{Origin, State, StateStore};
use purgit::status::StatusDocument;
use purgit::status::file::StatusError;
use purgit::status::file::StatusSink;
use purgit::transport::http_fetch::HttpFetch;
use purgit::transport::{Method, Request, Response, TransportError, TransportErrorKind};
use purgit::view::Views;
use serde_json::{Value, json};

use super::{NOW, World, documents, project, wanted};
use crate::state_fixture::holder;

/// Runs that a calm CDN may take until all is done: one resolves doubts, one asks about old tasks,
/// one submits the rest.
const CALM_RUNS: usize = 4;

/// What becomes of a URL of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    Fails,
    /// After so many questions.
    SucceedsAfter(u8),
}

/// A purge the CDN took.
#[derive(Debug)]
struct CdnTask {
    urls: Vec<(&'static str, String, Fate)>,
    /// Generation wanted of each address when it was sent.
    wanted: HashMap<String, String>,
}

/// A CDN that does what a tape of random bytes says, and good things when the tape is at its end.
#[derive(Debug, Default)]
struct Cdn {
    tape: Vec<u8>,
    tasks: Vec<CdnTask>,
    wanted: HashMap<String, String>,
}

impl Cdn {
    fn roll(&mut self) -> u8 {
        self.tape.pop().unwrap_or_default()
    }

    fn answer(&mut self, request: &Request) -> Result<Response, TransportError> {
        let path = request.url.split('?').next().unwrap_or_default();
        let after = match self.roll() {
            1..=20 => return Err(TransportErrorKind::Interrupted.into()),
            21..=35 => return Ok(response(502, b"<html>bad gateway</html>")),
            36..=45 => return Ok(refusal(429, "RequestThrottled")),
            46..=55 => return Ok(refusal(400, "ParameterInvalid")),
            56..=60 => return Err(TransportErrorKind::Connect.into()),
            after @ 61..=90 => after,
            _ => 0,
        };
        let answer = match request.method {
            Method::Post => self.accept(&request.body),
            _ => self.report(path.rsplit('/').next().unwrap_or_default()),
        };
        match after {
            61..=75 => Err(TransportErrorKind::Interrupted.into()),
            76..=90 => Ok(response(200, &answer.body[..answer.body.len() / 2])),
            _ => Ok(answer),
        }
    }

    fn accept(&mut self, body: &[u8]) -> Response {
        let body: Value = serde_json::from_slice(body).unwrap();
        let mut urls = Vec::new();
        for kind in ["Files", "Directories"] {
            for url in body[kind].as_array().into_iter().flatten() {
                let fate = match self.roll() {
                    0..=150 => Fate::Succeeds,
                    151..=190 => Fate::Fails,
                    roll => Fate::SucceedsAfter(roll % 16),
                };
                urls.push((kind, url.as_str().unwrap().to_owned(), fate));
            }
        }
        let wanted = self.wanted.clone();
        self.tasks.push(CdnTask { urls, wanted });
        let id = format!("00000000-0000-0000-0000-{:012}", self.tasks.len());
        let answer = json!({
            "Succeeded": true,
            "IsAsync": true,
            "AsyncInfo": { "TaskTrackId": id, "TaskStatus": "Processing" },
        });
        response(202, answer.to_string().as_bytes())
    }

    fn report(&mut self, id: &str) -> Response {
        let number: usize = id.rsplit('-').next().unwrap().parse().unwrap();
        let task = &mut self.tasks[number - 1];
        let mut lists: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for (kind, url, fate) in &mut task.urls {
            let status = match fate {
                Fate::Succeeds => "Succeed",
                Fate::Fails => "Failed",
                Fate::SucceedsAfter(0) => {
                    *fate = Fate::Succeeds;
                    "Succeed"
                }
                Fate::SucceedsAfter(left) => {
                    *left -= 1;
                    "Running"
                }
            };
            let item = json!({ "Url": url, "Status": status });
            lists.entry(kind).or_default().push(item);
        }
        response(200, json!(lists).to_string().as_bytes())
    }

    /// Whether the CDN did purge that URL for that generation, and took none for another since.
    fn is_fresh(&self, address: &str, url: &str, generation: &str) -> bool {
        let mut fresh = false;
        for task in &self.tasks {
            let Some((_, _, fate)) = task.urls.iter().find(|(_, item, _)| item == url) else {
                continue;
            };
            match task.wanted.get(address) {
                Some(wanted) if wanted == generation => fresh |= *fate == Fate::Succeeds,
                Some(_) => fresh = false,
                None => {}
            }
        }
        fresh
    }
}

fn response(status: u16, body: &[u8]) -> Response {
    Response {
        status,
        headers: Vec::new(),
        body: body.to_vec(),
    }
}

fn refusal(status: u16, kind: &str) -> Response {
    let body = json!({ "Succeeded": false, "ErrorInfo": { "Type": kind, "Message": "no" } });
    response(status, body.to_string().as_bytes())
}

/// The shell around a run, as quiet as can be.
#[derive(Debug)]
pub(super) struct Shell;

impl Gate for Shell {
    fn planned(&self, _plan: &Plan, _state: &State) -> Approval {
        Approval::Go
    }
}

impl StatusSink for Shell {
    fn previous(&self) -> Result<Option<StatusDocument>, StatusError> {
        Ok(None)
    }

    fn write(&self, _document: &StatusDocument) -> Result<(), StatusError> {
        Ok(())
    }
}

impl CredentialSource for Shell {
    fn resolve<'a>(&'a self, _reference: &'a CredentialRef) -> Resolving<'a> {
        Box::pin(std::future::ready(Ok(Secret::new("not-a-real-key"))))
    }
}

/// One run of the story.
#[derive(Debug, Clone)]
struct Episode {
    /// What is declared by then.
    world: World,
    /// What goes wrong at the CDN.
    tape: Vec<u8>,
    /// The nth write of the state fails.
    broken_write: Option<usize>,
    /// The process dies after so many milliseconds.
    dies_after: Option<u64>,
    wait: bool,
}

/// Few names, URLs and revisions, so that what was declared comes back.
fn any_small_world() -> impl Strategy<Value = World> {
    let declared = (0..2_u8, btree_set(0..3_u8, 1..3), btree_set(0..1_u8, 0..=1));
    btree_map(0..2_u8, declared, 1..=2)
}

/// Mishaps in a row, so that retries run out.
fn any_tape() -> impl Strategy<Value = Vec<u8>> {
    let rows = vec((any::<u8>(), 1..8_usize), 0..10);
    rows.prop_map(|rows| {
        rows.into_iter()
            .flat_map(|(byte, times)| std::iter::repeat_n(byte, times))
            .collect()
    })
}

fn any_episode() -> impl Strategy<Value = Episode> {
    (
        any_small_world(),
        any_tape(),
        proptest::option::weighted(0.2, 1..6_usize),
        proptest::option::weighted(0.3, 0..20_000_u64),
        any::<bool>(),
    )
        .prop_map(|(world, tape, broken_write, dies_after, wait)| Episode {
            world,
            tape,
            broken_write,
            dies_after,
            wait,
        })
}

struct Story {
    store: MemoryStore,
    /// Of one process, as far as runs come to their end.
    views: Views,
    cdn: Arc<Mutex<Cdn>>,
    transport: ScriptedTransport,
}

impl Story {
    fn new() -> Self {
        let cdn = Arc::new(Mutex::new(Cdn::default()));
        let theirs = cdn.clone();
        let store = MemoryStore::new();
        Self {
            views: Views::new(Arc::new(store.clone()), None),
            store,
            transport: ScriptedTransport::new(move |request| {
                theirs.lock().unwrap().answer(&request)
            })
            .with_latency(Duration::from_millis(50)),
            cdn,
        }
    }

    /// A run; `None` when it did not come to its end.
    async fn run(&self, project: &Project, episode: &Episode) -> Option<Verdict> {
        let desired = wanted(project);
        {
            let mut cdn = self.cdn.lock().unwrap();
            cdn.tape.clone_from(&episode.tape);
            let wanted = desired.entries.iter();
            cdn.wanted = wanted
                .map(|entry| (entry.key.address(), entry.generation.to_string()))
                .collect();
        }
        if let Some(nth) = episode.broken_write {
            self.store
                .fault(nth, Fault::Io(std::io::ErrorKind::StorageFull));
        }
        let force = |check| Force {
            check,
            endpoint: None,
        };
        let reconciler = Reconciler {
            project,
            manifests_digest: manifest::digest(project),
            views: &self.views,
            holder: holder("apply"),
            origin: Origin::default(),
            again: Vec::new(),
            inquiry: None,
            gives_up: false,
            lock_timeout: Duration::ZERO,
            selection: Selection::default(),
            forces: CheckName::ALL.map(force).to_vec(),
            urgent: false,
            waiting: Waiting {
                wait: episode.wait,
                ..Waiting::default()
            },
            interruption: &Exit::Interrupted,
            transport: &self.transport,
            fetch: &HttpFetch::default(),
            prove: false,
            clock: &FixedClock(NOW.parse().unwrap()),
            credentials: &Shell,
            observer: &IgnoreEvents,
            gate: &Shell,
            status: &Shell,
            new_id: || uuid::Uuid::now_v7().to_string(),
        };
        let sides = Contents::new().into();
        let run = reconciler.run(Intent::Manifests(&sides));
        let life = Duration::from_millis(episode.dies_after.unwrap_or(u64::MAX / 2));
        let ended = tokio::time::timeout(life, run).await;
        // What was being written when the process died may or may not have been.
        while self.store.lease(&holder("test"), LEASE).is_err() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // A fault is of its own run, also where that wrote too seldom.
        self.store.heal();
        Some(ended.ok()?.ok()?.verdict())
    }

    fn plan(&self, project: &Project) -> Plan {
        let known = self.store.load().unwrap().into();
        let (digest, wanted) = (manifest::digest(project), wanted(project).into());
        let selection = Selection::default();
        let now = NOW.parse().unwrap();
        purgit::reconcile::plan(project, &digest, &wanted, &known, &selection, &[], now).unwrap()
    }

    /// Holds what is recorded to what the CDN did.
    fn check(&self, project: &Project) -> Result<(), TestCaseError> {
        let cdn = self.cdn.lock().unwrap();
        let state = self.store.load().unwrap().state;
        for (key, observed) in &state.entries {
            if let Some(generation) = &observed.generation {
                let address = key.address();
                let done = cdn.tasks.iter().any(|task| {
                    task.wanted.get(&address).map(String::as_str) == Some(generation.as_str())
                        && task.urls.iter().any(|(_, url, fate)| {
                            *url == key.target.to_string() && *fate == Fate::Succeeds
                        })
                });
                prop_assert!(done, "{address} is confirmed at {generation} for nothing");
            }
        }
        let plan = self.plan(project);
        for entry in wanted(project).entries {
            let address = entry.key.address();
            let planned = plan.changes.iter().any(|change| change.key == entry.key);
            let under_way = state.pending_operations.iter().any(|operation| {
                let mine = (entry.key.clone(), Some(entry.generation.clone()));
                operation.task.is_some() && operation.entries.contains(&mine)
            });
            let url = entry.key.target.to_string();
            prop_assert!(
                planned || under_way || cdn.is_fresh(&address, &url, entry.generation.as_str()),
                "{address} at {} is lost",
                entry.generation
            );
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_is_lost_nothing_is_made_up_and_all_comes_to_rest(
        episodes in vec(any_episode(), 1..8),
        items in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let story = Story::new();
            for episode in &episodes {
                let project = project(documents(&episode.world, items));
                story.run(&project, episode).await;
                story.check(&project)?;
            }
            let last = episodes.last().unwrap();
            let project = project(documents(&last.world, items));
            let calm = Episode {
                tape: Vec::new(),
                broken_write: None,
                dies_after: None,
                wait: true,
                ..last.clone()
            };
            let mut verdict = None;
            for _ in 0..CALM_RUNS {
                verdict = story.run(&project, &calm).await;
                story.check(&project)?;
                if verdict == Some(Verdict::Done) {
                    break;
                }
            }
            prop_assert_eq!(verdict, Some(Verdict::Done));
            let plan = story.plan(&project);
            prop_assert!(plan.is_empty() && plan.in_progress == 0);
            let sent = story.transport.requests().len();
            prop_assert_eq!(story.run(&project, &calm).await, Some(Verdict::Done));
            prop_assert_eq!(story.transport.requests().len(), sent, "run twice");
            let state = story.store.load().unwrap().state;
            prop_assert!(state.pending_operations.is_empty());
            Ok(())
        })?;
    }
}
