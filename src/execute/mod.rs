//! Carrying out a plan: submit, follow, record. Makes no choices; all it needs is in the operation. Knows
//! no manifest and no file: the CDN is behind a provider and a transport, the state behind a recorder.

mod account;
mod call;
mod failure;
mod follow;
mod hold;
mod identity;
mod intent;
mod items;
mod late;
mod lookup;
mod nodes;
mod room;
mod session;
pub mod sign_in;
mod submit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::credential::Credentials;
use crate::credential::source::CredentialSource;
use crate::entry::{EntryKey, Generation};
use crate::manifest::resource::Endpoint;
use crate::operation::{Operation, Serve};
use crate::origin;
use crate::provider::Effect;
use crate::state::recorder::Recorder;
use crate::state::transition::is_pending;
use crate::state::{Outcome, PendingOperation, StateError};
use crate::transport::Transport;
use crate::verify::{Evidence, Tally};
use account::Accounts;
pub use failure::{CallError, End, Failure, Stop};
use follow::Following;
use hold::Hold;
use items::Items;
use session::Session;
use submit::Submitted;

#[derive(Debug, Clone, Copy)]
pub struct Ports<'a> {
    pub transport: &'a dyn Transport,
    pub clock: &'a dyn Clock,
    pub recorder: &'a Recorder,
    pub observer: &'a dyn Observer,
}

#[derive(Debug)]
pub struct EndpointClient<'a> {
    pub endpoint: &'a Endpoint,
    pub credentials: Credentials,
    /// Where to read them again if the CDN refuses them: they may have been renewed.
    pub source: Option<&'a dyn CredentialSource>,
    /// Cancelled with the run, and when every further request would fail alike.
    pub given_up: CancellationToken,
}

#[derive(Debug, Clone)]
pub struct Waiting {
    /// False for `--no-wait`: submit, and leave the rest to the next run.
    pub wait: bool,
    /// `--timeout`: limits submitting and waiting together, in place of each endpoint's `poll.timeout`.
    pub timeout: Option<Duration>,
    /// Cancelled by Ctrl-C: finish the purge requests in flight, submit and ask no more.
    pub cancel: CancellationToken,
    /// Cancelled when there are newer changes: submit what is planned, and leave the waiting to the next
    /// run, as at the deadline.
    pub hurry: CancellationToken,
}

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

