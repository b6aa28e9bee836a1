//! When to purge directories in place of files: if the files do not fit what is left of a quota. `shares`
//! decides each endpoint's part of its account's budgets, and `cover` which directories. Pure.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::cover::Cover;
use super::places::Places;
use super::shares::{self, files};
use super::steps::Loads;
use super::{CheckName, Covered, Note, NoteSeverity, Quota, Step, count};
use crate::desired::Desired;
use crate::diff::Change;
use crate::entry::{EntryKey, Target, TargetKind};
use crate::manifest::resource::{Endpoint, Project, USUAL_COLLATERAL_PERCENT, When};
use crate::operation::Item;
use crate::state::State;

/// The chosen directories, by endpoint.
#[derive(Debug, Default)]
pub(super) struct Broadened {
    pub(super) chosen: BTreeMap<Arc<str>, Vec<Target>>,
    pub(super) cover: Vec<Covered>,
    pub(super) gap: u64,
    /// Why no directories make an endpoint's changes fit.
    pub(super) short: BTreeMap<Arc<str>, String>,
    pub(super) left_out: BTreeMap<Arc<str>, LeftOut>,
}

/// Directories of a cover that are not used, since with the others they would exceed `maxCollateral`.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct LeftOut {
    pub(super) directories: usize,
    /// Unchanged URLs below them.
    pub(super) collateral: usize,
}

/// Permissions beyond the limits of endpoints.
#[derive(Clone, Copy)]
pub(super) struct Permits<'p> {
    /// Whether an endpoint may exceed a quota.
    pub(super) any_quota: &'p dyn Fn(&str) -> bool,
    /// Whether an endpoint may exceed `maxCollateral`.
    pub(super) any_collateral: &'p dyn Fn(&str) -> bool,
    /// Whether a change was approved before, with its collateral.
    pub(super) approved: &'p dyn Fn(&Change) -> bool,
}

/// Endpoints whose plan needs every URL, since more may be purged than fits their quota. Counts entries
/// and not changes, so that an ordinary day costs no comparison.
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
    let files = |name: &Arc<str>| most.get(name).copied().unwrap_or_default();
    let mut left: BTreeMap<(Arc<str>, String), (u64, u64)> = BTreeMap::new();
    let budgets = |endpoint: &Endpoint| -> Vec<_> {
        let budgets = endpoint.budgets().into_iter();
        let file = budgets.filter(|budget| budget.counts.has(TargetKind::File));
        file.filter_map(|budget| Some((state.standing(&budget, now)?.used, budget)))
            .collect()
    };
    for (name, endpoint) in &project.endpoints {
        for (used, budget) in budgets(endpoint) {
            let (scope, counts) = (budget.scope, budget.counts.word());
            let (_, planned) = left.entry((scope, counts)).or_insert_with(|| {
                let kept = budget.counts.reserve(&endpoint.limits) + used;
                (budget.amount.saturating_sub(kept), 0)
            });
            *planned += files(name);
        }
    }
    let is_to_list = |(name, endpoint): &(&Arc<str>, &Endpoint)| match endpoint.broaden.when {
        When::Never => false,
        When::Cheaper => files(name) > 1,
        When::Quota => budgets(endpoint).into_iter().any(|(_, budget)| {
            let account = (budget.scope, budget.counts.word());
            files(name) > 0 && left.get(&account).is_some_and(|(left, most)| most > left)
        }),
    };
    let endpoints = project.endpoints.iter().filter(is_to_list);
    endpoints.map(|(name, _)| name.clone()).collect()
}

/// Chooses directories for endpoints whose files do not fit, or where directories are cheaper. If none make
/// everything fit, those that leave the fewest files over.
pub(super) fn broaden(
    project: &Project,
    desired: &Desired,
    changes: &[Change],
    loads: &Loads<'_>,
    quota: &[Quota],
    permits: Permits<'_>,
) -> Broadened {
    let mut broadened = Broadened::default();
    let shares = shares::of(loads, quota);
    for (name, (endpoint, load)) in loads {
        let share = shares.get(name).copied().unwrap_or_default();
        let is_thrifty = endpoint.broaden.when == When::Cheaper;
        if endpoint.broaden.when == When::Never || !share.is_scarce && !is_thrifty {
            continue;
        }
        let Some(tree) = Places::new(project, endpoint, desired, changes, permits.approved) else {
            continue;
        };
        let room = share.room(files(load));
        let mut cover = tree.cover(room, share.price(), is_thrifty);
        if let Err(short) = &cover {
            broadened.short.insert(name.clone(), tree.words(short));
            if (permits.any_quota)(name) {
                continue;
            }
            cover = tree.cover(room.and_files(short.files), share.price(), is_thrifty);
        }
        let most = match (permits.any_collateral)(name) {
            true => usize::MAX,
            false => most_collateral(endpoint, desired).0,
        };
        if let Ok(cover) = cover {
            broadened.take(endpoint, &tree, &cover, most);
        }
    }
    broadened
}

