//! The JSON of `plan --explain`, format 1.x.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;

use super::super::state::Recorded;
use super::v1::FORMAT_VERSION;
use crate::diff::Reason;
use crate::entry::Generation;
use crate::plan::Plan;
use crate::plan::explain::{Explanation, ServingRequest, Standing};
use crate::url::CdnUrl;

/// The entries of one address.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explained<'a> {
    /// Version of this format: a reader refuses another major number.
    format_version: &'static str,
    /// The plan that was looked at.
    plan_id: &'a str,
    /// Several if one file has several URLs.
    entries: Vec<Entry<'a>>,
}

/// The standing of an entry in a plan, and everything recorded about it
#[derive(Debug, Serialize, JsonSchema)]
struct Entry<'a> {
    #[serde(flatten)]
    recorded: Recorded<'a>,
    /// `planned`, `left_out`, `under_way`, `confirmed`, `suspended` or `undeclared`
    standing: &'static str,
    /// Why it is planned, or would be
    reason: Option<Reason>,
    /// Where its manifest names it; null if none does
    declared: Option<Declared<'a>>,
    /// The generation it is compared with, from the state or a revision
    before: Option<&'a str>,
    /// The generation wanted; null when the content is gone
    after: Option<&'a str>,
    /// The request of the plan that would serve it
    request: Option<Request>,
    /// The directory that is purged instead
    #[serde(skip_serializing_if = "Option::is_none")]
    covered_by: Option<&'a str>,
    /// When the quota window that it waits for turns
    #[serde(skip_serializing_if = "Option::is_none")]
    deferred_until: Option<DateTime<Utc>>,
}

/// A place in a manifest
#[derive(Debug, Serialize, JsonSchema)]
struct Declared<'a> {
    /// Path relative to the project
    file: &'a str,
    /// From 1
    line: usize,
    /// From 1
    column: usize,
}

/// A request of the plan
#[derive(Debug, Serialize, JsonSchema)]
struct Request {
    /// Its place among the endpoint's requests, from 1
    number: usize,
    /// Number of the endpoint's requests
    of: usize,
    /// Targets in it
    targets: usize,
    /// Other entries that it serves
    other_entries: usize,
}

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
    let request = |request: ServingRequest| Request {
        number: request.number,
        of: request.of,
        targets: request.targets,
        other_entries: request.others,
    };
    Entry {
        recorded: Recorded {
            evidence: entry.evidence.as_ref(),
            ..Recorded::of(
                key,
                key.address(),
                entry.observed.as_ref(),
                entry.due.as_ref(),
                entry.operation.as_ref(),
            )
        },
        standing,
        reason,
        declared: entry.declared.as_ref().map(|place| Declared {
            file: &place.file,
            line: place.line,
            column: place.column,
        }),
        before: entry.before.as_ref().map(Generation::as_str),
        after: entry.after.as_ref().map(Generation::as_str),
        request: entry.request.map(request),
        covered_by: entry.covered_by.as_ref().map(CdnUrl::as_str),
        deferred_until: entry.deferred_until,
    }
}
