//! The status: which situation gives which conditions, when they move, and the file they are in.

mod conditions;
mod file;
mod laws;

use std::collections::BTreeMap;
use std::sync::Arc;

use purgit::desired::Contents;
use purgit::desired::desired;
use purgit::entry::Target;
use purgit::manifest::ManifestFile;
use purgit::manifest::resource::{Endpoint, Project, Purge, Safety, StatePlace, StatusPlace};
use purgit::state::{Observed, PendingOperation, State};
use purgit::status::{Condition, Listed, Run, StatusDocument, document};
use purgit::url::CdnUrl;

use super::site::fixture::{NO_API, root_file};
use super::state_fixture::{at, file as file_key};

pub(super) fn url(path: &str) -> CdnUrl {
    CdnUrl::parse(&format!("https://www.example.com{path}")).expect("a good URL")
}

pub(super) fn purge(name: &str, paths: &[&str]) -> Purge {
    Purge {
        name: name.into(),
        endpoint: "www".into(),
        revision: Some("r1".to_owned()),
        targets: paths.iter().map(|path| Target::File(url(path))).collect(),
        suspension: None,
    }
}

/// The endpoint `www`.
fn endpoints() -> BTreeMap<Arc<str>, Endpoint> {
    let source = ManifestFile::new("purgit.yaml", root_file(NO_API));
    let project = purgit::manifest::parse(vec![source]).project;
    project.expect("a good manifest").endpoints
}

pub(super) fn project(purges: Vec<Purge>) -> Project {
    Project {
        name: "site".into(),
        manifests: Vec::new(),
        state: StatePlace::default(),
        status: StatusPlace::default(),
        safety: Safety::default(),
        endpoints: endpoints(),
        purges,
        sites: Vec::new(),
        declared: BTreeMap::default(),
    }
}

/// A project with the one manifest `spring` of `/a` and `/b`.
pub(super) fn spring() -> Project {
    project(vec![purge("spring", &["/a", "/b"])])
}

pub(super) fn state(
    entries: &[(&str, Observed)],
    pending_operations: Vec<PendingOperation>,
) -> State {
    let entries = entries.iter();
    State {
        entries: entries
            .map(|(path, observed)| (file_key("spring", path), observed.clone()))
            .collect(),
        pending_operations: pending_operations.into(),
        ..State::default()
    }
}

pub(super) fn run(exit_code: u8) -> Run {
    Run {
        plan_id: "sha256:00".to_owned(),
        started_at: at(10),
        ended_at: at(20),
        exit_code,
        requests: 1,
        ..Run::default()
    }
}

pub(super) fn status(project: &Project, state: &State, run: Option<&Run>) -> StatusDocument {
    let now = at(20);
    document(
        project,
        &desired(project, &Contents::new(), now).unwrap(),
        state,
        run,
        None,
        Listed::NotAsDeclared,
        now,
    )
}

/// `Ready=True PurgeSucceeded: …`, a line each.
pub(super) fn told(conditions: &[Condition]) -> String {
    let lines = conditions.iter().map(|condition| {
        format!(
            "{}={} {}: {}\n",
            condition.kind,
            condition.status.as_str(),
            condition.reason,
            condition.message
        )
    });
    lines.collect()
}

pub(super) fn get<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}
