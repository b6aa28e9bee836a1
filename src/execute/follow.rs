//! Following a task until every URL of it is settled, the deadline comes, or the run is cancelled.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::failure::{End, Failure};
use super::items::{Item, Items};
use super::session::{Cancelled, Session};
use super::{EntryOutcome, Event, now, spread};
use crate::entry::{EntryKey, Generation};
use crate::operation::Task;
use crate::provider::{Auth, Effect, Inquiry, Progress, Report};
use crate::state::{Outcome, PendingOperation, Record, StateError};
use crate::transport::Response;

/// By how much the pause between two questions grows. Half again reaches the default longest
/// pause (30 s) from the first (5 s) after five questions.
const PAUSE_GROWTH: f64 = 1.5;

/// Age, in hours, from which a task that is still not over is given up for unknown, so that its
/// URLs are purged again. The only duration ever published is 10 minutes; a day later the quota is
/// a new one.
const MAX_TASK_HOURS: i64 = 24;

/// Said at the deadline of a URL of which the CDN gave no account.
const UNCLEAR: &str = "the CDN does not say, in a word that is known, how it ended";

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
        items: items.map(|(key, _)| key.target.clone()).collect(),
        entries: operation.entries,
    };
    let mut following = Following::new(session, followed);
    following.answered_before = operation.asked_at.is_some();
    following.accepted_at = operation.accepted_at;
    following.run(Duration::ZERO, true).await
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
    /// `None` when it is further off than a clock can tell.
    deadline: Option<Instant>,
    items: Items,
    /// Whether the CDN answered a question of this run.
    answered: bool,
    /// Whether it answered one of an earlier run.
    answered_before: bool,
    /// When the task was accepted, by an earlier run.
    accepted_at: Option<DateTime<Utc>>,
    /// Why the last question got no answer.
    trouble: Option<String>,
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
            deadline: Instant::now().checked_add(patience),
            items: Items::new(followed.items),
            answered: false,
            answered_before: false,
            accepted_at: None,
            trouble: None,
        }
    }

    async fn run(mut self, first: Duration, ask: bool) -> Result<Vec<EntryOutcome>, StateError> {
        let poll = self.session.line.endpoint.poll;
        let mut pause = first;
        let mut next = poll.interval;
        while ask && !self.items.all_settled() {
            if self.pause(pause.min(self.left())).await.is_err() || self.session.failure().is_some()
            {
                break;
            }
            let goes_on = match self.ask().await {
                Ok(()) => true,
                Err(failure) => self.cope(failure),
            };
            let over = self.left().is_zero();
            if over {
                let unclear = |progress| progress == Progress::Unknown;
                self.items.close(unclear, Outcome::Unknown, Some(UNCLEAR));
            }
            let last = over || !goes_on || !self.session.waiting.wait;
            if last && self.answered && self.is_stale() {
                let message = format!("still not over {MAX_TASK_HOURS} h after it was accepted");
                self.items.close(|_| true, Outcome::Unknown, Some(&message));
            }
            self.save().await?;
            if last {
                break;
            }
            pause = next;
            next = next.mul_f64(PAUSE_GROWTH).min(poll.max_interval);
        }
        if self.answered && !self.items.all_settled() {
            self.note_waiting().await?;
        }
        Ok(self.outcomes())
    }

    /// Time to the deadline.
    fn left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    fn is_stale(&self) -> bool {
        let age = |accepted_at| now(self.session.ports) - accepted_at;
        self.accepted_at
            .is_some_and(|accepted_at| age(accepted_at) >= TimeDelta::hours(MAX_TASK_HOURS))
    }

    /// Whether to ask again after a failure to ask. Only the CDN's word that it does not know the
    /// task ends the task.
    fn cope(&mut self, failure: Failure) -> bool {
        let goes_on = match (failure.end, failure.effect) {
            (End::Final, Effect::Step | Effect::Items) => {
                // Nobody can tell how it ended.
                let message = Some(failure.message.as_str());
                self.items.close(|_| true, Outcome::Unknown, message);
                false
            }
            (End::Final, Effect::Endpoint | Effect::Credentials) => {
                self.session.halt_on(&failure);
                false
            }
            // What stands in between may be gone by the next round, and an outage may pass.
            (End::Final, Effect::InDoubt) | (End::Exhausted, _) => true,
            (End::Cancelled, _) => return false,
        };
        self.trouble = Some(failure.message);
        goes_on
    }

    /// Waits; an error when there is to be no more waiting.
    async fn pause(&self, delay: Duration) -> Result<(), Cancelled> {
        tokio::select! {
            biased;
            () = self.session.waiting.hurry.cancelled() => Err(Cancelled),
            paused = self.session.pause(delay) => paused,
        }
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        let (reported, refused) = match self.inquire(Inquiry::Items).await {
            Ok(Report::Items(items)) => (items, false),
            Ok(Report::Overall { progress, message }) => {
                self.items.conclude_all(progress, message.as_deref());
                return Ok(());
            }
            // It may still know the task as a whole.
            Err(failure) if is_unknown_task(&failure) => (Vec::new(), true),
            Err(failure) => return Err(failure),
        };
        let unreported = self.items.take(&reported);
        if unreported.is_empty() {
            return Ok(());
        }
        // The list may be null, empty or short [?]; the operation as a whole tells about the rest.
        let (progress, message) = match self.inquire(Inquiry::Overall).await {
            Ok(Report::Overall { progress, message }) => (progress, message),
            Ok(Report::Items(_)) => return Ok(()),
            // It knows the task, so what it did not list is not over for that.
            Err(failure) if !refused && is_unknown_task(&failure) => (Progress::Unknown, None),
            Err(failure) => return Err(failure),
        };
        for item in &unreported {
            self.items.conclude(item, progress, message.as_deref());
        }
        Ok(())
    }

    async fn inquire(&mut self, inquiry: Inquiry) -> Result<Report, Failure> {
        let provider = self.session.provider();
        let (session, task) = (self.session, &self.task);
        let question = async {
            let _slot = session.slot().await;
            let build = |auth: Auth<'_>| provider.inquire(task, inquiry, auth);
            let read = |response: &Response| provider.reported(inquiry, response);
            session.call(self.deadline, build, read).await
        };
        // Unlike a purge, a question can be dropped while it is under way.
        let answer = session.unless_cancelled(question).await;
        let (report, _) = answer.unwrap_or_else(|_| Err(Failure::cancelled(false)))?;
        self.answered = true;
        self.trouble = None;
        Ok(report.redacted(&self.session.redactor(None)))
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
            .record(Record::Settle {
                id,
                items: fresh,
                at,
            })
            .await
    }

    /// Records that the CDN is at it still, for whoever reads the state meanwhile.
    async fn note_waiting(&self) -> Result<(), StateError> {
        let (id, at) = (self.id.clone(), now(self.session.ports));
        self.session
            .ports
            .recorder
            .record(Record::Asked { id, task: None, at })
            .await
    }

    /// How every entry stands; what is still open is left to the next run.
    fn outcomes(mut self) -> Vec<EntryOutcome> {
        let outcome = if self.answered || self.answered_before {
            Outcome::InProgress
        } else {
            Outcome::Submitted
        };
        let trouble = self.trouble.as_deref();
        self.items.close(|_| true, outcome, trouble);
        spread(&self.entries, &self.items.into_settled())
    }
}

/// Whether a refused question means that the CDN does not know the task.
fn is_unknown_task(failure: &Failure) -> bool {
    let of_this = match failure.effect {
        Effect::Step | Effect::Items => true,
        Effect::Endpoint | Effect::Credentials | Effect::InDoubt => false,
    };
    failure.end == End::Final && of_this
}
