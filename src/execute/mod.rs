//! Stage 5: carrying out a plan: submit, follow, record. Makes no choices; all it needs is in the
//! job. Knows no manifest and no file: the CDN is behind a provider and a transport, the state
//! behind a recorder.

mod failure;
mod follow;
mod items;
mod session;
mod submit;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::credential::Credentials;
use crate::entry::{EntryKey, Generation};
use crate::manifest::resource::Endpoint;
use crate::plan::Step;
use crate::provider::Effect;
use crate::state::recorder::Recorder;
use crate::state::transition::ItemOutcome;
use crate::state::{Outcome, PendingOperation, StateError};
use crate::transport::Transport;
pub use failure::{CallError, End, Failure};

/// What the executor works with.
#[derive(Debug, Clone, Copy)]
pub struct Ports<'a> {
    /// The door to the network.
    pub transport: &'a dyn Transport,
    /// Tells the time to sign and to record.
    pub clock: &'a dyn Clock,
    /// Makes intents and outcomes durable.
    pub recorder: &'a Recorder,
    /// Is told what happens as it happens.
    pub observer: &'a dyn Observer,
}

/// One endpoint, ready to be used.
#[derive(Debug)]
pub struct Line<'a> {
    /// Its manifest.
    pub endpoint: &'a Endpoint,
    /// Its resolved credentials.
    pub credentials: Credentials,
}

/// One step to submit, with the entries it serves.
#[derive(Debug, Clone)]
pub struct Job {
    /// Id of the intent.
    pub id: String,
    /// What to send.
    pub step: Step,
    /// The entries behind its URLs, with the generation each reaches; `None` for a deletion.
    pub entries: Vec<(EntryKey, Option<Generation>)>,
}

/// How to wait.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// False for `--no-wait`: submit and leave the rest to the next run.
    pub wait: bool,
    /// `--timeout`: overrides each endpoint's `poll.timeout`.
    pub timeout: Option<Duration>,
    /// Cancelled by Ctrl-C: finish the purge requests under way, submit and ask no more.
    pub cancel: CancellationToken,
    /// Cancelled when something newer wants to be looked at: submit what is planned, and leave the
    /// waiting to the next run, as at the deadline. A run that nobody hurries never cancels it.
    pub hurry: CancellationToken,
}

/// As the manifests say, with nobody to cut it short.
impl Default for Waiting {
    fn default() -> Self {
        Self {
            wait: true,
            timeout: None,
            cancel: CancellationToken::new(),
            hurry: CancellationToken::new(),
        }
    }
}

/// What became of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOutcome {
    /// The entry.
    pub key: EntryKey,
    /// The generation it reaches on success; `None` for a deletion.
    pub generation: Option<Generation>,
    /// How it stands.
    pub outcome: Outcome,
    /// What the CDN or the transport said.
    pub message: Option<String>,
}

/// What a run did.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// Every entry of every job and of every resumed operation, sorted by key.
    pub entries: Vec<EntryOutcome>,
    /// Purge requests sent, retries included.
    pub requests: usize,
    /// Why endpoints stopped early, in order of occurrence.
    pub failures: Vec<(Arc<str>, Failure)>,
    /// Whether something was left undone because it was cancelled.
    pub interrupted: bool,
}

impl Execution {
    /// One that was cancelled before it did anything.
    pub(crate) fn interrupted() -> Self {
        Self {
            interrupted: true,
            ..Self::default()
        }
    }
}

