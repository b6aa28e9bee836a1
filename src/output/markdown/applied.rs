//! The outcome and then the plan, as Markdown for the page of a CI run.

use std::collections::BTreeMap;

use super::code::{name, text};
use super::fit::{Cut, Line, Part, fit};
use super::words::listed;
use super::{Limit, plan};
use crate::exit::Exit;
use crate::output::answered;
use crate::output::json::v1::{ApplyResult, PlanDocument};
use crate::output::verify::details;
use crate::plan::{count, number};
use crate::state::Outcome;
use crate::status::causes::causes;

/// Outcomes that need no action: the next run sends these entries.
const WAITING: [Outcome; 2] = [Outcome::Deferred, Outcome::Held];

/// The outcome and the plan, within a limit; only the plan if it was not applied.
pub fn applied(document: &PlanDocument, limit: Limit) -> String {
    let Some(result) = &document.result else {
        return plan(document, limit);
    };
    let mut out = outcome(result);
    let entries = result.entries.iter();
    let entries = entries.filter(|entry| entry.outcome != Outcome::Succeeded.as_str());
    let mut late = Vec::new();
    let mut open = Vec::new();
    for entry in entries {
        let mut waiting = WAITING.into_iter();
        match waiting.find(|outcome| entry.outcome == outcome.as_str()) {
            Some(outcome) => late.push((outcome, entry)),
            None => open.push(entry),
        }
    }
    let suffix = |message: Option<&str>| {
        message.map_or_else(String::new, |message| format!(": {}", text(message)))
    };
    let lines = open.into_iter().map(|entry| {
        let message = suffix(entry.message.as_deref());
        let details = entry.evidence.as_ref().map(details).unwrap_or_default();
        let (outcome, address) = (&entry.outcome, text(&entry.address));
        Line::one(format!(
            "- {outcome} {address}{message}{}\n",
            text(&details)
        ))
    });
    // Waiting entries are summed up by cause, with a few examples.
    let late = late.into_iter().map(|(outcome, entry)| {
        let message = entry.message.as_deref();
        (outcome, message, entry.address.as_str())
    });
    let late = causes(late).into_iter().map(|cause| {
        let message = suffix(cause.message);
        let entries = count(cause.count, "entry");
        let examples: Vec<_> = cause.examples.into_iter().map(text).collect();
        let such_as = if cause.count > examples.len() {
            ", for example"
        } else {
            ":"
        };
        let line = format!(
            "- {} {entries}{message}{such_as} {}\n",
            cause.outcome,
            examples.join(", ")
        );
        Line::one(line)
    });
    let part = Part {
        front: "\n".to_owned(),
        lines: lines.chain(late).collect(),
        back: "",
        more: ["- ", ""],
        noun: "outcome",
    };
    if !part.lines.is_empty() {
        // At most half of the room, to leave some for the plan.
        let room = limit.amount().saturating_sub(limit.of(&out)) / 2;
        out.extend(
            fit(&[part], room, limit)
                .into_iter()
                .map(|Cut { text, .. }| text),
        );
    }
    if !document.plan_id.is_empty() {
        out.push('\n');
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
        true => "### Nothing was purged\n\n".to_owned(),
        false => format!("### {} in {requests}\n\n", listed(&counts)),
    };
    let mut exits = Exit::ALL.into_iter();
    let exit = exits.find(|exit| exit.code() == result.exit_code);
    let next = exit.map_or("", next);
    out += &format!("Exit code {}.{next}\n", result.exit_code);
    if let Some(asked) = result.origin {
        let (ready, held) = (number(asked.ready), number(asked.held));
        let requests = count(asked.requests, "request");
        out += &format!("\nAt the origin: {ready} ready, {held} held, in {requests}.\n");
    }
    if let Some(asked) = &result.verified {
        out += &format!("\nThe edges served afterwards: {}.\n", answered(asked));
    }
    if let Some(error) = &result.error {
        out += &format!("\n{}\n", text(error));
    }
    out
}

/// What the next run does with unfinished entries.
const fn next(exit: Exit) -> &'static str {
    match exit {
        Exit::Failed => " What failed stays planned: the next `purgit apply` tries it again.",
        Exit::Running | Exit::Interrupted | Exit::Terminated => {
            " What is not confirmed is recorded: the next `purgit apply` goes on."
        }
        Exit::Done
        | Exit::Changes
        | Exit::Error
        | Exit::Refused
        | Exit::Stale
        | Exit::Locked
        | Exit::Credentials
        | Exit::Usage => "",
    }
}
