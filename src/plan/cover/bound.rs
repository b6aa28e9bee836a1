//! A lower bound on the cost of every cover: with a Lagrange price on each unit of a budget, subtrees become
//! independent, and the cheapest choice is found bottom-up.

use std::collections::HashSet;

use super::tree::Tree;
use super::{Best, Cost, Scale, Used};

#[derive(Debug)]
pub(super) struct Bound {
    /// No cover costs less.
    pub(super) value: Cost,
    pub(super) prices: [Cost; 2],
    /// For each node: the least cost of everything below it, at those prices.
    pub(super) least: Vec<Cost>,
}

/// The resolution of prices: fractions of the cost of a unit of collateral.
const PARTS: Cost = 1024;

impl Bound {
    /// The highest bound that bisection over the prices finds. Updates `best` with any better cover found
    /// on the way.
    pub(super) fn highest(tree: &Tree<'_>, scale: &Scale, best: &mut Best) -> Self {
        let mut above = vec![0; tree.len()];
        for (index, node) in tree.nodes().iter().enumerate() {
            for child in &node.children {
                above[*child as usize] = index;
            }
        }
        let mut seek = Seek {
            tree,
            scale,
            best,
            found: None,
            above,
            sums: Vec::new(),
            directory: 0,
        };
        let most = tree.nodes().iter().map(|node| node.collateral).max();
        let step = (scale.unit / PARTS).max(1);
        let dearest = (Cost::from(most.unwrap_or_default()) + 1) * scale.unit / step;
        // A price is too low if more files than allowed are chosen.
        bisect(PARTS, dearest, |file| {
            seek.of_file(file * step, step)[0] > scale.limits[0]
        });
        let Seek { found, .. } = seek;
        found.unwrap_or_else(|| Self {
            value: Cost::MIN,
            prices: [0, 0],
            least: vec![0; tree.len()],
        })
    }

    /// By how much a choice below a node exceeds the least cost there.
    pub(super) fn excess(&self, cost: Cost, used: Used, least: Cost) -> Cost {
        cost + charged(self.prices, used) - least
    }
}

fn charged(prices: [Cost; 2], used: Used) -> Cost {
    prices[0] * Cost::from(used[0]) + prices[1] * Cost::from(used[1])
}

/// The lowest value up to `highest` that is not low; searched from a guess outward.
fn bisect(guess: Cost, highest: Cost, mut is_low: impl FnMut(Cost) -> bool) -> Cost {
    let (mut low, mut high) = (-1, highest.max(1));
    let (mut at, mut reach) = (guess.clamp(0, high), 1);
    while high - low > 1 {
        let far = if is_low(at) {
            low = at;
            at + reach
        } else {
            high = at;
            at - reach
        };
        reach *= 2;
        // Doubles the distance until the value is bracketed, then bisects.
        at = match low < far && far < high {
            true => far,
            false => low + (high - low) / 2,
        };
    }
    high
}

struct Seek<'s, 't> {
    tree: &'s Tree<'t>,
    scale: &'s Scale,
    best: &'s mut Best,
    found: Option<Bound>,
    /// The parent of each node except the root.
    above: Vec<usize>,
    sums: Vec<Sum>,
    /// The last best price of a directory.
    directory: Cost,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    cost: Cost,
    used: Used,
    is_purge: bool,
}

impl Seek<'_, '_> {
    /// What is used at this price of a file, with the best price of a directory.
    fn of_file(&mut self, file: Cost, step: Cost) -> Used {
        if self.scale.of_directory == 0 {
            return self.at([file, 0]);
        }
        // At this price no directory is worth it.
        let dearest = file * Cost::from(self.tree.root().covers) / step + 1;
        self.directory = bisect(self.directory, dearest, |directory| {
            self.at([file, directory * step])[1] > self.scale.limits[1]
        });
        self.at([file, self.directory * step])
    }

