//! Whole runs before edges that lag, lie, race and tell the wrong time: nothing is called fresh or stale
//! that is not, what is stale is found and purged again or reported, and every run comes to an end. Before
//! origins that lag, nothing is purged too early.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::memory_store::MemoryStore;
use crate::common::scripted_transport::ScriptedTransport;
use chrono::{DateTime, Utc};
use proptest::array::uniform2;
use proptest::array::uniform3;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use purgit::clock::Clock as _;
use purgit::content::{ContentFile, Listing, blob_id};
use purgit::desired::Contents;
use purgit::entry::{EntryKey, Generation};
use purgit::execute::{IgnoreEvents, Waiting};
use purgit::exit::Exit;
use purgit::manifest;
use purgit::manifest::resource::Project;
use purgit::plan::CheckName;
use purgit::plan::checks::Force;
use purgit::plan::select::Selection;
use purgit::reconcile::{Inquiry, Intent, Reconciled, Reconciler, Verdict as Ended};
use purgit::state::{Origin, Outcome, State, StateStore as _};
use purgit::transport::fetch::FETCH_TIMEOUT;
use purgit::verify::ask::most_requests;
use purgit::verify::{Proof, Settings, Verdict};
use purgit::view::Views;
use purgit::workspace::sides::Sides;

use super::chaos::Shell;
use super::edge::{Edge, any_edge};
use super::edges::{
    Asker, Cell, ENCODINGS, LATENCY, Model, ORIGIN, Seen, Serving, Version, page_of, text,
};
use super::project;
use crate::state_fixture::holder;

const PAGES: usize = 3;
const EDGES: usize = 2;

/// The version of each page.
type Pages = [Version; PAGES];

/// Longest time that a run takes besides asking: the CDN's tasks.
const PURGING: Duration = Duration::from_secs(60);

/// What happens before a run, and while it goes on.
#[derive(Debug, Clone)]
struct Step {
    wanted: Pages,
    /// When the origin has each page, in seconds from the beginning of the run.
    lags: [u64; PAGES],
    edges: [Edge; EDGES],
    /// Visitors: when, where, and how long the origin takes, in milliseconds.
    visits: Vec<(u64, Cell, u64)>,
    tape: Vec<u8>,
    /// `--timeout`, in seconds.
    limit: Option<u64>,
    /// The state is lost before, so the edges are asked first.
    is_lost: bool,
}

fn any_version() -> impl Strategy<Value = Version> {
    prop_oneof![1 => Just(None), 6 => (0..4_u8).prop_map(Some)]
}

fn any_cell() -> impl Strategy<Value = Cell> {
    (0..EDGES, 0..PAGES, 0..ENCODINGS.len())
}

fn any_step() -> impl Strategy<Value = Step> {
    let lag = || prop_oneof![2 => Just(0), 1 => 0..400_u64];
    (
        uniform3(any_version()),
        uniform3(lag()),
        uniform2(any_edge()),
        vec((0..60_000_u64, any_cell(), 0..10_000_u64), 0..20),
        vec(prop_oneof![3 => Just(0), 1 => any::<u8>()], 0..30),
        proptest::option::weighted(0.2, 0..200_u64),
        proptest::bool::weighted(0.35),
    )
        .prop_map(|(wanted, lags, edges, visits, tape, limit, is_lost)| Step {
            wanted,
            lags,
            edges,
            visits,
            tape,
            limit,
            is_lost,
        })
}

fn any_settings() -> impl Strategy<Value = String> {
    let timeout = prop_oneof![Just("1ms"), Just("20s"), Just("5m")];
    (timeout, 0..3_usize, any::<bool>(), 1..=ENCODINGS.len()).prop_map(
        |(timeout, rebound, required, encodings)| {
            let encodings = ENCODINGS[..encodings].join(", ");
            format!("timeout: {timeout}, rebound: {rebound}, required: {required}, acceptEncoding: [{encodings}]")
        },
    )
}

/// An origin, and the lines of the endpoint for it.
fn any_origin() -> impl Strategy<Value = (Serving, String)> {
    let timeout = prop_oneof![Just("1ms"), Just("20s"), Just("10m")];
    let kind = prop_oneof![2 => Just(None), 1 => Just(Some(false)), 2 => Just(Some(true))];
    (kind, any::<bool>(), timeout).prop_map(|(tells, renders, timeout)| {
        let expect = match tells {
            None => return Default::default(),
            Some(false) => "content",
            Some(true) => "{ header: X-Release, equals: \"${revision}\" }",
        };
        let tells = tells == Some(true);
        let renders = renders && tells;
        let lines =
            format!("  origin: {{ url: \"{ORIGIN}\", expect: {expect}, timeout: {timeout} }}\n");
        (Serving { renders, tells }, lines)
    })
}

