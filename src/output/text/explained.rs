//! Everything about one entry, for people: one line per fact.

use super::super::layout::Layout;
use super::super::page::{BOLD, GREEN, Page, YELLOW};
use super::super::{count, minute, number, verify};
use super::plan::reasoned;
use super::style;
use crate::entry::Generation;
use crate::plan::explain::{Explanation, Standing};
use crate::state::Outcome;

/// Columns of a label.
const LABEL: usize = 10;

pub fn explained(entries: &[Explanation], layout: Layout) -> Page {
    let mut page = layout.page();
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            page.end();
        }
        one(&mut page, entry);
    }
    page
}

fn one(page: &mut Page, entry: &Explanation) {
    let key = &entry.key;
    page.paint(BOLD, key.address()).end();
    label(page, "Standing");
    standing(page, entry);
    label(page, "Target");
    page.line(format_args!(
        "{} {} on {}",
        key.target.kind(),
        key.target,
        key.endpoint
    ));
    if let Some(place) = &entry.declared {
        label(page, "Manifest");
        page.line(place);
    }
    label(page, "Purged");
    page.add(entry.before.as_ref().map_or("nothing", full));
    let confirmed = entry.observed.as_ref().and_then(|known| known.confirmed_at);
    if let Some(at) = confirmed {
        page.add(format_args!(", confirmed {}", at.format(TIME)));
    }
    page.end();
    label(page, "Wanted");
    page.line(entry.after.as_ref().map_or("nothing", full));
    if let Some(attempt) = entry
        .observed
        .as_ref()
        .and_then(|known| known.attempt.as_ref())
    {
        label(page, "Last try");
        page.paint(style(attempt.outcome), attempt.outcome);
        page.add(format_args!(" {}", attempt.at.format(TIME)));
        if let Some(message) = &attempt.message {
            page.add(format_args!(": {message}"));
        }
        page.end();
    } else if let Some(at) = confirmed {
        label(page, "Last try");
        page.paint(GREEN, Outcome::Succeeded)
            .line(format_args!(" {}", at.format(TIME)));
    }
    if let Some(evidence) = &entry.evidence {
        label(page, "Edge");
        verify::fact(page, evidence);
    }
    if let Some(due) = &entry.due {
        label(page, "Due");
        let forced = if due.forced {
            ", forced past a check"
        } else {
            ""
        };
        page.line(format_args!("since {}{forced}", due.at.format(TIME)));
    }
    if let Some(operation) = &entry.operation {
        label(page, "Task");
        let begun = operation.intended_at.format(TIME);
        match &operation.task {
            Some(task) => page.add(format_args!("{}, sent {begun}", task.id)),
            None => page.add(format_args!("none: begun {begun}, and never seen accepted")),
        };
        if let Some(at) = operation.asked_at {
            page.add(format_args!(
                ", running when last asked {}",
                at.format(TIME)
            ));
        }
        page.end();
    }
    if let Some(until) = entry.deferred_until {
        label(page, "Deferred");
        let until = minute(until);
        page.line(format_args!(
            "until {until}: it does not fit what is left of the quota"
        ));
    }
    if let Some(directory) = &entry.covered_by {
        label(page, "Covered by");
        page.line(directory);
    }
    if let Some(request) = &entry.request {
        label(page, "Request");
        let (nth, of) = (number(request.number), number(request.of));
        let targets = count(request.targets, "target");
        let others = match request.others {
            0 => "no other entry".to_owned(),
            others => count(others, "other entry"),
        };
        page.line(format_args!(
            "{nth} of {of} on {}, with {targets}; serves {others}",
            key.endpoint
        ));
    }
}

/// A generation in full, to search for it in git or in a manifest.
fn full(generation: &Generation) -> &str {
    match generation {
        Generation::Declared => "as declared, without a revision",
        Generation::Token(token) => token,
    }
}

const TIME: &str = "%Y-%m-%d %H:%M:%SZ";

fn label(page: &mut Page, text: &str) {
    page.add(format_args!("  {text:<LABEL$}"));
}

fn standing(page: &mut Page, entry: &Explanation) {
    let reason = |reason| reasoned(reason, entry.before.as_ref(), entry.after.as_ref());
    match entry.standing {
        Standing::Planned(why) => {
            page.paint(YELLOW, "to be purged")
                .line(format_args!(": {}", reason(why)));
        }
        Standing::LeftOut(why) => {
            let text = format!(": `--target` or `--exclude` leaves it out; {}", reason(why));
            page.paint(YELLOW, "not in this plan").line(text);
        }
        Standing::UnderWay => page
            .paint(YELLOW, "under way")
            .line(": the CDN has accepted it"),
        Standing::Confirmed => page
            .paint(GREEN, "nothing to do")
            .line(": purged as wanted"),
        Standing::Suspended => {
            page.paint(YELLOW, "left as it is")
                .line(": its manifest is suspended");
        }
        Standing::Undeclared => {
            page.paint(YELLOW, "forgotten")
                .line(": no manifest declares it any more");
        }
    }
}