    /// What the cheapest choice at these prices uses; it gives a bound, and a cover if it fits.
    fn at(&mut self, prices: [Cost; 2]) -> Used {
        let (tree, scale) = (self.tree, self.scale);
        let found = self.found.as_ref();
        if found.is_some_and(|found| self.best.cost <= found.value) {
            // The best cover is proven optimal.
            return [0, 0];
        }
        let mut sums = std::mem::take(&mut self.sums);
        self.sum(&mut sums, prices, |_, files, purge| purge < files);
        let total = sums[sums.len() - 1];
        let value = total.cost - charged(prices, scale.limits);
        if self.found.as_ref().is_none_or(|found| found.value < value) {
            self.found = Some(Bound {
                value,
                prices,
                least: sums.iter().map(|sum| sum.cost).collect(),
            });
        }
        let cost = total.cost - charged(prices, total.used);
        if scale.fits(total.used) && cost < self.best.cost {
            let mut chosen = Vec::new();
            self.choose(&sums, sums.len() - 1, &mut chosen);
            *self.best = Best::new(tree, scale, chosen);
        }
        let bound = self.found.as_ref().map_or(value, |found| found.value);
        // A choice farther from the bound has little to offer.
        if bound - value < self.best.cost - bound {
            self.mix(&sums, prices);
        }
        self.sums = sums;
        total.used
    }

    /// Adds up the costs of choices, bottom-up. `is_purge` gets a node, the cost of the choices below it, and
    /// the cost of purging it.
    fn sum(
        &self,
        sums: &mut Vec<Sum>,
        prices: [Cost; 2],
        is_purge: impl Fn(usize, Cost, Cost) -> bool,
    ) {
        let (tree, scale) = (self.tree, self.scale);
        let instead = scale.used(0, 1);
        let price = charged(prices, instead);
        let of_file = prices[0] + scale.file;
        sums.clear();
        sums.resize(tree.len(), Sum::default());
        for (index, node) in tree.nodes().iter().enumerate() {
            let sum = &mut sums[index];
            sum.cost += of_file * Cost::from(node.own);
            sum.used[0] += node.own;
            if node.directory.is_some() {
                let purge = scale.purge(node.collateral) + price;
                if is_purge(index, sum.cost, purge) {
                    (sum.cost, sum.used, sum.is_purge) = (purge, instead, true);
                }
            }
            let Sum { cost, used, .. } = *sum;
            if index + 1 < tree.len() {
                let around = &mut sums[self.above[index]];
                around.cost += cost;
                around.used = [around.used[0] + used[0], around.used[1] + used[1]];
            }
        }
    }

    /// Improves the best cover with another choice: where only one of them purges a directory, takes what is
    /// cheaper at these prices, as long as it fits.
    fn mix(&mut self, theirs: &[Sum], prices: [Cost; 2]) {
        let (tree, scale) = (self.tree, self.scale);
        let mut ours = Vec::new();
        let is_chosen: HashSet<_> = self.best.chosen.iter().map(|at| *at as usize).collect();
        self.sum(&mut ours, prices, |index, _, _| is_chosen.contains(&index));
        let root = tree.len() - 1;
        let (mut chosen, mut parts) = (Vec::new(), Vec::new());
        let mut within = vec![root];
        while let Some(index) = within.pop() {
            let (our, their) = (&ours[index], &theirs[index]);
            match (our.is_purge, their.is_purge) {
                (false, false) => within.extend(tree.below(index)),
                (true, true) => self.choose(&ours, index, &mut chosen),
                (true, false) | (false, true) => parts.push((their.cost - our.cost, index)),
            }
        }
        parts.sort_unstable();
        let mut used = ours[root].used;
        for (_, index) in parts {
            let (our, their) = (ours[index].used, theirs[index].used);
            let after = [0, 1].map(|kind| used[kind] + their[kind] - our[kind]);
            let taken = match scale.fits(after) {
                true => {
                    used = after;
                    theirs
                }
                false => &ours,
            };
            self.choose(taken, index, &mut chosen);
        }
        let mixed = Best::new(tree, scale, chosen);
        if mixed.cost < self.best.cost {
            *self.best = mixed;
        }
    }

    fn choose(&self, sums: &[Sum], index: usize, chosen: &mut Vec<u32>) {
        let mut within = vec![index];
        while let Some(index) = within.pop() {
            match sums[index].is_purge {
                true => chosen.extend(u32::try_from(index).ok()),
                false => within.extend(self.tree.below(index)),
            }
        }
    }
}