/// How many unchanged URLs may be purged at an endpoint, and if `maxCollateral` is not declared, the number
/// of entries it is a percentage of.
pub(super) fn most_collateral(endpoint: &Endpoint, desired: &Desired) -> (usize, Option<usize>) {
    if let Some(limit) = endpoint.broaden.max_collateral {
        return (usize::try_from(limit).unwrap_or(usize::MAX), None);
    }
    let listed = desired.entries.iter();
    let listed = listed.filter(|entry| entry.key.endpoint == endpoint.name);
    let unchanged = desired.unchanged.iter();
    let unchanged = unchanged.filter(|same| same.endpoint == endpoint.name);
    let entries = listed.count() + unchanged.map(|same| same.entries).sum::<usize>();
    (entries * USUAL_COLLATERAL_PERCENT / 100, Some(entries))
}

impl Broadened {
    /// Takes the directories of a cover, except those with the most collateral per change, until the
    /// collateral is no more than `most`.
    fn take(&mut self, endpoint: &Endpoint, tree: &Places<'_>, cover: &Cover, most: usize) {
        self.gap = self.gap.saturating_add(cover.gap);
        let name = &endpoint.name;
        let taken = cover.directories.iter().filter_map(|chosen| {
            let directory = tree.directory(&chosen.directory)?;
            // If the CDN does not accept the directory, its files are sent or deferred.
            let target = Target::Directory(directory.clone());
            endpoint.provider.lower(&target).ok()?;
            let below = tree.below(&chosen.directory).iter();
            let changed = below.clone().filter_map(|place| place.changed.as_ref());
            let covered = Covered {
                endpoint: name.clone(),
                directory,
                covers: 0,
                collateral: below.clone().count() - changed.clone().count(),
            };
            let is_approved = changed.clone().all(|changed| changed.is_approved);
            Some((covered, changed.count(), is_approved))
        });
        let mut taken: Vec<_> = taken.collect();
        let mut thrown: usize = taken
            .iter()
            .filter(|(.., is_approved)| !is_approved)
            .map(|(covered, ..)| covered.collateral)
            .sum();
        let mut left_out = LeftOut::default();
        while thrown > most {
            // Compares collateral per change, without division.
            let worst = taken
                .iter()
                .enumerate()
                .filter(|(_, (.., is_approved))| !is_approved)
                .max_by(|(_, (a, of_a, _)), (_, (b, of_b, _))| {
                    (a.collateral * of_b).cmp(&(b.collateral * of_a))
                });
            let Some((at, _)) = worst else { break };
            let (covered, ..) = taken.remove(at);
            thrown -= covered.collateral;
            left_out.directories += 1;
            left_out.collateral += covered.collateral;
        }
        if left_out.directories > 0 {
            self.left_out.insert(name.clone(), left_out);
        }
        for (covered, ..) in taken {
            let target = Target::Directory(covered.directory.clone());
            self.chosen.entry(name.clone()).or_default().push(target);
            self.cover.push(covered);
        }
    }

    /// The directories chosen for an endpoint that are among these items.
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

    /// Why not everything fits.
    pub(super) fn notes(&self) -> impl Iterator<Item = Note> {
        let short = self.short.iter();
        let short = short.map(|(name, words)| format!("[{name}] {words}"));
        let left_out = self.left_out.iter().map(|(name, left_out)| {
            let directories = count(left_out.directories, "directory");
            let unchanged = count(left_out.collateral, "unchanged URL");
            let force = CheckName::MaxCollateral.as_str();
            format!(
                "[{name}] {directories} with {unchanged} left out, over `maxCollateral`; `--force={force}:{name}` purges them"
            )
        });
        short.chain(left_out).map(|message| Note {
            severity: NoteSeverity::Info,
            message,
        })
    }

    /// The directories that these steps purge.
    pub(super) fn sent(self, steps: &[Step]) -> Vec<Covered> {
        let items = steps.iter().flat_map(|step| {
            let urls = step.items.iter().filter_map(|item| item.target.url());
            urls.map(|url| (&step.endpoint, url))
        });
        let sent: HashSet<_> = items.collect();
        let mut cover = self.cover;
        cover.retain(|covered| sent.contains(&(&covered.endpoint, &covered.directory)));
        cover
    }

    /// Counts the changes that each directory serves.
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
