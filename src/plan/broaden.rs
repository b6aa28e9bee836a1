//! When directories are purged in place of files: where the files do not fit what is left of a quota. What
//! an endpoint gets of its account's budgets is decided here; which directories, in `cover`. Pure.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cover::{self, Cover, Price, Room, Short, cover};
use super::steps::{Load, Loads};
use super::{Covered, Quota, count};
use crate::desired::Desired;
use crate::diff::Change;
use crate::entry::{EntryKey, Target, TargetKind};
use crate::manifest::resource::{Endpoint, Project, Weigh, When};
use crate::operation::Item;
use crate::provider::place::Directories;
use crate::state::{LedgerKey, State};
use crate::url::CdnUrl;

/// What was chosen.
#[derive(Debug, Default)]
pub(super) struct Broadened {
    /// Directories, by endpoint.
    pub(super) chosen: BTreeMap<Arc<str>, Vec<Target>>,
    pub(super) cover: Vec<Covered>,
    pub(super) gap: u64,
    /// By endpoint, why no directories make its changes fit.
    pub(super) short: BTreeMap<Arc<str>, String>,
}

/// Endpoints of which every URL must be known for their plan: more may be purged than fits their quota.
/// That is said by entries, not by changes, so that the common day costs no comparison.
pub fn to_list<'k>(
    project: &Project,
    desired: &'k Desired,
    known: impl Iterator<Item = &'k EntryKey>,
    state: &'k State,
    now: DateTime<Utc>,
) -> Vec<Arc<str>> {
    let wanted = desired.entries.iter().map(|entry| &entry.key);
    let mut most: BTreeMap<&Arc<str>, u64> = BTreeMap::new();
    for key in wanted.chain(known).chain(state.due.keys()) {
        if key.target.kind() == TargetKind::File {
            *most.entry(&key.endpoint).or_default() += 1;
        }
    }
    let of = |name: &Arc<str>| most.get(name).copied().unwrap_or_default();
    let mut left: BTreeMap<(Arc<str>, String), (u64, u64)> = BTreeMap::new();
    let budgets = |endpoint: &Endpoint| -> Vec<_> {
        let budgets = endpoint.budgets().into_iter();
        let file = budgets.filter(|budget| budget.counts.has(TargetKind::File));
        file.filter_map(|budget| Some((budget.period(now)?.0, budget)))
            .collect()
    };
    for (name, endpoint) in &project.endpoints {
        for (window, budget) in budgets(endpoint) {
            let (scope, counts) = (budget.scope, budget.counts.word());
            let (_, planned) = left
                .entry((scope.clone(), counts.clone()))
                .or_insert_with(|| {
                    let key = LedgerKey {
                        scope,
                        counts: counts.into(),
                        window,
                    };
                    (budget.amount.saturating_sub(state.spent(&key)), 0)
                });
            *planned += of(name);
        }
    }
    let is_to_list = |(name, endpoint): &(&Arc<str>, &Endpoint)| match endpoint.broaden.when {
        When::Never => false,
        When::Cheaper => of(name) > 1,
        When::Quota => budgets(endpoint).into_iter().any(|(_, budget)| {
            let account = (budget.scope, budget.counts.word());
            of(name) > 0 && left.get(&account).is_some_and(|(left, most)| most > left)
        }),
    };
    let endpoints = project.endpoints.iter().filter(is_to_list);
    endpoints.map(|(name, _)| name.clone()).collect()
}

/// Looks for directories where files do not fit, or directories are cheaper.
pub(super) fn broaden(
    project: &Project,
    desired: &Desired,
    changes: &[Change],
    loads: &Loads<'_>,
    quota: &[Quota],
) -> Broadened {
    let mut broadened = Broadened::default();
    let shares = shares(loads, quota);
    for (name, (endpoint, load)) in loads {
        let share = shares.get(name).copied().unwrap_or_default();
        let is_thrifty = endpoint.broaden.when == When::Cheaper;
        if endpoint.broaden.when == When::Never || !share.is_scarce && !is_thrifty {
            continue;
        }
        let Some(tree) = Places::new(project, endpoint, desired, changes) else {
            continue;
        };
        let room = share.room(files(load));
        match tree.cover(room, share.price(), is_thrifty) {
            Ok(cover) => broadened.take(endpoint, &tree, &cover),
            Err(short) => {
                broadened.short.insert(name.clone(), tree.words(&short));
            }
        }
    }
    broadened
}

