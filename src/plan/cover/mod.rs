//! The cover: which directories to purge in place of files, so that all changes fit what is left of a
//! quota and as little as possible is thrown away that did not change.
//!
//! Exact: a bound by Lagrange prices for what is scarce, and a search over the tree that drops what
//! cannot lead below the best cover known. Where the search would grow too large, the cover says by how
//! much at most it is not the best.

mod bound;
mod search;
mod tree;

use bound::Bound;
use tree::Tree;

/// A URL that the endpoint serves.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// As sent, `https://host/path`.
    pub url: &'a str,
    /// What throwing it away costs: 1, or its bytes.
    pub weight: u64,
    pub is_changed: bool,
}

/// What may be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Files and directories have budgets of their own.
    Apart { files: u64, directories: u64 },
    /// Both take from one budget.
    Together(u64),
}

impl Room {
    /// With room for so many more files.
    #[must_use]
    pub fn and_files(self, more: u64) -> Self {
        match self {
            Self::Apart { files, directories } => Self::Apart {
                files: files.saturating_add(more),
                directories,
            },
            Self::Together(both) => Self::Together(both.saturating_add(more)),
        }
    }
}

/// What a file and a directory take of their budgets, to choose among covers that throw away the same.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    pub file: u32,
    pub directory: u32,
}

/// Directories that are purged in place of files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// In order; none is below another.
    pub directories: Vec<Chosen>,
    /// What is thrown away that did not change.
    pub collateral: u64,
    /// No cover throws away less by more than that; 0 when this one is proven to be best.
    pub gap: u64,
}

/// A directory of a cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its URL, with a last `/`.
    pub directory: String,
    /// Changes below it.
    pub covers: u64,
    /// What is below it and did not change, by weight.
    pub collateral: u64,
}

/// That no set of directories makes everything fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// How many files more than the budget the best use of all directories leaves.
    pub files: u64,
    /// What one more directory would take, where directories have a budget.
    pub next: Option<Chosen>,
}

/// The cheapest cover of all changes: least thrown away, then least quota; without directories where files
/// fit, unless a directory is cheaper and it `is_thrifty`. The root of a host is never chosen, nor what is not
/// `known`, below which everything is known too. `served` is sorted by URL. Takes O(n) for a tree of n
/// directories with changes and a price, and what the search needs.
///
/// # Errors
/// [`Short`] when the room is too small.
pub fn cover(
    served: &[Served<'_>],
    known: &dyn Fn(&str) -> bool,
    room: Room,
    price: Price,
    is_thrifty: bool,
) -> Result<Cover, Short> {
    let tree = Tree::new(served, known);
    let changes = tree.root().covers;
    let fits = match room {
        Room::Apart { files, .. } => changes <= files,
        Room::Together(both) => changes <= both,
    };
    if fits && !is_thrifty {
        return Ok(Cover {
            directories: Vec::new(),
            collateral: 0,
            gap: 0,
        });
    }
    let scale = Scale::new(&tree, room, price);
    let tops = tree.tops();
    let (enough, over) = least_over(&tree, &scale, &tops);
    if over > 0 {
        let next = match room {
            Room::Apart { .. } => tops.get(enough).map(|top| tree.chosen(*top)),
            Room::Together(_) => None,
        };
        return Err(Short { files: over, next });
    }
    let chosen: Vec<_> = tops.into_iter().take(enough).collect();
    let mut best = Best::new(&tree, &scale, chosen);
    let bound = Bound::highest(&tree, &scale, &mut best);
    let proven = search::search(&tree, &scale, &bound, &mut best);
    let least = match proven {
        true => best.cost,
        false => bound.value,
    };
    let mut directories: Vec<_> = best.chosen.iter().map(|node| tree.chosen(*node)).collect();
    directories.sort_by(|a, b| a.directory.cmp(&b.directory));
    let collateral = scale.collateral(best.cost);
    Ok(Cover {
        directories,
        collateral,
        gap: collateral - scale.collateral(least).min(collateral),
    })
}

/// How many of the uppermost directories bring the rest nearest to its budget, and by how much it is
/// over then.
fn least_over(tree: &Tree<'_>, scale: &Scale, tops: &[u32]) -> (usize, u64) {
    let mut left = tree.root().covers;
    let mut best = (0, u64::MAX);
    for taken in 0..=tops.len() {
        let used = scale.used(left, taken as u64);
        let over = used[0].saturating_sub(scale.limits[0]);
        if used[1] <= scale.limits[1] && over < best.1 {
            best = (taken, over);
        }
        if let Some(top) = tops.get(taken) {
            left -= tree.node(*top).covers;
        }
    }
    best
}

/// What a cover costs, as one number: what it throws away first, then what it takes of the quota.
type Cost = i128;

/// How much of each budget is used: of files, and of directories where they have one.
type Used = [u64; 2];

/// Figures that all parts of the search count by.
#[derive(Debug)]
struct Scale {
    limits: Used,
    /// What a directory counts against.
    of_directory: usize,
    /// Of a file, of the quota.
    file: Cost,
    directory: Cost,
    /// Of a unit thrown away: more than any quota.
    unit: Cost,
}

impl Scale {
    fn new(tree: &Tree<'_>, room: Room, price: Price) -> Self {
        let (file, directory) = (Cost::from(price.file), Cost::from(price.directory));
        let (changes, nodes) = (Cost::from(tree.root().covers), tree.len() as Cost);
        let (limits, of_directory) = match room {
            Room::Apart { files, directories } => ([files, directories], 1),
            Room::Together(both) => ([both, 0], 0),
        };
        Self {
            limits,
            of_directory,
            file,
            directory,
            unit: 1 + changes * file + nodes * directory,
        }
    }

    fn used(&self, files: u64, directories: u64) -> Used {
        let mut used = [files, 0];
        used[self.of_directory] += directories;
        used
    }

    fn fits(&self, used: Used) -> bool {
        used[0] <= self.limits[0] && used[1] <= self.limits[1]
    }

    fn files(&self, files: u64) -> Cost {
        Cost::from(files) * self.file
    }

    fn purge(&self, collateral: u64) -> Cost {
        Cost::from(collateral) * self.unit + self.directory
    }

    /// The part of a cost that is thrown away; for a bound, rounded down, which keeps it a bound.
    fn collateral(&self, cost: Cost) -> u64 {
        u64::try_from(cost.div_euclid(self.unit)).unwrap_or_default()
    }
}

/// The best cover so far.
#[derive(Debug)]
struct Best {
    chosen: Vec<u32>,
    cost: Cost,
}

impl Best {
    fn new(tree: &Tree<'_>, scale: &Scale, chosen: Vec<u32>) -> Self {
        let nodes = || chosen.iter().map(|node| tree.node(*node));
        let covered: u64 = nodes().map(|node| node.covers).sum();
        let purges: Cost = nodes().map(|node| scale.purge(node.collateral)).sum();
        let cost = purges + scale.files(tree.root().covers - covered);
        Self { chosen, cost }
    }
}