fn documents(settings: &str, origin: &str) -> Vec<String> {
    let mut documents = super::documents(&super::World::new(), 10);
    let edges: Vec<_> = (0..EDGES).map(|edge| format!("203.0.113.{edge}")).collect();
    let edges = edges.join(", ");
    documents[1] += &format!("  verify: {{ edges: [{edges}], {settings} }}\n{origin}");
    let site = "apiVersion: purgit/v1alpha1\nkind: Site\nmetadata: { name: docs }\nspec:\n  \
                endpoint: www\n  baseUrl: https://www.example.com/\n  content: { root: public }\n";
    documents.push(site.to_owned());
    documents
}

fn content(page: usize, version: Version) -> Option<Generation> {
    let id = blob_id(text(page, version?).as_bytes());
    Some(Generation::of_content(&id))
}

struct Story {
    store: MemoryStore,
    views: Views,
    model: Arc<Mutex<Model>>,
    transport: ScriptedTransport,
    project: Project,
    settings: Settings,
    /// What was confirmed, as long as the state knows the page. Other bytes prove nothing.
    confirmed: Mutex<Vec<Generation>>,
    /// Pages that were deleted, and answered as if nothing could be told. Nobody asks for them again.
    untold: Mutex<BTreeSet<usize>>,
}

impl Story {
    fn new(settings: &str, (serving, origin): &(Serving, String)) -> Self {
        let model = Arc::new(Mutex::new(Model::new()));
        let theirs = model.clone();
        let store = MemoryStore::new();
        let project = project(documents(settings, origin));
        model.lock().unwrap().serving = *serving;
        Self {
            views: Views::new(Arc::new(store.clone()), None),
            store,
            transport: ScriptedTransport::new(move |request| {
                Ok(theirs.lock().unwrap().api(&request))
            })
            .with_latency(LATENCY),
            model,
            settings: project.endpoints["www"].verify.clone().unwrap(),
            confirmed: Mutex::default(),
            untold: Mutex::default(),
            project,
        }
    }

    fn begin(&self, step: &Step) {
        let mut model = self.model.lock().unwrap();
        model.release += 1;
        for (page, (version, lag)) in step.wanted.iter().zip(step.lags).enumerate() {
            model.deploy(Duration::from_secs(lag), page, *version);
        }
        model.change_edges(step.edges.to_vec());
        model.tape.clone_from(&step.tape);
        for (after, cell, takes) in &step.visits {
            let (after, takes) = (Duration::from_millis(*after), Duration::from_millis(*takes));
            model.visit(after, *cell, takes);
        }
    }

    fn sides(wanted: Pages) -> Sides {
        let files = wanted.iter().enumerate().filter_map(|(page, version)| {
            Some(ContentFile {
                path: format!("{page}.txt"),
                id: blob_id(text(page, (*version)?).as_bytes()),
            })
        });
        let listing = Listing {
            files: files.collect(),
            ..Listing::default()
        };
        Contents::from([("docs".into(), listing)]).into()
    }

