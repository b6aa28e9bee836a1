//! Following a task until every item is settled, the deadline comes, or the run stops.

mod sweep;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::account::Room;
use super::failure::{End, Failure, Stop};
use super::items::{self, Items};
use super::session::Session;
use super::{EntryOutcome, Event, now, tell};
use crate::entry::Target;
use crate::operation::{Item, Operation, Serve, Task, itemize};
use crate::provider::place::Directories;
use crate::provider::{Answer, Auth, Effect, ItemReport, Progress, Tasks};
use crate::state::operations::Aim;
use crate::state::{Outcome, PendingOperation, Record, StateError};
use crate::transport::Response;
use crate::url::CdnUrl;

/// Growth of the pause between questions: from the default 5 s to the longest, 30 s, in five questions.
const PAUSE_GROWTH: f64 = 1.5;

/// Age, in hours, at which an unfinished task becomes unknown whatever the answers are, so that its items
/// are purged again. The longest duration ever published is 15 minutes; after a day the quota is a new one.
const MAX_TASK_HOURS: i64 = 24;

/// Most questions without a pause: Azure China CDN has two per task, and lists come in pages.
const MAX_AT_ONCE: usize = 10;

/// The message of an item whose end the CDN does not report.
pub(super) const UNCLEAR: &str = "the CDN does not say, in a word that is known, how it ended";

pub(super) struct Following<'a> {
    session: &'a Session<'a>,
    id: String,
    /// The task to ask about next.
    task: Task,
    /// The task as the state has it.
    recorded: Task,
    serves: Vec<Serve>,
    targets: Vec<Item>,
    items: Items,
    /// Held until the task is over.
    room: Room,
    first: Next,
    waits: bool,
    /// `None` if it is beyond what `Instant` can represent.
    deadline: Option<Instant>,
    /// Whether the CDN answered a question of this run.
    answered: bool,
    /// Whether it answered one of an earlier run.
    answered_before: bool,
    /// When an earlier run had the task accepted.
    accepted_at: Option<DateTime<Utc>>,
    /// Why the last question got no answer.
    trouble: Option<Failure>,
    outcomes: Vec<EntryOutcome>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// After our own pause, or sooner so that the last question comes at the deadline.
    After(Duration),
    NotBefore(Duration),
}

pub(super) fn items(
    session: &Session<'_>,
    directories: Vec<CdnUrl>,
    entries: Vec<Aim>,
) -> (Vec<Item>, Vec<Serve>) {
    let directories = directories.into_iter().map(Target::Directory);
    let directories = Directories::new(session.provider(), directories);
    let lowered = entries.into_iter().map(|(key, generation)| {
        // The endpoint has another CDN now, so no report will name the item.
        let unknown = |_| Item {
            group: "".into(),
            key: key.target.as_str().into(),
            target: key.target.clone(),
        };
        let target = directories.taking(&key.target).unwrap_or(&key.target);
        let item = session.provider().lower(target);
        (item.unwrap_or_else(unknown), key, generation)
    });
    itemize(lowered.collect())
}

impl<'a> Following<'a> {
    pub(super) fn accepted(
        session: &'a Session<'a>,
        operation: Operation,
        task: Task,
        known: &[ItemReport],
        ask_after: Option<Duration>,
        room: Room,
    ) -> Self {
        let mut items = Items::new(&operation.items);
        items.take(known);
        let poll = session.client.endpoint.poll;
        let mut following = Self::new(session, operation.id, task, items, operation.serves, room);
        following.targets = operation.items;
        following.first = ask_after.map_or(Next::After(poll.interval), Next::NotBefore);
        following.waits = session.waiting.wait;
        following
    }

    /// A task of an earlier run, to be asked about at once; `None` if it was perhaps never accepted.
    pub(super) fn resumed(session: &'a Session<'a>, operation: PendingOperation) -> Option<Self> {
        let task = operation.task?;
        session.event(Event::Resumed {
            endpoint: operation.endpoint,
            task: task.id.clone(),
            entries: operation.entries.len(),
        });
        let (items, serves) = items(session, operation.directories, operation.entries);
        let room = session.allowance.taken(&items);
        let known = Items::new(&items);
        let mut following = Self::new(session, operation.id, task, known, serves, room);
        following.targets = items;
        following.answered_before = operation.asked_at.is_some();
        following.accepted_at = operation.accepted_at;
        Some(following)
    }

