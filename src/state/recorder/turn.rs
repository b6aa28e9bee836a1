//! Writes the queue, group by group.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Job, LEASE, Shared, Work};
use crate::state::{Holder, Lease, Record, Seq, StateError, StateStore, Tail};

/// The first and the longest pause between attempts to get a lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Attempts after a failed write during which nobody else wrote anything.
const MAX_STUCK: usize = 2;

/// The exclusive right to write the queue until it is empty.
pub(super) struct Turn {
    shared: Arc<Shared>,
    over: bool,
}

type Append = Box<dyn FnOnce(&dyn StateStore, Seq, &[Record]) -> Result<Seq, StateError> + Send>;

/// Records that are written together.
struct Group {
    records: Vec<Record>,
    then: Option<Work>,
    waiting: Vec<oneshot::Sender<Result<(), StateError>>>,
}

impl Turn {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            over: false,
        }
    }

    pub(super) async fn run(mut self) {
        while let Some(group) = self.next_group() {
            let result = self.write(group.records, group.then).await;
            if let Err(error) = &result {
                self.shared.inner().failed = Some(error.clone());
            }
            for done in group.waiting {
                // The caller may have stopped waiting.
                let _ = done.send(result.clone());
            }
        }
    }

    fn next_group(&mut self) -> Option<Group> {
        let mut inner = self.shared.inner();
        if let Some(failed) = inner.failed.clone() {
            for job in inner.queue.drain(..) {
                let _ = job.done.send(Err(failed.clone()));
            }
        }
        if inner.queue.is_empty() {
            inner.writing = false;
            self.over = true;
            return None;
        }
        let mut group = Group {
            records: Vec::new(),
            then: None,
            waiting: Vec::new(),
        };
        let ends = |job: &Job| !matches!(job.work, Work::Record(_));
        let length = inner.queue.iter().position(ends);
        let length = length.map_or(inner.queue.len(), |last| last + 1);
        for job in inner.queue.drain(..length) {
            group.waiting.push(job.done);
            match job.work {
                Work::Record(records) => group.records.extend(records),
                end => group.then = Some(end),
            }
        }
        Some(group)
    }

    async fn write(&self, records: Vec<Record>, then: Option<Work>) -> Result<(), StateError> {
        let (folds, holds) = match then {
            Some(Work::Finish) => (true, false),
            Some(Work::Hold) => (false, true),
            Some(Work::Release | Work::Record(_)) | None => (false, false),
        };
        let held = self.shared.inner().lease.clone();
        let lease = match held {
            Some(lease) => lease,
            None if holds => {
                let lease = take(&self.shared.store, &self.shared.holder, self.patience()).await?;
                self.catch_up().await?;
                self.shared.inner().lease = Some(lease.clone());
                lease
            }
            None if records.is_empty() && !folds => return Ok(()),
            None => return self.append_alone(records, folds).await,
        };
        if then.is_none() || holds {
            return match records.is_empty() {
                true => Ok(()),
                false => self.append(lease, records).await,
            };
        }
        let release: Append =
            Box::new(move |store, at, records| store.release(&*lease, at, records, folds));
        self.add(records, release).await?;
        self.shared.inner().lease = None;
        Ok(())
    }

    async fn append(&self, lease: Arc<dyn Lease>, records: Vec<Record>) -> Result<(), StateError> {
        let append: Append = Box::new(move |store, at, records| {
            if lease.left().is_some_and(|left| left < LEASE / 2) {
                lease.renew()?;
            }
            store.append(&*lease, at, records)
        });
        self.add(records, append).await
    }

    /// The outcome of a purge must not be lost because the user's patience is short.
    fn patience(&self) -> Duration {
        self.shared.patience.max(LEASE)
    }

    /// Appends records under a lease taken only for them.
    async fn append_alone(&self, mut records: Vec<Record>, folds: bool) -> Result<(), StateError> {
        // Folding is optional: the current lease holder folds in the end.
        let patience = match records.is_empty() {
            true => Duration::ZERO,
            false => self.patience(),
        };
        let mut pauses = Pauses::new(patience);
        let mut stuck = 0;
        loop {
            let holder = self.shared.holder.clone();
            let append: Append = Box::new(move |store, at, records| {
                store.append_alone(&holder, LEASE, at, records, folds)
            });
            let Err((error, again)) = self.try_add(records, append).await else {
                return Ok(());
            };
            records = again;
            match error {
                // Others have written or folded since.
                StateError::Fenced(_) | StateError::Conflict(_) if stuck < MAX_STUCK => {
                    stuck = if self.catch_up().await? { 0 } else { stuck + 1 };
                }
                StateError::Locked(_) if pauses.pause().await => {}
                StateError::Locked(_) if records.is_empty() => return Ok(()),
                error => return Err(error),
            }
        }
    }

    async fn add(&self, records: Vec<Record>, append: Append) -> Result<(), StateError> {
        let added = self.try_add(records, append).await;
        added.map_err(|(error, _)| error)
    }

    /// Returns the records if the append fails.
    async fn try_add(
        &self,
        mut records: Vec<Record>,
        append: Append,
    ) -> Result<(), (StateError, Vec<Record>)> {
        let (at, begin) = {
            let inner = self.shared.inner();
            (inner.seq, inner.begin.clone())
        };
        let begin = begin.filter(|_| !records.is_empty());
        let begins = usize::from(begin.is_some());
        records.splice(0..0, begin);
        let append = move |store: &dyn StateStore| {
            let appended = append(store, at, &records);
            Ok((appended, records))
        };
        let appended = blocking(&self.shared.store, append).await;
        match appended.map_err(|error| (error, Vec::new()))? {
            (Ok(_), records) => {
                self.shared.inner().advance(records);
                Ok(())
            }
            (Err(error), mut records) => {
                records.drain(..begins);
                Err((error, records))
            }
        }
    }

    /// Reads what others have recorded; false if they recorded nothing.
    async fn catch_up(&self) -> Result<bool, StateError> {
        let seq = self.shared.inner().seq;
        let tail = blocking(&self.shared.store, move |store| store.tail(seq)).await?;
        let Tail::Records(records) = tail else {
            let loaded = blocking(&self.shared.store, |store| store.load()).await?;
            let mut inner = self.shared.inner();
            if !loaded.state.lineage.is_empty() {
                inner.begin = None;
            }
            let known = inner.state.lineage.as_str();
            let is_other = !known.is_empty() && known != loaded.state.lineage;
            if is_other || loaded.seq < seq {
                return Err(StateError::Conflict(self.shared.store.place()));
            }
            inner.is_alone = false;
            inner.ahead.clear();
            inner.state = loaded.state;
            inner.seq = loaded.seq;
            return Ok(loaded.seq > seq);
        };
        let mut inner = self.shared.inner();
        let is_alone = records.is_empty();
        inner.is_alone &= is_alone;
        inner.advance(records);
        Ok(!is_alone)
    }
}

