//! The plan id: a digest over the canonical, time-free subject of a plan.
//!
//! The subject holds everything that decides what is carried out, and nothing that does not: not
//! the time, the tool's version, the state's serial, file names, nor which checks were forced.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Base, Quota, Step};
use crate::diff::Change;
use crate::observed::Revisions;

/// Part of the subject, so that a change of its form changes every id.
const SUBJECT_FORMAT: &str = "purgit/plan/1";

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

/// `sha256:` and 64 hexadecimal digits.
pub(super) fn plan_id(
    base: &Base,
    complete: bool,
    changes: &[Change],
    steps: &[Step],
    quota: &[Quota],
) -> String {
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
    };
    let mut hasher = Sha256::new();
    // Only maps with odd keys and writers fail to serialise; this has neither.
    let _ = serde_json::to_writer(HashWriter(&mut hasher), &subject);
    format!("sha256:{}", hex::encode(hasher.finalize()))
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
            before: change.before.as_ref().map(crate::entry::Generation::as_str),
            after: change.after.as_ref().map(crate::entry::Generation::as_str),
            reason: change.reason.as_str(),
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
