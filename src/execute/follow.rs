//! Following a task until every URL of it is settled, the deadline comes, or the run is cancelled.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::failure::{End, Failure};
use super::items::{Item, Items};
use super::session::Session;
use super::{EntryOutcome, Event, now, spread};
use crate::desired::{EntryKey, Generation};
use crate::provider::{Effect, Inquiry, Progress, Report, Task};
use crate::state::{Outcome, PendingOperation, StateError};

/// By how much the pause between two questions grows. Half again reaches the default longest
/// pause (30 s) from the first (5 s) after five questions.
const PAUSE_GROWTH: f64 = 1.5;

/// An accepted task and what hangs on it.
pub(super) struct Followed {
    /// Id of the operation in the state.
    pub(super) id: String,
    pub(super) task: Task,
    pub(super) items: Vec<Item>,
    pub(super) entries: Vec<(EntryKey, Option<Generation>)>,
}

/// Asks about a task of an earlier run, at once and then as about any other.
pub(super) async fn resume(
    session: &Session<'_>,
    operation: PendingOperation,
) -> Result<Vec<EntryOutcome>, StateError> {
    let Some(task) = operation.task else {
        return Ok(Vec::new());
    };
    session.event(Event::Resumed {
        endpoint: operation.endpoint,
        task: task.id.clone(),
        entries: operation.entries.len(),
    });
    let items = operation.entries.iter();
    let followed = Followed {
        id: operation.id,
        task,
        items: items.map(|(key, _)| (key.kind, key.url.clone())).collect(),
        entries: operation.entries,
    };
    Following::new(session, followed)
        .run(Duration::ZERO, true)
        .await
}

/// Asks about a task that was accepted just now; at once when the CDN called it `settled`.
pub(super) async fn follow(
    session: &Session<'_>,
    followed: Followed,
    settled: bool,
) -> Result<Vec<EntryOutcome>, StateError> {
    let first = if settled {
        Duration::ZERO
    } else {
        session.line.endpoint.poll.interval
    };
    Following::new(session, followed)
        .run(first, session.waiting.wait)
        .await
}

struct Following<'a> {
    session: &'a Session<'a>,
    id: String,
    task: Task,
    entries: Vec<(EntryKey, Option<Generation>)>,
    deadline: Instant,
    items: Items,
    /// Whether the CDN was asked at least once.
    asked: bool,
}

impl<'a> Following<'a> {
    fn new(session: &'a Session<'a>, followed: Followed) -> Self {
        let patience = session
            .waiting
            .timeout
            .unwrap_or(session.line.endpoint.poll.timeout);
        Self {
            session,
            id: followed.id,
            task: followed.task,
            entries: followed.entries,
            deadline: Instant::now() + patience,
            items: Items::new(followed.items),
            asked: false,
        }
    }

    async fn run(mut self, first: Duration, ask: bool) -> Result<Vec<EntryOutcome>, StateError> {
        let poll = self.session.line.endpoint.poll;
        let mut pause = first;
        let mut next = poll.interval;
        while ask && !self.items.all_settled() {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if self.session.pause(pause.min(left)).await.is_err()
                || self.session.failure().is_some()
            {
                break;
            }
            self.asked = true;
            match self.ask().await {
                Ok(()) => {}
                Err(failure) if failure.effect == Effect::Credentials => {
                    self.session.halt_on(&failure);
                    break;
                }
                Err(failure) if failure.end == End::Final => {
                    // The CDN does not know the task any more: nobody can tell how it ended.
                    let message = Some(failure.message);
                    self.items
                        .close(|_| true, Outcome::Unknown, message.as_deref());
                }
                // Already retried; the next round asks again.
                Err(_) => {}
            }
            let over = Instant::now() >= self.deadline;
            if over {
                let message = Some("the CDN answered with a status word that is not known");
                self.items.close(
                    |progress| progress == Progress::Unknown,
                    Outcome::Unknown,
                    message,
                );
            }
            self.save().await?;
            if over || !self.session.waiting.wait {
                if !self.items.all_settled() {
                    self.note_waiting().await?;
                }
                break;
            }
            pause = next;
            next = next.mul_f64(PAUSE_GROWTH).min(poll.max_interval);
        }
        Ok(self.outcomes())
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let reported = match self.inquire(Inquiry::Items).await? {
            Report::Items(items) => items,
            Report::Overall { progress, message } => {
                self.items.conclude_all(progress, message.as_deref());
                return Ok(());
            }
        };
        let unreported = self.items.take(&reported);
        if unreported.is_empty() {
            return Ok(());
        }
        // The list may be null, empty or short [?]; the operation as a whole tells about the rest.
        if let Report::Overall { progress, message } = self.inquire(Inquiry::Overall).await? {
            for item in &unreported {
                self.items.conclude(item, progress, message.as_deref());
            }
        }
        Ok(())
    }

    async fn inquire(&self, inquiry: Inquiry) -> Result<Report, Failure> {
        let _slot = self.session.slot().await;
        let provider = self.session.provider();
        let task = &self.task;
        let (report, _) = self
            .session
            .call(
                |auth| provider.inquire(task, inquiry, auth),
                |response| provider.reported(inquiry, response),
            )
            .await?;
        Ok(report)
    }

    /// Records and announces what was settled since the last time.
    async fn save(&mut self) -> Result<(), StateError> {
        let fresh = self.items.fresh();
        if fresh.is_empty() {
            return Ok(());
        }
        let mut told: BTreeMap<(Outcome, Option<&str>), usize> = BTreeMap::new();
        for item in &fresh {
            *told
                .entry((item.outcome, item.message.as_deref()))
                .or_default() += 1;
        }
        for ((outcome, message), urls) in told {
            let endpoint = self.session.line.endpoint.name.clone();
            let message = message.map(str::to_owned);
            self.session.event(Event::Settled {
                endpoint,
                outcome,
                urls,
                message,
            });
        }
        let (id, at) = (self.id.clone(), now(self.session.ports));
        self.session
            .ports
            .recorder
            .record(move |state| state.settle(&id, &fresh, at))
            .await
    }

    /// Records that the CDN is at it still, for whoever reads the state meanwhile.
    async fn note_waiting(&self) -> Result<(), StateError> {
        let (id, at) = (self.id.clone(), now(self.session.ports));
        self.session
            .ports
            .recorder
            .record(move |state| state.asked(&id, at))
            .await
    }

    /// How every entry stands; what is still open is left to the next run.
    fn outcomes(mut self) -> Vec<EntryOutcome> {
        let outcome = if self.asked {
            Outcome::InProgress
        } else {
            Outcome::Submitted
        };
        self.items.close(|_| true, outcome, None);
        spread(&self.entries, &self.items.into_settled())
    }
}
