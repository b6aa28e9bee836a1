//! Every kind of budget that a provider can declare is kept to, and no two are mixed up.

use std::sync::Arc;

use purgit::credential::CredentialRef;
use purgit::entry::{Target, TargetKind};
use purgit::operation::{Item, Operation, Task};
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Limits, Provider, ProviderKind, Tasks,
    Unsupported, Window,
};
use purgit::state::Outcome;
use purgit::transport::{Request, Response};

use super::{World, azure, operations, seconds, tally};

pub(super) const FILES: Counts = Counts::Items(&[TargetKind::File]);

/// Azure China CDN with other budgets.
#[derive(Debug)]
struct Budgeted {
    inner: AzureChinaCdn,
    budgets: Vec<Budget>,
}

impl Tasks for Budgeted {
    fn poll(&self, task: &Task, auth: Auth<'_>) -> Request {
        self.inner.poll(task, auth)
    }

    fn polled(&self, task: &Task, response: &Response) -> Result<Answer, ApiError> {
        self.inner.polled(task, response)
    }
}

impl Provider for Budgeted {
    fn kind(&self) -> &'static ProviderKind {
        self.inner.kind()
    }

    fn identity(&self) -> serde_json::Value {
        self.inner.identity()
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        self.inner.credentials()
    }

    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        self.inner.lower(target)
    }

    fn budgets(&self, _: &Limits) -> Vec<Budget> {
        self.budgets.clone()
    }

    fn submit(&self, operation: &Operation, auth: Auth<'_>) -> Request {
        self.inner.submit(operation, auth)
    }

    fn submitted(&self, operation: &Operation, response: &Response) -> Result<Answer, ApiError> {
        self.inner.submitted(operation, response)
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }
}

pub(super) fn budget(counts: Counts, amount: u64, window: Window) -> Budget {
    Budget {
        scope: "account".into(),
        counts,
        amount,
        window,
    }
}

fn rate(per: u64, burst: u64) -> Window {
    Window::Rate {
        per: seconds(per),
        burst,
    }
}

pub(super) fn world(budgets: Vec<Budget>) -> World {
    let mut world = World::new();
    world.endpoint.provider = Arc::new(Budgeted {
        inner: azure(),
        budgets,
    });
    world
}

