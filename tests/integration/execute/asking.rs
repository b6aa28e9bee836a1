//! Asking a CDN what is left of its quota before a run: its word is taken, and its silence is no failure.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::memory_store::MemoryStore;
use crate::common::scripted_transport::ScriptedTransport;
use purgit::credential::CredentialRef;
use purgit::credential::source::{CredentialSource, Missing, Resolving};
use purgit::desired::Contents;
use purgit::execute::Waiting;
use purgit::exit::Exit;
use purgit::manifest::resource::Project;
use purgit::plan::Plan;
use purgit::plan::select::Selection;
use purgit::provider::{Budget, Counts, DayStart, Window};
use purgit::reconcile::quota::{self, Heard};
use purgit::reconcile::{
    Approval, Approved, Gate, Inquiry, Intent, Name, ReconcileError, Reconciled, Reconciler,
};
use purgit::secret::Secret;
use purgit::state::{Origin, State, StateStore as _};
use purgit::status::StatusDocument;
use purgit::status::file::{StatusError, StatusSink};
use purgit::transport::TransportErrorKind;
use purgit::transport::http_fetch::HttpFetch;
use purgit::verify::Verdict;
use purgit::view::Views;
use serde_json::json;
use tokio::time::Instant;

use super::cdn::{Reaction, answer};
use super::crashing::project_of;
use super::tag_cdn::{Call, Server, tag};
use super::{Events, TestClock, endpoint, seconds};
use crate::providers::tag_cdn::TagCdn;
use crate::state_fixture::{at, evidence, holder};

/// Of a day, by the manifest.
const DECLARED: u64 = 50;

/// Has all secrets, or none; approves of every plan, and keeps what it is shown.
#[derive(Debug, Default)]
struct Outside {
    has_none: bool,
    plans: Mutex<Vec<Plan>>,
    notes: Mutex<Vec<String>>,
}

impl CredentialSource for Outside {
    fn resolve<'a>(&'a self, _: &'a CredentialRef) -> Resolving<'a> {
        let found = match self.has_none {
            true => Err(Missing::Env("TAG_CDN_SECRET".to_owned())),
            false => Ok(Secret::new("not-a-real-key")),
        };
        Box::pin(std::future::ready(found))
    }
}

impl Gate for Outside {
    fn planned(&self, plan: &Plan, _: &State) -> Approval {
        self.plans.lock().unwrap().push(plan.clone());
        Approval::Go
    }

