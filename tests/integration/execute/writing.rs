//! How much a run writes: counted, since time says nothing on a busy machine.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use purgit::execute::Waiting;
use purgit::reconcile::Verdict;
use purgit::state::file::FileStore;
use purgit::state::{Holder, Lease, Loaded, Record, Seq, StateError, StateStore, Tail};
use purgit::view::Views;
use tempfile::TempDir;

use super::cdn::Cdn;
use super::crashing::{project_of, run_project};
use super::seconds;

/// A state file that counts the bytes written to it and to its journal.
#[derive(Debug)]
struct Weighed {
    file: FileStore,
    path: PathBuf,
    written: Arc<AtomicU64>,
}

impl Weighed {
    fn size(&self, end: &str) -> u64 {
        let path = format!("{}{end}", self.path.display());
        fs::metadata(path).map_or(0, |found| found.len())
    }

    fn weigh<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.size(".journal");
        let done = work();
        let after = self.size(".journal");
        let written = match after < before {
            true => self.size(""),
            false => after - before,
        };
        self.written.fetch_add(written, Ordering::Relaxed);
        done
    }
}

impl StateStore for Weighed {
    fn place(&self) -> String {
        self.file.place()
    }

    fn load(&self) -> Result<Loaded, StateError> {
        self.file.load()
    }

    fn tail(&self, from: Seq) -> Result<Tail, StateError> {
        self.file.tail(from)
    }

    fn lease(&self, holder: &Holder, ttl: Duration) -> Result<Box<dyn Lease>, StateError> {
        self.file.lease(holder, ttl)
    }

    fn append(&self, lease: &dyn Lease, at: Seq, records: &[Record]) -> Result<Seq, StateError> {
        self.weigh(|| self.file.append(lease, at, records))
    }

    fn compact(&self, lease: &dyn Lease, upto: Seq) -> Result<(), StateError> {
        self.weigh(|| self.file.compact(lease, upto))
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_apply_writes_at_most_four_times_the_state() {
    const FILES: usize = 5000;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.json");
    let written = Arc::<AtomicU64>::default();
    let store = Weighed {
        file: FileStore::new(path.clone()),
        path: path.clone(),
        written: written.clone(),
    };
    let mut project = project_of(FILES);
    let www = project.endpoints.values_mut().next().unwrap();
    www.limits.items_per_request = 50;
    www.limits.files_per_day = 100_000;
    project.safety.max_urls = 100_000;
    let views = Views::new(Arc::new(store), None);
    let cdn = Cdn::new(seconds(7));
    let done = run_project(&project, &views, &cdn, Waiting::default(), usize::MAX).await;
    assert_eq!(done.unwrap().verdict(), Verdict::Done);
    let state = fs::metadata(&path).unwrap().len();
    assert!(state > FILES as u64 * 100, "{state} bytes");
    let written = written.load(Ordering::Relaxed);
    assert!(written > state, "{written} bytes");
    assert!(
        written <= 4 * state,
        "{written} bytes for a state of {state}"
    );
}
