//! Decides *when* to reconcile; the reconciling itself is the same as in `apply`.
//!
//! Level-triggered: an event only means "look", and each look compares everything. A lost event costs
//! time until the next periodic look, but never a purge. Knows neither manifests nor files: [`Changes`]
//! reports changes, and [`Turn`] looks.
//!
//! Listing a site is the slowest part before the first request, so it is done ahead, during the quiet
//! time, and used if nothing was reported since. Any later change is reported and causes another look.

pub mod backoff;
pub mod debounce;
pub mod files;
pub mod returned;
pub mod scope;

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use backoff::Backoff;
use debounce::Debounce;

/// Shortest pause between two looks caused by lost events: looking itself may make the system lose
/// events.
pub const LOST_PAUSE: Duration = Duration::from_secs(10);

/// The look ahead starts when this fraction (1/n) of the quiet time is left: after the bursts in which
/// programs save, and early enough to finish for most sites.
const LEFT_AHEAD: u32 = 2;

/// Most looks ahead per turn, in case changes keep coming with pauses.
pub const MAX_LOOKS_AHEAD: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long nothing must change before a look.
    pub debounce: Duration,
    /// The pause before the next look if no event arrives.
    pub rescan: Duration,
    /// The pause between looks that replace events where there are none.
    pub poll: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Changed,
    /// Something may have changed, but the event was lost.
    Lost,
}

pub trait Changes {
    /// Waits for changes since the last report, and says when the last one happened. Cancelling loses
    /// none.
    fn changed(&mut self) -> impl Future<Output = (Notice, Instant)>;
}

/// Reports nothing: for systems without events, with regular looks.
#[derive(Debug, Clone, Copy)]
pub struct NoChanges;

impl Changes for NoChanges {
    fn changed(&mut self) -> impl Future<Output = (Notice, Instant)> {
        std::future::pending()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    Start,
    Change,
    /// Time to check for changes.
    Poll,
    /// Time to check everything, even if no event arrived.
    Rescan,
    /// Time to retry what the last look left undone.
    Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Settled,
    Unfinished,
    /// There is nothing to do until something changes or this time has passed.
    Waits(Duration),
    Locked,
}

/// One look, and the work that it finds necessary.
pub trait Turn {
    type End;

    type Snapshot;

    /// Looks ahead of the turn. `None` on any error: it may pass, or the turn will report it.
    fn look_ahead(&mut self) -> impl Future<Output = Option<Self::Snapshot>>;

