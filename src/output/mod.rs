//! How plans and results look. Pure: values in, documents out.
//!
//! # How to add a format
//! 1. Write `output/<name>.rs` with a function from [`PlanReport`] to a [`page::Page`], which escapes
//!    everything. A format with its own markup also escapes that, in one file, as [`markdown`] does in `code`.
//! 2. Add it to the `--format` choices in `cli/args.rs` and to the matches on them.
//! 3. Add it to `tests/integration/cli/forging.rs`.

pub mod doctor;
pub mod history;
pub mod json;
pub mod layout;
pub mod markdown;
pub mod page;
pub mod state;
pub mod status;
pub mod text;
pub mod verify;

use chrono::{DateTime, Utc};

use crate::entry::{Generation, TargetKind};
use crate::plan::Plan;
pub use crate::plan::{count, minute, number};
use crate::verify::Tally;
use json::v1::{Cost, Summary};

/// A plan, and when it was made, which is not part of its id.
#[derive(Debug, Clone, Copy)]
pub struct PlanReport<'a> {
    pub plan: &'a Plan,
    pub timestamp: DateTime<Utc>,
}

impl PlanReport<'_> {
    /// The figures that every format shows.
    fn summary(&self) -> Summary {
        let planned = |kind| {
            let items = self.plan.steps.iter().flat_map(|step| &step.items);
            items.filter(|item| item.target.kind() == kind).count()
        };
        Summary {
            purge: self.plan.changes.len(),
            deferred: self.plan.deferred.len(),
            noop: self.plan.noop,
            in_progress: self.plan.in_progress,
            files: planned(TargetKind::File),
            directories: planned(TargetKind::Directory),
            tags: planned(TargetKind::Tag),
            hosts: planned(TargetKind::Host),
            everything: planned(TargetKind::Everything),
            requests: self.plan.steps.len(),
            collateral: self.plan.cover.iter().map(|one| one.collateral).sum(),
        }
    }
}

/// Kinds of targets, in the order of the figures.
const KINDS: [&str; 5] = ["file", "directory", "tag", "host", "whole endpoint"];

/// `2 files`, `1 directory`: the number of targets of each of [`KINDS`] that occurs.
fn targets(summary: &Summary) -> Vec<String> {
    let Summary {
        files,
        directories,
        tags,
        hosts,
        everything,
        ..
    } = *summary;
    let figures = [files, directories, tags, hosts, everything];
    let figures = figures.into_iter().zip(KINDS);
    let figures = figures.filter(|(targets, _)| *targets > 0);
    figures
        .map(|(targets, noun)| count(targets, noun))
        .collect()
}

/// `USD 0.01: 2 at USD 0.005 beyond the 10 free ones left this month (at most USD 0.06, if others used them)`
fn costing(cost: &Cost, shown: impl Fn(&str) -> String) -> String {
    let usd = |amount| format!("USD {}", shown(amount));
    let (at_most, each) = (usd(&cost.at_most), usd(&cost.each));
    let amount = cost.amount.as_deref().map_or_else(|| at_most.clone(), usd);
    let free = || {
        let free = usize::try_from(cost.free_left).unwrap_or(usize::MAX);
        let free = count(free, "free one");
        format!("{free} left this month (at most {at_most}, if others used them)")
    };
    let charged = number(cost.charged);
    match cost.charged.saturating_sub(cost.free_left) {
        0 => format!("{amount}: {charged} of {}", free()),
        _ if cost.free_left == 0 => {
            let of = number(cost.free_a_month);
            format!(
                "{amount}: {charged} at {each}, none of the account's {of} free ones a month is left"
            )
        }
        beyond => format!(
            "{amount}: {} at {each} beyond the {}",
            number(beyond),
            free()
        ),
    }
}

/// The effect of a directory of a cover: `covers 312 changes and refetches 40 unchanged`.
fn covers(changes: usize, collateral: usize) -> String {
    let collateral = match collateral {
        0 => "nothing".to_owned(),
        urls => number(urls),
    };
    format!(
        "covers {} and refetches {collateral} unchanged",
        count(changes, "change")
    )
}

/// `until 2026-11-22 16:00Z`, or `until … to …` for two times.
fn until([first, last]: [DateTime<Utc>; 2]) -> String {
    match first == last {
        true => format!("until {}", minute(first)),
        false => format!("until {} to {}", minute(first), minute(last)),
    }
}

/// How good a cover is. `None`: directories were left out, so it is not compared.
fn optimality(gap: Option<u64>) -> String {
    match gap {
        None => "more directories would refetch more than `maxCollateral` allows".to_owned(),
        Some(0) => "the cover is optimal: no other directories refetch less".to_owned(),
        Some(gap) => format!(
            "other directories could refetch at most {} less",
            number(gap)
        ),
    }
}

/// `3 fresh, 1 stale, 0 unknown in 12 requests`
fn answered(asked: &Tally) -> String {
    let [fresh, stale, unknown] = [asked.fresh, asked.stale, asked.unknown].map(number);
    let requests = count(asked.requests, "request");
    format!("{fresh} fresh, {stale} stale, {unknown} unknown in {requests}")
}

/// Consequences of what the edges said before planning: `; 2 entries adopted, …`.
fn looked(adopted: usize, left_out: usize) -> String {
    let figures = [
        (adopted, "adopted, which they serve as wanted"),
        (left_out, "not asked for"),
    ];
    let figures = figures.into_iter().filter(|(figure, _)| *figure > 0);
    figures
        .map(|(figure, what)| format!("; {} {what}", count(figure, "entry")))
        .collect()
}

/// Digits of a content id, which is a git blob id, and of a commit's.
const ID_DIGITS: usize = 40;

/// Digits of an id shown to people, as git does.
const SHORT_ID_DIGITS: usize = 10;

/// A generation as people recognise it: ids are shortened, revisions are not.
fn shortened(generation: &str) -> &str {
    let is_id = generation.len() == ID_DIGITS && generation.bytes().all(|b| b.is_ascii_hexdigit());
    match generation {
        id if is_id => &id[..SHORT_ID_DIGITS],
        none if none == Generation::Declared.as_str() => "no revision",
        revision => revision,
    }
}
