//! What past runs did, newest first: for people and for programs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::count;
use super::page::{BOLD, DIM, GREEN, Page, RED};
use super::text::style;
use crate::plan::select::Selection;
use crate::state::{HistoryRecord, Outcome, State};

/// Digits shown of a commit or plan id.
const SHORT_DIGITS: usize = 12;

/// The JSON of `history`, format 1.x.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HistoryDocument<'a> {
    /// Version of this format: a reader refuses another major number.
    pub format_version: &'static str,
    /// Newest first.
    pub runs: Vec<PastRun<'a>>,
}

/// One run that submitted or settled something.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PastRun<'a> {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// What was run, e.g. `apply`.
    pub command: Option<&'a str>,
    /// Who ran it or triggered it.
    pub by: Option<&'a str>,
    /// The commit that was applied.
    pub commit: Option<&'a str>,
    /// The CI system.
    pub ci: Option<&'a str>,
    /// Web page of the CI run.
    pub run_url: Option<&'a str>,
    /// The plan it carried out.
    pub plan_id: &'a str,
    /// How long it took.
    pub seconds: Option<f64>,
    /// Its exit code.
    pub exit_code: u8,
    /// Requests that submit a purge, as sent.
    pub requests: usize,
    /// Number of entries by outcome.
    #[schemars(with = "BTreeMap<String, usize>")]
    pub outcomes: &'a BTreeMap<Outcome, usize>,
    /// Recorded and selected entries, by address.
    pub entries: Vec<PastEntry<'a>>,
    /// Number of entries whose address was not recorded.
    pub entries_not_recorded: usize,
}

/// What became of an entry in a run.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PastEntry<'a> {
    /// Its address; several URLs of one file have the same.
    pub address: &'a str,
    /// What became of it.
    pub outcome: Outcome,
}

/// The runs since `since` with a selected entry, and the number of runs that may have had one: not all
/// of their entries were recorded.
pub fn history<'a>(
    state: &'a State,
    since: Option<DateTime<Utc>>,
    selection: &Selection,
) -> (HistoryDocument<'a>, usize) {
    let mut doubtful = 0;
    let runs = state.history.iter().rev();
    let runs = runs.filter(|run| since.is_none_or(|since| run.at >= since));
    let runs = runs.map(|run| PastRun::of(run, selection)).filter(|run| {
        let is_shown = selection.is_all() || !run.entries.is_empty();
        doubtful += usize::from(!is_shown && run.entries_not_recorded > 0);
        is_shown
    });
    let document = HistoryDocument {
        format_version: "1.0",
        runs: runs.collect(),
    };
    (document, doubtful)
}

impl<'a> PastRun<'a> {
    fn of(run: &'a HistoryRecord, selection: &Selection) -> Self {
        let total: usize = run.outcomes.values().sum();
        let recorded: usize = run.entries.values().map(Vec::len).sum();
        let entries = run.entries.iter().flat_map(|(outcome, addresses)| {
            let selected = addresses
                .iter()
                .filter(|address| selection.selects(address));
            selected.map(|address| PastEntry {
                address,
                outcome: *outcome,
            })
        });
        Self {
            at: run.at,
            command: run.command.as_deref(),
            by: run.origin.by.as_deref(),
            commit: run.origin.commit.as_deref(),
            ci: run.origin.ci.as_deref(),
            run_url: run.origin.url.as_deref(),
            plan_id: &run.plan_id,
            seconds: run.duration.map(|duration| duration.as_secs_f64()),
            exit_code: run.exit_code,
            requests: run.requests,
            outcomes: &run.outcomes,
            entries: entries.collect(),
            entries_not_recorded: total.saturating_sub(recorded),
        }
    }
}

/// One line per run, with its entries on request.
pub fn text(document: &HistoryDocument<'_>, with_entries: bool) -> Page {
    let mut page = Page::default();
    for run in &document.runs {
        line(&mut page, run);
        if with_entries {
            details(&mut page, run);
        }
    }
    page
}

fn line(page: &mut Page, run: &PastRun<'_>) {
    page.paint(BOLD, run.at.format("%Y-%m-%d %H:%M:%SZ"));
    let words = [
        ("  ", run.command),
        (" by ", run.by),
        (" in ", run.ci),
        (" at ", run.commit.map(short)),
    ];
    for (before, word) in words {
        if let Some(word) = word {
            page.add(before).add(word);
        }
    }
    page.add("  ");
    for (number, (outcome, entries)) in run.outcomes.iter().enumerate() {
        page.add(if number > 0 { ", " } else { "" });
        page.add(format_args!("{entries} {outcome}"));
    }
    page.add(format_args!(" in {}", count(run.requests, "request")));
    if let Some(seconds) = run.seconds {
        page.add(format_args!(", {seconds:.1} s"));
    }
    page.add("  ");
    match run.exit_code {
        0 => page.paint(GREEN, "done"),
        code => page.paint(RED, format_args!("exit code {code}")),
    };
    let plan = run.plan_id.strip_prefix("sha256:").unwrap_or(run.plan_id);
    page.paint(DIM, format_args!("  plan {}", short(plan)))
        .end();
}

fn details(page: &mut Page, run: &PastRun<'_>) {
    if let Some(url) = run.run_url {
        page.line(format_args!("  {url}"));
    }
    let mut entries = run.entries.iter().peekable();
    while let Some(entry) = entries.next() {
        let mut urls = 1;
        while entries
            .next_if(|next| next.address == entry.address)
            .is_some()
        {
            urls += 1;
        }
        let style = style(entry.outcome);
        page.add("  ")
            .paint(style, format_args!("{:<10}", entry.outcome.as_str()));
        page.add(format_args!(" {}", entry.address));
        if urls > 1 {
            page.add(format_args!("  {}", count(urls, "URL")));
        }
        page.end();
    }
    if run.entries_not_recorded > 0 {
        let entries = count(run.entries_not_recorded, "entry");
        page.line(format_args!(
            "  … and {entries} more, without a recorded address"
        ));
    }
}

fn short(id: &str) -> &str {
    id.char_indices()
        .nth(SHORT_DIGITS)
        .map_or(id, |(end, _)| &id[..end])
}