    /// Looks, unless `snapshot` is still valid, and does what is needed. `hurry` is cancelled when something
    /// changed and the next look is due.
    fn turn(
        &mut self,
        wake: Wake,
        snapshot: Option<Self::Snapshot>,
        hurry: &CancellationToken,
    ) -> impl Future<Output = ControlFlow<Self::End, After>>;
}

/// Looks at once, then repeatedly until a look ends the watch, or until `cancel`: then it returns `None`.
/// A look is never interrupted. `chance` gives numbers from 0 to 1.
pub async fn run<T: Turn>(
    turn: &mut T,
    changes: &mut impl Changes,
    pace: Pace,
    cancel: &CancellationToken,
    mut chance: impl FnMut() -> f64,
) -> Option<T::End> {
    let mut backoff = Backoff::default();
    let mut pending = Pending::new(pace.debounce);
    let mut wake = Wake::Start;
    let mut snapshot = None;
    loop {
        let after = match attend(turn, wake, snapshot.take(), changes, &mut pending).await {
            ControlFlow::Break(end) => return Some(end),
            ControlFlow::Continue(after) => after,
        };
        if cancel.is_cancelled() {
            return None;
        }
        let now = Instant::now();
        if matches!(after, After::Settled | After::Waits(_)) {
            backoff.reset();
        }
        let pause = match after {
            After::Settled => None,
            After::Waits(pause) => Some(pause),
            After::Unfinished => Some(backoff.next(backoff::LONGEST, chance())),
            After::Locked => Some(backoff.next(backoff::LONGEST_FOR_LOCK, chance())),
        };
        let times = Times {
            retry: pause.and_then(|pause| now.checked_add(pause)),
            poll: pace.poll.and_then(|pause| now.checked_add(pause)),
            rescan: now.checked_add(pace.rescan),
        };
        (wake, snapshot) = tokio::select! {
            biased;
            () = cancel.cancelled() => return None,
            next = times.next(turn, changes, &mut pending) => next,
        };
        if wake == Wake::Change {
            backoff.reset();
        }
    }
}

async fn attend<T: Turn>(
    turn: &mut T,
    wake: Wake,
    snapshot: Option<T::Snapshot>,
    changes: &mut impl Changes,
    pending: &mut Pending,
) -> ControlFlow<T::End, After> {
    pending.clear();
    let hurry = CancellationToken::new();
    let mut look = pin!(turn.turn(wake, snapshot, &hurry));
    loop {
        tokio::select! {
            biased;
            after = &mut look => return after,
            change = changes.changed() => pending.add(change),
            () = until(pending.due()), if !hurry.is_cancelled() => hurry.cancel(),
        }
    }
}

struct Pending {
    debounce: Debounce,
    lost: bool,
    looks_ahead: usize,
    /// When lost events last caused a look.
    lost_before: Option<Instant>,
}

impl Pending {
    fn new(quiet: Duration) -> Self {
        Self {
            debounce: Debounce::new(quiet),
            lost: false,
            looks_ahead: 0,
            lost_before: None,
        }
    }

    fn add(&mut self, (notice, at): (Notice, Instant)) {
        self.debounce.add(at.into_std());
        self.lost |= notice == Notice::Lost;
    }

    fn due(&self) -> Option<Instant> {
        let due = Instant::from_std(self.debounce.due()?);
        let earliest = self.lost_before.filter(|_| self.lost);
        Some(earliest.map_or(due, |before| due.max(before + LOST_PAUSE)))
    }

    fn ahead(&self) -> Option<Instant> {
        if self.lost || self.looks_ahead >= MAX_LOOKS_AHEAD {
            return None;
        }
        let due = Instant::from_std(self.debounce.due()?);
        due.checked_sub(self.debounce.quiet() / LEFT_AHEAD)
    }

    /// A look that covers all changes so far starts.
    fn clear(&mut self) {
        self.debounce.clear();
        self.looks_ahead = 0;
        if std::mem::take(&mut self.lost) {
            self.lost_before = Some(Instant::now());
        }
    }
}

/// When to look again; `None` means never.
struct Times {
    retry: Option<Instant>,
    poll: Option<Instant>,
    rescan: Option<Instant>,
}

impl Times {
    /// Waits for the next look. Returns its cause, and the look ahead if nothing changed since.
    async fn next<T: Turn>(
        self,
        turn: &mut T,
        changes: &mut impl Changes,
        pending: &mut Pending,
    ) -> (Wake, Option<T::Snapshot>) {
        let mut snapshot = None;
        let mut looked = false;
        loop {
            // Checked here because fast changes would outrun a timer.
            if pending.due().is_some_and(|due| due <= Instant::now()) {
                return (Wake::Change, snapshot);
            }
            tokio::select! {
                biased;
                change = changes.changed() => {
                    pending.add(change);
                    (looked, snapshot) = (false, None);
                }
                () = until(pending.due()) => return (Wake::Change, snapshot),
                () = until(pending.ahead()), if !looked => {
                    pending.looks_ahead += 1;
                    (looked, snapshot) = (true, turn.look_ahead().await);
                    // Changes come first, even if the look is due.
                    if let Some(change) = changes.changed().now_or_never() {
                        pending.add(change);
                        (looked, snapshot) = (false, None);
                    }
                }
                () = until(self.retry) => return (Wake::Retry, None),
                () = until(self.rescan) => return (Wake::Rescan, None),
                () = until(self.poll) => return (Wake::Poll, None),
            }
        }
    }
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