impl Broadened {
    fn take(&mut self, endpoint: &Endpoint, tree: &Places<'_>, cover: &Cover) {
        self.gap = self.gap.saturating_add(cover.gap);
        for chosen in &cover.directories {
            let Some(directory) = tree.directory(&chosen.directory) else {
                continue;
            };
            let target = Target::Directory(directory.clone());
            // Of one that the CDN does not take, the files go out, and the quota says no.
            if endpoint.provider.lower(&target).is_err() {
                continue;
            }
            let targets = self.chosen.entry(endpoint.name.clone()).or_default();
            targets.push(target);
            let below = tree.below(&chosen.directory);
            self.cover.push(Covered {
                endpoint: endpoint.name.clone(),
                directory,
                covers: 0,
                collateral: below.iter().filter(|place| place.changed.is_none()).count(),
            });
        }
    }

    /// The directories chosen for an endpoint, as far as these items have them.
    pub(super) fn among<'a>(&'a self, endpoint: &str, items: &'a [Item]) -> Vec<&'a Covered> {
        let directories = items.iter().filter_map(|item| match &item.target {
            Target::Directory(url) => Some(url),
            Target::File(_) | Target::Tag(_) | Target::Host(_) | Target::Everything => None,
        });
        let directories: HashSet<_> = directories.collect();
        let is_mine = |covered: &&Covered| {
            *covered.endpoint == *endpoint && directories.contains(&covered.directory)
        };
        self.cover.iter().filter(is_mine).collect()
    }

    /// Counts what each directory serves.
    pub(super) fn count(&mut self, loads: &Loads<'_>) {
        for covered in &mut self.cover {
            let Some((_, load)) = loads.get(&covered.endpoint) else {
                continue;
            };
            let serves = load.serves.iter().filter(|serve| {
                let target = load.items.get(serve.item).map(|item| &item.target);
                matches!(target, Some(Target::Directory(url)) if *url == covered.directory)
            });
            covered.covers = serves.count();
        }
    }
}

/// File URLs to send.
fn files(load: &Load) -> u64 {
    let items = load.items.iter().map(|item| item.target.kind());
    items.filter(|kind| *kind == TargetKind::File).count() as u64
}

/// What an endpoint may use, and what its quotas are.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    is_scarce: bool,
    files: Option<u64>,
    directories: Option<u64>,
    /// One budget for both.
    is_one: bool,
    /// Of a day.
    of_files: u64,
    of_directories: u64,
}

impl Share {
    fn room(&self, planned: u64) -> Room {
        // More than is planned makes no difference.
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
    fn price(&self) -> Price {
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

/// Shares out the budgets of each account: who plans little gets it, the others the same of what is left.
fn shares(loads: &Loads<'_>, quota: &[Quota]) -> BTreeMap<Arc<str>, Share> {
    let mut shares: BTreeMap<Arc<str>, Share> = BTreeMap::new();
    let counts = |quota: &Quota, kind: TargetKind| {
        let mut kinds = quota.kind.split('+');
        kinds.any(|word| word == kind.as_str())
    };
    let mut accounts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for quota in quota {
        accounts
            .entry((&quota.scope, &quota.kind))
            .or_default()
            .push(quota);
    }
    let of_files = |rows: &&Vec<&Quota>| rows.iter().all(|row| counts(row, TargetKind::File));
    // Files first: they decide whose directories are wanted.
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
            share.is_one |= counts(row, TargetKind::Directory);
            share.files = Some(share.files.map_or(left, |known| known.min(left)));
            share.of_files = row.limit;
        }
    }
    for rows in accounts.values().filter(|rows| !of_files(rows)) {
        let directories = |row: &&&Quota| counts(row, TargetKind::Directory);
        let rows: Vec<_> = rows.iter().filter(directories).collect();
        let wants = |row: &&&&Quota| {
            shares
                .get(&row.endpoint)
                .is_some_and(|share| share.is_scarce)
        };
        let wanting = rows.iter().filter(wants).count() as u64;
        for row in rows {
            let left = row.limit.saturating_sub(row.used + row.planned_in_account);
            let share = shares.entry(row.endpoint.clone()).or_default();
            share.directories = Some(left / wanting.max(1));
            share.of_directories = row.limit;
        }
    }
    shares
}

/// How much of one budget each endpoint gets.
fn granted<'q>(rows: &[&'q Quota], is_fixed: impl Fn(&Quota) -> bool) -> Vec<(&'q Quota, u64)> {
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| (!is_fixed(row), row.planned));
    let mut left = rows
        .first()
        .map_or(0, |row| row.limit.saturating_sub(row.used));
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

/// A URL in the tree of an endpoint.
#[derive(Debug)]
struct Place<'a> {
    at: String,
    weight: u64,
    /// The URL, of one that changed.
    changed: Option<&'a CdnUrl>,
}

