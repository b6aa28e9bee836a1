//! Decides *when* to reconcile; what is done then is the same as in `apply`.
//!
//! Level-triggered: an event carries no meaning but "look", and each look compares everything. So a
//! lost event costs time until the next periodic look, never a purge. Knows neither manifests nor
//! files: changes come from behind [`Changes`], a look is behind [`Turn`].

pub mod backoff;
pub mod debounce;
pub mod files;
pub mod memo;
pub mod territory;

use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use backoff::Backoff;
use debounce::Debounce;

/// Shortest pause between two looks that are due to lost events: where looking itself makes the
/// system lose events, it would otherwise go on without end.
pub const LOST_PAUSE: Duration = Duration::from_secs(10);

/// How often to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// How long nothing must change before a look.
    pub debounce: Duration,
    /// The pause after a look before the next one, whatever was told.
    pub rescan: Duration,
    /// The pause before a look that stands in for events, where there are none.
    pub poll: Option<Duration>,
}

/// What is told about changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Something changed.
    Changed,
    /// Something may have changed; what, was lost.
    Lost,
}

/// Tells that something changed.
pub trait Changes {
    /// Waits for changes since it last told, which it collects meanwhile. Cancelling it loses none.
    fn changed(&mut self) -> impl Future<Output = Notice>;
}

/// Tells nothing, where looking regularly has to do.
#[derive(Debug, Clone, Copy)]
pub struct NoChanges;

impl Changes for NoChanges {
    fn changed(&mut self) -> impl Future<Output = Notice> {
        std::future::pending()
    }
}

/// Why to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The first look.
    Start,
    /// Something changed.
    Change,
    /// It is time to see whether something changed.
    Poll,
    /// It is time to look at everything, also at what is not watched.
    Rescan,
    /// The last look left something undone.
    Retry,
}

/// How a look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// There is nothing to do until something changes.
    Settled,
    /// Something is left to do.
    Unfinished,
    /// Another process is at it.
    Locked,
}

/// One look, and doing what it shows to be needed.
pub trait Turn {
    /// How a watch ends.
    type End;

    /// Looks. `hurry` is cancelled when something changed that wants to be looked at next.
    fn turn(
        &mut self,
        wake: Wake,
        hurry: &CancellationToken,
    ) -> impl Future<Output = ControlFlow<Self::End, After>>;
}

/// Looks at once, and then again and again until a look ends it or `cancel` does, which gives
/// `None`. A look is never broken off. `chance` gives numbers from 0 to 1.
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
    loop {
        let after = match attend(turn, wake, changes, &mut pending).await {
            ControlFlow::Break(end) => return Some(end),
            ControlFlow::Continue(after) => after,
        };
        if cancel.is_cancelled() {
            return None;
        }
        let longest = match after {
            After::Settled => None,
            After::Unfinished => Some(backoff::LONGEST),
            After::Locked => Some(backoff::LONGEST_FOR_LOCK),
        };
        let now = Instant::now();
        let retry = longest.map(|longest| now + backoff.next(longest, chance()));
        if retry.is_none() {
            backoff.reset();
        }
        let times = Times {
            retry,
            poll: pace.poll.and_then(|pause| now.checked_add(pause)),
            rescan: now.checked_add(pace.rescan),
        };
        wake = tokio::select! {
            biased;
            () = cancel.cancelled() => return None,
            wake = times.next(changes, &mut pending) => wake,
        };
        if wake == Wake::Change {
            backoff.reset();
        }
    }
}

/// A look, with an ear for what changes meanwhile.
async fn attend<T: Turn>(
    turn: &mut T,
    wake: Wake,
    changes: &mut impl Changes,
    pending: &mut Pending,
) -> ControlFlow<T::End, After> {
    pending.taken();
    let hurry = CancellationToken::new();
    let mut look = pin!(turn.turn(wake, &hurry));
    loop {
        tokio::select! {
            biased;
            after = &mut look => return after,
            notice = changes.changed() => pending.add(notice),
            () = until(pending.due()), if !hurry.is_cancelled() => hurry.cancel(),
        }
    }
}

/// Changes not looked at yet.
struct Pending {
    debounce: Debounce,
    lost: bool,
    /// When a look was last due to lost events.
    lost_before: Option<Instant>,
}

impl Pending {
    fn new(quiet: Duration) -> Self {
        Self {
            debounce: Debounce::new(quiet),
            lost: false,
            lost_before: None,
        }
    }

    fn add(&mut self, notice: Notice) {
        self.debounce.add(Instant::now().into_std());
        self.lost |= notice == Notice::Lost;
    }

    fn due(&self) -> Option<Instant> {
        let due = Instant::from_std(self.debounce.due()?);
        let earliest = self.lost_before.filter(|_| self.lost);
        Some(earliest.map_or(due, |before| due.max(before + LOST_PAUSE)))
    }

    /// A look begins, which covers what changed up to now.
    fn taken(&mut self) {
        self.debounce.clear();
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
    async fn next(self, changes: &mut impl Changes, pending: &mut Pending) -> Wake {
        loop {
            // Asked here, since changes that come faster than they are taken would outrun a timer.
            if pending.due().is_some_and(|due| due <= Instant::now()) {
                return Wake::Change;
            }
            tokio::select! {
                biased;
                notice = changes.changed() => pending.add(notice),
                () = until(pending.due()) => return Wake::Change,
                () = until(self.retry) => return Wake::Retry,
                () = until(self.rescan) => return Wake::Rescan,
                () = until(self.poll) => return Wake::Poll,
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
