//! Each endpoint's share of the budgets of its account, if files do not fit. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Quota;
use super::cover::{Price, Room};
use super::steps::{Load, Loads};
use crate::entry::TargetKind;
use crate::manifest::resource::When;

pub(super) fn files(load: &Load) -> u64 {
    let items = load.items.iter().map(|item| item.target.kind());
    items.filter(|kind| *kind == TargetKind::File).count() as u64
}

/// What an endpoint may use, and its quotas.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Share {
    pub(super) is_scarce: bool,
    files: Option<u64>,
    directories: Option<u64>,
    /// Files and directories share one budget.
    is_one: bool,
    of_files: u64,
    of_directories: u64,
}

impl Share {
    pub(super) fn room(&self, planned: u64) -> Room {
        // Room beyond what is planned makes no difference.
        let of = |left: Option<u64>| left.map_or(planned, |left| left.min(planned));
        match (self.is_one, self.files) {
            (true, Some(both)) => Room::Together(both.min(planned)),
            (true | false, _) => Room::Apart {
                files: of(self.files),
                directories: of(self.directories),
            },
        }
    }

    /// A unit of a large quota is cheap.
    pub(super) fn price(&self) -> Price {
        let of = |quota: u64| u32::try_from(quota).unwrap_or(u32::MAX);
        match (self.of_files, self.of_directories) {
            (0, _) | (_, 0) => Price {
                file: 1,
                directory: 1,
            },
            (files, directories) => Price {
                file: of(directories),
                directory: of(files),
            },
        }
    }
}

/// Divides the budgets of each account: small plans get what they need, the others equal parts of the rest.
pub(super) fn of(loads: &Loads<'_>, quota: &[Quota]) -> BTreeMap<Arc<str>, Share> {
    let mut shares: BTreeMap<Arc<str>, Share> = BTreeMap::new();
    let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for quota in quota {
        accounts
            .entry((&quota.scope, &quota.kind))
            .or_default()
            .push(quota);
    }
    let of_files = |rows: &&Vec<&Quota>| rows.iter().all(|row| row.counts.has(TargetKind::File));
    // Files first: they decide which endpoints need directories.
    for rows in accounts.values().filter(of_files) {
        for (row, granted) in granted(rows, |row| {
            let endpoint = loads.get(&row.endpoint).map(|(endpoint, _)| endpoint);
            endpoint.is_none_or(|endpoint| endpoint.broaden.when == When::Never)
        }) {
            let share = shares.entry(row.endpoint.clone()).or_default();
            let load = loads.get(&row.endpoint).map(|(_, load)| load);
            let others = row.planned - load.map_or(0, files).min(row.planned);
            let left = granted.saturating_sub(others);
            share.is_scarce |= granted < row.planned;
            share.is_one |= row.counts.has(TargetKind::Directory);
            share.files = Some(share.files.map_or(left, |known| known.min(left)));
            share.of_files = row.limit;
        }
    }
    for rows in accounts.values().filter(|rows| !of_files(rows)) {
        let directories = |row: &&&Quota| row.counts.has(TargetKind::Directory);
        let rows: Vec<_> = rows.iter().filter(directories).collect();
        let wants = |row: &&&&Quota| {
            shares
                .get(&row.endpoint)
                .is_some_and(|share| share.is_scarce)
        };
        let wanting = rows.iter().filter(wants).count() as u64;
        for row in rows {
            let left = row.room().saturating_sub(row.planned_in_account);
            let share = shares.entry(row.endpoint.clone()).or_default();
            share.directories = Some(left / wanting.max(1));
            share.of_directories = row.limit;
        }
    }
    shares
}

fn granted<'q>(rows: &[&'q Quota], is_fixed: impl Fn(&Quota) -> bool) -> Vec<(&'q Quota, u64)> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (!is_fixed(row), row.planned));
    let mut left = rows.first().map_or(0, |row| row.room());
    let mut others = rows.len() as u64;
    let mut granted = Vec::new();
    for row in rows {
        let most = if is_fixed(row) { left } else { left / others };
        let mine = row.planned.min(most);
        granted.push((row, mine));
        left -= mine;
        others -= 1;
    }
    granted
}