    fn reconciler<'a>(&'a self, asker: &'a Asker<'a>) -> Reconciler<'a> {
        let force = |check| Force {
            check,
            endpoint: None,
        };
        Reconciler {
            project: &self.project,
            manifests_digest: manifest::digest(&self.project),
            views: &self.views,
            holder: holder("apply"),
            origin: Origin {
                commit: Some(format!("r{}", self.model.lock().unwrap().release)),
                ..Origin::default()
            },
            again: Vec::new(),
            inquiry: None,
            lock_timeout: Duration::ZERO,
            selection: Selection::default(),
            forces: CheckName::ALL.map(force).to_vec(),
            urgent: false,
            gives_up: false,
            waiting: Waiting::default(),
            interruption: &Exit::Interrupted,
            transport: &self.transport,
            fetch: asker,
            prove: true,
            clock: asker,
            credentials: &Shell,
            observer: &IgnoreEvents,
            gate: &Shell,
            status: &Shell,
            new_id: || uuid::Uuid::now_v7().to_string(),
        }
    }

    /// Loses the state.
    fn forget(&mut self) {
        self.store = MemoryStore::new();
        self.views = Views::new(Arc::new(self.store.clone()), None);
        self.confirmed.lock().unwrap().clear();
    }

    /// Whether every edge serves that version of a page as it is, in every encoding.
    fn is_served(&self, page: usize, version: Version) -> bool {
        let mut model = self.model.lock().unwrap();
        let encodings = 0..self.settings.accept_encoding.len();
        let mut cells =
            (0..EDGES).flat_map(|edge| encodings.clone().map(move |kind| (edge, page, kind)));
        cells.all(|cell| model.serve(cell).version == version)
    }

    fn posted(&self) -> [usize; PAGES] {
        let model = self.model.lock().unwrap();
        std::array::from_fn(|page| model.posted.get(&page).map_or(0, Vec::len))
    }

    /// Purges what is not served as wanted, and nothing else, although nothing is known.
    async fn recover(&mut self, wanted: Pages) -> Result<(), TestCaseError> {
        self.forget();
        let is_served: [bool; PAGES] =
            std::array::from_fn(|page| self.is_served(page, wanted[page]));
        let (before, asker) = (self.posted(), Asker(&self.model));
        self.watch_gate(wanted);
        let run = Reconciler {
            inquiry: Some(Inquiry::All),
            ..self.reconciler(&asker)
        };
        let run = run
            .run(Intent::Manifests(&Self::sides(wanted)))
            .await
            .unwrap();
        prop_assert_eq!(run.verdict(), Ended::Done);
        for (page, after) in self.posted().into_iter().enumerate() {
            let is_purged = after > before[page];
            // What is gone and not known is not declared either.
            let is_lacking = !is_served[page] && wanted[page].is_some();
            prop_assert_eq!(is_purged, is_lacking, "page {}", page);
        }
        Ok(())
    }

    /// From now on, a purge before the origin has these is wrong.
    fn watch_gate(&self, wanted: Pages) {
        let is_gated = self.project.endpoints["www"].origin.is_some();
        self.model.lock().unwrap().gate = is_gated.then(|| wanted.to_vec());
    }

    fn state(&self) -> State {
        self.store.load().unwrap().state.as_ref().clone()
    }

    /// A run, held to what is true.
    async fn apply(&self, wanted: Pages) -> Result<Ended, TestCaseError> {
        self.apply_with(wanted, None, None).await
    }

    async fn apply_with(
        &self,
        wanted: Pages,
        limit: Option<u64>,
        inquiry: Option<Inquiry>,
    ) -> Result<Ended, TestCaseError> {
        let asker = Asker(&self.model);
        let before = self.posted();
        {
            let mut model = self.model.lock().unwrap();
            model.asked = 0;
            model.seen.clear();
        }
        self.watch_gate(wanted);
        let (started, since) = (tokio::time::Instant::now(), asker.now());
        let limit = limit.map(Duration::from_secs);
        let rounds = 1 + usize::from(inquiry.is_some());
        let run = Reconciler {
            inquiry,
            waiting: Waiting {
                timeout: limit,
                ..Waiting::default()
            },
            ..self.reconciler(&asker)
        };
        let reconciled = run.run(Intent::Manifests(&Self::sides(wanted))).await;
        let reconciled = reconciled.unwrap();
        let purges = u32::try_from(1 + self.settings.rebound).unwrap();
        let patience = self.settings.timeout + Duration::from_secs(35);
        let origin = self.project.endpoints["www"].origin.as_ref();
        let waiting = origin.map_or(Duration::ZERO, |origin| origin.timeout + FETCH_TIMEOUT);
        prop_assert!(started.elapsed() <= waiting + (PURGING + patience) * purges);
        prop_assert!(limit.is_none_or(|limit| started.elapsed() <= limit + Duration::from_secs(1)));
        for (before, after) in before.iter().zip(self.posted()) {
            let most = before + 1 + self.settings.rebound;
            prop_assert!(after <= most, "too many purges");
        }
        {
            let model = self.model.lock().unwrap();
            let most = rounds * most_requests(&self.settings, PAGES);
            prop_assert!(model.asked <= most, "{} of {most}", model.asked);
        }
        self.check(wanted, since, Some(&reconciled))?;
        Ok(reconciled.verdict())
    }

    /// Asks without a purge.
    async fn verify(&self, wanted: Pages) -> Result<(), TestCaseError> {
        let asker = Asker(&self.model);
        self.model.lock().unwrap().seen.clear();
        let (run, since) = (self.reconciler(&asker), asker.now());
        run.verify(&Self::sides(wanted)).await.unwrap();
        self.check(wanted, since, None)
    }

    /// Holds what is recorded to what was served.
    fn check(
        &self,
        wanted: Pages,
        since: DateTime<Utc>,
        run: Option<&Reconciled>,
    ) -> Result<(), TestCaseError> {
        let state = self.state();
        let mut confirmed = self.confirmed.lock().unwrap();
        let model = self.model.lock().unwrap();
        for page in 0..PAGES {
            let ways = model.seen.iter().filter(|(cell, _)| cell.1 == page);
            let ways: Vec<_> = ways.map(|(_, seen)| *seen).collect();
            if ways.is_empty() {
                continue;
            }
            let wanted = wanted[page];
            let path = format!("{page}.txt");
            let proof = state
                .proofs
                .iter()
                .find(|(key, _)| key.path.as_deref() == Some(&path));
            let verdict = proof.and_then(|(_, proof)| proof.verdict());
            let case = format!("page {page} at {wanted:?}: {proof:?}, {ways:?}");
            if let Some((_, proof)) = proof
                && proof.generation != content(page, wanted)
            {
                // Whose time was up before it purged has proven what was purged before.
                let is_late =
                    run.is_some_and(|run| run.exit == Exit::Running || is_held(run, &path));
                prop_assert!(is_late, "of another generation: {}", case);
                continue;
            }
            let posted = model.posted.get(&page).and_then(|posted| posted.last());
            let is_right = ways.iter().all(|seen| seen.is(wanted));
            if wanted.is_none() && verdict == Some(Verdict::Unknown) {
                self.untold.lock().unwrap().insert(page);
            }
            let is_old = ways.iter().any(|seen| {
                let is_kept = |posted| seen.object.is_some_and(|object| object.fetched < posted);
                seen.is_another(wanted) || posted.is_some_and(|posted| is_kept(*posted))
            });
            // Whose time was up has looked at some only, or purges again, and the next run goes on.
            let goes_on = |(key, proof): (&EntryKey, &Proof)| {
                proof.is_due()
                    || proof.evidence.is_some()
                    || state.pending_operations.of(key).is_some()
                    || state
                        .entries
                        .get(key)
                        .is_some_and(|known| known.attempt.is_some())
            };
            let is_cut =
                run.is_some_and(|run| run.exit == Exit::Running) && proof.is_none_or(goes_on);
            let is_known = |seen: &Seen| {
                let version = seen.object.and_then(|object| object.version);
                content(page, version).is_some_and(|served| confirmed.contains(&served))
            };
            let is_another = ways
                .iter()
                .any(|seen| seen.is_another(wanted) && is_known(seen));
            // Of what is proven gone, nothing is kept.
            let is_fresh = verdict == Some(Verdict::Fresh) || wanted.is_none() && proof.is_none();
            prop_assert!(!is_fresh || is_right, "not fresh: {}", case);
            // What was proven stale before stays so until it is proven fresh.
            // An answer takes a while, so what came in at the very start is of the run before.
            let is_new =
                |proof: &Proof| proof.evidence.as_ref().is_some_and(|seen| seen.at > since);
            let is_new = proof.is_some_and(|(_, proof)| is_new(proof));
            prop_assert!(
                verdict != Some(Verdict::Stale) || is_old || !is_new,
                "not stale: {}",
                case
            );
            prop_assert!(
                !is_another || verdict == Some(Verdict::Stale) || is_cut,
                "not found: {}",
                case
            );
            if verdict == Some(Verdict::Stale) {
                prop_assert!(
                    is_cut || run.is_none_or(|run| run.exit == Exit::Failed),
                    "not reported: {}",
                    case
                );
                let (key, proof) = proof.unwrap();
                let known = state
                    .entries
                    .get(key)
                    .and_then(|known| known.attempt.as_ref());
                prop_assert!(
                    known.is_some_and(|attempt| attempt.generation == proof.generation),
                    "not planned: {}",
                    case
                );
            }
        }
        remember(&state, &mut confirmed);
        Ok(())
    }
}

