//! Changes become a plan: steps within the CDN's limits, a quota forecast, safety checks and an id.
//! Immutable data; carrying it out needs nothing else.

pub mod broaden;
pub mod build;
pub mod checks;
pub mod cover;
mod defer;
pub mod explain;
pub mod id;
mod inputs;
pub mod looked;
mod notes;
mod places;
pub mod select;
mod shares;
pub mod steps;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::diff::Change;
use crate::entry::{EntryKey, Target};
use crate::observed::Revisions;
use crate::operation::{Item, Operation, Serve};
use crate::provider::{Counts, Price, Unsupported};
use crate::url::CdnUrl;
use crate::verify::Evidence;
use crate::word_enum::word_enum;
use looked::Looked;
use select::SelectError;

/// What a run would do, and whether it may.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// `sha256:` and 64 hexadecimal digits over all fields below except diagnostics; see [`mod@id`].
    pub id: String,
    pub base: Base,
    /// Sorted by key.
    pub changes: Vec<Change>,
    pub steps: Vec<Step>,
    /// Changes that do not fit the quota, and until when they wait.
    pub deferred: BTreeMap<EntryKey, DateTime<Utc>>,
    pub quota: Vec<Quota>,
    /// For endpoints whose CDN charges for purges.
    pub costs: Vec<Cost>,
    /// Directories that were chosen in place of files, by endpoint.
    pub cover: Vec<Covered>,
    /// No cover has less collateral by more than this; 0 if it is proven optimal, `None` if some directories
    /// were left out for too much collateral.
    pub cover_gap: Option<u64>,
    pub looked: Option<Arc<Looked>>,
    pub evidence: BTreeMap<EntryKey, Evidence>,
    /// Passed ones too.
    pub checks: Vec<Check>,
    pub diagnostics: Vec<Note>,
    pub noop: usize,
    /// Entries with a pending purge; `apply` asks about them first.
    pub in_progress: usize,
    /// False if `--target` or `--exclude` left some changes out.
    pub complete: bool,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// By entry, the directory that is purged in its place.
    pub fn covered_by(&self) -> HashMap<&EntryKey, &CdnUrl> {
        self.steps.iter().flat_map(Step::covered).collect()
    }

    /// How many changes wait for quota, with the earliest and the latest time.
    pub fn waiting(&self) -> Option<(usize, [DateTime<Utc>; 2])> {
        let times = || self.deferred.values().copied();
        Some((self.deferred.len(), [times().min()?, times().max()?]))
    }

    pub fn is_applyable(&self) -> bool {
        self.checks
            .iter()
            .all(|check| check.status != CheckStatus::Failed)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// `None` if there is none yet.
    pub state: Option<StateBase>,
    /// The revisions compared; `None` if the state is the base.
    pub git: Option<Revisions>,
    /// Digest of all resources, independent of files and their order.
    pub manifests_digest: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateBase {
    pub lineage: String,
    pub serial: u64,
    pub digest: String,
}

/// One request and the changes that it serves: an operation without an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub endpoint: Arc<str>,
    /// Of one group, sorted, without duplicates, within the CDN's limits.
    pub items: Vec<Item>,
    /// In the order of the items.
    pub serves: Vec<Serve>,
}

impl Step {
    fn covered(&self) -> impl Iterator<Item = (&EntryKey, &CdnUrl)> {
        self.serves.iter().filter_map(|serve| {
            let Target::Directory(directory) = &self.items.get(serve.item)?.target else {
                return None;
            };
            let is_itself = match &serve.key.target {
                Target::Directory(own) => own.path() == directory.path(),
                Target::File(_) | Target::Tag(_) | Target::Host(_) | Target::Everything => false,
            };
            (!is_itself).then_some((&serve.key, directory))
        })
    }

    pub fn operation(&self, id: String) -> Operation {
        Operation {
            id,
            endpoint: self.endpoint.clone(),
            items: self.items.clone(),
            serves: self.serves.clone(),
        }
    }
}

