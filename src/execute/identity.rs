//! How requests of one endpoint authenticate: credentials, the time of signatures, and tokens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::credential::Credentials;
use crate::provider::Token;
use crate::transport::{REQUEST_TIMEOUT, date};

/// A `Date` header cannot resolve less, so correcting a smaller skew changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

#[derive(Debug)]
pub(super) struct Identity {
    credentials: Mutex<Arc<Credentials>>,
    /// So that credentials are read again only once for many refused requests.
    reading: tokio::sync::Mutex<()>,
    /// The CDN's clock minus the local one, as far as known.
    skew: Mutex<TimeDelta>,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
}

/// How a refused request authenticated.
pub(super) struct Sent {
    pub(super) credentials: Arc<Credentials>,
    pub(super) skew: TimeDelta,
    pub(super) token: Option<Arc<Token>>,
    /// By the CDN's clock.
    pub(super) refused_at: Option<DateTime<Utc>>,
}

/// The correction after a request's time was refused.
pub(super) enum Clock {
    Kept,
    /// Another request corrected it meanwhile.
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

    /// Reads refused credentials again: sessions are renewed elsewhere. True if there are new ones.
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

    /// The current token, or a new one if it would expire on the way. `now` is by the CDN's clock.
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

    /// Drops a refused token, unless another request has already replaced it.
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