impl Drop for Turn {
    /// If a turn ends early, by a panic or a runtime shutdown, dropping the queued jobs wakes their
    /// callers.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut inner = self.shared.inner();
        inner.writing = false;
        inner.queue.clear();
        inner
            .failed
            .get_or_insert_with(|| stopped(&*self.shared.store));
    }
}

pub(super) async fn take(
    store: &Arc<dyn StateStore>,
    holder: &Holder,
    patience: Duration,
) -> Result<Arc<dyn Lease>, StateError> {
    let mut pauses = Pauses::new(patience);
    loop {
        let holder = holder.clone();
        let taken = blocking(store, move |store| store.lease(&holder, LEASE)).await;
        match taken {
            Err(StateError::Locked(_)) if pauses.pause().await => {}
            taken => return taken.map(Arc::from),
        }
    }
}

struct Pauses {
    started: Instant,
    patience: Duration,
    next: Duration,
}

impl Pauses {
    fn new(patience: Duration) -> Self {
        Self {
            started: Instant::now(),
            patience,
            next: PAUSES.0,
        }
    }

    /// Returns false when patience has run out.
    async fn pause(&mut self) -> bool {
        let left = self.patience.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.next.min(left)).await;
        self.next = (self.next * 2).min(PAUSES.1);
        true
    }
}

pub(super) async fn blocking<T: Send + 'static>(
    store: &Arc<dyn StateStore>,
    work: impl FnOnce(&dyn StateStore) -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    let theirs = store.clone();
    let done = spawn_blocking(move || work(&*theirs)).await;
    done.unwrap_or_else(|_| Err(stopped(&**store)))
}

pub(super) fn stopped(store: &dyn StateStore) -> StateError {
    StateError::Io {
        action: "write",
        place: store.place(),
        source: Arc::new(io::Error::other("the writer was stopped")),
    }
}