/// All URLs of an endpoint, as its CDN's directories take them.
#[derive(Debug)]
struct Places<'a> {
    /// Sorted, each once.
    all: Vec<Place<'a>>,
    /// Directories of which every URL is known.
    known: Vec<String>,
}

impl<'a> Places<'a> {
    /// `None` where the CDN purges no directories, or nobody listed the URLs.
    fn new(
        project: &Project,
        endpoint: &Endpoint,
        desired: &'a Desired,
        changes: &'a [Change],
    ) -> Option<Self> {
        let (name, provider) = (&endpoint.name, &*endpoint.provider);
        let mut unchanged = desired.unchanged.iter();
        let served = desired.served.get(name);
        if served.is_none() && unchanged.any(|same| same.endpoint == *name && same.entries > 0) {
            return None;
        }
        let changes = changes.iter().filter(|change| change.key.endpoint == *name);
        let changes: Vec<_> = changes.map(|change| &change.key.target).collect();
        let purged = Directories::new(provider, changes.iter().copied().cloned());
        let mut all = Vec::new();
        let mut add = |target: &'a Target, weight, is_changed: bool| {
            let Target::File(url) = target else { return };
            if let Some(at) = provider
                .place(target)
                .filter(|_| purged.taking(target).is_none())
            {
                let changed = is_changed.then_some(url);
                all.push(Place {
                    at,
                    weight,
                    changed,
                });
            }
        };
        for target in changes {
            add(target, 0, true);
        }
        let wanted = desired
            .entries
            .iter()
            .filter(|entry| entry.key.endpoint == *name);
        for entry in wanted {
            add(&entry.key.target, 1, false);
        }
        for served in served.into_iter().flatten() {
            let target = Target::File(served.url.clone());
            let weight = match endpoint.broaden.weigh {
                Weigh::Urls => 1,
                Weigh::Bytes => served.bytes.max(1),
            };
            if let Some(at) = provider
                .place(&target)
                .filter(|_| purged.taking(&target).is_none())
            {
                all.push(Place {
                    at,
                    weight,
                    changed: None,
                });
            }
        }
        // What changed stands before the same that did not.
        let key = |place: &'_ Place<'_>| (place.changed.is_none(), std::cmp::Reverse(place.weight));
        all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| key(a).cmp(&key(b))));
        all.dedup_by(|later, first| later.at == first.at);

        let sites = project.sites.iter().filter(|site| site.endpoint == *name);
        let sites = sites.map(|site| Target::Directory(site.base_url.clone()));
        let purges = project
            .purges
            .iter()
            .filter(|purge| purge.endpoint == *name);
        let purges = purges.flat_map(|purge| purge.targets.iter().cloned());
        let directories = |target: &Target| target.kind() == TargetKind::Directory;
        let known = sites.chain(purges).filter(directories);
        let known = known.filter_map(|target| provider.place(&target)).collect();
        Some(Self { all, known })
    }

    fn cover(&self, room: Room, price: Price, is_thrifty: bool) -> Result<Cover, Short> {
        let served: Vec<_> = self
            .all
            .iter()
            .map(|place| cover::Served {
                url: &place.at,
                weight: place.weight,
                is_changed: place.changed.is_some(),
            })
            .collect();
        let known = |directory: &str| {
            let mut known = self.known.iter();
            known.any(|front| directory.starts_with(front.as_str()))
        };
        cover(&served, &known, room, price, is_thrifty)
    }

    /// What is below a directory.
    fn below(&self, directory: &str) -> &[Place<'a>] {
        let first = self.all.partition_point(|place| *place.at < *directory);
        let below = &self.all[first..];
        let end = below.partition_point(|place| place.at.starts_with(directory));
        &below[..end]
    }

    /// A directory as the URL that is purged.
    fn directory(&self, place: &str) -> Option<CdnUrl> {
        let mut below = self.below(place).iter();
        let url = below.find_map(|place| place.changed)?.as_str();
        let slashes = place.matches('/').count();
        let (end, _) = url.match_indices('/').nth(slashes.checked_sub(1)?)?;
        CdnUrl::recorded_directory(&url[..=end]).ok()
    }

    /// What is missing, in numbers.
    fn words(&self, short: &Short) -> String {
        let more = usize::try_from(short.files).unwrap_or(usize::MAX);
        let mut words = format!(
            "no directories make it fit: needs {}",
            count(more, "more file")
        );
        if let Some(next) = &short.next
            && let Some(directory) = self.directory(&next.directory)
        {
            let below = self.below(&next.directory).iter();
            let unchanged = below.filter(|place| place.changed.is_none()).count();
            let path = directory.path();
            let unchanged = count(unchanged, "unchanged URL");
            words += &format!(", or one more directory: {path} with {unchanged}");
        }
        words
    }
}
