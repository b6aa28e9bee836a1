//! What the requests of one endpoint prove identity with: a signature's time, and a token where
//! credentials are exchanged for one.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::failure::{CallError, Stop};
use crate::provider::Token;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Identity {
    /// The CDN's clock less the local one, as far as known.
    pub(super) skew: Mutex<TimeDelta>,
    pub(super) token: tokio::sync::Mutex<Option<Arc<Token>>>,
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

/// Why an attempt brought nothing.
pub(super) enum Attempt {
    /// The run was to stop before the request went out.
    Stopped(Stop),
    /// It failed; with what was sent, where an answer came to that.
    Refused {
        error: CallError,
        sent: Option<Sent>,
    },
}

impl From<Stop> for Attempt {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

impl From<CallError> for Attempt {
    fn from(error: CallError) -> Self {
        Self::Refused { error, sent: None }
    }
}
