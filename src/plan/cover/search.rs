//! The search: of each directory, every choice below it that could be part of a better cover than the
//! best known, from the bottom up.

use super::bound::Bound;
use super::tree::Tree;
use super::{Best, Cost, Scale, Used};

/// Choices that a search may make in all, which is about a second; of a search that only tries, a
/// fraction is kept of each directory.
const MOST: usize = 4_000_000;
const TRIED: [usize; 3] = [8, 64, 512];

/// One choice below a node.
#[derive(Debug, Clone, Copy)]
struct Point {
    used: Used,
    cost: Cost,
    /// How it was made.
    made: u32,
}

/// How a choice was made.
#[derive(Debug, Clone, Copy)]
enum Made {
    /// Of files alone.
    Files,
    Directory(u32),
    /// Of a choice beside and one below a child.
    Both(u32, u32),
}

/// Finds the best cover; whether it is proven to be.
pub(super) fn search(tree: &Tree<'_>, scale: &Scale, bound: &Bound, best: &mut Best) -> bool {
    for kept in TRIED {
        if best.cost <= bound.value {
            return true;
        }
        if (Search::new(tree, scale, bound, best, kept)).run() == Some(true) {
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
    /// Choices that are kept of a node.
    kept: usize,
    /// Whether some were not kept.
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

    /// Improves the best cover where it can. `Some(true)`: nothing was left out. `None`: it was too much.
    fn run(mut self) -> Option<bool> {
        let mut of_nodes: Vec<Vec<Point>> = Vec::with_capacity(self.tree.len());
        for index in 0..self.tree.len() {
            let points = self.below(u32::try_from(index).ok()?, &mut of_nodes)?;
            of_nodes.push(points);
        }
        let points = of_nodes.pop()?;
        let best = points.into_iter().min_by_key(|point| point.cost);
        if let Some(found) = best.filter(|point| point.cost < self.best.cost) {
            *self.best = Best::new(self.tree, self.scale, self.chosen(found.made));
        }
        Some(!self.is_partial)
    }

    /// All choices below a node that are worth keeping.
    fn below(&mut self, index: u32, of_nodes: &mut [Vec<Point>]) -> Option<Vec<Point>> {
        let node = self.tree.node(index);
        let used = [node.own, 0];
        let cost = self.scale.files(node.own);
        let mut points = vec![Point {
            used,
            cost,
            made: 0,
        }];
        let mut least = self.bound.excess(cost, used, 0);
        for child in &node.children {
            let of_child = std::mem::take(&mut of_nodes[*child as usize]);
            least += self.bound.least[*child as usize];
            points = self.sums(&points, &of_child, least)?;
        }
        if node.directory.is_some() {
            let made = u32::try_from(self.made.len()).ok()?;
            self.made.push(Made::Directory(index));
            points.push(Point {
                used: self.scale.used(0, 1),
                cost: self.scale.purge(node.collateral),
                made,
            });
            least = self.bound.least[index as usize];
            self.keep(&mut points, least);
        }
        Some(points)
    }

    /// Each of one kind with each of the other.
    fn sums(&mut self, beside: &[Point], below: &[Point], least: Cost) -> Option<Vec<Point>> {
        self.work += beside.len() * below.len();
        if self.work > MOST {
            return None;
        }
        let mut pairs = Vec::new();
        for a in beside {
            for b in below {
                let used = [a.used[0] + b.used[0], a.used[1] + b.used[1]];
                let point = Point {
                    used,
                    cost: a.cost + b.cost,
                    made: 0,
                };
                if self.can_win(&point, least) {
                    pairs.push((point, Made::Both(a.made, b.made)));
                }
            }
        }
        let mut points = Vec::with_capacity(pairs.len());
        for (number, (point, _)) in pairs.iter().enumerate() {
            points.push(Point {
                made: u32::try_from(number).ok()?,
                ..*point
            });
        }
        self.keep(&mut points, least);
        for point in &mut points {
            let made = u32::try_from(self.made.len()).ok()?;
            self.made.push(pairs[point.made as usize].1);
            point.made = made;
        }
        Some(points)
    }

    /// Whether a cover with it could fit and cost less than the best.
    fn can_win(&self, point: &Point, least: Cost) -> bool {
        let excess = self.bound.excess(point.cost, point.used, least);
        self.scale.fits(point.used) && self.bound.value + excess < self.best.cost
    }

    /// Drops what cannot win, and what another choice beats in every respect.
    fn keep(&mut self, points: &mut Vec<Point>, least: Cost) {
        points.retain(|point| self.can_win(point, least));
        points.sort_by_key(|point| (point.used, point.cost));
        // Of the choices so far: for each use of directories that of least cost, ever lower.
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
        if points.len() > self.kept {
            self.is_partial = true;
            points.sort_by_key(|point| self.bound.excess(point.cost, point.used, 0));
            points.truncate(self.kept);
        }
    }

    /// The directories of a choice.
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
