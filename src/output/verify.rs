//! What users get, for people and for programs.

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::Layout;
use super::page::{BOLD, GREEN, Page, RED, YELLOW};
use super::{count, number};
use crate::entry::EntryKey;
use crate::plan::looked::Looked;
use crate::reconcile::Verified;
use crate::verify::{Evidence, Tally, Verdict};

/// About how many entries are listed on a terminal.
const LISTED: usize = 40;

/// The JSON of `verify`, format 1.x.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyDocument<'a> {
    /// Version of this format: a reader refuses another major number.
    pub format_version: &'static str,
    /// Whether nothing is proven stale, and everything that must be proven fresh is.
    pub ok: bool,
    /// The figures.
    pub summary: Summary,
    /// What was asked for, in order of address.
    pub entries: Vec<EntryDocument<'a>>,
}

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Summary {
    /// What was asked for.
    #[serde(flatten)]
    pub asked: Tally,
    /// Purged entries that were not asked for: they are not in the sample, or have no URL.
    pub left_out: usize,
    /// Entries that are not purged yet, so there is nothing to prove.
    pub planned: usize,
}

/// One entry, and the answer that decided its verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryDocument<'a> {
    /// What `--target` takes.
    pub address: String,
    /// Name of the endpoint.
    pub endpoint: &'a str,
    /// What is purged, such as a URL; empty for everything.
    pub target: &'a str,
    /// The answer.
    pub evidence: &'a Evidence,
}

impl Summary {
    pub fn of(verified: &Verified) -> Self {
        let mut asked = Tally {
            requests: verified.requests,
            ..Tally::default()
        };
        for (_, evidence) in &verified.entries {
            asked.add(evidence.verdict);
        }
        Self {
            asked,
            left_out: verified.left_out,
            planned: verified.planned,
        }
    }
}

pub fn document(verified: &Verified) -> VerifyDocument<'_> {
    let entries = verified.entries.iter();
    VerifyDocument {
        format_version: "1.0",
        ok: !verified.is_lacking,
        summary: Summary::of(verified),
        entries: entries
            .map(|(key, evidence)| EntryDocument {
                address: key.address(),
                endpoint: &key.endpoint,
                target: key.target.as_str(),
                evidence,
            })
            .collect(),
    }
}

/// Entries that are not proven fresh, or all, and the figures.
pub fn text(verified: &Verified, layout: Layout) -> Page {
    let mut page = layout.page();
    let mut listed: Vec<_> = verified.entries.iter().collect();
    listed.retain(|(_, evidence)| layout.all || evidence.verdict != Verdict::Fresh);
    listed.sort_by_key(|(_, evidence)| std::cmp::Reverse(evidence.verdict));
    layout.list(&mut page, &listed, LISTED, "", |page, entry| {
        line(page, entry);
    });
    figures(&mut page, Summary::of(verified));
    page
}

fn line(page: &mut Page, (key, evidence): &(EntryKey, Evidence)) {
    let verdict = evidence.verdict;
    page.paint(style(verdict), format_args!("{verdict:<7}"));
    page.add(format_args!(" {}", key.target));
    seen(page, evidence);
    page.end();
}

/// An answer in one line.
fn seen(page: &mut Page, evidence: &Evidence) {
    page.add(format_args!(": {}", evidence.why));
    if let Some(url) = &evidence.url {
        page.add(format_args!("; asked for {url}"));
    }
    if let Some(edge) = &evidence.edge {
        page.add(format_args!("; edge {edge}"));
    }
    if let Some(variant) = &evidence.variant {
        page.add(format_args!("; as `{variant}`"));
    }
    page.add(details(evidence));
}

/// What the cache says about itself: `; cache HIT; served by a; age 12 s`.
pub(super) fn details(evidence: &Evidence) -> String {
    let age = evidence.age.map(|age| format!("{} s", number(age)));
    let details = [
        ("cache", evidence.cache.as_deref()),
        ("served by", evidence.server.as_deref()),
        ("age", age.as_deref()),
    ];
    let known = details
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    known
        .map(|(name, value)| format!("; {name} {value}"))
        .collect()
}

/// An answer as one of several facts: `stale 2026-11-20 08:00:00Z: why; edge …`.
pub(super) fn fact(page: &mut Page, evidence: &Evidence) {
    let at = evidence.at.format("%Y-%m-%d %H:%M:%SZ");
    page.paint(style(evidence.verdict), evidence.verdict)
        .add(format_args!(" {at}"));
    seen(page, evidence);
    page.end();
}

/// The figures of a run.
pub(super) fn verified(page: &mut Page, asked: Tally) {
    tally(page, "Verified:", asked);
    page.end();
}

/// What the edges said before a plan was made.
pub fn looked(page: &mut Page, looked: &Looked) {
    tally(page, "Edges:", looked.tally());
    page.line(super::looked(looked.adopted().count(), looked.left_out));
}

fn figures(page: &mut Page, summary: Summary) {
    tally(page, "Verified:", summary.asked);
    for (number, what) in [
        (summary.left_out, "not asked for"),
        (summary.planned, "not purged yet"),
    ] {
        if number > 0 {
            page.add(format_args!("; {} {what}", count(number, "entry")));
        }
    }
    page.end();
}

fn tally(page: &mut Page, title: &str, asked: Tally) {
    let counts = [
        (Verdict::Fresh, asked.fresh),
        (Verdict::Stale, asked.stale),
        (Verdict::Unknown, asked.unknown),
    ];
    page.paint(BOLD, title);
    for (index, (verdict, count)) in counts.into_iter().enumerate() {
        page.add(if index > 0 { ", " } else { " " });
        let text = format!("{} {verdict}", number(count));
        match count {
            0 => page.add(text),
            _ => page.paint(style(verdict), text),
        };
    }
    page.add(format_args!(" in {}", count(asked.requests, "request")));
}

const fn style(verdict: Verdict) -> anstyle::Style {
    match verdict {
        Verdict::Fresh => GREEN,
        Verdict::Unknown => YELLOW,
        Verdict::Stale => RED,
    }
}