/// A directory that is purged in place of what changed below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    pub endpoint: Arc<str>,
    pub directory: CdnUrl,
    pub covers: usize,
    /// Unchanged URLs below it.
    pub collateral: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    pub endpoint: Arc<str>,
    /// The account, whose endpoints share the budget.
    pub scope: Arc<str>,
    pub counts: Counts,
    /// What is counted; see [`Counts::word`].
    pub kind: String,
    /// Booked in this window so far, by all endpoints of the account.
    pub used: u64,
    pub planned: u64,
    /// What this plan sends to all endpoints of the account.
    pub planned_in_account: u64,
    pub deferred: u64,
    pub limit: u64,
    /// What this plan leaves for emergencies.
    pub reserve: u64,
    /// When the window turns. Not part of the plan's id.
    pub turns_at: DateTime<Utc>,
}

impl Quota {
    /// What all plans of a window may use.
    pub fn usable(&self) -> u64 {
        self.limit.saturating_sub(self.reserve)
    }

    /// What this plan may use.
    pub fn room(&self) -> u64 {
        self.usable().saturating_sub(self.used)
    }

    /// What is left after this plan, including the reserve.
    pub fn left(&self) -> u64 {
        let spent = self.used.saturating_add(self.planned_in_account);
        self.limit.saturating_sub(spent)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub endpoint: Arc<str>,
    /// The chargeable part of the plan, before the free allowance.
    pub charged: u64,
    /// Booked this month so far, for the whole account.
    pub used: u64,
    /// What is left free, after the account's endpoints that come before.
    pub free: u64,
    pub price: Price,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    #[error(transparent)]
    Select(#[from] SelectError),
    #[error("endpoint `{endpoint}` cannot purge `{address}`")]
    Unsupported {
        address: String,
        endpoint: Arc<str>,
        #[source]
        source: Unsupported,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: CheckName,
    pub endpoint: Arc<str>,
    pub status: CheckStatus,
    /// The arithmetic, in words.
    pub detail: String,
}

impl Check {
    /// The flag that permits exceeding its limit.
    pub fn force(&self) -> String {
        format!("--force={}:{}", self.name.as_str(), self.endpoint)
    }
}

word_enum! {
    pub enum CheckName {
        MaxChangePercent = "max-change-percent",
        MaxUrls = "max-urls",
        /// Too many directories, or a root directory.
        MaxDirectories = "max-directories",
        Quota = "quota",
        /// Too many unchanged URLs below directories chosen in place of files.
        MaxCollateral = "max-collateral",
        /// The content of a site vanished: probably a failed build and not a mass delete.
        EmptySource = "empty-source",
    }
}

word_enum! {
    serde
    pub enum CheckStatus {
        Passed = "passed",
        /// Over the limit; the plan is refused.
        Failed = "failed",
        /// Over the limit, and forced on the command line.
        Forced = "forced",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub severity: NoteSeverity,
    pub message: String,
}

word_enum! {
    serde
    pub enum NoteSeverity {
        Info = "info",
        Warning = "warning",
    }
}

impl Cost {
    /// In dollars.
    pub fn amount(&self) -> String {
        self.price.of(self.charged.saturating_sub(self.free))
    }
}

/// `1 file`, `2,000 files`, `2 directories`: English plurals of the words we count. Several words are joined
/// by `+`, as in quotas: `1 file or directory`, `2 files and directories`.
pub fn count(amount: usize, words: &str) -> String {
    let noun = |word: &str| {
        let noun = match word {
            "everything" => "whole endpoint",
            noun => noun,
        };
        match (amount, noun.strip_suffix('y')) {
            (1, _) => noun.to_owned(),
            (_, Some(stem)) => format!("{stem}ies"),
            (_, None) => format!("{noun}s"),
        }
    };
    let nouns: Vec<_> = words.split('+').map(noun).collect();
    let joint = if amount == 1 { "or" } else { "and" };
    let amount = number(amount);
    match &*nouns {
        [front @ .., last] if !front.is_empty() => {
            format!("{amount} {} {joint} {last}", front.join(", "))
        }
        nouns => format!("{amount} {}", nouns.concat()),
    }
}

/// `2026-11-22 16:00Z`; windows turn at whole minutes.
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%MZ").to_string()
}

/// `2,000`
pub fn number(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