    fn noted(&self, notes: &[String]) {
        self.notes.lock().unwrap().extend_from_slice(notes);
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

fn requests_a_day() -> Budget {
    Budget {
        scope: "account".into(),
        counts: Counts::Requests,
        amount: DECLARED,
        window: Window::Day(DayStart::default()),
    }
}

/// A project that purges so many tags of a CDN that can be asked.
struct Account {
    project: Project,
    store: MemoryStore,
    server: Server,
    transport: ScriptedTransport,
    outside: Outside,
    clock: TestClock,
}

impl Account {
    fn new(tags: usize) -> Self {
        let mut project = project_of(0);
        let mut www = endpoint(Arc::new(TagCdn::counting(requests_a_day())));
        www.limits.items_per_request = 1;
        project.endpoints.insert("www".into(), www);
        let targets = (0..tags).map(|number| tag(&format!("tag-{number}")).target);
        project.purges[0].targets = targets.collect();
        let server = Server::new(seconds(1));
        let theirs = server.clone();
        Self {
            project,
            store: MemoryStore::new(),
            transport: ScriptedTransport::new(move |request| theirs.answer(&request)),
            server,
            outside: Outside::default(),
            clock: TestClock::start(),
        }
    }

    /// Has so much left of that limit.
    fn left(self, limit: u64, left: u64) -> Self {
        let body =
            json!({ "purged": [], "quota": { "requests": { "limit": limit, "left": left } } });
        self.says(Reaction::Answer(answer(200, &body)))
    }

    /// Answers the question so.
    fn says(self, reaction: Reaction) -> Self {
        self.server.behave(move |_, call| match call {
            Call::Ask(place) if place == "/quota" => reaction.clone(),
            Call::Ask(_) | Call::Token | Call::Purge(..) => Reaction::Normal,
        });
        self
    }

    async fn apply(&self) -> Result<Reconciled, ReconcileError> {
        self.apply_after(None).await
    }

    /// After asking the edges that.
    async fn apply_after(&self, inquiry: Option<Inquiry>) -> Result<Reconciled, ReconcileError> {
        let views = Views::new(Arc::new(self.store.clone()), None);
        let reconciler = Reconciler {
            project: &self.project,
            manifests_digest: "sha256:00".to_owned(),
            views: &views,
            holder: holder("apply"),
            origin: Origin::default(),
            again: Vec::new(),
            inquiry,
            lock_timeout: Duration::ZERO,
            selection: Selection::default(),
            forces: Vec::new(),
            urgent: false,
            gives_up: false,
            waiting: Waiting::default(),
            interruption: &Exit::Interrupted,
            transport: &self.transport,
            fetch: &HttpFetch::default(),
            prove: false,
            clock: &self.clock,
            credentials: &self.outside,
            observer: &Events::default(),
            gate: &self.outside,
            status: &self.outside,
            new_id: || uuid::Uuid::now_v7().to_string(),
        };
        let sides = Contents::new().into();
        reconciler.run(Intent::Manifests(&sides)).await
    }

    /// Of the plan that was shown last.
    fn used(&self) -> u64 {
        let plans = self.outside.plans.lock().unwrap();
        plans.last().unwrap().quota[0].used
    }

    fn plan_id(&self) -> String {
        let plans = self.outside.plans.lock().unwrap();
        plans.last().unwrap().id.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.outside.notes.lock().unwrap().clone()
    }

    /// How the quota stands in the state.
    fn standing(&self) -> u64 {
        let state = self.store.load().unwrap().state;
        state.standing(&requests_a_day(), at(200)).unwrap().used
    }

    fn questions(&self) -> usize {
        let places = self.server.places();
        places.iter().filter(|place| *place == "/quota").count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_the_cdns_word_and_counts_on_from_there() {
    // Others used 10 of 1,000. What the manifest declares is all that purgit takes.
    let more = Account::new(2).left(1000, 990);
    let done = more.apply().await.unwrap();
    assert_eq!(done.exit, Exit::Done);
    assert_eq!((more.used(), more.standing()), (10, 12));
    // No more is left than the CDN has: 30, though fewer than 20 are known to be used.
    let fewer = Account::new(2).left(40, 30);
    fewer.apply().await.unwrap();
    assert_eq!((fewer.used(), fewer.standing()), (20, 22));
    assert_eq!((more.questions(), fewer.questions()), (1, 1));
    assert!(more.notes().is_empty() && fewer.notes().is_empty());
    assert_eq!(more.plan_id(), fewer.plan_id(), "it is the same plan");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_left_nothing_is_sent() {
    let none = Account::new(2).left(40, 0);
    none.apply().await.unwrap();
    assert_eq!(none.used(), DECLARED);
    assert!(none.server.purges().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_holds_the_state_while_the_cdn_is_asked() {
    let account = Account::new(1);
    let store = account.store.clone();
    account.server.behave(move |_, call| {
        match call {
            Call::Ask(place) if place == "/quota" => assert!(store.held().unwrap().is_none()),
            Call::Token | Call::Ask(_) | Call::Purge(..) => {}
        }
        Reaction::Normal
    });
    account.apply().await.unwrap();
    assert_eq!(account.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_heard_is_noted_and_the_ledger_counts() {
    let rows = [
        (Reaction::Answer(answer(500, &json!({}))), "HTTP 500"),
        (
            Reaction::Answer(answer(401, &json!({ "error": "no" }))),
            "HTTP 401",
        ),
        (
            Reaction::Answer(answer(200, &json!({ "purged": [] }))),
            "HTTP 200",
        ),
        (Reaction::Lost(TransportErrorKind::Connect), "connect"),
        (
            Reaction::Answer(answer(
                200,
                &json!({ "purged": [], "quota": { "tags": { "limit": 9, "left": 9 } } }),
            )),
            "its answer is about nothing that is counted",
        ),
    ];
    for (reaction, why) in rows {
        let account = Account::new(2).says(reaction);
        let done = account.apply().await.unwrap();
        assert_eq!(done.exit, Exit::Done);
        assert_eq!((account.used(), account.standing()), (0, 2));
        let notes = account.notes();
        let [note] = &*notes else {
            panic!("{notes:?}");
        };
        let start = "[www] the CDN did not say what is left of its quota, so only what purgit sent is counted: ";
        assert!(note.starts_with(start) && note.contains(why), "{note}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cdn_that_does_not_answer_is_not_waited_for_long() {
    let mut account = Account::new(1);
    let theirs = account.server.clone();
    account.transport =
        ScriptedTransport::new(move |request| theirs.answer(&request)).with_latency(seconds(40));
    let began = Instant::now();
    let heard = account.ask().await;
    assert!(began.elapsed() <= seconds(10), "{:?}", began.elapsed());
    assert!(matches!(heard, Heard::Nothing(_)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn what_only_the_edges_tell_counts_too() {
    let account = Account::new(1);
    account.apply().await.unwrap();
    let known = account.store.load().unwrap().state;
    let keys = known.entries.keys();
    let stale = keys.map(|key| (Name::from(key), evidence(Verdict::Stale)));
    let approved = Approved {
        stale: stale.collect(),
        ..Approved::default()
    };
    let inquiry = Inquiry::Approved(approved);
    account.apply_after(Some(inquiry)).await.unwrap();
    assert_eq!((account.server.purges().len(), account.questions()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_where_nothing_is_to_be_purged_or_nobody_has_credentials() {
    let account = Account::new(1);
    account.apply().await.unwrap();
    account.apply().await.unwrap();
    assert_eq!(account.questions(), 1);

    let mut poor = Account::new(1);
    poor.outside.has_none = true;
    let refused = poor.apply().await.unwrap_err();
    assert_eq!(refused.exit(), Exit::Credentials);
    assert!(poor.notes().is_empty() && poor.server.calls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_cdns_newer_word_takes_the_place_of_an_older_one() {
    let account = Account::new(1).left(40, 0);
    let told = quota::records(
        &[(&"www".into(), account.ask().await)],
        &State::default(),
        at(100),
    );
    let mut state = State::default();
    state.suppose(told);
    assert_eq!(state.serial, 0);
    let standing = |state: &State| state.standing(&requests_a_day(), at(100)).unwrap().used;
    assert_eq!(standing(&state), DECLARED);
    let account = account.left(40, 40);
    let told = quota::records(&[(&"www".into(), account.ask().await)], &state, at(101));
    state.suppose(told);
    assert_eq!(standing(&state), 10, "40 of 50 are left");
}

impl Account {
    /// As `plan --refresh-quota` does.
    async fn ask(&self) -> Heard {
        let endpoints = self.project.endpoints.values();
        let asking = quota::ask(endpoints, &self.outside, &self.transport, &self.clock);
        let mut heard = asking.await.unwrap();
        heard.pop().unwrap().1
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_shows_what_was_heard() {
    let sentence = |account: Account| async move { account.ask().await.sentence() };
    assert_eq!(
        sentence(Account::new(1).left(50, 30)).await,
        "left by the CDN's word: 30 of 50 requests"
    );
    assert_eq!(
        sentence(Account::new(1).left(1000, 990)).await,
        "left by the CDN's word: 990 of 1,000 requests (`limits` say 50)"
    );
    let mut mute = Account::new(1);
    mute.project
        .endpoints
        .insert("www".into(), endpoint(Arc::new(super::azure())));
    assert_eq!(
        sentence(mute).await,
        "`azure-china-cdn` cannot be asked what is left of its quota: only what purgit sent is counted"
    );
    let mut free = Account::new(1);
    free.project
        .endpoints
        .insert("www".into(), endpoint(Arc::new(TagCdn::new())));
    assert_eq!(
        sentence(free).await,
        "no quota of the day: there is nothing to ask for"
    );

    let mut poor = Account::new(1);
    poor.outside.has_none = true;
    let endpoints = poor.project.endpoints.values();
    let missing = quota::ask(endpoints, &poor.outside, &poor.transport, &poor.clock).await;
    let missing = ReconcileError::from(missing.unwrap_err());
    assert_eq!(missing.exit(), Exit::Credentials);
}
