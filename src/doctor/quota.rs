//! What is left of quotas and of free purges, as the state has it.

use chrono::{DateTime, Utc};

use super::{Finding, Level, finding};
use crate::manifest::resource::Endpoint;
use crate::plan::{count, number};
use crate::state::{LedgerKey, Standing, State};

/// A quota used up to this percentage is reported as low.
const QUOTA_LOW_PERCENT: u64 = 90;

pub(super) fn findings(endpoint: &Endpoint, state: &State, now: DateTime<Utc>) -> Vec<Finding> {
    let mut findings = quotas(endpoint, state, now);
    findings.extend(cost(endpoint, state, now));
    findings
}

fn quotas(endpoint: &Endpoint, state: &State, now: DateTime<Utc>) -> Vec<Finding> {
    let budgets = endpoint.budgets().into_iter();
    let quotas = budgets.filter_map(|budget| {
        let Standing { used, until } = state.standing(&budget, now)?;
        let limit = usize::try_from(budget.amount).unwrap_or(usize::MAX);
        let left = budget.amount.saturating_sub(used);
        let reserve = match budget.counts.reserve(&endpoint.limits).min(left) {
            0 => String::new(),
            kept => format!("; {} of them are kept for `purge --urgent`", number(kept)),
        };
        let message = format!(
            "{} of {} left until {}, as recorded here{reserve}",
            number(left),
            count(limit, &budget.counts.word()),
            shown(until),
        );
        let low = budget.amount.saturating_mul(QUOTA_LOW_PERCENT) / 100;
        Some(match used >= low && used > 0 {
            true => finding("quota", Level::Warning, message).remedy(
                "purge directories or fewer URLs, or wait until the quota turns".to_owned(),
            ),
            false => finding("quota", Level::Ok, message),
        })
    });
    quotas.collect()
}

fn cost(endpoint: &Endpoint, state: &State, now: DateTime<Utc>) -> Option<Finding> {
    let price = endpoint.provider.price()?;
    let used = state.spent(&LedgerKey::charged(&price, now));
    let free = number(price.free_a_month);
    let message = match used.checked_sub(price.free_a_month) {
        None | Some(0) => {
            let left = number(price.free_a_month - used.min(price.free_a_month));
            let until = shown(price.month(now).1);
            format!("{left} of {free} free purges left until {until}, as recorded here")
        }
        Some(beyond) => format!(
            "{} purges this month, {} beyond the {free} free ones: USD {}, as recorded here",
            number(used),
            number(beyond),
            price.of(beyond),
        ),
    };
    Some(finding("cost", Level::Ok, message))
}

fn shown(time: DateTime<Utc>) -> impl std::fmt::Display {
    time.format("%Y-%m-%d %H:%M:%SZ")
}