    fn new(
        session: &'a Session<'a>,
        id: String,
        task: Task,
        items: Items,
        serves: Vec<Serve>,
        room: Room,
    ) -> Self {
        let patience = session.client.endpoint.poll.timeout;
        Self {
            session,
            id,
            recorded: task.clone(),
            task,
            serves,
            targets: Vec::new(),
            items,
            room,
            first: Next::After(Duration::ZERO),
            waits: true,
            deadline: match session.waiting.timeout {
                Some(_) => session.deadline,
                None => Instant::now().checked_add(patience),
            },
            answered: false,
            answered_before: false,
            accepted_at: None,
            trouble: None,
            outcomes: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) -> Result<Vec<EntryOutcome>, StateError> {
        if let Some(fleet) = self.session.provider().fleet() {
            return self.sweep(fleet).await;
        }
        let tasks = self.session.provider().tasks();
        let Some(tasks) = tasks.filter(|tasks| tasks.knows(&self.task)) else {
            return self.unknown_task().await;
        };
        let poll = self.session.client.endpoint.poll;
        let mut next = self.first;
        let mut interval = poll.interval;
        let mut at_once = 0;
        self.save(false).await?;
        while self.waits && !self.items.all_settled() && self.pause(next).await.is_ok() {
            let asked = self.task.clone();
            let answer = self.ask(tasks).await?;
            let is_answer = answer.is_ok();
            let (goes_on, ask_after) = match answer {
                Ok(ask_after) => (true, ask_after),
                Err(failure) => (self.on_poll_error(failure), None),
            };
            // A further question that belongs to the same round.
            let is_round = ask_after == Some(Duration::ZERO) && asked != self.task;
            if is_round && at_once < MAX_AT_ONCE {
                at_once += 1;
                next = Next::NotBefore(Duration::ZERO);
                continue;
            }
            at_once = 0;
            self.answered |= is_answer;
            if !goes_on || !self.session.waiting.wait || self.left().is_zero() {
                break;
            }
            self.save(false).await?;
            next = match ask_after {
                Some(pause) if !pause.is_zero() => Next::NotBefore(pause),
                Some(_) | None => Next::After(interval),
            };
            interval = interval.mul_f64(PAUSE_GROWTH).min(poll.max_interval);
        }
        if self.left().is_zero() {
            let unclear = |progress| progress == Progress::Unknown;
            self.items.close(unclear, Outcome::Unknown, Some(UNCLEAR));
        }
        let was_asked = self.answered || self.trouble.is_some();
        if was_asked {
            self.close_stale();
        }
        self.save(true).await?;
        Ok(self.finish())
    }

    /// Ends a task of the endpoint's former CDN.
    async fn unknown_task(mut self) -> Result<Vec<EntryOutcome>, StateError> {
        let message =
            Some("the endpoint's CDN is another one by now, which does not know the task");
        self.items.close(|_| true, Outcome::Unknown, message);
        self.save(true).await?;
        Ok(self.finish())
    }

    fn left(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    fn close_stale(&mut self) {
        let age = |accepted_at| now(self.session.ports) - accepted_at;
        let is_stale = |accepted_at| age(accepted_at) >= TimeDelta::hours(MAX_TASK_HOURS);
        if self.accepted_at.is_some_and(is_stale) {
            let message = format!("not known to be over {MAX_TASK_HOURS} h after it was accepted");
            self.items.close(|_| true, Outcome::Unknown, Some(&message));
        }
    }

    /// Whether to ask again after a failure. The task only ends if the CDN does not know it.
    fn on_poll_error(&mut self, failure: Failure) -> bool {
        let goes_on = match (failure.end, failure.effect) {
            (End::Final, Effect::Forgotten) => {
                // Nobody can tell how it ended.
                let message = Some(failure.message.as_str());
                self.items.close(|_| true, Outcome::Unknown, message);
                false
            }
            (End::Final, Effect::Endpoint | Effect::Credentials) => {
                self.session.halt_on(&failure);
                false
            }
            // The obstacle may be gone by the next round.
            (
                End::Final,
                Effect::Step
                | Effect::Items
                | Effect::InDoubt
                | Effect::Exhausted { .. }
                | Effect::Full,
            )
            | (End::Exhausted, _) => true,
            (End::Stopped(Stop::TimedOut), _) => false,
            (End::Stopped(Stop::Cancelled), _) => return false,
        };
        self.trouble = Some(failure);
        goes_on
    }

    /// Waits until the next question is due; an error if it must not be asked.
    async fn pause(&self, next: Next) -> Result<(), Stop> {
        let left = self.left();
        let delay = match next {
            Next::After(pause) => pause.min(left),
            Next::NotBefore(pause) if pause > left => return Err(Stop::TimedOut),
            Next::NotBefore(pause) => pause,
        };
        tokio::select! {
            biased;
            () = self.session.waiting.hurry.cancelled() => return Err(Stop::Cancelled),
            paused = self.session.pause(delay) => paused?,
        }
        match self.session.failure() {
            Some(_) => Err(Stop::Cancelled),
            None => self.session.stopped().map_or(Ok(()), Err),
        }
    }

    /// Asks once and takes in the answer. Returns when to ask again, if the CDN says so.
    async fn ask(
        &mut self,
        tasks: &dyn Tasks,
    ) -> Result<Result<Option<Duration>, Failure>, StateError> {
        let (session, task) = (self.session, &self.task);
        let question = async {
            let _slot = session.slot(&[]).await;
            let build = |auth: Auth<'_>| tasks.poll(task, auth);
            let read = |response: &Response| tasks.polled(task, response);
            session.question(self.deadline, build, read).await
        };
        // Unlike a purge, a question can be dropped halfway.
        let answer = match session.unless_stopped(question).await {
            Ok(answer) => answer?,
            Err(stop) => Err(Failure::stopped(stop, false)),
        };
        let (answer, _) = match answer {
            Ok(answered) => answered,
            Err(failure) => return Ok(Err(failure)),
        };
        self.trouble = None;
        Ok(Ok(match answer {
            Answer::Settled(reports) => {
                self.items.take(&reports);
                self.items.close(|_| true, Outcome::Unknown, Some(UNCLEAR));
                None
            }
            Answer::Running {
                task,
                known,
                ask_after,
            } => {
                // Without reports, the answer may only lead to another question.
                self.answered |= !known.is_empty();
                self.items.take(&known);
                self.task = task;
                ask_after
            }
        }))
    }

    /// Records and announces what was settled since the last time, and a new task to ask about. The `last`
    /// time also records that the rest is still running at the CDN.
    async fn save(&mut self, last: bool) -> Result<(), StateError> {
        let at = now(self.session.ports);
        let mut records = Vec::new();
        let moved = self.task != self.recorded;
        if (moved || last && self.answered) && !self.items.all_settled() {
            records.push(Record::Asked {
                id: self.id.clone(),
                task: moved.then(|| self.task.clone()),
                at,
            });
            self.recorded = self.task.clone();
        }
        let (outcomes, ends) = tell(self.session, &self.serves, &mut self.items, None);
        self.outcomes.extend(outcomes);
        if !ends.is_empty() {
            records.push(Record::Settle {
                id: self.id.clone(),
                items: items::outcomes(&self.serves, &ends),
                at,
            });
        }
        match records.is_empty() {
            true => Ok(()),
            false => self.session.ports.recorder.record_all(records).await,
        }
    }

    /// The outcome of every entry; what is still open is left to the next run.
    fn finish(mut self) -> Vec<EntryOutcome> {
        if !self.items.all_settled() {
            std::mem::take(&mut self.room).leave();
        }
        let outcome = match self.answered || self.answered_before {
            true => Outcome::InProgress,
            false => Outcome::Submitted,
        };
        let (message, hint) = match self.trouble.take() {
            Some(trouble) => (Some(trouble.message), trouble.hint),
            None => (None, None),
        };
        self.items.close(|_| true, outcome, message.as_deref());
        let (open, _) = tell(self.session, &self.serves, &mut self.items, hint.as_deref());
        self.outcomes.extend(open);
        self.outcomes
    }
}
