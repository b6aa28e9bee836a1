//! The cover: which directories to purge in place of files, so that all changes fit what is left of a
//! quota with the least collateral.
//!
//! Exact: Lagrange prices for the scarce budgets give a bound, and a search over the tree drops whatever
//! cannot beat the best cover known. If the search would grow too large, the cover states its gap.

mod bound;
mod search;
mod tree;

use bound::Bound;
use tree::Tree;

#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// As sent, `https://host/path`.
    pub url: &'a str,
    /// The cost of purging it: 1, or its bytes.
    pub weight: u64,
    pub is_changed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Apart {
        files: u64,
        directories: u64,
    },
    /// Both take from one budget.
    Together(u64),
}

impl Room {
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

/// The relative cost of a file and a directory, to choose among covers with the same collateral.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    pub file: u32,
    pub directory: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// Sorted; none is below another.
    pub directories: Vec<Chosen>,
    pub collateral: u64,
    /// No cover has less collateral by more than this; 0 if this one is proven optimal.
    pub gap: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its URL, ending in `/`.
    pub directory: String,
    pub covers: u64,
    /// The weight of unchanged URLs below it.
    pub collateral: u64,
}

/// No set of directories makes everything fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Short {
    /// How many files are over the budget with the best use of all directories.
    pub files: u64,
    /// What one more directory would cover, if directories have a budget.
    pub next: Option<Chosen>,
}

/// The cheapest cover of all changes: least collateral, then least quota; without directories if files fit,
/// unless `is_thrifty` and a directory is cheaper. Never chooses the root of a host, nor a directory that is
/// not `known`; below a known directory everything is known. `served` is sorted by URL. Each price tried
/// takes O(n) for n directories with changes; the search comes on top.
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

/// How many of the uppermost directories bring the rest nearest to its budget, and the excess then.
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

/// The cost of a cover as one number: collateral first, then quota.
type Cost = i128;

/// How much of each budget is used: files, and directories if they have their own.
type Used = [u64; 2];

#[derive(Debug)]
struct Scale {
    limits: Used,
    /// The index of the budget that directories count against.
    of_directory: usize,
    file: Cost,
    directory: Cost,
    /// The cost of a unit of collateral: more than all quota together.
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

    /// The collateral in a cost, rounded down so that a bound stays a bound.
    fn collateral(&self, cost: Cost) -> u64 {
        u64::try_from(cost.div_euclid(self.unit)).unwrap_or_default()
    }
}

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
