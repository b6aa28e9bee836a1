//! Decides *when* to reconcile; the reconciling itself is the same as in `apply`.
//!
//! Level-triggered: an event only means "look", and each look compares everything. So a lost event
//! costs time until the next periodic look, but never a purge. It knows neither manifests nor files:
//! [`Changes`] reports changes, and [`Turn`] looks.
//!
//! Listing a site takes longer than everything else before the first request, so it is done during the
//! quiet time. Its result is used if nothing was reported since. That is as good as looking at the
//! end: whatever happens after a look is reported and causes the next one.

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

/// Shortest pause between two looks caused by lost events. If looking itself makes the system lose
/// events, it would otherwise never stop.
pub const LOST_PAUSE: Duration = Duration::from_secs(10);

/// The look ahead starts when this fraction (1/n) of the quiet time is left: late enough for the bursts
/// in which programs save, early enough to finish for most sites.
const LEFT_AHEAD: u32 = 2;

/// Most looks ahead per turn: if changes keep coming with pauses, repeated looks would keep a
/// processor busy.
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
    /// The first look.
    Start,
    Change,
    /// Time to check for changes.
    Poll,
    /// Time to look at everything, including what is not watched.
    Rescan,
    /// The last look left something undone, for which it is time now.
    Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// There is nothing to do until something changes.
    Settled,
    Unfinished,
    /// There is nothing to do until something changes, or so much time is over.
    Waits(Duration),
    /// Another process holds the lock.
    Locked,
}

/// One look, and the work that it shows to be needed.
pub trait Turn {
    type End;

    type Snapshot;

    /// Looks early, so that the turn need not. `None` on any error: it may pass, or the turn will
    /// report it.
    fn look_ahead(&mut self) -> impl Future<Output = Option<Self::Snapshot>>;

    /// Looks, unless it gets a snapshot that is still valid, and does what is needed. `hurry` is
    /// cancelled when something changed and the next look is due.
    fn turn(
        &mut self,
        wake: Wake,
        snapshot: Option<Self::Snapshot>,
        hurry: &CancellationToken,
    ) -> impl Future<Output = ControlFlow<Self::End, After>>;
}

/// Looks at once, then repeatedly until a look ends it or `cancel` does; then it returns `None`. A
/// look is never interrupted. `chance` gives numbers from 0 to 1.
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
        let mut later = |longest| Some(backoff.next(longest, chance()));
        let pause = match after {
            After::Settled | After::Waits(_) => None,
            After::Unfinished => later(backoff::LONGEST),
            After::Locked => later(backoff::LONGEST_FOR_LOCK),
        };
        if pause.is_none() {
            backoff.reset();
        }
        let pause = match after {
            After::Waits(pause) => Some(pause),
            After::Settled | After::Unfinished | After::Locked => pause,
        };
        let retry = pause.and_then(|pause| now.checked_add(pause));
        let times = Times {
            retry,
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
    pending.taken();
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

    /// A look starts that covers all changes so far.
    fn taken(&mut self) {
        self.debounce.clear();
        self.looks_ahead = 0;
        if std::mem::take(&mut self.lost) {
            self.lost_before = Some(Instant::now());
        }
    }
}

/// When to look again; `None` is never.
struct Times {
    retry: Option<Instant>,
    poll: Option<Instant>,
    rescan: Option<Instant>,
}

impl Times {
    /// Why to look next, once it is time, and the result of a look ahead if nothing changed since.
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
