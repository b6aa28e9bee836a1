//! A bound below every cover: with a price on each unit of a budget, the tree falls apart, and the
//! cheapest choice is found from the bottom up.

use super::tree::Tree;
use super::{Best, Cost, Scale, Used};

/// A bound, and the prices that give it.
#[derive(Debug)]
pub(super) struct Bound {
    /// No cover costs less.
    pub(super) value: Cost,
    /// Of a unit of each budget.
    pub(super) prices: [Cost; 2],
    /// Of each node: the least cost of all below it, with those prices.
    pub(super) least: Vec<Cost>,
}

/// How finely prices are searched: parts of the cost of a unit thrown away.
const PARTS: Cost = 1024;

impl Bound {
    /// The highest bound that bisection over the prices finds. What fits on the way and is better than
    /// the best so far becomes it.
    pub(super) fn highest(tree: &Tree<'_>, scale: &Scale, best: &mut Best) -> Self {
        let mut seek = Seek {
            tree,
            scale,
            best,
            found: None,
            sums: Vec::new(),
        };
        let most = tree.nodes().iter().map(|node| node.collateral).max();
        let step = (scale.unit / PARTS).max(1);
        let dearest = (Cost::from(most.unwrap_or_default()) + 1) * scale.unit / step;
        // More files than allowed at a price: it is too low.
        bisect(dearest, |file| {
            seek.of_file(file * step, step)[0] > scale.limits[0]
        });
        let Seek { found, .. } = seek;
        found.unwrap_or_else(|| Self {
            value: Cost::MIN,
            prices: [0, 0],
            least: vec![0; tree.len()],
        })
    }

    /// By how much a choice below a node costs more than the least there.
    pub(super) fn excess(&self, cost: Cost, used: Used, least: Cost) -> Cost {
        cost + charged(self.prices, used) - least
    }
}

fn charged(prices: [Cost; 2], used: Used) -> Cost {
    prices[0] * Cost::from(used[0]) + prices[1] * Cost::from(used[1])
}

/// The lowest value up to `highest` for which it is no more.
fn bisect(highest: Cost, mut is_low: impl FnMut(Cost) -> bool) -> Cost {
    let (mut low, mut high) = (0, highest.max(1));
    if !is_low(0) {
        return 0;
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        match is_low(middle) {
            true => low = middle,
            false => high = middle,
        }
    }
    is_low(high);
    high
}

struct Seek<'s, 't> {
    tree: &'s Tree<'t>,
    scale: &'s Scale,
    best: &'s mut Best,
    found: Option<Bound>,
    sums: Vec<(Cost, Used)>,
}

impl Seek<'_, '_> {
    /// What is used at that price of a file, with the price of a directory that fits best.
    fn of_file(&mut self, file: Cost, step: Cost) -> Used {
        if self.scale.of_directory == 0 {
            return self.at([file, 0]);
        }
        // At that price no directory is worth its cover.
        let dearest = file * Cost::from(self.tree.root().covers) / step + 1;
        let mut used = [0, 0];
        bisect(dearest, |directory| {
            used = self.at([file, directory * step]);
            used[1] > self.scale.limits[1]
        });
        used
    }

    /// The cheapest choice at those prices, which gives a bound, and a cover where it fits.
    fn at(&mut self, prices: [Cost; 2]) -> Used {
        let (tree, scale) = (self.tree, self.scale);
        self.sums.clear();
        for node in tree.nodes() {
            let (mut cost, mut used) = (scale.files(node.own), [node.own, 0]);
            cost += charged(prices, used);
            for child in &node.children {
                let (of_child, used_by) = self.sums[*child as usize];
                cost += of_child;
                used = [used[0] + used_by[0], used[1] + used_by[1]];
            }
            if node.directory.is_some() {
                let instead = scale.used(0, 1);
                let purge = scale.purge(node.collateral) + charged(prices, instead);
                if purge < cost {
                    (cost, used) = (purge, instead);
                }
            }
            self.sums.push((cost, used));
        }
        let Some(&(total, used)) = self.sums.last() else {
            return [0, 0];
        };
        let value = total - charged(prices, scale.limits);
        if self.found.as_ref().is_none_or(|found| found.value < value) {
            self.found = Some(Bound {
                value,
                prices,
                least: self.sums.iter().map(|(cost, _)| *cost).collect(),
            });
        }
        if scale.fits(used) && total - charged(prices, used) < self.best.cost {
            *self.best = Best::new(tree, scale, self.chosen(prices));
        }
        used
    }

    /// The directories of the cheapest choice.
    fn chosen(&self, prices: [Cost; 2]) -> Vec<u32> {
        let mut chosen = Vec::new();
        let mut within: Vec<_> = u32::try_from(self.tree.len() - 1).into_iter().collect();
        while let Some(index) = within.pop() {
            let node = self.tree.node(index);
            let purge = self.scale.purge(node.collateral) + charged(prices, self.scale.used(0, 1));
            let is_chosen = node.directory.is_some() && self.sums[index as usize].0 == purge;
            match is_chosen {
                true => chosen.push(index),
                false => within.extend(&node.children),
            }
        }
        chosen
    }
}
