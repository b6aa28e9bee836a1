//! How a run ends that could not finish, and that the next ones do.

use std::time::Duration;

use crate::common::memory_store::MemoryStore;
use purgit::execute::Waiting;
use purgit::exit::Exit;
use purgit::reconcile::{Reconciled, Verdict};
use purgit::state::Outcome;
use serde_json::json;

use super::cdn::{Call, Cdn, Reaction, answer, page};
use super::crashing::{check_all_confirmed, converge, run_waiting};
use super::{seconds, tally};

async fn run(store: &MemoryStore, cdn: &Cdn, timeout: Option<Duration>) -> Reconciled {
    let waiting = Waiting {
        timeout,
        ..Waiting::default()
    };
    let done = run_waiting(store, cdn, waiting, usize::MAX).await;
    done.expect("not killed")
}

fn outcomes(done: &Reconciled) -> Vec<Outcome> {
    let execution = done.execution.as_ref().unwrap();
    let tally = tally(execution).into_iter();
    tally.map(|(outcome, _)| outcome).collect()
}

#[tokio::test(start_paused = true)]
async fn what_there_was_no_time_for_is_still_to_be_done() {
    // Each answer takes 200 ms.
    for (timeout, expected) in [
        (0, vec![Outcome::Skipped]),
        (100, vec![Outcome::Skipped, Outcome::Unknown]),
        (300, vec![Outcome::Submitted, Outcome::Unknown]),
        (500, vec![Outcome::Submitted]),
    ] {
        let (store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
        let done = run(&store, &cdn, Some(Duration::from_millis(timeout))).await;
        assert_eq!(outcomes(&done), expected, "{timeout}");
        assert_eq!(done.verdict(), Verdict::Running, "{timeout}");
        assert_eq!(done.exit, Exit::Running);
        let state = converge(store, &cdn).await;
        check_all_confirmed(&state, &cdn);
    }
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_quota_for_is_still_to_be_done() {
    let (store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
    cdn.behave(|before, call| match call {
        Call::Purge(_) if before > 0 => {
            let info = json!({ "Type": "RequestThrottled", "Message": "Daily quota exceeded." });
            let body = json!({ "Succeeded": false, "ErrorInfo": info });
            Reaction::Answer(answer(429, &body))
        }
        Call::Purge(_) | Call::Items(_) | Call::Overall(_) => Reaction::Normal,
    });
    let done = run(&store, &cdn, None).await;
    assert_eq!(outcomes(&done), [Outcome::Succeeded, Outcome::Deferred]);
    assert_eq!(
        (done.verdict(), done.exit),
        (Verdict::Running, Exit::Running)
    );
    // Two were under way at once.
    assert!(cdn.purges() <= 3, "{} requests", cdn.purges());
    // Until the CDN's day turns, nothing is tried again.
    let purges = cdn.purges();
    run(&store, &cdn, None).await;
    assert_eq!(cdn.purges(), purges);
    tokio::time::advance(seconds(5 * 3600)).await;
    let state = converge(store, &cdn).await;
    check_all_confirmed(&state, &cdn);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_doubt_is_a_failure_and_done_again() {
    let (store, cdn) = (MemoryStore::new(), Cdn::new(seconds(7)));
    cdn.behave(|_, _| Reaction::DoneBut(page(502)));
    let done = run(&store, &cdn, None).await;
    assert_eq!(done.verdict(), Verdict::Failed);
    assert!(done.execution.unwrap().repeated > 0);
    let state = converge(store, &cdn).await;
    check_all_confirmed(&state, &cdn);
}
