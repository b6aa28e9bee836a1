//! When the loop looks, on a paused clock.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use purgit::watch::backoff::{FIRST, LONGEST_FOR_LOCK};
use purgit::watch::debounce::LONGEST_QUIET_TIMES;
use purgit::watch::{self, After, Changes, LOST_PAUSE, NoChanges, Notice, Pace, Turn, Wake};
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

/// Answers as told, then settles.
struct Script {
    looks: Looks,
    began: Instant,
    takes: Duration,
    answers: VecDeque<ControlFlow<&'static str, After>>,
}

impl Turn for Script {
    type End = &'static str;

    async fn turn(
        &mut self,
        wake: Wake,
        hurry: &CancellationToken,
    ) -> ControlFlow<&'static str, After> {
        self.looks
            .lock()
            .unwrap()
            .push((wake, self.began.elapsed().as_millis()));
        tokio::select! {
            () = hurry.cancelled() => return ControlFlow::Continue(After::Unfinished),
            () = sleep(self.takes) => {}
        }
        let answer = self.answers.pop_front();
        answer.unwrap_or(ControlFlow::Continue(After::Settled))
    }
}

struct Channel(mpsc::UnboundedReceiver<Notice>);

impl Changes for Channel {
    async fn changed(&mut self) -> Notice {
        match self.0.recv().await {
            Some(notice) => notice,
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
    let looks = Looks::default();
    let mut script = Script {
        looks: looks.clone(),
        began: Instant::now(),
        takes: Duration::from_millis(takes),
        answers: answers.into(),
    };
    let (sender, receiver) = mpsc::unbounded_channel();
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    tokio::spawn(async move {
        let began = Instant::now();
        for (at, notice) in events {
            tokio::time::sleep_until(began + Duration::from_millis(at)).await;
            sender.send(notice).unwrap();
        }
        tokio::time::sleep_until(began + lasts).await;
        stop.cancel();
    });
    let end = if pace.poll.is_some() {
        watch::run(&mut script, &mut NoChanges, pace, &cancel, || 0.0).await
    } else {
        watch::run(&mut script, &mut Channel(receiver), pace, &cancel, || 0.0).await
    };
    let looks = looks.lock().unwrap().clone();
    (looks, end)
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
