//! What the requests of one endpoint prove identity with: a signature's time, and a token where
//! credentials are exchanged for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::call::Attempt;
use super::failure::{CallError, Stop};
use super::session::Session;
use super::{Event, now};
use crate::provider::Token;
use crate::transport::{REQUEST_TIMEOUT, date};

/// Skew below this is what a `Date` header cannot resolve, so correcting by it changes nothing.
const MIN_SKEW: TimeDelta = TimeDelta::seconds(2);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The CDN's clock less the local one, as far as known.
    skew: Mutex<TimeDelta>,
    token: tokio::sync::Mutex<Option<Arc<Token>>>,
}

/// What a refused request proved identity with.
pub(super) struct Sent {
    /// By how much it was dated off the local clock.
    pub(super) skew: TimeDelta,
    pub(super) token: Option<Arc<Token>>,
    /// When it was refused, by the CDN's clock.
    pub(super) refused_at: Option<DateTime<Utc>>,
}

impl Identity {
    pub(super) fn skew(&self) -> TimeDelta {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session<'_> {
    fn cdn_now(&self) -> DateTime<Utc> {
        now(self.ports) + self.identity.skew()
    }

    /// The token in hand, exchanged anew when it would run out on the way; nothing where the
    /// credentials themselves prove identity.
    pub(super) async fn token(&self) -> Result<Option<Arc<Token>>, Attempt> {
        let Some(exchange) = self.provider().exchange() else {
            return Ok(None);
        };
        let mut held = self.identity.token.lock().await;
        let answered_by = self.cdn_now() + REQUEST_TIMEOUT;
        let is_good = |token: &Arc<Token>| token.expires_at > answered_by;
        if let Some(token) = held.as_ref().filter(|token| is_good(token)) {
            return Ok(Some(token.clone()));
        }
        self.unless_stopped(self.allowance.turn(&[])).await?;
        let request = exchange.request(&self.client.credentials, self.cdn_now());
        let redactor = self.redactor(None);
        let answer = async {
            let response = self.exchange(request, &redactor).await?;
            Ok(exchange.token(&response, self.cdn_now())?)
        };
        // Unlike a purge, an exchange can be dropped while it is under way.
        let answer = self.unless_stopped(answer).await?;
        if answer.is_err() && self.is_late(Duration::ZERO) {
            return Err(Stop::TimedOut.into());
        }
        let failed = |error: CallError| CallError::Exchange(Box::new(error.redacted(&redactor)));
        *held = Some(Arc::new(answer.map_err(failed)?));
        Ok(held.clone())
    }

    /// Drops a token that was not taken, unless another request did so already.
    pub(super) async fn discard(&self, refused: &Arc<Token>) {
        let mut held = self.identity.token.lock().await;
        held.take_if(|held| Arc::ptr_eq(held, refused));
    }

    /// Dates further requests by the CDN's clock. False when that would change nothing.
    pub(super) fn correct_clock(&self, refused: &Sent) -> bool {
        let Some(served_at) = refused.refused_at else {
            return false;
        };
        let skew = &self.identity.skew;
        let mut skew = skew.lock().unwrap_or_else(PoisonError::into_inner);
        if *skew != refused.skew {
            // Another request corrected it while this one was under way.
            return true;
        }
        let found = date::skew(served_at, now(self.ports));
        if (found - *skew).abs() < MIN_SKEW {
            return false;
        }
        *skew = found;
        drop(skew);
        let endpoint = self.client.endpoint.name.clone();
        self.event(Event::ClockSkew {
            endpoint,
            skew: found,
        });
        true
    }
}
