//! Group commit: changes of concurrent steps become durable together.
//!
//! A change is applied in the order of the calls, and its call returns once a write that contains
//! it is durable. While a write runs, further changes queue up and go out with the next one. Knows
//! nothing of what the changes mean.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Record, Snapshot, State, StateError, StateStore, Version};

/// The one writer of a state during a run.
#[derive(Debug, Clone)]
pub struct Recorder {
    shared: Arc<Shared>,
}

/// A change that waits to be written, or a question when all before it is.
struct Job {
    record: Option<Record>,
    done: oneshot::Sender<Result<(), StateError>>,
}

#[derive(Debug)]
struct Shared {
    store: Arc<dyn StateStore>,
    book: Mutex<Book>,
}

struct Book {
    state: Arc<State>,
    version: Option<Version>,
    /// Bounded by the callers: each waits for its own job.
    queue: Vec<Job>,
    /// Whether a blocking thread is at the queue.
    writing: bool,
    /// Why nothing can be written any more.
    failed: Option<StateError>,
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Book")
            .field("serial", &self.state.serial)
            .field("version", &self.version)
            .field("queued", &self.queue.len())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Goes on from what `store` was read as. `lineage` is the random id that a state gets at its
    /// first write; one that has a lineage keeps it.
    pub fn new(store: Arc<dyn StateStore>, snapshot: Snapshot, lineage: String) -> Self {
        let Snapshot { mut state, version } = snapshot;
        if state.lineage.is_empty() {
            state.lineage = lineage;
        }
        let book = Book {
            state: Arc::new(state),
            version,
            queue: Vec::new(),
            writing: false,
            failed: None,
        };
        Self {
            shared: Arc::new(Shared {
                store,
                book: Mutex::new(book),
            }),
        }
    }

    /// Applies a change and returns once it is durable. It is enqueued at the call's first poll;
    /// dropping the call after that does not take the change back.
    ///
    /// # Errors
    /// Those of [`StateStore::write`]. After the first, no change is applied any more and every
    /// call fails like it.
    pub async fn record(&self, record: Record) -> Result<(), StateError> {
        self.enqueue(Some(record)).await
    }

    /// The state with all changes applied so far, which may be one write ahead of the durable one.
    pub fn snapshot(&self) -> Arc<State> {
        self.shared.book().state.clone()
    }

    /// Waits until everything is durable, also changes whose callers were cancelled, and returns
    /// the last state.
    ///
    /// # Errors
    /// The one that stopped the recorder.
    pub async fn finish(self) -> Result<Arc<State>, StateError> {
        self.enqueue(None).await?;
        Ok(self.snapshot())
    }

    async fn enqueue(&self, record: Option<Record>) -> Result<(), StateError> {
        let (done, written) = oneshot::channel();
        {
            let mut book = self.shared.book();
            if let Some(failed) = &book.failed {
                return Err(failed.again());
            }
            book.queue.push(Job { record, done });
            if !book.writing {
                book.writing = true;
                let turn = Turn {
                    shared: self.shared.clone(),
                    over: false,
                };
                // A thread per turn and not one for good: tokio's paused clock stands still as
                // long as any blocking thread runs.
                tokio::task::spawn_blocking(move || turn.run());
            }
        }
        written
            .await
            .unwrap_or_else(|_| Err(stopped(&*self.shared.store)))
    }
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to write until the queue is empty.
struct Turn {
    shared: Arc<Shared>,
    over: bool,
}

impl Turn {
    fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            let result = match &batch.state {
                Some(state) => {
                    let expected = batch.version.as_ref();
                    self.shared.store.write(state, expected).map(Some)
                }
                None => Ok(None),
            };
            let mut book = self.shared.book();
            for done in batch.waiting {
                // Who does not wait any more does not want to know.
                let _ = done.send(match &result {
                    Ok(_) => Ok(()),
                    Err(error) => Err(error.again()),
                });
            }
            match result {
                Ok(Some(version)) => book.version = Some(version),
                Ok(None) => {}
                Err(error) => book.failed = Some(error),
            }
        }
    }

    /// Applies what is queued; `None` ends the turn.
    fn next_batch(&mut self) -> Option<Batch> {
        let mut book = self.shared.book();
        if let Some(failed) = book.failed.as_ref().map(StateError::again) {
            for job in book.queue.drain(..) {
                let _ = job.done.send(Err(failed.again()));
            }
        }
        if book.queue.is_empty() {
            book.writing = false;
            self.over = true;
            return None;
        }
        let queue = std::mem::take(&mut book.queue);
        let mut waiting = Vec::with_capacity(queue.len());
        let mut changed = false;
        // Copies only while someone still looks at a snapshot.
        let state = Arc::make_mut(&mut book.state);
        for job in queue {
            if let Some(record) = job.record {
                state.apply(record);
                changed = true;
            }
            waiting.push(job.done);
        }
        if changed {
            state.serial = state.serial.saturating_add(1);
        }
        Some(Batch {
            state: changed.then(|| book.state.clone()),
            version: book.version.clone(),
            waiting,
        })
    }
}

impl Drop for Turn {
    /// A turn that ends early (a change panicked, the runtime went down) must not let others wait
    /// for ever: dropping their jobs tells them.
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

/// What goes out with one write.
struct Batch {
    /// `None` when nothing changed.
    state: Option<Arc<State>>,
    version: Option<Version>,
    waiting: Vec<oneshot::Sender<Result<(), StateError>>>,
}

fn stopped(store: &dyn StateStore) -> StateError {
    StateError::Io {
        action: "write",
        place: store.place(),
        source: io::Error::other("the writer was stopped"),
    }
}