/// Keeps what a state confirms, and forgets pages of which it knows nothing any more.
fn remember(state: &State, confirmed: &mut Vec<Generation>) {
    let is_remembered = |page: usize| {
        let path = format!("{page}.txt");
        state
            .proofs
            .keys()
            .any(|key| key.path.as_deref() == Some(&path))
    };
    for page in (0..PAGES).filter(|page| !is_remembered(*page)) {
        let of_page = |known: &Generation| {
            (0..10).any(|version| content(page, Some(version)).as_ref() == Some(known))
        };
        confirmed.retain(|known| !of_page(known));
    }
    let entries = state.entries.values();
    confirmed.extend(entries.filter_map(|known| known.generation.clone()));
}

/// Whether a page waits for the origin.
fn is_held(run: &Reconciled, path: &str) -> bool {
    let entries = run
        .execution
        .iter()
        .flat_map(|execution| &execution.entries);
    let mut of_page = entries.filter(|entry| entry.key.path.as_deref() == Some(path));
    of_page.any(|entry| entry.outcome == Outcome::Held)
}

proptest! {
    // The same worlds in every run of the suite. PROPTEST_CASES and PROPTEST_RNG_SEED look further.
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn what_is_called_fresh_is_and_what_is_stale_is_found(
        steps in vec(any_step(), 1..6),
        origin_clock in prop_oneof![2 => Just(0), 1 => -2_i64..=2, 1 => -900_i64..900],
        settings in any_settings(),
        origin in any_origin(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut story = Story::new(&settings, &origin);
            story.model.lock().unwrap().origin_clock = origin_clock;
            for step in &steps {
                story.begin(step);
                if step.is_lost {
                    story.forget();
                }
                let inquiry = step.is_lost.then_some(Inquiry::All);
                story.apply_with(step.wanted, step.limit, inquiry).await?;
                story.verify(step.wanted).await?;
            }
            // All that is under way comes to its end, and nothing goes wrong any more.
            let last = steps.last().unwrap();
            tokio::time::sleep(Duration::from_secs(600)).await;
            {
                let mut model = story.model.lock().unwrap();
                model.edges = last.edges.iter().map(|edge| edge.obedient()).collect();
                model.tape.clear();
                prop_assert!(model.is_settled());
            }
            story.verify(last.wanted).await?;
            story.apply(last.wanted).await?;
            let is_plain = last.edges.iter().all(|edge| edge.is_plain());
            let verdict = story.apply(last.wanted).await?;
            let posted = story.model.lock().unwrap().posted.clone();
            let state = story.state();
            // What must be proven and is not stays due.
            let is_unknown = |proof: &Proof| {
                proof.verdict() == Some(Verdict::Unknown) || story.settings.required && proof.is_due()
            };
            let unknown = state.proofs.iter().filter(|(_, proof)| is_unknown(proof));
            let unknown: Vec<_> = unknown.filter_map(|(key, _)| Some(page_of(key.target.url()?.as_str()))).collect();
            if is_plain {
                prop_assert!(
                    verdict == Ended::Done || story.settings.required && !unknown.is_empty(),
                    "{:?}: {:?}",
                    verdict,
                    state.proofs
                );
                for (page, version) in last.wanted.iter().enumerate() {
                    // That a page is missing where it must be proves nothing, and with the state is lost what
                    // was deleted.
                    let is_untold = || story.untold.lock().unwrap().contains(&page);
                    let is_lost = || steps.iter().any(|step| step.is_lost);
                    let is_forgotten = version.is_none() && (is_lost() || is_untold());
                    prop_assert!(
                        story.is_served(page, *version) || unknown.contains(&page) || is_forgotten
                    );
                }
            }
            story.apply(last.wanted).await?;
            prop_assert_eq!(&story.model.lock().unwrap().posted, &posted, "run twice");
            if is_plain && unknown.is_empty() {
                // Somebody deploys without a purge, and the state is lost.
                let mut wanted = last.wanted;
                wanted[0] = Some(9);
                story.model.lock().unwrap().deploy(Duration::ZERO, 0, wanted[0]);
                story.recover(wanted).await?;
            }
            Ok(())
        })?;
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_purge_that_runs_when_time_is_up_is_not_called_failed() {
    let story = Story::new(
        "timeout: 1ms, rebound: 1, acceptEncoding: [identity]",
        &<(Serving, String)>::default(),
    );
    let deaf = Edge {
        deaf: true,
        ..Edge::plain()
    };
    let mut step = Step {
        wanted: [Some(1), None, None],
        lags: [0; PAGES],
        edges: [deaf; EDGES],
        visits: Vec::new(),
        tape: Vec::new(),
        limit: None,
        is_lost: false,
    };
    story.begin(&step);
    story.apply(step.wanted).await.unwrap();
    step.wanted = [Some(2), None, None];
    story.begin(&step);
    // The first purge takes two seconds, and so would the second.
    let verdict = story.apply_with(step.wanted, Some(4), None).await.unwrap();
    assert_eq!(story.posted(), [3, 0, 0]);
    assert_eq!(verdict, Ended::Running);
}
