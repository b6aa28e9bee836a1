//! The URLs of a task: which are open, and how the others ended. Pure; knows no clock and no
//! request.

use std::collections::BTreeMap;

use crate::entry::Target;
use crate::provider::{ItemReport, Progress};
use crate::state::Outcome;
use crate::state::transition::ItemOutcome;

/// Said of a failure about which the CDN says no more. One device that drops out can mark a purge
/// as failed while the rest finished [D].
const FAILED: &str = "the CDN reports the purge as failed; it may have reached part of the edge";

/// A URL of a step.
pub(super) type Item = Target;

/// See the module.
pub(super) struct Items {
    /// Not settled yet, with the CDN's last word on each.
    open: BTreeMap<Item, Progress>,
    settled: Vec<ItemOutcome>,
    /// How many of `settled` were handed out by [`Items::fresh`].
    told: usize,
}

impl Items {
    pub(super) fn new(items: impl IntoIterator<Item = Item>) -> Self {
        Self {
            open: items
                .into_iter()
                .map(|item| (item, Progress::Running))
                .collect(),
            settled: Vec::new(),
            told: 0,
        }
    }

    pub(super) fn all_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes over what was reported per URL; returns the open ones that were not. A URL that is
    /// reported more than once is as far as the report that is least far.
    pub(super) fn take(&mut self, reported: &[ItemReport]) -> Vec<Item> {
        let mut by_item: BTreeMap<Item, Progress> = BTreeMap::new();
        for report in reported {
            // What is no URL, however spelt, is none of ours.
            if let Ok(target) = Target::parse(report.kind, &report.url) {
                by_item
                    .entry(target)
                    .and_modify(|progress| *progress = least(*progress, report.progress))
                    .or_insert(report.progress);
            }
        }
        let open: Vec<_> = self.open.keys().cloned().collect();
        let mut unreported = Vec::new();
        for item in open {
            match by_item.get(&item) {
                Some(progress) => self.conclude(&item, *progress, None),
                None => unreported.push(item),
            }
        }
        unreported
    }

    /// Takes over what was reported of the task as a whole.
    pub(super) fn conclude_all(&mut self, progress: Progress, message: Option<&str>) {
        let open: Vec<_> = self.open.keys().cloned().collect();
        for item in &open {
            self.conclude(item, progress, message);
        }
    }

    /// Takes over how far an open URL is.
    pub(super) fn conclude(&mut self, item: &Item, progress: Progress, message: Option<&str>) {
        let outcome = match progress {
            Progress::Running | Progress::Unknown => {
                self.open.insert(item.clone(), progress);
                return;
            }
            Progress::Succeeded => Outcome::Succeeded,
            Progress::Failed => Outcome::Failed,
        };
        let failed = (progress == Progress::Failed).then_some(FAILED);
        self.open.remove(item);
        self.settle(item.clone(), outcome, message.or(failed));
    }

    /// Ends open URLs with an outcome that is not the CDN's.
    pub(super) fn close(
        &mut self,
        which: impl Fn(Progress) -> bool,
        outcome: Outcome,
        message: Option<&str>,
    ) {
        for (item, progress) in std::mem::take(&mut self.open) {
            if which(progress) {
                self.settle(item, outcome, message);
            } else {
                self.open.insert(item, progress);
            }
        }
    }

    fn settle(&mut self, target: Item, outcome: Outcome, message: Option<&str>) {
        let message = message.map(str::to_owned);
        self.settled.push(ItemOutcome {
            target,
            outcome,
            message,
        });
    }

    /// What was settled since the last time.
    pub(super) fn fresh(&mut self) -> Vec<ItemOutcome> {
        let fresh = self.settled[self.told..].to_vec();
        self.told = self.settled.len();
        fresh
    }

    /// Everything that was settled.
    pub(super) fn into_settled(self) -> Vec<ItemOutcome> {
        self.settled
    }
}

/// The one of two reports about one URL that claims less.
fn least(one: Progress, other: Progress) -> Progress {
    let claims = |progress| match progress {
        Progress::Running => 0,
        Progress::Unknown => 1,
        Progress::Failed => 2,
        Progress::Succeeded => 3,
    };
    if claims(other) < claims(one) {
        other
    } else {
        one
    }
}
