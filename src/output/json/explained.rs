//! The JSON of `plan --explain`, format 1.x.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::v1::FORMAT_VERSION;
use crate::diff::Reason;
use crate::entry::Generation;
use crate::plan::Plan;
use crate::plan::explain::{Explanation, Standing};
use crate::state::Outcome;

/// The entries of one address.
#[derive(Debug, Serialize)]
pub struct Explained<'a> {
    format_version: &'static str,
    plan_id: &'a str,
    entries: Vec<Entry<'a>>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    address: String,
    endpoint: &'a str,
    kind: &'static str,
    target: &'a str,
    standing: &'static str,
    reason: Option<Reason>,
    declared: Option<Declared<'a>>,
    before: Option<&'a str>,
    confirmed_at: Option<DateTime<Utc>>,
    after: Option<&'a str>,
    last: Option<Last<'a>>,
    due_since: Option<DateTime<Utc>>,
    task: Option<Task<'a>>,
    request: Option<Request>,
}

#[derive(Debug, Serialize)]
struct Declared<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

#[derive(Debug, Serialize)]
struct Last<'a> {
    outcome: Outcome,
    at: DateTime<Utc>,
    message: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Task<'a> {
    id: Option<&'a str>,
    intended_at: DateTime<Utc>,
    accepted_at: Option<DateTime<Utc>>,
    asked_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Serialize)]
struct Request {
    number: usize,
    of: usize,
    targets: usize,
    other_entries: usize,
}

/// As JSON.
pub fn explained<'a>(plan: &'a Plan, entries: &'a [Explanation]) -> Explained<'a> {
    Explained {
        format_version: FORMAT_VERSION,
        plan_id: &plan.id,
        entries: entries.iter().map(entry).collect(),
    }
}

fn entry(entry: &Explanation) -> Entry<'_> {
    let (standing, reason) = match entry.standing {
        Standing::Planned(reason) => ("planned", Some(reason)),
        Standing::LeftOut(reason) => ("left_out", Some(reason)),
        Standing::UnderWay => ("under_way", None),
        Standing::Confirmed => ("confirmed", None),
        Standing::Suspended => ("suspended", None),
        Standing::Undeclared => ("undeclared", None),
    };
    let key = &entry.key;
    let observed = entry.observed.as_ref();
    let confirmed_at = observed.and_then(|known| known.confirmed_at);
    let attempt = observed.and_then(|known| known.attempt.as_ref());
    let attempt = attempt.map(|attempt| Last {
        outcome: attempt.outcome,
        at: attempt.at,
        message: attempt.message.as_deref(),
    });
    let confirmation = || {
        let at = confirmed_at?;
        Some(Last {
            outcome: Outcome::Succeeded,
            at,
            message: None,
        })
    };
    Entry {
        address: key.address(),
        endpoint: &key.endpoint,
        kind: key.target.kind().as_str(),
        target: key.target.as_str(),
        standing,
        reason,
        declared: entry.declared.as_ref().map(|place| Declared {
            file: &place.file,
            line: place.line,
            column: place.column,
        }),
        before: entry.before.as_ref().map(Generation::as_str),
        confirmed_at,
        after: entry.after.as_ref().map(Generation::as_str),
        last: attempt.or_else(confirmation),
        due_since: entry.due.as_ref().map(|due| due.at),
        task: entry.operation.as_ref().map(|operation| Task {
            id: operation.task.as_ref().map(|task| task.id.as_str()),
            intended_at: operation.intended_at,
            accepted_at: operation.accepted_at,
            asked_at: operation.asked_at,
        }),
        request: entry.request.map(|request| Request {
            number: request.number,
            of: request.of,
            targets: request.targets,
            other_entries: request.others,
        }),
    }
}