/// What happens during a run, for progress and logs.
#[derive(Debug, Clone)]
pub enum Event {
    /// A step goes out.
    Submitting {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// Number of its URLs.
        urls: usize,
    },
    /// The CDN took it.
    Accepted {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// The CDN's id of the task.
        task: String,
        /// Number of its URLs.
        urls: usize,
    },
    /// A task of an earlier run is asked about.
    Resumed {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// The CDN's id of the task.
        task: String,
        /// Number of its entries.
        entries: usize,
    },
    /// Entries reached an outcome.
    Settled {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// The outcome.
        outcome: Outcome,
        /// How many URLs.
        urls: usize,
        /// What was said, if anything.
        message: Option<String>,
    },
    /// A request is tried again after a pause.
    Retrying {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// Why.
        reason: String,
        /// The pause.
        delay: Duration,
    },
    /// The CDN's clock differs; signatures are dated by its clock from now on.
    ClockSkew {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// The CDN's clock less the local one.
        skew: TimeDelta,
    },
    /// An endpoint is given up for this run.
    Halted {
        /// Name of the endpoint.
        endpoint: Arc<str>,
        /// Why.
        failure: Failure,
    },
}

/// Is told what happens during a run. Called from the executor's tasks, so it must be quick.
pub trait Observer: fmt::Debug + Send + Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event) {}
}

/// Submits all jobs in order, with each endpoint's bound on concurrency, and follows them and the
/// operations of earlier runs to their end or to the deadline.
///
/// A partial failure does not stop the rest; a failure that every request to an endpoint would
/// meet again skips the rest of that endpoint.
///
/// # Errors
/// Only when the state cannot be recorded: then nothing more is sent, since an intent must be
/// durable before its request.
pub async fn run(
    lines: &BTreeMap<Arc<str>, Line<'_>>,
    jobs: Vec<Job>,
    resumed: Vec<PendingOperation>,
    waiting: &Waiting,
    ports: Ports<'_>,
) -> Result<Execution, StateError> {
    let sessions: BTreeMap<_, _> = lines
        .iter()
        .map(|(name, line)| (name.clone(), session::Session::new(line, waiting, ports)))
        .collect();
    let mut running = FuturesUnordered::new();
    for operation in resumed {
        if let Some(session) = sessions.get(&operation.endpoint) {
            running.push(Work::Resume(operation).run(session));
        }
    }
    for job in jobs {
        if let Some(session) = sessions.get(&job.step.endpoint) {
            running.push(Work::Submit(job).run(session));
        }
    }
    let mut execution = Execution::default();
    while let Some(settled) = running.next().await {
        execution.entries.extend(settled?);
    }
    drop(running);
    execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
    for (name, session) in sessions {
        execution.interrupted |= session.interrupted();
        execution.requests += session.purge_requests();
        execution
            .failures
            .extend(session.into_failure().map(|failure| (name, failure)));
    }
    Ok(execution)
}

/// One strand of work of a run.
enum Work {
    Submit(Job),
    Resume(PendingOperation),
}

impl Work {
    async fn run(self, session: &session::Session<'_>) -> Result<Vec<EntryOutcome>, StateError> {
        match self {
            Self::Submit(job) => submit::submit(session, job).await,
            Self::Resume(operation) => follow::resume(session, operation).await,
        }
    }
}

/// The outcomes of a step's URLs, spread over the entries that want them.
fn spread(entries: &[(EntryKey, Option<Generation>)], items: &[ItemOutcome]) -> Vec<EntryOutcome> {
    let by_url: std::collections::HashMap<_, _> =
        items.iter().map(|item| (&item.target, item)).collect();
    let of = |(key, generation): &(EntryKey, Option<Generation>)| {
        let item = by_url.get(&key.target);
        EntryOutcome {
            key: key.clone(),
            generation: generation.clone(),
            outcome: item.map_or(Outcome::InProgress, |item| item.outcome),
            message: item.and_then(|item| item.message.clone()),
        }
    };
    entries.iter().map(of).collect()
}

/// Whether every request to the endpoint would fail alike.
fn halts(effect: Effect) -> bool {
    match effect {
        Effect::Step | Effect::Items | Effect::InDoubt => false,
        Effect::Endpoint | Effect::Credentials => true,
    }
}

/// The time to record, from the port.
fn now(ports: Ports<'_>) -> DateTime<Utc> {
    ports.clock.now()
}
