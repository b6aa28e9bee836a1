//! The only writer of a run. It commits in groups: records of concurrent steps become durable
//! together.
//!
//! Records are written in the order of the calls. A call returns once its record is durable; while one
//! append runs, further records queue up for the next. A run holds the lease until
//! [`Recorder::release`]. After that, each group takes the lease itself and first reads what others
//! have recorded.

mod turn;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Holder, Lease, Record, Seq, State, StateError, StateStore};
use turn::{Turn, stopped, take};

/// How long a lease is taken for: longer than planning and one request, yet short enough that a
/// machine that disappears does not block others for long.
pub const LEASE: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn StateStore>,
    holder: Holder,
    patience: Duration,
    inner: Mutex<Inner>,
}

struct Inner {
    state: Arc<State>,
    /// Durable records that wait until nobody else uses `state`, to avoid a copy.
    ahead: Vec<Record>,
    seq: Seq,
    is_alone: bool,
    lease: Option<Arc<dyn Lease>>,
    begin: Option<Record>,
    /// Bounded by the callers: each waits for its own job.
    queue: Vec<Job>,
    writing: bool,
    /// The error after which nothing is written any more.
    failed: Option<StateError>,
}

struct Job {
    work: Work,
    done: oneshot::Sender<Result<(), StateError>>,
}

enum Work {
    Record(Vec<Record>),
    Hold,
    Release,
    Finish,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner();
        f.debug_struct("Shared")
            .field("store", &self.store)
            .field("seq", &inner.seq)
            .field("lease", &inner.lease)
            .field("queued", &inner.queue.len())
            .field("failed", &inner.failed)
            .finish_non_exhaustive()
    }
}

/// The lease, before the state to write on is known.
#[derive(Debug)]
pub struct Leased {
    store: Arc<dyn StateStore>,
    holder: Holder,
    patience: Duration,
    lease: Arc<dyn Lease>,
}

impl Leased {
    /// Waits up to `patience` for the lease; then [`StateError::Locked`].
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

    /// Starts recording on `state`, which must match the store as far as the records need.
    /// `lineage` is the random id for a state that has none.
    pub fn record(self, state: Arc<State>, lineage: String) -> Recorder {
        let begin = state.lineage.is_empty();
        let inner = Inner {
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
                inner: Mutex::new(inner),
            }),
        }
    }
}

impl Recorder {
    /// Takes the lease and loads the state; see [`Leased::take`] and [`Leased::record`].
    pub async fn open(
        store: Arc<dyn StateStore>,
        holder: Holder,
        patience: Duration,
        lineage: String,
    ) -> Result<Self, StateError> {
        let leased = Leased::take(store, holder, patience).await?;
        let loaded = turn::blocking(&leased.store, |store| store.load()).await?;
        Ok(leased.record(loaded.state, lineage))
    }

    /// Whether nobody else has written since the start. Then [`Self::finish`] returns the initial state
    /// with only this run's records.
    pub fn is_alone(&self) -> bool {
        self.shared.inner().is_alone
    }

    /// See [`StateStore::ahead`]; `None` if recording is quick.
    pub fn ahead(&self) -> Option<usize> {
        Some(self.shared.store.ahead()).filter(|ahead| *ahead > 1)
    }

    /// Writes a record and returns once it is durable. The first poll enqueues it; dropping the
    /// call later does not withdraw it. After the first error nothing is written any more, and every
    /// call returns that error.
    pub async fn record(&self, record: Record) -> Result<(), StateError> {
        self.record_all(vec![record]).await
    }

    /// Writes records together: all become durable, or none. Otherwise like [`Self::record`].
    pub async fn record_all(&self, records: Vec<Record>) -> Result<(), StateError> {
        self.enqueue(Work::Record(records)).await
    }

    /// The state with everything that is durable so far.
    pub fn snapshot(&self) -> Arc<State> {
        let mut inner = self.shared.inner();
        let ahead = std::mem::take(&mut inner.ahead);
        if !ahead.is_empty() {
            Arc::make_mut(&mut inner.state).extend(ahead);
        }
        inner.state.clone()
    }

    pub async fn release(&self) -> Result<(), StateError> {
        self.enqueue(Work::Release).await
    }

    /// Takes the lease again after [`Self::release`], and reads what others have recorded. Waits as
    /// long as a lease lasts.
    pub async fn hold(&self) -> Result<(), StateError> {
        self.enqueue(Work::Hold).await
    }

    /// Makes sure that the lease lasts at least `margin`: no request may outlive it. Otherwise
    /// [`StateError::Fenced`].
    pub async fn ensure(&self, margin: Duration) -> Result<(), StateError> {
        let lease = {
            let inner = self.shared.inner();
            match &inner.failed {
                Some(failed) => return Err(failed.clone()),
                None => inner.lease.clone(),
            }
        };
        let fenced = || StateError::Fenced(self.shared.store.place());
        let lease = lease.filter(|lease| !lease.lost()).ok_or_else(fenced)?;
        let lasts = |lease: &Arc<dyn Lease>| lease.left().is_none_or(|left| left >= margin);
        if lasts(&lease) {
            return Ok(());
        }
        let renewed = lease.clone();
        turn::blocking(&self.shared.store, move |_| renewed.renew()).await?;
        lasts(&lease).then_some(()).ok_or_else(fenced)
    }

    /// Waits until everything is durable, including records of cancelled callers. Then folds and
    /// releases the lease.
    pub async fn finish(self) -> Result<Arc<State>, StateError> {
        self.enqueue(Work::Finish).await?;
        Ok(self.snapshot())
    }

    async fn enqueue(&self, work: Work) -> Result<(), StateError> {
        let (done, written) = oneshot::channel();
        {
            let mut inner = self.shared.inner();
            if let Some(failed) = &inner.failed {
                return Err(failed.clone());
            }
            inner.queue.push(Job { work, done });
            if !inner.writing {
                inner.writing = true;
                tokio::spawn(Turn::new(self.shared.clone()).run());
            }
        }
        let stopped = |_| Err(stopped(&*self.shared.store));
        written.await.unwrap_or_else(stopped)
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn advance(&mut self, records: Vec<Record>) {
        if !records.is_empty() {
            self.begin = None;
        }
        self.seq = self.seq.after(records.len());
        self.ahead.extend(records);
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.extend(self.ahead.drain(..));
        }
    }
}
