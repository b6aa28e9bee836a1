//! Following a task until every item of it is settled, the deadline comes, or the run is stopped.

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

/// By how much the pause between two questions grows. Half again reaches the default longest
/// pause (30 s) from the first (5 s) after five questions.
const PAUSE_GROWTH: f64 = 1.5;

/// Age, in hours, from which a task that is still not over is given up for unknown, whatever the
/// answers about it are, so that its items are purged again. The longest duration ever published is 15 minutes; a day later the quota
/// is a new one.
const MAX_TASK_HOURS: i64 = 24;

/// Questions that an answer may lead to at once, before there is a pause: Azure China CDN has two
/// about each task, and lists come in pages.
const MAX_AT_ONCE: usize = 10;

/// Said of an item of which the CDN gave no account.
pub(super) const UNCLEAR: &str = "the CDN does not say, in a word that is known, how it ended";

pub(super) struct Following<'a> {
    session: &'a Session<'a>,
    /// Of the operation in the state.
    id: String,
    /// What to ask about next.
    task: Task,
    /// What the state knows as such.
    recorded: Task,
    serves: Vec<Serve>,
    /// What it purges.
    targets: Vec<Item>,
    items: Items,
    /// Held until the task is over.
    room: Room,
    /// When to ask first.
    first: Next,
    waits: bool,
    /// `None` when it is further off than a clock can tell.
    deadline: Option<Instant>,
    /// Whether the CDN answered a question of this run.
    answered: bool,
    /// Whether it answered one of an earlier run.
    answered_before: bool,
    /// When the task was accepted, by an earlier run.
    accepted_at: Option<DateTime<Utc>>,
    /// Why the last question got no answer.
    trouble: Option<Failure>,
    outcomes: Vec<EntryOutcome>,
}

#[derive(Debug, Clone, Copy)]
enum Next {
    /// After a pause of our choice; if need be sooner, so that the last question comes at the deadline.
    After(Duration),
    /// Not before the CDN wants to be asked.
    NotBefore(Duration),
}

/// What an operation of an earlier run purges.
pub(super) fn items(
    session: &Session<'_>,
    directories: Vec<CdnUrl>,
    entries: Vec<Aim>,
) -> (Vec<Item>, Vec<Serve>) {
    let directories = directories.into_iter().map(Target::Directory);
    let directories = Directories::new(session.provider(), directories);
    let lowered = entries.into_iter().map(|(key, generation)| {
        // Another CDN took the place of the one that purged it: no report is about it.
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

    /// A task of an earlier run, which is asked about at once and then as any other; `None` where
    /// nobody knows whether the CDN took it.
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

    /// Asks until everything is settled or there is no more waiting.
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
            // Another question about the same task, which belongs to this round.
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

    /// For a task of the CDN that the endpoint had before.
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

    /// Gives up what is open for too long.
    fn close_stale(&mut self) {
        let age = |accepted_at| now(self.session.ports) - accepted_at;
        let is_stale = |accepted_at| age(accepted_at) >= TimeDelta::hours(MAX_TASK_HOURS);
        if self.accepted_at.is_some_and(is_stale) {
            let message = format!("not known to be over {MAX_TASK_HOURS} h after it was accepted");
            self.items.close(|_| true, Outcome::Unknown, Some(&message));
        }
    }

    /// Whether to ask again after a failure to ask. Only the CDN's word that it does not know the
    /// task ends the task.
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
            // What stands in between may be gone by the next round, and an outage may pass.
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

    /// Waits until the next question is due; an error when it is not to be asked.
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

    /// Asks once, and takes the answer over; when to ask again, where the CDN says so.
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
        // Unlike a purge, a question can be dropped while it is under way.
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
                // Another question may be all that it leads to.
                self.answered |= !known.is_empty();
                self.items.take(&known);
                self.task = task;
                ask_after
            }
        }))
    }

    /// Records and announces what was settled since the last time, and a new place to ask; with the
    /// `last`, also that the rest still runs at the CDN, for whoever reads the state meanwhile.
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

    /// How every entry stands; what is still open is left to the next run.
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
