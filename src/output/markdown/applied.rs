//! What became of a plan, as Markdown for the page of a CI run: the outcome first, then what was
//! planned.

use std::collections::BTreeMap;

use super::code::{name, text};
use super::fit::{Cut, Line, Part, fit};
use super::words::listed;
use super::{Limit, plan};
use crate::output::json::v1::{ApplyResult, PlanDocument};
use crate::plan::{count, number};

/// What is no news of an entry.
const AS_WANTED: &str = "Succeeded";

/// The outcome and the plan, within a limit; the plan alone where nothing became of it.
pub fn applied(document: &PlanDocument, limit: Limit) -> String {
    let Some(result) = &document.result else {
        return plan(document, limit);
    };
    let mut out = outcome(result);
    let entries = result.entries.iter();
    let entries = entries.filter(|entry| entry.outcome != AS_WANTED);
    let lines = entries.map(|entry| {
        let message = entry.message.as_deref();
        let message = message.map_or_else(String::new, |message| format!(": {}", text(message)));
        let (outcome, address) = (&entry.outcome, text(&entry.address));
        Line::one(format!("- {outcome} {address}{message}\n"))
    });
    let part = Part {
        front: "\n".to_owned(),
        lines: lines.collect(),
        back: "",
        more: ["- ", ""],
        noun: "outcome",
    };
    if !part.lines.is_empty() {
        // Half of the room at most, so that the plan is there too.
        let room = limit.amount().saturating_sub(limit.of(&out)) / 2;
        out.extend(
            fit(&[part], room, limit)
                .into_iter()
                .map(|Cut { text, .. }| text),
        );
    }
    if !document.plan_id.is_empty() {
        out.push_str("\n#### The plan\n\n");
        out.push_str(&plan(document, limit.less(&out)));
    }
    out
}

fn outcome(result: &ApplyResult) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &result.entries {
        *counts.entry(&entry.outcome).or_default() += 1;
    }
    let counts: Vec<_> = counts
        .into_iter()
        .map(|(outcome, count)| format!("{} {}", number(count), name(outcome)))
        .collect();
    let requests = count(result.requests, "request");
    let mut out = match counts.is_empty() {
        true => "**Nothing was purged**".to_owned(),
        false => format!("**{}** in {requests}", listed(&counts)),
    };
    out += &format!("; exit code {}.\n", result.exit_code);
    if let Some(error) = &result.error {
        out += &format!("\n{}\n", text(error));
    }
    out
}
