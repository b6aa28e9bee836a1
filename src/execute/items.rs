//! The items of a task: which are open, and how the others ended. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::operation::{Item, Serve};
use crate::provider::{ItemReport, Progress, Reported};
use crate::state::Outcome;
use crate::state::transition::ItemOutcome;

/// The message of a failure without a reason. One device that drops out can mark a purge as failed while
/// the rest finished [D].
const FAILED: &str = "the CDN reports the purge as failed; it may have reached part of the edge";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) message: Option<Arc<str>>,
}

pub(super) struct Items {
    by_key: HashMap<Arc<str>, usize>,
    /// Not settled yet, with the CDN's last word on each.
    open: BTreeMap<usize, Progress>,
    /// By item; `None` while open.
    ends: Vec<Option<End>>,
    /// Settled since the last call of [`Self::fresh`].
    fresh: Vec<usize>,
}

impl Items {
    pub(super) fn new(items: &[Item]) -> Self {
        let keys = items.iter().enumerate();
        Self {
            by_key: keys
                .map(|(index, item)| (item.key.clone(), index))
                .collect(),
            open: (0..items.len())
                .map(|index| (index, Progress::Running))
                .collect(),
            ends: vec![None; items.len()],
            fresh: Vec::new(),
        }
    }

    pub(super) fn all_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes in reports. Of several reports about an item, the one that claims least counts.
    pub(super) fn take(&mut self, reports: &[ItemReport]) {
        let mut least: BTreeMap<usize, &ItemReport> = BTreeMap::new();
        let mut rest = None;
        for report in reports {
            match &report.of {
                Reported::Rest => rest = Some(report),
                Reported::Item(key) => {
                    let Some(index) = self
                        .by_key
                        .get(key)
                        .filter(|index| self.open.contains_key(index))
                    else {
                        continue;
                    };
                    let known = least.entry(*index).or_insert(report);
                    if report.progress < known.progress {
                        *known = report;
                    }
                }
            }
        }
        let open: Vec<_> = self.open.keys().copied().collect();
        for index in open {
            if let Some(report) = least.get(&index).copied().or(rest) {
                self.conclude(index, report);
            }
        }
    }

    fn conclude(&mut self, index: usize, report: &ItemReport) {
        let (outcome, usual) = match report.progress {
            Progress::Running | Progress::Unknown => {
                self.open.insert(index, report.progress);
                return;
            }
            Progress::Succeeded => (Outcome::Succeeded, None),
            Progress::Failed => (Outcome::Failed, Some(FAILED)),
        };
        let message = report.message.as_deref().or(usual).map(Arc::from);
        self.settle(index, End { outcome, message });
    }

    /// Ends open items with an outcome that the CDN did not report.
    pub(super) fn close(
        &mut self,
        which: impl Fn(Progress) -> bool,
        outcome: Outcome,
        message: Option<&str>,
    ) {
        let closed: Vec<_> = self
            .open
            .iter()
            .filter(|(_, progress)| which(**progress))
            .map(|(index, _)| *index)
            .collect();
        let message: Option<Arc<str>> = message.map(Arc::from);
        for index in closed {
            let message = message.clone();
            self.settle(index, End { outcome, message });
        }
    }

    fn settle(&mut self, index: usize, end: End) {
        self.open.remove(&index);
        self.ends[index] = Some(end);
        self.fresh.push(index);
    }

    pub(super) fn fresh(&mut self) -> Vec<(usize, End)> {
        let fresh = std::mem::take(&mut self.fresh).into_iter();
        fresh
            .filter_map(|index| Some((index, self.ends[index].clone()?)))
            .collect()
    }

    /// `None` while the item is open.
    pub(super) fn end(&self, index: usize) -> Option<&End> {
        self.ends.get(index)?.as_ref()
    }
}

/// The outcomes as the state records them: by target of the entries that items serve.
pub(super) fn outcomes(serves: &[Serve], ends: &[(usize, End)]) -> Vec<ItemOutcome> {
    let ends: HashMap<usize, &End> = ends.iter().map(|(index, end)| (*index, end)).collect();
    let of = |serve: &Serve| {
        let end = ends.get(&serve.item)?;
        Some(ItemOutcome {
            target: serve.key.target.clone(),
            outcome: end.outcome,
            message: end.message.as_deref().map(str::to_owned),
        })
    };
    let mut outcomes: Vec<_> = serves.iter().filter_map(of).collect();
    outcomes.dedup_by(|a, b| a.target == b.target);
    outcomes
}
