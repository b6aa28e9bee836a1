//! What lines of the ledger look like: what was booked, and what CDNs said. Frozen as `lines` are.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::names::Names;
use crate::state::{BudgetKey, LedgerKey, Told};

/// What was booked in one window.
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
}

/// What a CDN said of a budget.
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
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "one of several checks"
)]
pub(super) fn ledger(names: &mut Names, line: LedgerLine<'_>) -> Result<(LedgerKey, u64), String> {
    let key = LedgerKey {
        scope: names.share(&line.scope),
        counts: names.share(&line.counts),
        window: line.window,
    };
    Ok((key, line.amount))
}

#[expect(
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value,
    reason = "one of several checks"
)]
pub(super) fn told(names: &mut Names, line: ToldLine<'_>) -> Result<(BudgetKey, Told), String> {
    let key = (names.share(&line.scope), names.share(&line.counts));
    Ok((key, line.told))
}
