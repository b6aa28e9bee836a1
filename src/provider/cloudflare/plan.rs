//! The limits of each plan. Buckets are per account; URLs and all other kinds have separate pools `[D]`.

use std::sync::Arc;
use std::time::Duration;

use super::config::{Config, Plan};
use crate::entry::TargetKind;
use crate::provider::{Budget, Counts, DayStart, Limits, Window};

const FILES: &[TargetKind] = &[TargetKind::File];
const OTHERS: &[TargetKind] = &[
    TargetKind::Directory,
    TargetKind::Tag,
    TargetKind::Host,
    TargetKind::Everything,
];
const LISTED: &[TargetKind] = &[TargetKind::Directory, TargetKind::Tag, TargetKind::Host];

/// Tags, hosts or prefixes in one request, on every plan `[D]`.
const OTHERS_PER_REQUEST: u64 = 100;

/// Calls of the whole API per user, in five minutes. Purges of URLs do not count `[O]`. Above it, every call
/// is refused for five minutes `[D]`.
const API_CALLS: Bucket = (1200, rate(5 * 60, 1200));

/// An amount, and the window in which it is available.
type Bucket = (u64, Window);

const fn rate(seconds: u64, burst: u64) -> Window {
    Window::Rate {
        per: Duration::from_secs(seconds),
        burst,
    }
}

impl Plan {
    /// Requests for tags, hosts, prefixes and everything `[D]`.
    const fn other_requests(self) -> Bucket {
        match self {
            Self::Free => (5, rate(60, 25)),
            Self::Pro => (5, rate(1, 25)),
            Self::Business => (10, rate(1, 50)),
            Self::Enterprise => (50, rate(1, 500)),
        }
    }

    /// `[D]`
    const fn urls_per_second(self) -> u64 {
        match self {
            Self::Free => 800,
            Self::Pro | Self::Business => 1500,
            Self::Enterprise => 3000,
        }
    }

    /// `[D]` A page of 2025 still said 30 for all plans but Enterprise.
    const fn urls_per_request(self) -> usize {
        match self {
            Self::Free | Self::Pro | Self::Business => 100,
            Self::Enterprise => 500,
        }
    }
}

/// There is no daily quota. An address may send 200 requests per second `[D]`; a quarter of that leaves
/// room for others behind it.
pub(super) fn default_limits(plan: Plan) -> Limits {
    Limits {
        files_per_day: Limits::NO_QUOTA,
        directories_per_day: Limits::NO_QUOTA,
        day_starts_at: DayStart::utc(),
        items_per_request: plan.urls_per_request(),
        requests_per_second: 50.0,
        concurrent_requests: 4,
        reserve: None,
    }
}

/// Treats all endpoints as one account, because a manifest names only zones: a cautious choice. Quotas set
/// in a manifest are per zone.
pub(super) fn budgets(config: &Config, limits: &Limits) -> Vec<Budget> {
    let account: Arc<str> = config.api_url.as_str().into();
    let budget = |counts, (amount, window): Bucket| Budget::new(&account, counts, amount, window);
    // Each variant of a file is one item.
    let variants = config.variants.len().max(1) as u64;
    let files = |amount: u64| (amount / variants).max(1);
    let urls = files(config.plan.urls_per_second());
    let per_request = limits.items_per_request as u64;
    let mut budgets = vec![
        budget(Counts::Items(FILES), (files(per_request), Window::Request)),
        budget(
            Counts::Items(LISTED),
            (per_request.min(OTHERS_PER_REQUEST), Window::Request),
        ),
        budget(Counts::Items(FILES), (urls, rate(1, urls))),
        budget(Counts::RequestsWith(OTHERS), config.plan.other_requests()),
        budget(Counts::RequestsWith(OTHERS), API_CALLS),
    ];
    budgets.extend(Budget::requests(limits, &account));
    let zone: Arc<str> = format!("{account} {}", config.zone_id).into();
    budgets.extend(Budget::quotas(limits, &zone));
    budgets
}
