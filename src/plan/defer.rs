//! What is deferred to another window: if not everything fits the quota, the most urgent goes first. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Quota;
use super::steps::{self, Loads};
use crate::diff::{Change, Reason};
use crate::entry::{EntryKey, TargetKind};
use crate::operation::Item;

/// A budget that endpoints share: its scope and what it counts.
type Account<'q> = (&'q Arc<str>, &'q str);

/// An item to send, in order of precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<'l> {
    /// Of the most urgent change that it serves.
    rank: u8,
    /// Broad targets serve more, so they come first.
    kind: Reverse<TargetKind>,
    /// Among the endpoint's items of that rank and kind, so that endpoints take turns.
    place: usize,
    endpoint: &'l Arc<str>,
    item: usize,
}

/// Changes that do not fit, with the time at which their window turns.
pub(super) fn waiting(
    loads: &Loads<'_>,
    changes: &[Change],
    quota: &[Quota],
    may_exceed_quota: impl Fn(&str) -> bool,
) -> BTreeMap<EntryKey, DateTime<Utc>> {
    if quota.iter().all(|row| row.planned_in_account <= row.room()) {
        return BTreeMap::new();
    }
    let mut rows: BTreeMap<&Arc<str>, Vec<&Quota>> = BTreeMap::new();
    for row in quota {
        rows.entry(&row.endpoint).or_default().push(row);
    }
    let mut taken: BTreeMap<Account<'_>, u64> = BTreeMap::new();
    let mut sent = Vec::new();
    let mut waiting: BTreeMap<(&Arc<str>, usize), DateTime<Utc>> = BTreeMap::new();
    let mut candidates = candidates(loads, changes);
    candidates.sort_unstable_by(|a, b| {
        (!may_exceed_quota(a.endpoint), a).cmp(&(!may_exceed_quota(b.endpoint), b))
    });
    for candidate in candidates {
        let (_, load) = &loads[candidate.endpoint];
        let item = std::slice::from_ref(&load.items[candidate.item]);
        let rows = rows.get(candidate.endpoint).into_iter().flatten();
        let counted = rows.filter(|row| !row.counts.is_requests() && row.counts.of(item) > 0);
        let counted: Vec<_> = counted.copied().collect();
        let is_over =
            |row: &&&Quota| taken.get(&account(row)).copied().unwrap_or_default() >= row.room();
        let turns_at = counted.iter().filter(is_over).map(|row| row.turns_at).max();
        if let Some(turns_at) = turns_at.filter(|_| !may_exceed_quota(candidate.endpoint)) {
            waiting.insert((candidate.endpoint, candidate.item), turns_at);
            continue;
        }
        for row in counted {
            *taken.entry(account(row)).or_default() += 1;
        }
        sent.push(candidate);
    }
    for (late, turns_at) in too_many_requests(loads, &sent, &rows) {
        if !may_exceed_quota(late.endpoint) {
            waiting.insert((late.endpoint, late.item), turns_at);
        }
    }
    let of_load = |(name, (_, load)): (&Arc<str>, &(_, steps::Load))| {
        let late = load.serves.iter().filter_map(|serve| {
            let until = waiting.get(&(name, serve.item))?;
            Some((serve.key.clone(), *until))
        });
        late.collect::<Vec<_>>()
    };
    loads.iter().flat_map(of_load).collect()
}

fn account(row: &Quota) -> Account<'_> {
    (&row.scope, &row.kind)
}

fn candidates<'l>(loads: &'l Loads<'_>, changes: &[Change]) -> Vec<Candidate<'l>> {
    let ranks: HashMap<&EntryKey, u8> = changes
        .iter()
        .map(|change| (&change.key, rank(change.reason)))
        .collect();
    let mut candidates = Vec::new();
    for (endpoint, (_, load)) in loads {
        let mut rank_of = vec![u8::MAX; load.items.len()];
        for serve in &load.serves {
            let rank = ranks.get(&serve.key).copied().unwrap_or(u8::MAX);
            rank_of[serve.item] = rank_of[serve.item].min(rank);
        }
        let mut places: BTreeMap<(u8, TargetKind), usize> = BTreeMap::new();
        for (item, rank) in rank_of.into_iter().enumerate() {
            let kind = load.items[item].target.kind();
            let next = places.entry((rank, kind)).or_default();
            candidates.push(Candidate {
                rank,
                kind: Reverse(kind),
                place: *next,
                endpoint,
                item,
            });
            *next += 1;
        }
    }
    candidates
}

/// First what is known to be wrong at the edge, then what must no longer be there.
const fn rank(reason: Reason) -> u8 {
    match reason {
        Reason::PreviousFailed | Reason::PreviousUnknown | Reason::StaleAtEdge | Reason::Forced => {
            0
        }
        Reason::ContentDeleted => 1,
        Reason::ContentChanged | Reason::RevisionChanged => 2,
        Reason::Added => 3,
    }
}

/// The last of these items, in order, that would exceed the quota of requests. An account has as many
/// requests left as its endpoint with the fewest.
fn too_many_requests<'s, 'l>(
    loads: &Loads<'_>,
    sent: &'s [Candidate<'l>],
    rows: &BTreeMap<&Arc<str>, Vec<&Quota>>,
) -> Vec<(&'s Candidate<'l>, DateTime<Utc>)> {
    let mut accounts: BTreeMap<Account<'_>, Vec<&Quota>> = BTreeMap::new();
    for row in rows
        .values()
        .flatten()
        .filter(|row| row.counts.is_requests())
    {
        accounts.entry(account(row)).or_default().push(row);
    }
    let mut late = Vec::new();
    for rows in accounts.values() {
        let row_of = |candidate: &Candidate<'_>| {
            let (_, load) = &loads[candidate.endpoint];
            let item = std::slice::from_ref(&load.items[candidate.item]);
            let mut rows = rows.iter();
            rows.find(|row| row.endpoint == *candidate.endpoint && row.counts.of(item) > 0)
        };
        let counted = sent
            .iter()
            .filter_map(|candidate| Some((candidate, row_of(candidate)?)));
        let counted: Vec<_> = counted.collect();
        let room = rows.iter().map(|row| row.room()).min().unwrap_or_default();
        let requests = |first: usize| -> u64 {
            let mut items: BTreeMap<&Arc<str>, Vec<usize>> = BTreeMap::new();
            for (candidate, _) in &counted[..first] {
                items
                    .entry(candidate.endpoint)
                    .or_default()
                    .push(candidate.item);
            }
            let of_endpoint = |(name, mut numbers): (&Arc<str>, Vec<usize>)| {
                let (endpoint, load) = &loads[name];
                numbers.sort_unstable();
                let items: Vec<Item> = numbers.iter().map(|at| load.items[*at].clone()).collect();
                steps::batches(endpoint, &items).len() as u64
            };
            items.into_iter().map(of_endpoint).sum()
        };
        // More items never take fewer requests.
        let numbers: Vec<usize> = (1..=counted.len()).collect();
        let fitting = numbers.partition_point(|first| requests(*first) <= room);
        let rest = counted[fitting..].iter();
        late.extend(rest.map(|(candidate, row)| (*candidate, row.turns_at)));
    }
    late
}
