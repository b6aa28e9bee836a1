//! The content of `store.json`: the last record's number and the lease. Pure.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::SKEW;
use crate::state::{Held, Holder, STATE_VERSION, Seq, StateError};

pub(super) const FILE: &str = "store.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    version: u64,
    /// Number of the last record.
    #[serde(with = "number")]
    pub(super) seq: Seq,
    #[serde(with = "number")]
    pub(super) snapshot: Seq,
    /// Bytes of the snapshot and of all records after it.
    #[serde(default)]
    pub(super) snapshot_bytes: u64,
    #[serde(default)]
    pub(super) journal_bytes: u64,
    /// Commits since the history was restarted.
    #[serde(default)]
    pub(super) commits: u64,
    /// Number of the latest lease.
    #[serde(default)]
    pub(super) epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<LeasePart>,
}

mod number {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Seq;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(seq: &Seq, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(seq.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Seq, D::Error> {
        u64::deserialize(from).map(Seq)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LeasePart {
    #[serde(flatten)]
    pub(super) holder: Holder,
    /// By the holder's clock.
    until: DateTime<Utc>,
}

impl LeasePart {
    pub(super) fn new(holder: Holder, now: DateTime<Utc>, ttl: Duration) -> Self {
        let until = now.checked_add_signed(chrono::TimeDelta::from_std(ttl).unwrap_or_default());
        Self {
            holder,
            until: until.unwrap_or(now),
        }
    }

    pub(super) fn left(&self, now: DateTime<Utc>) -> Duration {
        (self.until - now).to_std().unwrap_or_default()
    }

    /// Time that others must wait unless the lease is renewed.
    fn keeps_out(&self, now: DateTime<Utc>) -> Duration {
        let own = self.until - now;
        let all = own + chrono::TimeDelta::from_std(SKEW).unwrap_or_default();
        all.to_std().unwrap_or_default()
    }
}

impl Head {
    /// A head whose snapshot holds everything.
    pub(super) fn of_snapshot(seq: Seq, bytes: u64) -> Self {
        Self {
            version: STATE_VERSION.into(),
            seq,
            snapshot: seq,
            snapshot_bytes: bytes,
            journal_bytes: 0,
            commits: 0,
            epoch: 0,
            lease: None,
        }
    }

    pub(super) fn read(bytes: &[u8], place: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let corrupt = |error: serde_json::Error| StateError::Corrupt {
            place: place.to_owned(),
            reason: format!("`{FILE}`: {error}"),
        };
        let Version { version: found } = serde_json::from_slice(bytes).map_err(corrupt)?;
        if found > u64::from(STATE_VERSION) {
            let place = place.to_owned();
            return Err(StateError::TooNew { place, found });
        }
        serde_json::from_slice(bytes).map_err(corrupt)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// The current lease as others see it.
    pub(super) fn held(&self, now: DateTime<Utc>) -> Option<Held> {
        let lease = self.lease.as_ref()?;
        let left = lease.keeps_out(now);
        (!left.is_zero()).then(|| Held {
            holder: lease.holder.clone(),
            epoch: self.epoch,
            left: Some(left),
        })
    }

    pub(super) fn free(&self, now: DateTime<Utc>) -> Result<(), StateError> {
        match self.held(now) {
            Some(held) => Err(StateError::Locked(Some(Box::new(held)))),
            None => Ok(()),
        }
    }
}
