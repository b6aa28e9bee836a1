//! Submitting: intents before requests, order, bounds, and what is sent.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::memory_store::MemoryStore;
use crate::common::scripted_transport::ScriptedTransport;
use purgit::state::{Outcome, StateStore as _};
use purgit::transport::{Method, Request, Sending, Transport};
use tokio::time::Instant;

use super::cdn::Call;
use super::{World, operations, seconds, tally, url};

/// Looks at the written state at the very moment a request is handed over.
#[derive(Debug)]
struct Inspecting<'a> {
    inner: &'a ScriptedTransport,
    store: MemoryStore,
    posts: AtomicUsize,
}

impl Transport for Inspecting<'_> {
    fn send(&self, request: Request, deadline: Option<Instant>) -> Sending<'_> {
        if request.method == Method::Post {
            self.posts.fetch_add(1, Ordering::SeqCst);
            let body = String::from_utf8(request.body.clone()).unwrap();
            let state = self.store.load().unwrap().state;
            let of_this = state.pending_operations.iter().filter(|operation| {
                let mut entries = operation.entries.iter();
                operation.task.is_none()
                    && entries.all(|(key, _)| body.contains(key.target.as_str()))
            });
            assert_eq!(of_this.count(), 1, "no intent for {body} in {state:?}");
        }
        self.inner.send(request, deadline)
    }
}

#[tokio::test(start_paused = true)]
async fn an_intent_is_durable_before_its_request_goes_out() {
    let world = World::new();
    let inspecting = Inspecting {
        inner: &world.transport,
        store: world.store.clone(),
        posts: AtomicUsize::new(0),
    };
    let run = world.try_run(&inspecting, operations(50, 5), Vec::new());
    let execution = run.await.unwrap();
    assert_eq!(inspecting.posts.into_inner(), 10);
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 50)]);
    assert!(world.state().pending_operations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn two_thousand_files_take_twenty_requests_and_polling() {
    let world = World::new();
    let execution = world.run(operations(2000, 100)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 2000)]);
    assert_eq!(execution.requests, 20);
    assert_eq!(world.cdn.purges(), 20);
    // Asked after 5 s and after 10 s of the 7 s that each task takes.
    assert_eq!(world.cdn.calls().len(), 20 + 2 * 20);
    assert_eq!(world.state().entries.len(), 2000);
}

#[tokio::test(start_paused = true)]
async fn steps_go_out_in_the_order_of_the_plan() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(1));
    // Those that are under way at once may overtake each other.
    world.endpoint.limits.concurrent_requests = 1;
    world.run(operations(20, 1)).await;
    let calls = world.cdn.calls();
    let sent = calls.iter().filter_map(|(_, call)| match call {
        Call::Purge(items) => Some(items[0].1.clone()),
        Call::Items(_) | Call::Overall(_) => None,
    });
    let wanted: Vec<_> = (0..20).map(url).collect();
    assert_eq!(sent.collect::<Vec<_>>(), wanted);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_under_way_at_once_than_allowed() {
    let mut world = World::new();
    world.transport = world.cdn.transport().with_latency(seconds(3));
    world.endpoint.limits.concurrent_requests = 3;
    let execution = world.run(operations(40, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 40)]);
    assert_eq!(world.transport.peak(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_rate_holds_over_purges_and_questions_alike() {
    let mut world = World::new();
    world.endpoint.limits.requests_per_second = 5.0;
    world.endpoint.limits.concurrent_requests = 50;
    let execution = world.run(operations(60, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 60)]);
    let times: Vec<_> = world.cdn.calls().iter().map(|(at, _)| *at).collect();
    // One second's worth may be saved up: never more than twice the rate within a second.
    for window in times.windows(11) {
        assert!(window[10] - window[0] >= seconds(1), "{window:?}");
    }
    // 60 purges and as many questions, all but the first five at five a second.
    assert_eq!(times.len(), 120);
    assert!(times[119] - times[0] >= seconds((120 - 5) / 5));
}
