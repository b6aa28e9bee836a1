//! When the loop looks, on a paused clock.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purgit::watch::backoff::{FIRST, LONGEST_FOR_LOCK};
use purgit::watch::debounce::LONGEST_QUIET_TIMES;
use purgit::watch::{
    self, After, Changes, LOST_PAUSE, MAX_LOOKS_AHEAD, NoChanges, Notice, Pace, Turn, Wake,
};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

const PACE: Pace = Pace {
    debounce: Duration::from_millis(300),
    rescan: Duration::from_secs(300),
    poll: None,
};

/// Why and when it looked, in milliseconds.
type Looks = Arc<Mutex<Vec<(Wake, u128)>>>;

/// When it looked ahead, and for each turn, when it had done so for it.
#[derive(Debug, Clone, Default, PartialEq)]
struct Ahead {
    looks: Vec<u128>,
    used: Vec<Option<u128>>,
}

/// Answers as told, then settles.
struct Script {
    looks: Looks,
    ahead: Arc<Mutex<Ahead>>,
    began: Instant,
    takes: Duration,
    ahead_takes: Duration,
    /// Whether it sees nothing ahead.
    blind: bool,
    answers: VecDeque<ControlFlow<&'static str, After>>,
}

impl Turn for Script {
    type End = &'static str;
    type Snapshot = u128;

    async fn look_ahead(&mut self) -> Option<u128> {
        let at = self.began.elapsed().as_millis();
        self.ahead.lock().unwrap().looks.push(at);
        sleep(self.ahead_takes).await;
        (!self.blind).then_some(at)
    }

    async fn turn(
        &mut self,
        wake: Wake,
        snapshot: Option<u128>,
        hurry: &CancellationToken,
    ) -> ControlFlow<&'static str, After> {
        self.looks
            .lock()
            .unwrap()
            .push((wake, self.began.elapsed().as_millis()));
        self.ahead.lock().unwrap().used.push(snapshot);
        tokio::select! {
            () = hurry.cancelled() => return ControlFlow::Continue(After::Unfinished),
            () = sleep(self.takes) => {}
        }
        let answer = self.answers.pop_front();
        answer.unwrap_or(ControlFlow::Continue(After::Settled))
    }
}

impl Script {
    fn new(answers: Vec<ControlFlow<&'static str, After>>, takes: u64) -> Self {
        Self {
            looks: Looks::default(),
            ahead: Arc::default(),
            began: Instant::now(),
            takes: Duration::from_millis(takes),
            ahead_takes: Duration::ZERO,
            blind: false,
            answers: answers.into(),
        }
    }

    /// Runs for a time while `events` tells what changes at which millisecond.
    async fn play(
        &mut self,
        pace: Pace,
        events: Vec<(u64, Notice)>,
        lasts: Duration,
    ) -> Option<&'static str> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        tokio::spawn(async move {
            let began = Instant::now();
            for (at, notice) in events {
                tokio::time::sleep_until(began + Duration::from_millis(at)).await;
                sender.send((notice, Instant::now())).unwrap();
            }
            tokio::time::sleep_until(began + lasts).await;
            stop.cancel();
        });
        if pace.poll.is_some() {
            watch::run(self, &mut NoChanges, pace, &cancel, || 0.0).await
        } else {
            watch::run(self, &mut Channel(receiver), pace, &cancel, || 0.0).await
        }
    }
}

struct Channel(mpsc::UnboundedReceiver<(Notice, Instant)>);

impl Changes for Channel {
    async fn changed(&mut self) -> (Notice, Instant) {
        match self.0.recv().await {
            Some(change) => change,
            None => std::future::pending().await,
        }
    }
}

/// Runs a script for a time while `events` tells what changes at which millisecond.
async fn looks(
    pace: Pace,
    answers: Vec<ControlFlow<&'static str, After>>,
    takes: u64,
    events: Vec<(u64, Notice)>,
    lasts: Duration,
) -> (Vec<(Wake, u128)>, Option<&'static str>) {
    let mut script = Script::new(answers, takes);
    let end = script.play(pace, events, lasts).await;
    let looks = script.looks.lock().unwrap().clone();
    (looks, end)
}