/// When purges were sent, in seconds from the start.
fn purge_times(world: &World) -> Vec<u64> {
    let calls = world.cdn.calls();
    let purges = calls.iter().filter(|(_, call)| call.is_purge());
    purges
        .map(|(at, _)| (*at - world.clock.started).as_secs())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn without_budgets_all_goes_at_once() {
    let mut world = world(Vec::new());
    world.transport = world.cdn.transport().with_latency(seconds(1));
    let execution = world.run(operations(20, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 20)]);
    assert_eq!(world.transport.peak(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_rate_of_requests_counts_questions_and_one_of_items_does_not() {
    let of_requests = world(vec![budget(Counts::Requests, 1, rate(10, 1))]);
    of_requests.run(operations(3, 2)).await;
    let calls = of_requests.cdn.calls();
    for pair in calls.windows(2) {
        assert!(pair[1].0 - pair[0].0 >= seconds(10), "{calls:?}");
    }
    // Two items a request: one request in 20 s.
    let of_items = world(vec![budget(FILES, 1, rate(10, 1))]);
    of_items.run(operations(6, 2)).await;
    assert_eq!(purge_times(&of_items), [0, 20, 40]);
    let last = of_items.cdn.calls().last().unwrap().0;
    assert!(last - of_items.clock.started < seconds(60));
}

#[tokio::test(start_paused = true)]
async fn several_rates_of_the_same_hold_side_by_side() {
    let budgets = vec![
        budget(Counts::Requests, 10, rate(1, 2)),
        budget(Counts::Requests, 4, rate(60, 4)),
    ];
    let mut world = world(budgets);
    world.waiting.wait = false;
    world.run(operations(6, 1)).await;
    let times = purge_times(&world);
    assert_eq!(times[..4], [0, 0, 0, 0]);
    assert!(times[4] >= 15 && times[5] >= 30, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn unanswered_counts_requests_or_their_items() {
    for (counts, peak) in [(Counts::Requests, 3), (FILES, 1)] {
        let mut world = world(vec![budget(counts, 3, Window::Unanswered)]);
        world.transport = world.cdn.transport().with_latency(seconds(1));
        world.waiting.wait = false;
        let execution = world.run(operations(20, 2)).await;
        assert_eq!(tally(&execution), [(Outcome::Submitted, 20)]);
        assert_eq!(world.transport.peak(), peak, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_unanswered_and_what_is_in_progress_are_not_mixed_up() {
    let answers = budget(Counts::Requests, 2, Window::Unanswered);
    let progress = budget(Counts::Requests, 4, Window::InProgress);
    for budgets in [
        vec![answers.clone(), progress.clone()],
        vec![progress, answers],
    ] {
        let mut world = world(budgets);
        world.transport = world.cdn.transport().with_latency(seconds(1));
        let execution = world.run(operations(12, 1)).await;
        assert_eq!(tally(&execution), [(Outcome::Succeeded, 12)]);
        assert_eq!(world.transport.peak(), 2);
        // Tasks take 7 s and are asked about: four in each round.
        let times = purge_times(&world);
        let rounds: Vec<_> = times.chunks(4).map(|round| round[3] - round[0]).collect();
        assert!(rounds.iter().all(|took| *took <= 4), "{times:?}");
        assert!(
            times[4] - times[0] >= 7 && times[8] - times[4] >= 7,
            "{times:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_keeps_to_its_own_budgets_only() {
    // Of one account, and what is counted is the same; but only the other has such a window.
    let mut world = world(vec![budget(Counts::Requests, 4, Window::Unanswered)]);
    let mut other = world.endpoint.clone();
    other.name = "img".into();
    other.provider = Arc::new(Budgeted {
        inner: azure(),
        budgets: vec![
            budget(Counts::Requests, 1, Window::InProgress),
            budget(Counts::Requests, 1, rate(1000, 1)),
        ],
    });
    world.others = vec![other];
    world.transport = world.cdn.transport().with_latency(seconds(1));
    let execution = world.run(operations(8, 1)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 8)]);
    assert_eq!(world.transport.peak(), 4);
    assert!(world.clock.started.elapsed() < seconds(60));
}

#[tokio::test(start_paused = true)]
async fn where_endpoints_disagree_the_smaller_amount_holds() {
    let mut world = world(vec![budget(Counts::Requests, 4, Window::Unanswered)]);
    let mut other = world.endpoint.clone();
    other.name = "img".into();
    other.provider = Arc::new(Budgeted {
        inner: azure(),
        budgets: vec![budget(Counts::Requests, 2, Window::Unanswered)],
    });
    world.others = vec![other];
    world.transport = world.cdn.transport().with_latency(seconds(1));
    world.run(operations(8, 1)).await;
    assert_eq!(world.transport.peak(), 2);
}

#[tokio::test(start_paused = true)]
async fn requests_a_day_are_booked_for_purges_and_not_for_questions() {
    let day = Window::Day(DayStart::default());
    let world = world(vec![
        budget(Counts::Requests, 100, day),
        budget(FILES, 100, day),
    ]);
    let execution = world.run(operations(6, 2)).await;
    assert_eq!(tally(&execution), [(Outcome::Succeeded, 6)]);
    assert!(world.cdn.calls().len() > 3);
    let state = world.state();
    let booked = state.ledger.iter();
    let booked: Vec<_> = booked
        .map(|(key, amount)| (&*key.counts, *amount))
        .collect();
    assert_eq!(booked, [("file", 6), ("request", 3)]);
}

#[tokio::test(start_paused = true)]
async fn a_budget_of_nothing_lets_one_through_at_a_time() {
    for window in [Window::Unanswered, Window::InProgress] {
        let world = world(vec![budget(Counts::Requests, 0, window)]);
        let execution = world.run(operations(3, 1)).await;
        assert_eq!(tally(&execution), [(Outcome::Succeeded, 3)]);
    }
}
