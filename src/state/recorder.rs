//! The one writer of a run, with group commit: records of concurrent steps become durable together.
//!
//! Records are written in the order of the calls, and a call returns once an append that contains it
//! is durable. While one append runs, further records queue up and go out with the next. A run holds
//! the lease until it gives it back with [`Recorder::release`]; from then on each group takes it for
//! itself, after reading what others recorded meanwhile.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::{Holder, Lease, Record, Seq, State, StateError, StateStore, Tail};

/// How long a lease is taken for. Longer than planning and one request take, and short enough that a
/// run on a machine that went away keeps nobody waiting for long.
pub const LEASE: Duration = Duration::from_secs(5 * 60);

/// The first and the longest pause between two attempts to get a lease.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// The writer of a state during a run; clones write for the same run.
#[derive(Debug, Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn StateStore>,
    holder: Holder,
    patience: Duration,
    book: Mutex<Book>,
}

struct Book {
    state: Arc<State>,
    /// Durable, and to be applied to `state` when nobody else looks at it: so it need not be copied.
    ahead: Vec<Record>,
    seq: Seq,
    is_alone: bool,
    /// `None` when it was given back.
    lease: Option<Arc<dyn Lease>>,
    /// The first record of a state that has no lineage yet.
    begin: Option<Record>,
    /// Bounded by the callers: each waits for its own job.
    queue: Vec<Job>,
    /// Whether a task is at the queue.
    writing: bool,
    /// Why nothing can be written any more.
    failed: Option<StateError>,
}

/// What a caller waits for.
struct Job {
    work: Work,
    done: oneshot::Sender<Result<(), StateError>>,
}

enum Work {
    Record(Vec<Record>),
    Release,
    Finish,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.book();
        f.debug_struct("Shared")
            .field("store", &self.store)
            .field("seq", &book.seq)
            .field("lease", &book.lease)
            .field("queued", &book.queue.len())
            .field("failed", &book.failed)
            .finish_non_exhaustive()
    }
}

/// The right to write, before it is known what there is to write on.
#[derive(Debug)]
pub struct Leased {
    store: Arc<dyn StateStore>,
    holder: Holder,
    patience: Duration,
    lease: Arc<dyn Lease>,
}

impl Leased {
    /// Takes the lease, for which it waits as long as `patience`.
    ///
    /// # Errors
    /// [`StateError::Locked`] when somebody else holds the lease for longer.
    pub async fn take(
        store: Arc<dyn StateStore>,
        holder: Holder,
        patience: Duration,
    ) -> Result<Self, StateError> {
        let lease = take(&store, &holder, patience).await?;
        Ok(Self {
            store,
            holder,
            patience,
            lease,
        })
    }

    /// Records on that state, which is the one in the store as far as records will be about it.
    /// `lineage` is the random id of a state that has none yet.
    pub fn record(self, state: Arc<State>, lineage: String) -> Recorder {
        let begin = state.lineage.is_empty();
        let book = Book {
            seq: Seq(state.serial),
            state,
            ahead: Vec::new(),
            is_alone: true,
            lease: Some(self.lease),
            begin: begin.then_some(Record::Begin { lineage }),
            queue: Vec::new(),
            writing: false,
            failed: None,
        };
        Recorder {
            shared: Arc::new(Shared {
                store: self.store,
                holder: self.holder,
                patience: self.patience,
                book: Mutex::new(book),
            }),
        }
    }
}

impl Recorder {
    /// Takes the lease, for which it waits as long as `patience`, and loads the state. `lineage` is
    /// the random id of a state that has none yet.
    ///
    /// # Errors
    /// [`StateError::Locked`] when somebody else holds the lease for longer, and those of
    /// [`StateStore::load`].
    pub async fn open(
        store: Arc<dyn StateStore>,
        holder: Holder,
        patience: Duration,
        lineage: String,
    ) -> Result<Self, StateError> {
        let turn = Leased::take(store, holder, patience).await?;
        let loaded = blocking(&turn.store, |store| store.load()).await?;
        Ok(turn.record(loaded.state, lineage))
    }

    /// Whether nobody else wrote since the start, so that [`Self::finish`] gives the state of the start
    /// with the records made here.
    pub fn is_alone(&self) -> bool {
        self.shared.book().is_alone
    }