impl Waiting {
    pub fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.timeout?)
    }

    /// With the time left until a deadline as its timeout.
    #[must_use]
    pub fn until(&self, deadline: Option<Instant>) -> Self {
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        Self {
            timeout: deadline.map(left),
            ..self.clone()
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryOutcome {
    pub key: EntryKey,
    /// The generation it reaches on success; `None` for a deletion.
    pub generation: Option<Generation>,
    pub outcome: Outcome,
    pub message: Option<String>,
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// Every entry of every operation, resumed ones included, sorted by key.
    pub entries: Vec<EntryOutcome>,
    /// Purge requests sent, retries included.
    pub requests: usize,
    /// Items that may have been purged twice, since a request in doubt was sent again.
    pub repeated: usize,
    pub verified: Option<Tally>,
    pub origin: Option<origin::Tally>,
    /// The decisive answers about entries that were asked for.
    pub evidence: BTreeMap<EntryKey, Evidence>,
    pub failures: Vec<(Arc<str>, Failure)>,
    /// Whether a cancellation left something undone.
    pub interrupted: bool,
    /// Whether `--timeout` kept a purge from being sent, or sent again.
    pub timed_out: bool,
}

impl Execution {
    pub(crate) fn interrupted() -> Self {
        Self {
            interrupted: true,
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone)]
pub enum Event {
    Submitting {
        endpoint: Arc<str>,
        urls: usize,
    },
    Accepted {
        endpoint: Arc<str>,
        task: String,
        urls: usize,
    },
    Resumed {
        endpoint: Arc<str>,
        task: String,
        entries: usize,
    },
    Settled {
        endpoint: Arc<str>,
        outcome: Outcome,
        urls: usize,
        message: Option<String>,
    },
    /// Entries wait for the origin; `why` is its last answer.
    Waiting {
        endpoint: Arc<str>,
        entries: usize,
        why: String,
    },
    /// A request is tried again after a pause.
    Retrying {
        endpoint: Arc<str>,
        reason: String,
        delay: Duration,
    },
    /// The CDN's clock differs; signatures are dated by it from now on.
    ClockSkew {
        endpoint: Arc<str>,
        /// The CDN's clock minus the local one.
        skew: TimeDelta,
    },
    Halted {
        endpoint: Arc<str>,
        failure: Failure,
    },
    /// The CDN called these entries done, and edges are asked for them.
    Proving {
        entries: usize,
    },
}

/// Receives the events of a run. Called from the executor's tasks, so it must be quick.
pub trait Observer: fmt::Debug + Send + Sync {
    fn event(&self, event: Event);
}

#[derive(Debug, Clone, Copy, Default)]
pub struct IgnoreEvents;

impl Observer for IgnoreEvents {
    fn event(&self, _event: Event) {}
}

/// Submits all operations in order, within the accounts' budgets, and follows them and the `resumed`
/// operations of earlier runs to their end or to the deadline. Operations that are `left` only take room.
/// The lease is held until the last operation is submitted, and not while waiting for the CDN.
///
/// What comes `later` is submitted when it comes, unless another run purged it meanwhile.
///
/// A partial failure does not stop the rest; a failure that every request to an endpoint would meet skips
/// the rest of that endpoint.
///
/// # Errors
/// The state cannot be recorded. Nothing more is sent then: an intent must be durable before its request.
pub async fn run(
    clients: &BTreeMap<Arc<str>, EndpointClient<'_>>,
    operations: Vec<Operation>,
    mut later: Option<mpsc::Receiver<Operation>>,
    resumed: Vec<PendingOperation>,
    left: Vec<PendingOperation>,
    waiting: &Waiting,
    ports: Ports<'_>,
) -> Result<Execution, StateError> {
    let deadline = waiting.deadline();
    let accounts = Accounts::new(
        clients
            .values()
            .flat_map(|client| client.endpoint.budgets()),
    );
    let hold = Hold::new(ports.recorder, operations.len());
    if operations.is_empty() {
        ports.recorder.release().await?;
    }
    let sessions: BTreeMap<_, _> = clients
        .iter()
        .map(|(name, client)| {
            let allowance = accounts.of(&client.endpoint.budgets());
            let session = Session::new(client, waiting, ports, &hold, allowance, deadline);
            (name.clone(), session)
        })
        .collect();
    for operation in left {
        if let Some(session) = sessions.get(&operation.endpoint) {
            let (items, _) = follow::items(session, operation.directories, operation.entries);
            session.allowance.taken(&items).leave();
        }
    }
    let mut following = FuturesUnordered::new();
    for operation in resumed {
        let session = sessions.get(&operation.endpoint);
        let resumed = session.and_then(|session| Following::resumed(session, operation));
        following.extend(resumed.map(Following::run));
    }
    let mut submitting: FuturesUnordered<_> = operations
        .into_iter()
        .filter_map(|operation| {
            let session = sessions.get(&operation.endpoint)?;
            Some(submit::submit(session, operation, false))
        })
        .collect();
    let mut execution = Execution::default();
    loop {
        tokio::select! {
            Some(submitted) = submitting.next() => {
                for submitted in submitted? {
                    match submitted {
                        Submitted::Over(outcomes) => execution.entries.extend(outcomes),
                        Submitted::Accepted(task) => following.push(task.run()),
                    }
                }
            }
            Some(outcomes) = following.next() => execution.entries.extend(outcomes?),
            Some(operation) = next(&mut later) => {
                let session = sessions.get(&operation.endpoint);
                submitting.extend(session.map(|session| submit::submit(session, operation, true)));
            }
            else => break,
        }
    }
    drop((submitting, following));
    execution.entries.sort_by(|a, b| a.key.cmp(&b.key));
    for session in sessions.into_values() {
        session.sum_up(&mut execution);
    }
    Ok(execution)
}

/// Announces the items that were settled since the last time. Returns the outcomes of their entries, and how
/// each item ended.
fn tell(
    session: &Session<'_>,
    serves: &[Serve],
    items: &mut Items,
    hint: Option<&str>,
) -> (Vec<EntryOutcome>, Vec<(usize, items::End)>) {
    let ends = items.fresh();
    let mut counts: BTreeMap<(Outcome, Option<&str>), usize> = BTreeMap::new();
    for (_, end) in &ends {
        *counts
            .entry((end.outcome, end.message.as_deref()))
            .or_default() += 1;
    }
    for ((outcome, message), urls) in counts {
        if is_pending(outcome) {
            continue;
        }
        session.event(Event::Settled {
            endpoint: session.client.endpoint.name.clone(),
            outcome,
            urls,
            message: message.map(str::to_owned),
        });
    }
    let fresh: BTreeSet<usize> = ends.iter().map(|(index, _)| *index).collect();
    let outcome = |serve: &Serve| {
        let end = items
            .end(serve.item)
            .filter(|_| fresh.contains(&serve.item))?;
        Some(EntryOutcome {
            key: serve.key.clone(),
            generation: serve.generation.clone(),
            outcome: end.outcome,
            message: end.message.as_deref().map(str::to_owned),
            hint: hint.map(str::to_owned),
        })
    };
    (serves.iter().filter_map(outcome).collect(), ends)
}

async fn next(later: &mut Option<mpsc::Receiver<Operation>>) -> Option<Operation> {
    later.as_mut()?.recv().await
}

/// Whether every further request to the endpoint would fail alike.
fn halts(effect: Effect) -> bool {
    match effect {
        Effect::Step
        | Effect::Items
        | Effect::Exhausted { .. }
        | Effect::Full
        | Effect::Forgotten
        | Effect::InDoubt => false,
        Effect::Endpoint | Effect::Credentials => true,
    }
}

fn now(ports: Ports<'_>) -> DateTime<Utc> {
    ports.clock.now()
}
