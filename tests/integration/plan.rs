//! Plans: safety checks with their arithmetic, batching, selection, and the plan id.

mod broaden;
mod checks;
mod compare;
mod cover;
mod defer;
mod id;
mod reading;
mod rivals;
mod selection;
mod spent;
mod steps;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use purgit::credential::CredentialRef;
use purgit::desired::{Contents, Desired, desired};
use purgit::entry::{EntryKey, Owner, Target, TargetKind};
use purgit::manifest::resource::{
    Broaden, Endpoint, Poll, Project, Purge, Safety, StatePlace, StatusPlace,
};
use purgit::operation::{Item, Operation, Task};
use purgit::plan::build::{Inputs, plan};
use purgit::plan::checks::Force;
use purgit::plan::select::Selection;
use purgit::plan::{Check, CheckName, Plan, PlanError};
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, DayStart, Limits, Provider, ProviderKind, Tasks,
    Unsupported, Window,
};
use purgit::state::State;
use purgit::transport::{Request, Response};
use purgit::url::HostPattern;

use super::state_fixture::at;

static KIND: ProviderKind = ProviderKind {
    name: "paper-cdn",
    field: "paperCdn",
    read: |_, _| None,
    schema: || serde_json::Value::Null,
    default_limits: || Limits {
        files_per_day: 2000,
        directories_per_day: 500,
        day_starts_at: DayStart::default(),
        items_per_request: 100,
        requests_per_second: 1.0,
        concurrent_requests: 1,
        reserve: None,
    },
    template: "",
};

/// A CDN on paper: a planner sends nothing.
#[derive(Debug)]
struct PaperCdn {
    mixed_kinds: bool,
    account: &'static str,
    /// Besides files and directories a day, and items in a request.
    more: Vec<Budget>,
}

/// Files and directories alike.
const BOTH: Counts = Counts::Items(&[TargetKind::File, TargetKind::Directory]);

const FILES: Counts = Counts::Items(&[TargetKind::File]);

fn budget(counts: Counts, amount: u64, window: Window) -> Budget {
    Budget {
        scope: "account".into(),
        counts,
        amount,
        window,
    }
}

impl Tasks for PaperCdn {
    fn poll(&self, _: &Task, _: Auth<'_>) -> Request {
        panic!("a planner sends nothing")
    }

    fn polled(&self, _: &Task, _: &Response) -> Result<Answer, ApiError> {
        panic!("a planner sends nothing")
    }
}

impl Provider for PaperCdn {
    fn kind(&self) -> &'static ProviderKind {
        &KIND
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn credentials(&self) -> Vec<(&'static str, &CredentialRef)> {
        Vec::new()
    }

    /// It tells neither case nor files from directories, where it keeps these apart.
    fn lower(&self, target: &Target) -> Result<Item, Unsupported> {
        let kind = target.kind().as_str();
        match target {
            Target::File(_) | Target::Directory(_) => Ok(Item {
                group: if self.mixed_kinds { "" } else { kind }.into(),
                key: format!("{kind} {target}").to_lowercase().into(),
                target: target.clone(),
            }),
            Target::Tag(_) | Target::Host(_) | Target::Everything => Err(Unsupported {
                message: format!("paper has no {kind}"),
                hint: "list URLs".to_owned(),
            }),
        }
    }

    fn place(&self, target: &Target) -> Option<String> {
        target.url().map(ToString::to_string)
    }

    fn budgets(&self, limits: &Limits) -> Vec<Budget> {
        let day = Window::Day(limits.day_starts_at);
        let directories = Counts::Items(&[TargetKind::Directory]);
        let budgets = [
            budget(FILES, limits.files_per_day.into(), day),
            budget(directories, limits.directories_per_day.into(), day),
            budget(BOTH, limits.items_per_request as u64, Window::Request),
        ];
        let budgets = budgets.into_iter().map(|budget| Budget {
            scope: self.account.into(),
            ..budget
        });
        budgets.chain(self.more.iter().cloned()).collect()
    }

    fn submit(&self, _: &Operation, _: Auth<'_>) -> Request {
        panic!("a planner sends nothing")
    }

    fn submitted(&self, _: &Operation, _: &Response) -> Result<Answer, ApiError> {
        panic!("a planner sends nothing")
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }
}

/// An endpoint of an account of its own.
fn endpoint(name: &'static str, mixed_kinds: bool) -> Endpoint {
    of_cdn(
        name,
        PaperCdn {
            mixed_kinds,
            account: name,
            more: Vec::new(),
        },
    )
}

fn of_cdn(name: &str, cdn: PaperCdn) -> Endpoint {
    Endpoint {
        name: name.into(),
        hosts: vec![HostPattern::parse("*.example.com").unwrap()],
        provider: Arc::new(cdn),
        limits: (KIND.default_limits)(),
        origin: None,
        verify: None,
        broaden: Broaden::default(),
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
    urgent: bool,
    now: DateTime<Utc>,
}

impl Paper {
    fn new(purges: Vec<Purge>) -> Self {
        let www = endpoint("www", true);
        Self {
            project: Project {
                name: "site".into(),
                manifests: Vec::new(),
                state: StatePlace::default(),
                status: StatusPlace::default(),
                safety: Safety::default(),
                endpoints: BTreeMap::from([(www.name.clone(), www)]),
                purges,
                sites: Vec::new(),
                declared: BTreeMap::new(),
            },
            state: State::default(),
            selection: Selection::default(),
            forces: Vec::new(),
            urgent: false,
            now: at(0),
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

    fn try_plan(&self) -> Result<Plan, PlanError> {
        let digest = purgit::state::format::digest(&self.state);
        plan(Inputs {
            project: &self.project,
            manifests_digest: "sha256:00",
            desired: &self.desired(),
            state: &self.state,
            state_digest: Some(&digest),
            revisions: None,
            looked: None,
            selection: &self.selection,
            forces: &self.forces,
            urgent: self.urgent,
            now: self.now,
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
