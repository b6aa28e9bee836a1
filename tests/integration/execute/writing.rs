//! How much a run writes: counted, since time says nothing on a busy machine.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use purgit::execute::Waiting;
use purgit::reconcile::Verdict;
use purgit::view::Views;
use tempfile::TempDir;

use super::cdn::Cdn;
use super::crashing::{project_of, run_project};
use super::seconds;
use crate::views::Counting;

#[tokio::test(start_paused = true)]
async fn a_first_apply_writes_at_most_four_times_the_state() {
    const FILES: usize = 5000;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.json");
    let store = Counting::new(path.clone());
    let written = store.written.clone();
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
