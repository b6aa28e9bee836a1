//! The lines of the ledger: what was booked, and what CDNs said. Frozen like `lines`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::state::{BudgetKey, LedgerKey, Told};

#[derive(Serialize, Deserialize)]
pub(super) struct LedgerLine<'a> {
    #[serde(borrow)]
    scope: Cow<'a, str>,
    #[serde(borrow)]
    counts: Cow<'a, str>,
    window: DateTime<Utc>,
    amount: u64,
}

impl<'a> LedgerLine<'a> {
    pub(super) fn new(key: &'a LedgerKey, amount: u64) -> Self {
        Self {
            scope: Cow::Borrowed(&key.scope),
            counts: Cow::Borrowed(&key.counts),
            window: key.window,
            amount,
        }
    }

    pub(super) fn read(self, names: &mut Names) -> (LedgerKey, u64) {
        let key = LedgerKey {
            scope: names.share(&self.scope),
            counts: names.share(&self.counts),
            window: self.window,
        };
        (key, self.amount)
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct ToldLine<'a> {
    #[serde(borrow)]
    scope: Cow<'a, str>,
    #[serde(borrow)]
    counts: Cow<'a, str>,
    #[serde(flatten)]
    told: Told,
}

impl<'a> ToldLine<'a> {
    pub(super) const fn new(scope: &'a str, counts: &'a str, told: Told) -> Self {
        Self {
            scope: Cow::Borrowed(scope),
            counts: Cow::Borrowed(counts),
            told,
        }
    }

    pub(super) fn read(self, names: &mut Names) -> (BudgetKey, Told) {
        let key = (names.share(&self.scope), names.share(&self.counts));
        (key, self.told)
    }
}
