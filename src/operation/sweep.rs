//! The progress of a fleet's purge: how often each node has confirmed it. Stored in the state, so that a
//! node that was down can catch up alone. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Task;

/// A node that is missing in so many lookups in a row is dropped. A single miss may be a hiccup of DNS, or a
/// node that is not ready for a moment.
const MAX_MISSING: u32 = 2;

/// Nodes named in a task's id.
const MAX_NAMED: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How long after its first confirmation a node is purged a second time; `None` for once only.
    pub second_pass: Option<Duration>,
    pub by_name: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Purge(Vec<String>),
    Wait(Duration),
    Look,
    /// Look up the nodes again after a while.
    LookLater,
    /// Nothing more in this run: some nodes did not confirm.
    Leave,
    Confirmed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Digest of how the fleet is purged; progress with another digest does not count.
    of: String,
    #[serde(rename = "sweep")]
    nodes: BTreeMap<String, Visit>,
    #[serde(skip)]
    looked_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    tried_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Visit {
    /// How often it confirmed all requests.
    passes: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    /// Lookups in a row that did not find it.
    missing: u32,
    /// Why it did not confirm the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    #[serde(skip)]
    given_up: bool,
}

impl Rules {
    fn passes(self) -> u32 {
        1 + u32::from(self.second_pass.is_some())
    }
}

impl Visit {
    /// How long until it must be purged; `None` if it need not be.
    fn due_in(&self, rules: Rules, now: DateTime<Utc>) -> Option<Duration> {
        if self.passes >= rules.passes() {
            return None;
        }
        let since = self.at.map(|at| (now - at).to_std().unwrap_or_default());
        let left = since.zip(rules.second_pass);
        Some(left.map_or(Duration::ZERO, |(since, gap)| gap.saturating_sub(since)))
    }
}

impl Sweep {
    pub fn new(of: String) -> Self {
        Self {
            of,
            nodes: BTreeMap::new(),
            looked_at: None,
            tried_at: None,
        }
    }

    /// A task's progress; starts over if the fleet's digest has changed. `None` for another kind of task.
    pub fn recorded(task: &Task, of: String) -> Option<Self> {
        let recorded = Self::deserialize(&task.details).ok()?;
        Some(match recorded.of == of {
            true => recorded,
            false => Self::new(of),
        })
    }

    pub fn is_recorded_in(task: &Task) -> bool {
        Self::deserialize(&task.details).is_ok()
    }

    pub fn task(&self, rules: Rules) -> Task {
        let open = self.open(rules);
        let id = match open.is_empty() {
            true => "every node".to_owned(),
            false => format!("open on {}", named(open.iter().map(|(node, _)| *node))),
        };
        Task {
            id,
            details: serde_json::to_value(self).unwrap_or_default(),
        }
    }

    /// Updates the nodes: fixed ones, and those found by name at `at`.
    pub fn looked(
        &mut self,
        fixed: &[String],
        found: &BTreeSet<String>,
        rules: Rules,
        at: DateTime<Utc>,
    ) {
        self.looked_at = Some(at);
        for node in fixed.iter().chain(found) {
            self.nodes.entry(node.clone()).or_default().missing = 0;
        }
        self.nodes.retain(|node, visit| {
            if fixed.contains(node) || found.contains(node) {
                return true;
            }
            visit.missing += 1;
            // A node removed from a fixed list is gone at once.
            let is_gone = !rules.by_name || visit.missing >= MAX_MISSING;
            !is_gone || visit.passes >= rules.passes()
        });
    }

    pub fn confirmed(&mut self, node: &str, at: DateTime<Utc>) {
        self.tried_at = Some(at);
        let visit = self.nodes.entry(node.to_owned()).or_default();
        visit.passes += 1;
        visit.at = Some(at);
        visit.trouble = None;
    }

    /// Records that a node has not confirmed; it is skipped for the rest of this run.
    pub fn missed(&mut self, node: &str, why: String, at: DateTime<Utc>) {
        self.tried_at = Some(at);
        let visit = self.nodes.entry(node.to_owned()).or_default();
        visit.trouble = Some(why);
        visit.given_up = true;
    }

    pub fn next(&self, rules: Rules, now: DateTime<Utc>) -> Next {
        let open = self.nodes.iter().filter(|(_, visit)| !visit.given_up);
        let open = open.filter_map(|(node, visit)| Some((node, visit.due_in(rules, now)?)));
        let open: Vec<_> = open.collect();
        let due = open.iter().filter(|(_, left)| left.is_zero());
        let due: Vec<_> = due.map(|(node, _)| String::clone(node)).collect();
        if !due.is_empty() {
            return Next::Purge(due);
        }
        if let Some(left) = open.iter().map(|(_, left)| *left).min() {
            return Next::Wait(left);
        }
        if rules.by_name && self.looked_at < self.tried_at {
            return Next::Look;
        }
        let open = self.open(rules);
        if open.is_empty() {
            return match self.nodes.is_empty() {
                true => Next::Leave,
                false => Next::Confirmed,
            };
        }
        match rules.by_name && open.iter().any(|(_, visit)| visit.missing > 0) {
            true => Next::LookLater,
            false => Next::Leave,
        }
    }

    /// Whether anything was sent in this run.
    pub fn is_tried(&self) -> bool {
        self.tried_at.is_some()
    }

    /// Whether any node has confirmed something.
    pub fn is_begun(&self) -> bool {
        self.nodes.values().any(|visit| visit.passes > 0)
    }

    /// Which nodes did not confirm, and why; `None` if all did.
    pub fn trouble(&self, rules: Rules) -> Option<String> {
        let open = self.open(rules);
        let why = |(node, visit): &(&str, &Visit)| match &visit.trouble {
            Some(why) => format!("{node} ({why})"),
            None => (*node).to_owned(),
        };
        let open: Vec<_> = open.iter().map(why).collect();
        (!open.is_empty()).then(|| format!("open on {}", named(open.iter().map(String::as_str))))
    }

    fn open(&self, rules: Rules) -> Vec<(&str, &Visit)> {
        let open = self.nodes.iter();
        let open = open.filter(|(_, visit)| visit.passes < rules.passes());
        open.map(|(node, visit)| (node.as_str(), visit)).collect()
    }
}

fn named<'n>(nodes: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = nodes.len().saturating_sub(MAX_NAMED);
    let named: Vec<_> = nodes.take(MAX_NAMED).collect();
    let named = named.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
