//! The search: bottom-up, keeps for each directory every choice that could be part of a better cover than
//! the best known.

use super::bound::Bound;
use super::tree::Tree;
use super::{Best, Cost, Scale, Used};

/// Most choices of one search, about a second.
const MOST: usize = 4_000_000;

/// Choices kept for each directory by the partial searches that come first.
const TRIED: [usize; 3] = [8, 64, 512];

#[derive(Debug, Clone, Copy)]
struct Point {
    used: Used,
    cost: Cost,
    /// By how much it exceeds the least cost below the node, at the bound's prices.
    excess: Cost,
    /// The two choices it was made of.
    made: [u32; 2],
}

#[derive(Debug, Clone, Copy)]
enum Made {
    Files,
    Directory(u32),
    /// A choice so far and one below a child.
    Both(u32, u32),
}

/// Improves `best`; true if it is proven optimal.
pub(super) fn search(tree: &Tree<'_>, scale: &Scale, bound: &Bound, best: &mut Best) -> bool {
    for kept in TRIED {
        if best.cost <= bound.value {
            return true;
        }
        if Search::new(tree, scale, bound, best, kept).run() == Some(true) {
            return true;
        }
    }
    best.cost <= bound.value
        || Search::new(tree, scale, bound, best, usize::MAX)
            .run()
            .is_some()
}

struct Search<'s, 't> {
    tree: &'s Tree<'t>,
    scale: &'s Scale,
    bound: &'s Bound,
    best: &'s mut Best,
    /// Most choices kept for each node.
    kept: usize,
    /// Whether some were dropped for that.
    is_partial: bool,
    made: Vec<Made>,
    work: usize,
}

impl<'s, 't> Search<'s, 't> {
    fn new(
        tree: &'s Tree<'t>,
        scale: &'s Scale,
        bound: &'s Bound,
        best: &'s mut Best,
        kept: usize,
    ) -> Self {
        Self {
            tree,
            scale,
            bound,
            best,
            kept,
            is_partial: false,
            made: vec![Made::Files],
            work: 0,
        }
    }

    /// Improves the best cover. `Some(true)` if nothing was dropped, `None` if the work limit was reached.
    fn run(mut self) -> Option<bool> {
        let mut of_nodes: Vec<Vec<Point>> = Vec::with_capacity(self.tree.len());
        for index in 0..self.tree.len() {
            let points = self.below(u32::try_from(index).ok()?, &mut of_nodes)?;
            of_nodes.push(points);
        }
        let points = of_nodes.pop()?;
        let best = points.into_iter().min_by_key(|point| point.cost);
        if let Some(found) = best.filter(|point| point.cost < self.best.cost) {
            *self.best = Best::new(self.tree, self.scale, self.chosen(found.made[0]));
        }
        Some(!self.is_partial)
    }

    /// All choices below a node that are worth keeping, nearest to the bound first.
    fn below(&mut self, index: u32, of_nodes: &mut [Vec<Point>]) -> Option<Vec<Point>> {
        let node = self.tree.node(index);
        let used = [node.own, 0];
        let cost = self.scale.files(node.own);
        let mut least = self.bound.excess(cost, used, 0);
        let mut points = vec![Point {
            used,
            cost,
            excess: 0,
            made: [0; 2],
        }];
        for child in &node.children {
            let of_child = std::mem::take(&mut of_nodes[*child as usize]);
            least += self.bound.least[*child as usize];
            points = self.sums(&points, &of_child)?;
        }
        if node.directory.is_some() {
            let (used, cost) = (self.scale.used(0, 1), self.scale.purge(node.collateral));
            let lower = self.bound.least[index as usize];
            for point in &mut points {
                point.excess += least - lower;
            }
            points.push(Point {
                used,
                cost,
                excess: self.bound.excess(cost, used, lower),
                made: [self.make(Made::Directory(index))?, 0],
            });
            points.retain(|point| self.is_near(point) && self.scale.fits(point.used));
            self.keep(&mut points);
        }
        Some(points)
    }

    /// Every combination of two choices.
    fn sums(&mut self, beside: &[Point], below: &[Point]) -> Option<Vec<Point>> {
        let mut points = Vec::new();
        for a in beside {
            for b in below {
                let point = Point {
                    used: [a.used[0] + b.used[0], a.used[1] + b.used[1]],
                    cost: a.cost + b.cost,
                    excess: a.excess + b.excess,
                    made: [a.made[0], b.made[0]],
                };
                self.work += 1;
                // Sorted: the rest are no nearer to the bound.
                if !self.is_near(&point) {
                    break;
                }
                if self.scale.fits(point.used) {
                    points.push(point);
                }
            }
            if self.work > MOST {
                return None;
            }
        }
        self.keep(&mut points);
        for point in &mut points {
            point.made[0] = self.make(Made::Both(point.made[0], point.made[1]))?;
        }
        Some(points)
    }

    fn make(&mut self, made: Made) -> Option<u32> {
        self.made.push(made);
        u32::try_from(self.made.len() - 1).ok()
    }

    /// Whether a cover with it could cost less than the best.
    fn is_near(&self, point: &Point) -> bool {
        self.bound.value + point.excess < self.best.cost
    }

    /// Drops choices that another one dominates.
    fn keep(&mut self, points: &mut Vec<Point>) {
        points.sort_unstable_by_key(|point| (point.used, point.cost));
        // The lowest cost so far by number of directories, strictly decreasing.
        let mut lowest: Vec<(u64, Cost)> = Vec::new();
        points.retain(|point| {
            let at = lowest.partition_point(|(directories, _)| *directories <= point.used[1]);
            let is_beaten = at > 0 && lowest[at - 1].1 <= point.cost;
            if !is_beaten {
                let beaten = lowest[at..]
                    .iter()
                    .take_while(|(_, cost)| *cost >= point.cost);
                let beaten = beaten.count();
                lowest.splice(at..at + beaten, [(point.used[1], point.cost)]);
            }
            !is_beaten
        });
        points.sort_by_key(|point| point.excess);
        if points.len() > self.kept {
            self.is_partial = true;
            points.truncate(self.kept);
        }
    }

    fn chosen(&self, made: u32) -> Vec<u32> {
        let mut chosen = Vec::new();
        let mut within = vec![made];
        while let Some(made) = within.pop() {
            match self.made[made as usize] {
                Made::Files => {}
                Made::Directory(node) => chosen.push(node),
                Made::Both(a, b) => within.extend([a, b]),
            }
        }
        chosen
    }
}