/// What is looked at ahead while `events` tells what changes.
async fn ahead(takes: u64, blind: bool, events: Vec<(u64, Notice)>) -> (Vec<(Wake, u128)>, Ahead) {
    let mut script = Script::new(vec![], 0);
    script.ahead_takes = Duration::from_millis(takes);
    script.blind = blind;
    script.play(PACE, events, MINUTE).await;
    let looks = script.looks.lock().unwrap().clone();
    let ahead = script.ahead.lock().unwrap().clone();
    (looks, ahead)
}

fn changes(times: impl IntoIterator<Item = u64>) -> Vec<(u64, Notice)> {
    times.into_iter().map(|at| (at, Notice::Changed)).collect()
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn it_looks_at_once_and_when_changes_are_quiet() {
    let (looks, end) = looks(PACE, vec![], 0, changes([1000, 1100, 1200]), MINUTE).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1500)]);
    assert_eq!(end, None);
}

#[tokio::test(start_paused = true)]
async fn a_steady_stream_does_not_starve_it() {
    let stream = changes((0..10_000).step_by(100).map(|at| at + 50));
    let (looks, _) = looks(PACE, vec![], 0, stream, MINUTE).await;
    let bound = (PACE.debounce * LONGEST_QUIET_TIMES).as_millis();
    assert_eq!(looks.len(), 5, "{looks:?}");
    assert!(
        looks
            .windows(2)
            .all(|pair| pair[1].1 - pair[0].1 <= bound + 100),
        "{looks:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn without_events_it_looks_at_every_rescan() {
    let (looks, _) = looks(PACE, vec![], 0, vec![], Duration::from_secs(660)).await;
    assert_eq!(
        looks,
        [
            (Wake::Start, 0),
            (Wake::Rescan, 300_000),
            (Wake::Rescan, 600_000)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn polling_looks_at_every_interval() {
    let pace = Pace {
        poll: Some(Duration::from_secs(2)),
        ..PACE
    };
    let (looks, _) = looks(pace, vec![], 0, vec![], Duration::from_secs(5)).await;
    assert_eq!(
        looks,
        [(Wake::Start, 0), (Wake::Poll, 2000), (Wake::Poll, 4000)]
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_time_is_looked_at_then_and_not_before() {
    let waits = vec![ControlFlow::Continue(After::Waits(Duration::from_secs(20)))];
    let (looks, _) = looks(PACE, waits, 0, vec![], MINUTE).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Retry, 20_000)]);
    // A change is looked at all the same.
    let waits = vec![ControlFlow::Continue(After::Waits(Duration::from_secs(20)))];
    let (looks, _) = self::looks(PACE, waits, 0, changes([1000]), MINUTE).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1300)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_unfinished_is_tried_again_ever_later_and_at_once_after_a_change() {
    let unfinished = vec![ControlFlow::Continue(After::Unfinished); 5];
    let (looks, _) = looks(PACE, unfinished, 0, changes([7000]), MINUTE).await;
    let first = FIRST.as_millis();
    let expected = [
        (Wake::Start, 0),
        (Wake::Retry, first),
        (Wake::Retry, first + 2 * first),
        (Wake::Change, 7300),
        (Wake::Retry, 7300 + first),
        (Wake::Retry, 7300 + first + 2 * first),
    ];
    assert_eq!(looks, expected);
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_asked_for_often() {
    let locked = vec![ControlFlow::Continue(After::Locked); 10];
    let (looks, _) = looks(PACE, locked, 0, vec![], MINUTE).await;
    assert_eq!(looks.len(), 11, "{looks:?}");
    let longest = LONGEST_FOR_LOCK.as_millis();
    assert!(
        looks
            .windows(2)
            .all(|pair| pair[1].1 - pair[0].1 <= longest),
        "{looks:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_during_a_look_hurries_it_and_is_looked_at_next() {
    let (looks, _) = looks(PACE, vec![], 20_000, changes([1000]), MINUTE).await;
    // Hurried at 1300, and looked at in the same instant.
    assert_eq!(looks[..2], [(Wake::Start, 0), (Wake::Change, 1300)]);
    assert_eq!(looks.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_not_quiet_when_a_look_ends_is_not_lost() {
    let (looks, _) = looks(PACE, vec![], 1000, changes([900]), MINUTE).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1200)]);
}

#[tokio::test(start_paused = true)]
async fn looks_for_lost_events_keep_a_pause() {
    let lost = vec![
        (1000, Notice::Lost),
        (2000, Notice::Lost),
        (3000, Notice::Lost),
    ];
    let (looks, _) = looks(PACE, vec![], 0, lost, MINUTE).await;
    let second = 1300 + LOST_PAUSE.as_millis();
    assert_eq!(
        looks,
        [
            (Wake::Start, 0),
            (Wake::Change, 1300),
            (Wake::Change, second)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_look_can_end_it() {
    let answers = vec![
        ControlFlow::Continue(After::Unfinished),
        ControlFlow::Break("over"),
    ];
    let (looks, end) = looks(PACE, answers, 0, vec![], MINUTE).await;
    assert_eq!(looks.len(), 2);
    assert_eq!(end, Some("over"));
}

#[tokio::test(start_paused = true)]
async fn while_changes_are_quiet_it_looks_ahead_for_their_turn() {
    let (looks, ahead) = ahead(100, false, changes([1000, 1020])).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1320)]);
    assert_eq!(ahead.looks, [1170]);
    assert_eq!(ahead.used, [None, Some(1170)]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_waits_for_a_long_look_ahead_and_does_not_look_again() {
    let (looks, ahead) = ahead(200, false, changes([1000])).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1350)]);
    assert_eq!(ahead.used, [None, Some(1150)]);
}

#[tokio::test(start_paused = true)]
async fn what_changes_after_a_look_ahead_or_during_it_undoes_it() {
    // Before, during and after the first; the second is the one that counts.
    for change in [1151, 1200, 1250, 1299] {
        let (looks, ahead) = ahead(100, false, changes([1000, change])).await;
        let due = u128::from(change) + 300;
        assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, due)], "{change}");
        assert_eq!(ahead.looks, [1150, due - 150], "{change}");
        assert_eq!(ahead.used, [None, Some(due - 150)], "{change}");
    }
    // It became due during the look, and is no longer so.
    let (looks, ahead) = self::ahead(200, false, changes([1000, 1299])).await;
    assert_eq!(looks[1], (Wake::Change, 1649));
    assert_eq!(ahead.used, [None, Some(1449)]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_seen_ahead_is_left_to_the_turn() {
    let (looks, ahead) = ahead(10, true, changes([1000])).await;
    assert_eq!(looks, [(Wake::Start, 0), (Wake::Change, 1300)]);
    assert_eq!(ahead.looks, [1150]);
    assert_eq!(ahead.used, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn it_looks_ahead_a_few_times_for_a_turn_and_not_for_lost_events() {
    let stream = changes((0..20).map(|number| 1000 + 200 * number));
    let (looks, ahead) = ahead(0, false, stream).await;
    // Every change undoes a look.
    assert_eq!(looks[1], (Wake::Change, 4000));
    assert_eq!(
        ahead.looks[..=MAX_LOOKS_AHEAD],
        [1150, 1350, 1550, 4150],
        "{ahead:?}"
    );
    assert_eq!(ahead.used[1], None);

    let (_, ahead) = self::ahead(0, false, vec![(1000, Notice::Lost)]).await;
    assert_eq!(ahead.looks, []);
    assert_eq!(ahead.used, [None, None]);
}

#[tokio::test(start_paused = true)]
async fn the_quiet_time_begins_with_the_change_and_not_when_it_is_taken() {
    let (looks, _) = ahead(100, false, changes([1000, 1160])).await;
    assert_eq!(looks[1], (Wake::Change, 1460));
}
