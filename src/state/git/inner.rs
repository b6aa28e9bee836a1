//! [io] A handle to a state on a ref: what it knows about the ref, and how it changes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::head::{self, Head, LeasePart};
use super::position::{Next, Position};
use super::{ATTEMPTS, MAX_COMMITS};
use crate::clock::Clock;
use crate::error::chain;
use crate::git::GitError;
use crate::git::own_ref::{Change, OwnRef, Published, Tip};
use crate::state::{Record, Seq, Stamp, StateError};

/// Shared by the store and its leases.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) own: OwnRef,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) fresh: Duration,
    pub(super) seen: Mutex<Seen>,
    /// The last known commit. A separate lock, because it is read while `seen` is locked.
    pub(super) head: Mutex<Option<(Tip, Head)>>,
    /// Number of the lease that this handle holds.
    pub(super) held: Mutex<Option<u64>>,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) at: Option<Position>,
    pub(super) stamp: Option<Stamp>,
    pub(super) warning: Option<String>,
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    pub(super) fn failed(&self, action: &'static str) -> impl Fn(GitError) -> StateError {
        let place = self.own.place();
        move |source| StateError::Git {
            action,
            place: place.clone(),
            source: Arc::new(source),
        }
    }

    pub(super) fn corrupt(&self, reason: String) -> StateError {
        StateError::Corrupt {
            place: self.own.place(),
            reason,
        }
    }

    pub(super) fn fenced(&self) -> StateError {
        StateError::Fenced(self.own.place())
    }

    /// Looks up the position for a read. Without a network this is the last one fetched.
    pub(super) fn look<'b>(&self, seen: &'b mut Seen) -> Result<&'b Position, StateError> {
        seen.warning = None;
        let tip = match (self.own.refresh(self.fresh), self.own.known()) {
            (Ok(tip), _) => tip,
            (Err(error), Ok(Some(known))) => {
                let (place, error) = (self.own.place(), chain(&error));
                seen.warning = Some(format!(
                    "this is as of the last fetch of {place}, which does not answer: {error}"
                ));
                Some(known)
            }
            (Err(error), Ok(None) | Err(_)) => return Err(self.failed("read")(error)),
        };
        self.position(seen, tip)
    }

    fn position<'b>(
        &self,
        seen: &'b mut Seen,
        tip: Option<Tip>,
    ) -> Result<&'b Position, StateError> {
        if seen.at.as_ref().is_some_and(|at| at.tip != tip) {
            seen.at = None;
        }
        match &mut seen.at {
            Some(at) => Ok(at),
            at => Ok(at.insert(self.read(tip)?)),
        }
    }

    /// Commits the change that `step` returns, if any, and retries if another writer was faster.
    pub(super) fn change(
        &self,
        seen: &mut Seen,
        action: &'static str,
        step: impl Fn(&Position) -> Result<Option<Next>, StateError>,
    ) -> Result<(), StateError> {
        let failed = self.failed(action);
        let mut is_current = !self.own.is_remote();
        for _ in 0..ATTEMPTS {
            let tip = match is_current {
                true => self.own.known(),
                // If this is out of date, the step or the push fails and we ask the remote.
                false => self.own.refresh(Duration::MAX),
            };
            let at = self.position(seen, tip.map_err(&failed)?)?;
            let next = match step(at) {
                Err(_) if !is_current => {
                    self.own.refresh(Duration::ZERO).map_err(&failed)?;
                    is_current = true;
                    continue;
                }
                next => next?,
            };
            let Some(next) = next else {
                return Ok(());
            };
            if let Some(position) = self.publish(at.tip, next, action)? {
                *locked(&self.head) = position.tip.map(|tip| (tip, position.head.clone()));
                seen.stamp = Some(position.stamp());
                seen.at = Some(position);
                return Ok(());
            }
            is_current = true;
        }
        Err(self.fenced())
    }

    fn publish(
        &self,
        old: Option<Tip>,
        next: Next,
        action: &'static str,
    ) -> Result<Option<Position>, StateError> {
        let failed = self.failed(action);
        let Next {
            mut head,
            mut files,
            message,
        } = next;
        let starts_anew = head.commits >= MAX_COMMITS;
        head.commits = if starts_anew { 1 } else { head.commits + 1 };
        let bytes = head.to_bytes();
        let id = self.own.write(&bytes).map_err(&failed)?;
        files.insert(head::FILE.to_owned(), id);
        let change = |parent| Change {
            files: &files,
            parent,
            message: message.clone(),
            at: self.clock.now(),
        };
        let parent = old.filter(|_| !starts_anew);
        let new = self.own.commit(&change(parent)).map_err(&failed)?;
        let mut published = self.own.publish(old, new).map(|done| (done, new));
        if starts_anew && published.is_err() {
            // The remote may refuse a restarted history. The next attempt is `MAX_COMMITS` later.
            let new = self.own.commit(&change(old)).map_err(&failed)?;
            published = self.own.publish(old, new).map(|done| (done, new));
        }
        let (published, new) = published.map_err(&failed)?;
        let position = Position {
            tip: Some(new),
            files,
            head,
        };
        Ok((published == Published::Done).then_some(position))
    }

    /// Whether the lease with this number is valid, as far as known without a network.
    pub(super) fn has(&self, epoch: u64) -> bool {
        !self.left(epoch).is_zero()
    }

    pub(super) fn left(&self, epoch: u64) -> Duration {
        let Ok(Some(tip)) = self.own.known() else {
            return Duration::ZERO;
        };
        let known = locked(&self.head).clone();
        let head = match known.filter(|(known, _)| *known == tip) {
            Some((_, head)) => head,
            None => match self.read(Some(tip)) {
                Ok(position) => position.head,
                Err(_) => return Duration::ZERO,
            },
        };
        let lease = head.lease.filter(|_| head.epoch == epoch);
        lease.map_or(Duration::ZERO, |lease| lease.left(self.clock.now()))
    }

    /// Adds the records and renews the lease, or ends it if `ttl` is `None`.
    pub(super) fn under_lease(
        &self,
        at: &Position,
        (epoch, ttl): (u64, Option<Duration>),
        (seq, records): (Seq, &[Record]),
        folds: bool,
    ) -> Result<Option<Next>, StateError> {
        let now = self.clock.now();
        let mine = at.head.lease.as_ref();
        let mine = mine.filter(|lease| at.head.epoch == epoch && !lease.left(now).is_zero());
        let Some(lease) = mine.filter(|_| at.head.seq == seq) else {
            return Err(self.fenced());
        };
        let mut next = self.with(at, records, folds, &lease.holder.command)?;
        next.head.lease = ttl.map(|ttl| LeasePart::new(lease.holder.clone(), now, ttl));
        Ok(Some(next))
    }
}
