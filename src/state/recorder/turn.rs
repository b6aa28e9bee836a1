//! Writing what is queued, group by group.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Job, LEASE, Shared, Work};
use crate::state::{Holder, Lease, Record, StateError, StateStore, Tail};

/// The first and the longest pause between two attempts to get a lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The right to write until the queue is empty.
pub(super) struct Turn {
    shared: Arc<Shared>,
    over: bool,
}

/// What goes out together, and what is to be done behind it.
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
                self.shared.book().failed = Some(error.clone());
            }
            for done in group.waiting {
                // Whoever stopped waiting does not want to know.
                let _ = done.send(result.clone());
            }
        }
    }

    /// Takes what is queued; `None` ends the turn.
    fn next_group(&mut self) -> Option<Group> {
        let mut book = self.shared.book();
        if let Some(failed) = book.failed.clone() {
            for job in book.queue.drain(..) {
                let _ = job.done.send(Err(failed.clone()));
            }
        }
        if book.queue.is_empty() {
            book.writing = false;
            self.over = true;
            return None;
        }
        let mut group = Group {
            records: Vec::new(),
            then: None,
            waiting: Vec::new(),
        };
        let ends = |job: &Job| !matches!(job.work, Work::Record(_));
        let length = book.queue.iter().position(ends);
        let length = length.map_or(book.queue.len(), |last| last + 1);
        for job in book.queue.drain(..length) {
            group.waiting.push(job.done);
            match job.work {
                Work::Record(records) => group.records.extend(records),
                end => group.then = Some(end),
            }
        }
        Some(group)
    }

    async fn write(&self, records: Vec<Record>, then: Option<Work>) -> Result<(), StateError> {
        let held = self.shared.book().lease.clone();
        let is_held = held.is_some();
        let lease = match held {
            Some(lease) => Some(lease),
            None if !records.is_empty() || matches!(then, Some(Work::Hold)) => {
                // What became of a purge must not be lost for want of patience.
                Some(self.take(self.shared.patience.max(LEASE)).await?)
            }
            // To fold is a service; whoever holds the lease now does it in the end.
            None if matches!(then, Some(Work::Finish)) => self.take(Duration::ZERO).await.ok(),
            None => None,
        };
        let Some(lease) = lease else {
            return Ok(());
        };
        if !is_held {
            self.catch_up().await?;
        }
        if !records.is_empty() {
            self.append(&lease, records).await?;
        }
        match then {
            None | Some(Work::Record(_)) => return Ok(()),
            Some(Work::Hold) => {
                self.shared.book().lease = Some(lease);
                return Ok(());
            }
            Some(Work::Release) => {}
            Some(Work::Finish) => {
                let seq = self.shared.book().seq;
                let fold = move |store: &dyn StateStore| store.compact(&*lease, seq);
                blocking(&self.shared.store, fold).await?;
            }
        }
        self.shared.book().lease = None;
        Ok(())
    }

    async fn take(&self, patience: Duration) -> Result<Arc<dyn Lease>, StateError> {
        take(&self.shared.store, &self.shared.holder, patience).await
    }

    async fn append(
        &self,
        lease: &Arc<dyn Lease>,
        mut records: Vec<Record>,
    ) -> Result<(), StateError> {
        let lease = lease.clone();
        let at = {
            let mut book = self.shared.book();
            records.splice(0..0, book.begin.take());
            book.seq
        };
        let append = move |store: &dyn StateStore| {
            if lease.left().is_some_and(|left| left < LEASE / 2) {
                lease.renew()?;
            }
            store.append(&*lease, at, &records)?;
            Ok(records)
        };
        let records = blocking(&self.shared.store, append).await?;
        self.shared.book().advance(records);
        Ok(())
    }

    /// Reads what others recorded since.
    async fn catch_up(&self) -> Result<(), StateError> {
        let seq = self.shared.book().seq;
        let tail = blocking(&self.shared.store, move |store| store.tail(seq)).await?;
        let Tail::Records(records) = tail else {
            let loaded = blocking(&self.shared.store, |store| store.load()).await?;
            let mut book = self.shared.book();
            if !loaded.state.lineage.is_empty() {
                book.begin = None;
            }
            let known = book.state.lineage.as_str();
            let is_other = !known.is_empty() && known != loaded.state.lineage;
            if is_other || loaded.seq < seq {
                return Err(StateError::Conflict(self.shared.store.place()));
            }
            book.is_alone = false;
            book.ahead.clear();
            book.state = loaded.state;
            book.seq = loaded.seq;
            return Ok(());
        };
        let mut book = self.shared.book();
        if !records.is_empty() {
            book.begin = None;
            book.is_alone = false;
        }
        book.advance(records);
        Ok(())
    }
}

impl Drop for Turn {
    /// A turn that ends early (a panic, a runtime that went down) must not let others wait for ever:
    /// dropping their jobs tells them.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut book = self.shared.book();
        book.writing = false;
        book.queue.clear();
        book.failed
            .get_or_insert_with(|| stopped(&*self.shared.store));
    }
}

/// Takes the lease, for which it waits as long as `patience`.
pub(super) async fn take(
    store: &Arc<dyn StateStore>,
    holder: &Holder,
    patience: Duration,
) -> Result<Arc<dyn Lease>, StateError> {
    let started = Instant::now();
    let (mut pause, longest) = PAUSES;
    loop {
        let holder = holder.clone();
        let taken = blocking(store, move |store| store.lease(&holder, LEASE)).await;
        let left = patience.saturating_sub(started.elapsed());
        match taken {
            Err(StateError::Locked(_)) if !left.is_zero() => {
                tokio::time::sleep(pause.min(left)).await;
                pause = (pause * 2).min(longest);
            }
            taken => return taken.map(Arc::from),
        }
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
