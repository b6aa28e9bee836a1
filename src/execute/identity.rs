//! What the requests of one endpoint prove identity with: a signature's time, and a token where
//! credentials are exchanged for one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::credential::Credentials;
use crate::provider::Token;
use crate::transport::{REQUEST_TIMEOUT, date};

/// Skew below this is what a `Date` header cannot resolve, so correcting by it changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

#[derive(Debug)]
pub(super) struct Identity {
    credentials: Mutex<Arc<Credentials>>,
    /// So that what many requests miss is read again once.
    reading: tokio::sync::Mutex<()>,
    /// The CDN's clock less the local one, as far as known.
    skew: Mutex<TimeDelta>,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
}

/// What a refused request proved identity with.
pub(super) struct Sent {
    pub(super) credentials: Arc<Credentials>,
    /// By how much it was dated off the local clock.
    pub(super) skew: TimeDelta,
    pub(super) token: Option<Arc<Token>>,
    /// When it was refused, by the CDN's clock.
    pub(super) refused_at: Option<DateTime<Utc>>,
}

/// What became of the clock after a request's time was refused.
pub(super) enum Clock {
    Kept,
    /// Another request corrected it while this one was under way.
    KnownByNow,
    Corrected(TimeDelta),
}

impl Identity {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self {
            credentials: Mutex::new(Arc::new(credentials)),
            reading: tokio::sync::Mutex::default(),
            skew: Mutex::default(),
            token: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn credentials(&self) -> Arc<Credentials> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Credentials>> {
        self.credentials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads credentials again that were not taken: a session ends and is renewed elsewhere. Whether there
    /// are others now.
    pub(super) async fn reread(
        &self,
        refused: &Arc<Credentials>,
        read: impl Future<Output = Option<Credentials>>,
    ) -> bool {
        let _turn = self.reading.lock().await;
        if !Arc::ptr_eq(&self.credentials(), refused) {
            return true;
        }
        let found = read.await.filter(|found| !found.is_same(refused));
        found.map(|found| *self.lock() = Arc::new(found)).is_some()
    }

    pub(super) fn skew(&self) -> TimeDelta {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The token in hand, or a new one when that would run out on the way. `now` is by the CDN's clock.
    pub(super) async fn token<E>(
        &self,
        now: impl Fn() -> DateTime<Utc>,
        exchange: impl Future<Output = Result<Token, E>>,
    ) -> Result<Arc<Token>, E> {
        let mut held = self.token.lock().await;
        let answered_by = now() + REQUEST_TIMEOUT;
        let is_good = |token: &&Arc<Token>| token.expires_at > answered_by;
        if let Some(token) = held.as_ref().filter(is_good) {
            return Ok(token.clone());
        }
        let token = Arc::new(exchange.await?);
        *held = Some(token.clone());
        Ok(token)
    }

    /// Drops a token that was not taken, unless another request did so already.
    pub(super) async fn discard(&self, refused: &Arc<Token>) {
        let mut held = self.token.lock().await;
        held.take_if(|held| Arc::ptr_eq(held, refused));
    }

    /// Dates further requests by the CDN's clock.
    pub(super) fn correct_clock(&self, refused: &Sent, now: DateTime<Utc>) -> Clock {
        let Some(served_at) = refused.refused_at else {
            return Clock::Kept;
        };
        let mut skew = self.skew.lock().unwrap_or_else(PoisonError::into_inner);
        if *skew != refused.skew {
            return Clock::KnownByNow;
        }
        let found = date::skew(served_at, now);
        if (found - *skew).abs() < MIN_SKEW {
            return Clock::Kept;
        }
        *skew = found;
        Clock::Corrected(found)
    }
}