    /// Writes a record and returns once it is durable. It is enqueued at the call's first poll;
    /// dropping the call after that does not take it back.
    ///
    /// # Errors
    /// Those of [`StateStore::append`]. After the first, nothing is written any more and every call
    /// fails like it.
    pub async fn record(&self, record: Record) -> Result<(), StateError> {
        self.record_all(vec![record]).await
    }

    /// Writes records together: all of them become durable, or none.
    ///
    /// # Errors
    /// As [`Self::record`].
    pub async fn record_all(&self, records: Vec<Record>) -> Result<(), StateError> {
        self.enqueue(Work::Record(records)).await
    }

    /// The state with all that is durable so far.
    pub fn snapshot(&self) -> Arc<State> {
        let mut book = self.shared.book();
        let ahead = std::mem::take(&mut book.ahead);
        if !ahead.is_empty() {
            Arc::make_mut(&mut book.state).extend(ahead);
        }
        book.state.clone()
    }

    /// Waits until everything is durable, and gives the lease back. Records after that take it for
    /// themselves, for which they wait as long as the recorder was told at the start.
    ///
    /// # Errors
    /// The one that stopped the recorder.
    pub async fn release(&self) -> Result<(), StateError> {
        self.enqueue(Work::Release).await
    }

    /// Makes sure that the lease lasts for `margin`: nothing must be sent that outlives it.
    ///
    /// # Errors
    /// [`StateError::Fenced`] when it was lost or given back, or lasts for less.
    pub async fn ensure(&self, margin: Duration) -> Result<(), StateError> {
        let lease = {
            let book = self.shared.book();
            match &book.failed {
                Some(failed) => return Err(failed.clone()),
                None => book.lease.clone(),
            }
        };
        let fenced = || StateError::Fenced(self.shared.store.place());
        let lease = lease.filter(|lease| !lease.lost()).ok_or_else(fenced)?;
        let lasts = |lease: &Arc<dyn Lease>| lease.left().is_none_or(|left| left >= margin);
        if lasts(&lease) {
            return Ok(());
        }
        let renewed = lease.clone();
        blocking(&self.shared.store, move |_| renewed.renew()).await?;
        lasts(&lease).then_some(()).ok_or_else(fenced)
    }

    /// Waits until everything is durable, also records whose callers were cancelled; folds the
    /// records into the snapshot, gives the lease back, and returns the last state.
    ///
    /// # Errors
    /// The one that stopped the recorder.
    pub async fn finish(self) -> Result<Arc<State>, StateError> {
        self.enqueue(Work::Finish).await?;
        Ok(self.snapshot())
    }

    async fn enqueue(&self, work: Work) -> Result<(), StateError> {
        let (done, written) = oneshot::channel();
        {
            let mut book = self.shared.book();
            if let Some(failed) = &book.failed {
                return Err(failed.clone());
            }
            book.queue.push(Job { work, done });
            if !book.writing {
                book.writing = true;
                let turn = Turn {
                    shared: self.shared.clone(),
                    over: false,
                };
                tokio::spawn(turn.run());
            }
        }
        let stopped = |_| Err(stopped(&*self.shared.store));
        written.await.unwrap_or_else(stopped)
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Notes what became durable.
    fn advance(&mut self, records: Vec<Record>) {
        self.seq = self.seq.after(records.len());
        self.ahead.extend(records);
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.extend(self.ahead.drain(..));
        }
    }
}

/// The right to write until the queue is empty.
struct Turn {
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
    async fn run(mut self) {
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
            None if !records.is_empty() => {
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
        if let Some(Work::Finish) = then {
            let (lease, seq) = (lease.clone(), self.shared.book().seq);
            let fold = move |store: &dyn StateStore| store.compact(&*lease, seq);
            blocking(&self.shared.store, fold).await?;
        }
        if then.is_some() {
            self.shared.book().lease = None;
        }
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
async fn take(
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

async fn blocking<T: Send + 'static>(
    store: &Arc<dyn StateStore>,
    work: impl FnOnce(&dyn StateStore) -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    let theirs = store.clone();
    let done = spawn_blocking(move || work(&*theirs)).await;
    done.unwrap_or_else(|_| Err(stopped(&**store)))
}

fn stopped(store: &dyn StateStore) -> StateError {
    StateError::Io {
        action: "write",
        place: store.place(),
        source: Arc::new(io::Error::other("the writer was stopped")),
    }
}
