//! The plan id: a digest over the canonical, time-free subject of a plan.
//!
//! The subject holds everything that decides what is carried out, and nothing else: not the time, the
//! tool's version, the state's serial, file names, or which checks were forced.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::looked::{Looked, Seen};
use super::{Base, Quota, Step};
use crate::diff::Change;
use crate::entry::{EntryKey, Generation};
use crate::observed::Revisions;

/// Part of the subject, so that a change of its format changes every id.
const SUBJECT_FORMAT: &str = "purgit/plan/1";

const PREFIX: &str = "sha256:";

const DIGITS: usize = 64;

/// Fewest digits of an abbreviated id: 48 bits, which no two plans of a project share by chance.
pub const MIN_DIGITS: usize = 12;

/// The id of the approved plan, or the beginning of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected(String);

impl Expected {
    pub fn is(&self, id: &str) -> bool {
        let digits = id.strip_prefix(PREFIX);
        digits.is_some_and(|digits| digits.starts_with(&self.0))
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix(PREFIX).unwrap_or(text);
        if text.is_empty() {
            return Err(
                "it is empty; is the variable set that should hold the plan id?".to_owned(),
            );
        }
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !digits.bytes().all(is_digit) {
            return Err(format!(
                "a plan id is `{PREFIX}` and {DIGITS} digits of 0-9 and a-f"
            ));
        }
        match digits.len() {
            MIN_DIGITS..=DIGITS => Ok(Self(digits.to_owned())),
            length => Err(format!(
                "{length} digits; a plan id has {DIGITS}, of which at least the first {MIN_DIGITS} are needed"
            )),
        }
    }
}

#[derive(Serialize)]
struct Subject<'a> {
    format: &'static str,
    lineage: Option<&'a str>,
    state_digest: Option<&'a str>,
    git: Option<&'a Revisions>,
    manifests_digest: &'a str,
    complete: bool,
    changes: Vec<ChangeSubject<'a>>,
    steps: Vec<StepSubject<'a>>,
    quota: Vec<(&'a str, &'a str, u64, u64)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deferred: Vec<(String, &'a str)>,
    /// What counts as purged because the edges said so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    adopted: Vec<AdoptedSubject<'a>>,
}

#[derive(Serialize)]
struct AdoptedSubject<'a> {
    address: String,
    endpoint: &'a str,
    target: &'a str,
    generation: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangeSubject<'a> {
    address: String,
    endpoint: &'a str,
    kind: &'static str,
    target: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    reason: &'static str,
}

pub(super) fn plan_id(
    base: &Base,
    complete: bool,
    changes: &[Change],
    steps: &[Step],
    quota: &[Quota],
    deferred: &BTreeMap<EntryKey, DateTime<Utc>>,
    looked: Option<&Arc<Looked>>,
) -> String {
    let adopted = looked.into_iter().flat_map(|looked| looked.adopted());
    let subject = Subject {
        format: SUBJECT_FORMAT,
        lineage: base.state.as_ref().map(|state| state.lineage.as_str()),
        state_digest: base.state.as_ref().map(|state| state.digest.as_str()),
        git: base.git.as_ref(),
        manifests_digest: &base.manifests_digest,
        complete,
        changes: changes.iter().map(ChangeSubject::of).collect(),
        steps: steps.iter().map(StepSubject::of).collect(),
        quota: quota
            .iter()
            .map(|q| (&*q.endpoint, &*q.kind, q.planned, q.limit))
            .collect(),
        adopted: adopted.map(AdoptedSubject::of).collect(),
        deferred: deferred
            .keys()
            .map(|key| (key.address(), key.target.as_str()))
            .collect(),
    };
    let mut hasher = Sha256::new();
    // Serialization fails only for maps with non-string keys and for failing writers; there are none here.
    let _ = serde_json::to_writer(HashWriter(&mut hasher), &subject);
    format!("{PREFIX}{}", hex::encode(hasher.finalize()))
}

#[derive(Serialize)]
struct StepSubject<'a> {
    endpoint: &'a str,
    items: Vec<(&'static str, &'a str)>,
}

impl<'a> StepSubject<'a> {
    fn of(step: &'a Step) -> Self {
        let items = step.items.iter();
        Self {
            endpoint: &step.endpoint,
            items: items
                .map(|item| (item.target.kind().as_str(), item.target.as_str()))
                .collect(),
        }
    }
}

impl<'a> ChangeSubject<'a> {
    fn of(change: &'a Change) -> Self {
        Self {
            address: change.key.address(),
            endpoint: &change.key.endpoint,
            kind: change.key.target.kind().as_str(),
            target: change.key.target.as_str(),
            before: change.before.as_ref().map(Generation::as_str),
            after: change.after.as_ref().map(Generation::as_str),
            reason: change.reason.as_str(),
        }
    }
}

impl<'a> AdoptedSubject<'a> {
    fn of(seen: &'a Seen) -> Self {
        Self {
            address: seen.key.address(),
            endpoint: &seen.key.endpoint,
            target: seen.key.target.as_str(),
            generation: seen.generation.as_ref().map(Generation::as_str),
        }
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
