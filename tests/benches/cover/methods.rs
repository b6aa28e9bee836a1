//! What others do where the files do not fit: baselines for the cover, each as generous as its idea allows.
//! A directory is written `/a/*`; the root, `/*`, fits always and throws everything away.

use std::collections::{BTreeMap, BTreeSet};

use purgit::plan::cover::Room;

use super::site::{Site, counts, directories, fits};

const ROOT: &str = "/*";

/// A way to choose what is purged.
pub(crate) type Method = fn(&Site, Room) -> Vec<String>;

pub(crate) const METHODS: [(&str, Method); 3] = [
    ("greedy", greedy),
    ("s3deploy", s3deploy),
    ("parents", parents),
];

fn root() -> Vec<String> {
    vec![ROOT.to_owned()]
}

/// As s3deploy reduces the paths of an invalidation: level by level, from the deepest.
pub(crate) fn s3deploy(site: &Site, room: Room) -> Vec<String> {
    let paths = site.changed().map(str::to_owned).collect();
    collapse(paths, |items| {
        let (files, directories) = counts(items);
        fits(room, files, directories)
    })
}

/// `normalizeInvalidationPaths` of `lib/cloudfront.go` in github.com/bep/s3deploy at e5e7595, step by step,
/// for a site at the root; its threshold of items is `is_few` here.
pub(crate) fn collapse(paths: Vec<String>, is_few: impl Fn(&[String]) -> bool) -> Vec<String> {
    let levels = |path: &str| path.matches('/').count();
    let deepest = paths.iter().map(|path| levels(path)).max().unwrap_or(0);
    let index = |path: String| match path.strip_suffix("/index.html") {
        Some(folder) => format!("{folder}/"),
        None => path,
    };
    let mut items: Vec<_> = paths.into_iter().map(index).collect();
    items.sort();
    items.dedup();
    if !is_few(&items) {
        for level in (1..=deepest).rev() {
            for item in &mut items {
                if levels(item) > level {
                    let (folder, _) = item.rsplit_once('/').unwrap_or_default();
                    let mut parts: Vec<_> = folder.trim_start_matches('/').split('/').collect();
                    if parts.len() > 1 {
                        parts.pop();
                    }
                    *item = format!("/{}/*", parts.join("/"));
                }
            }
            let mut seen = BTreeSet::new();
            items.retain(|item| seen.insert(item.clone()));
            if is_few(&items) {
                break;
            }
        }
        if !is_few(&items) {
            return root();
        }
    }
    match items.iter().any(|item| item == ROOT) {
        true => root(),
        false => items,
    }
}

/// The directory of each change, else the root. Files of the root stay files, and what is below another
/// directory counts once.
pub(crate) fn parents(site: &Site, room: Room) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    let mut around: BTreeSet<&str> = BTreeSet::new();
    for path in site.changed() {
        match directories(path).last() {
            Some(parent) => _ = around.insert(parent),
            None => items.push(path.to_owned()),
        }
    }
    let is_outermost = |parent: &&&str| {
        let outer = directories(parent).filter(|outer| outer.len() < parent.len());
        !outer.into_iter().any(|outer| around.contains(outer))
    };
    let outermost = around.iter().filter(is_outermost);
    items.extend(outermost.map(|parent| format!("{parent}*")));
    let (files, directories) = counts(&items);
    match fits(room, files, directories) {
        true => items,
        false => root(),
    }
}

#[derive(Debug, Default, Clone)]
struct Place {
    changes: u64,
    unchanged: u64,
    /// Changes that are still files.
    files: u64,
    /// Directories chosen below it, and what they throw away.
    chosen: u64,
    thrown: u64,
    is_taken: bool,
}

/// Takes, until it fits, the directory that throws away least for each purge that it spares.
pub(crate) fn greedy(site: &Site, room: Room) -> Vec<String> {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    let mut files = 0;
    for (path, changed) in site.paths() {
        files += u64::from(changed);
        for directory in directories(path) {
            let place = places.entry(directory).or_default();
            place.changes += u64::from(changed);
            place.files = place.changes;
            place.unchanged += u64::from(!changed);
        }
    }
    places.retain(|_, place| place.changes > 0);
    let mut chosen: BTreeSet<&str> = BTreeSet::new();
    while !fits(room, files, chosen.len() as u64) {
        let count = chosen.len() as u64;
        let best = places.iter().filter(|(_, place)| !place.is_taken);
        let best = best.filter_map(|(at, place)| {
            let after = (count + 1 - place.chosen, files - place.files);
            let (spared, needed) = match room {
                Room::Apart {
                    files: most,
                    directories,
                } => {
                    if after.0 > directories {
                        return None;
                    }
                    (place.files, files - most)
                }
                Room::Together(both) => (
                    (files + count).checked_sub(after.0 + after.1)?,
                    files + count - both,
                ),
            };
            let more = place.unchanged - place.thrown;
            (spared > 0).then(|| (more, spared.min(needed), *at))
        });
        // Less for each that is spared; of the same, what spares more.
        let best = best.min_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)).then(b.1.cmp(&a.1)));
        let Some((more, _, at)) = best else {
            return root();
        };
        let taken = places[at].clone();
        files -= taken.files;
        chosen.retain(|inner| !inner.starts_with(at));
        chosen.insert(at);
        for outer in directories(at) {
            if let Some(place) = places.get_mut(outer) {
                place.files -= taken.files;
                place.thrown += more;
                place.chosen = place.chosen + 1 - taken.chosen;
            }
        }
        let below = places
            .range_mut(at..)
            .take_while(|(inner, _)| inner.starts_with(at));
        below.for_each(|(_, place)| place.is_taken = true);
    }
    let is_file = |path: &&str| !directories(path).any(|outer| chosen.contains(outer));
    let files = site.changed().filter(is_file).map(str::to_owned);
    let directories = chosen.iter().map(|at| format!("{at}*"));
    directories.chain(files).collect()
}
