//! When directories are purged in place of files: where the files do not fit what is left of a quota. What
//! an endpoint gets of its account's budgets is decided in `shares`; which directories, in `cover`. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cover::{self, Cover, Price, Room, Short, cover};
use super::shares::{self, files};
use super::steps::Loads;
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
    let shares = shares::of(loads, quota);
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

/// Directories of which manifests know all that is below.
fn known<'p>(project: &'p Project, endpoint: &'p str) -> impl Iterator<Item = Target> + 'p {
    let sites = project.sites.iter();
    let sites = sites.filter(move |site| *site.endpoint == *endpoint);
    let sites = sites.map(|site| Target::Directory(site.base_url.clone()));
    let purges = project.purges.iter();
    let purges = purges.filter(move |purge| *purge.endpoint == *endpoint);
    let targets = purges.flat_map(|purge| purge.targets.iter().cloned());
    sites.chain(targets.filter(|target| target.kind() == TargetKind::Directory))
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
        let targets: Vec<_> = changes.map(|change| &change.key.target).collect();
        let taking = Directories::new(provider, targets.iter().copied().cloned());
        let place = |target: &Target| {
            let is_sent = target.kind() == TargetKind::File && taking.taking(target).is_none();
            provider.place(target).filter(|_| is_sent)
        };
        let mut all = Vec::new();
        let mut add = |target: &Target, weight, changed: Option<&'a CdnUrl>| {
            all.extend(place(target).map(|at| Place {
                at,
                weight,
                changed,
            }));
        };
        for target in targets {
            add(target, 0, target.url());
        }
        let wanted = desired.entries.iter();
        for entry in wanted.filter(|entry| entry.key.endpoint == *name) {
            add(&entry.key.target, 1, None);
        }
        for served in served.into_iter().flatten() {
            let weight = match endpoint.broaden.weigh {
                Weigh::Urls => 1,
                Weigh::Bytes => served.bytes.max(1),
            };
            add(&Target::File(served.url.clone()), weight, None);
        }
        // What changed stands before the same that did not.
        let key = |place: &Place<'_>| (place.changed.is_none(), Reverse(place.weight));
        all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| key(a).cmp(&key(b))));
        all.dedup_by(|later, first| later.at == first.at);
        let known = known(project, name);
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
