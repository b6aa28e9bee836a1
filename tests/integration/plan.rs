//! Plans: safety checks with their arithmetic, batching, selection, and the plan id.

mod checks;
mod id;
mod selection;
mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use purgit::credential::CredentialRef;
use purgit::desired::{Contents, Desired, desired};
use purgit::entry::{EntryKey, Owner, Target, TargetKind};
use purgit::manifest::resource::{Endpoint, Poll, Project, Purge, Safety};
use purgit::operation::Task;
use purgit::plan::build::{Inputs, plan};
use purgit::plan::checks::Force;
use purgit::plan::select::{SelectError, Selection};
use purgit::plan::{Check, CheckName, Plan};
use purgit::provider::{
    ApiError, Auth, Authentication, Capabilities, Inquiry, Polling, Provider, ProviderKind, Report,
    Submission,
};
use purgit::provider::{DayStart, Limits};
use purgit::state::State;
use purgit::transport::{Request, Response};
use purgit::url::HostPattern;

use super::state_fixture::at;

static KIND: ProviderKind = ProviderKind {
    name: "paper-cdn",
    field: "paperCdn",
    read: |_| None,
    schema: || serde_json::Value::Null,
    default_limits: || Limits {
        files_per_day: 2000,
        directories_per_day: 500,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 1.0,
        concurrent_requests: 1,
    },
};

/// A CDN on paper: a planner sends nothing.
#[derive(Debug)]
struct PaperCdn {
    mixed_kinds: bool,
}

impl Provider for PaperCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            kinds: &[TargetKind::File, TargetKind::Directory],
            mixed_kinds: self.mixed_kinds,
            polling: Polling::None,
            authentication: Authentication::Credentials,
        }
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        Vec::new()
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn submit(&self, _: &purgit::plan::Step, _: Auth<'_>) -> Request {
        panic!("a planner sends nothing")
    }

    fn submitted(&self, _: &Response) -> Result<Submission, ApiError> {
        panic!("a planner sends nothing")
    }

    fn inquire(&self, _: &Task, _: Inquiry, _: Auth<'_>) -> Request {
        panic!("a planner sends nothing")
    }

    fn reported(&self, _: Inquiry, _: &Response) -> Result<Report, ApiError> {
        panic!("a planner sends nothing")
    }
}

fn endpoint(name: &str, mixed_kinds: bool) -> Endpoint {
    Endpoint {
        name: name.into(),
        hosts: vec![HostPattern::parse("*.example.com").unwrap()],
        provider: Arc::new(PaperCdn { mixed_kinds }),
        limits: (KIND.default_limits)(),
        poll: Poll::default(),
    }
}

fn url(path: &str) -> String {
    format!("https://www.example.com{path}")
}

fn file(path: &str) -> Target {
    Target::parse(TargetKind::File, &url(path)).unwrap()
}

fn directory(path: &str) -> Target {
    Target::parse(TargetKind::Directory, &url(path)).unwrap()
}

fn files(count: usize) -> Vec<Target> {
    (0..count)
        .map(|number| file(&format!("/{number:05}.png")))
        .collect()
}

fn directories(count: usize) -> Vec<Target> {
    (0..count)
        .map(|number| directory(&format!("/{number:05}/")))
        .collect()
}

fn purge(name: &str, files: Vec<Target>, directories: Vec<Target>) -> Purge {
    Purge {
        name: name.into(),
        endpoint: "www".into(),
        revision: Some("r2".to_owned()),
        targets: [files, directories].concat(),
        suspension: None,
    }
}

/// Everything a plan is made of, to be turned into what a test is about.
#[derive(Debug, Clone)]
struct Paper {
    project: Project,
    state: State,
    selection: Selection,
    forces: Vec<Force>,
}

impl Paper {
    fn new(purges: Vec<Purge>) -> Self {
        let www = endpoint("www", true);
        Self {
            project: Project {
                name: "site".into(),
                manifests: Vec::new(),
                state_file: ".purgit/state.json".into(),
                status_file: "purgit.status.yaml".into(),
                safety: Safety::default(),
                endpoints: BTreeMap::from([(www.name.clone(), www)]),
                purges,
                sites: Vec::new(),
            },
            state: State::default(),
            selection: Selection::default(),
            forces: Vec::new(),
        }
    }

    fn www(&mut self) -> &mut Endpoint {
        self.project.endpoints.get_mut("www").unwrap()
    }

    /// Confirms entries at a generation.
    fn confirm(&mut self, targets: &[Target], generation: &str) {
        for target in targets {
            let key = EntryKey {
                owner: Owner::Purge("spring".into()),
                path: None,
                target: target.clone(),
                endpoint: "www".into(),
            };
            let confirmed = super::state_fixture::confirmed(generation);
            self.state.entries.insert(key, confirmed);
        }
    }

    fn force(&mut self, text: &str) {
        self.forces.push(text.parse().unwrap());
    }

    fn desired(&self) -> Desired {
        desired(&self.project, &Contents::new(), at(0)).unwrap()
    }

    fn try_plan(&self) -> Result<Plan, SelectError> {
        let digest = purgit::state::format::digest(&self.state);
        plan(Inputs {
            project: &self.project,
            manifests_digest: "sha256:00",
            desired: &self.desired(),
            state: &self.state,
            state_digest: Some(&digest),
            revisions: None,
            selection: &self.selection,
            forces: &self.forces,
        })
    }

    fn plan(&self) -> Plan {
        self.try_plan().unwrap()
    }

    fn check(&self, name: CheckName) -> Check {
        let checks = self.plan().checks;
        checks.into_iter().find(|check| check.name == name).unwrap()
    }
}
