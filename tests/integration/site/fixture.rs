//! Projects in temporary folders, planned by the library or by the binary.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use purgit::desired::{Contents, Desired, SiteErrors, desired};
use purgit::diff::{Change, Reason};
use purgit::error::chain;
use purgit::manifest;
use purgit::manifest::resource::Project;
use purgit::operation::Task;
use purgit::plan::Plan;
use purgit::plan::select::Selection;
use purgit::reconcile;
use purgit::state::transition::ItemOutcome;
use purgit::state::{Outcome, PendingOperation, State};
use purgit::view::{Detail, StateView};
use purgit::workspace::caches::Caches;
use purgit::workspace::disk;
use purgit::workspace::sides::Sides;
use tempfile::TempDir;

/// A project and an endpoint; `{api}` is where the CDN is.
const FRONT: &str = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: www }
---
apiVersion: purgit/v1alpha1
kind: Endpoint
metadata: { name: www }
spec:
  hosts: [www.example.com]
  azureChinaCdn:
    subscriptionId: 00000000-0000-0000-0000-000000000001
    endpointId: 00000000-0000-0000-0000-000000000002
    apiUrl: {api}
    credentials:
      keyId: { env: KEY_ID }
      keyValue: { env: KEY_VALUE }
  poll: { interval: 1ms, maxInterval: 5ms, timeout: 20s }
";

/// What is asked of the CDN where there is none.
pub(crate) const NO_API: &str = "http://127.0.0.1:9";

/// A `purgit.yaml` with a project and an endpoint `www`.
pub(crate) fn root_file(api: &str) -> String {
    FRONT.replace("{api}", api)
}

/// Where the other manifests are.
pub(crate) const MANIFESTS: &str = "purges/site.yaml";

/// A site `docs` of the folder `public`, with more lines in its `spec`.
pub(crate) fn site(spec: &str) -> String {
    let mut text = "\
apiVersion: purgit/v1alpha1
kind: Site
metadata: { name: docs }
spec:
"
    .to_owned();
    let defaults = [
        ("endpoint:", "endpoint: www"),
        ("baseUrl:", "baseUrl: https://www.example.com/"),
        ("content:", "content: { root: public }"),
    ];
    let missing = defaults.iter().filter(|(key, _)| !spec.contains(key));
    for line in missing.map(|(_, line)| *line).chain(spec.lines()) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// Some time; nothing here depends on it.
pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

/// A project on disk.
pub(crate) struct Folder {
    folder: TempDir,
}

impl Folder {
    /// With a site of `public`.
    pub(crate) fn new(spec: &str) -> Self {
        Self::with(&site(spec))
    }

    /// With these manifests.
    pub(crate) fn with(manifests: &str) -> Self {
        let folder = Self {
            folder: TempDir::new().unwrap(),
        };
        folder.write("purgit.yaml", &root_file(NO_API));
        folder.manifests(manifests);
        fs::create_dir(folder.path().join("public")).unwrap();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Replaces the manifests.
    pub(crate) fn manifests(&self, manifests: &str) {
        self.write(MANIFESTS, manifests);
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes files of `public`, each with its name as its text.
    pub(crate) fn publish(&self, names: &[&str]) {
        for name in names {
            self.write(&format!("public/{name}"), name);
        }
    }

    pub(crate) fn remove(&self, path: &str) {
        let path = self.path().join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path().join(from), self.path().join(to)).unwrap();
    }

    pub(crate) fn project(&self) -> Project {
        let parsed = manifest::load(self.path()).unwrap();
        assert_eq!(parsed.problems, []);
        parsed.project.unwrap()
    }

    fn contents(&self) -> Contents {
        let project = self.project();
        let mut caches = Caches::new(self.path());
        let (contents, _) = disk::contents(&project, self.path(), &mut caches, now()).unwrap();
        contents
    }

    pub(crate) fn try_desired(&self) -> Result<Desired, SiteErrors> {
        desired(&self.project(), &self.contents(), now())
    }

    pub(crate) fn desired(&self) -> Desired {
        self.try_desired().unwrap()
    }

    /// The URLs that are wanted.
    pub(crate) fn urls(&self) -> Vec<String> {
        let entries = self.desired().entries;
        let mut urls: Vec<_> = entries
            .iter()
            .map(|entry| entry.key.target.as_str().to_owned())
            .collect();
        urls.sort_unstable();
        urls
    }

    /// The plan against a state, which must be the same when what is unchanged is only counted.
    pub(crate) fn plan(&self, state: &State) -> Plan {
        let project = self.project();
        let whole = plan(&project, &self.desired(), state);
        let short = plan_of_differences(&project, self.contents(), state);
        assert_eq!(short.as_ref(), Ok(&whole));
        whole
    }

    /// The changes against a state, as `reason URL`.
    pub(crate) fn changes(&self, state: &State) -> Vec<String> {
        shown(&self.plan(state).changes)
    }

    /// A state in which all that is there was purged.
    pub(crate) fn purged(&self) -> State {
        let mut state = State::default();
        let changes = self.plan(&state).changes;
        settle(&mut state, &changes, |_| Outcome::Succeeded);
        state
    }

    /// Runs the binary in this folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.path(), arguments)
    }
}

/// The plan for what is wanted against a state.
pub(crate) fn plan(project: &Project, wanted: &Desired, state: &State) -> Plan {
    let (both, view) = (wanted.clone().into(), state.clone().into());
    let all = Selection::default();
    reconcile::plan(project, "", &both, &view, &all, &[], now()).unwrap()
}

/// The same by way of a view of the state, in which all is packed that can be.
pub(crate) fn plan_of_differences(
    project: &Project,
    contents: Contents,
    state: &State,
) -> Result<Plan, String> {
    let mut view = StateView::from(state.clone());
    view.pack(project);
    let compared = Sides::from(contents).compare(project, &mut view, Detail::Differences, now());
    let both = compared.map_err(|error| chain(&error))?;
    let all = Selection::default();
    Ok(reconcile::plan(project, "", &both, &view, &all, &[], now()).unwrap())
}

/// Changes as `reason URL`.
pub(crate) fn shown(changes: &[Change]) -> Vec<String> {
    let mut shown: Vec<_> = changes
        .iter()
        .map(|change| format!("{} {}", change.reason.as_str(), change.key.target))
        .collect();
    shown.sort_unstable();
    shown
}

/// Whether all changes have that reason.
pub(crate) fn all(changes: &[Change], reason: Reason) -> bool {
    changes.iter().all(|change| change.reason == reason)
}

/// Sends changes, as it were, and notes how they ended.
pub(crate) fn settle(state: &mut State, changes: &[Change], outcome: impl Fn(&Change) -> Outcome) {
    if changes.is_empty() {
        return;
    }
    let entries = changes
        .iter()
        .map(|change| (change.key.clone(), change.after.clone()));
    state.intend(PendingOperation {
        id: "1".to_owned(),
        endpoint: Arc::from("www"),
        intended_at: now(),
        task: None,
        accepted_at: None,
        asked_at: None,
        correlation_id: None,
        sends: 0,
        directories: Vec::new(),
        entries: entries.collect(),
    });
    let task = Task {
        id: "task".to_owned(),
        details: serde_json::Value::Null,
    };
    state.accept("1", task, None, now());
    let items: Vec<_> = changes
        .iter()
        .map(|change| ItemOutcome {
            target: change.key.target.clone(),
            outcome: outcome(change),
            message: None,
        })
        .collect();
    state.settle("1", &items, now());
}

/// What a run of the binary gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The plan, after `plan --format json`.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The changes of a plan in JSON, as `reason address`.
    pub(crate) fn changes(&self) -> Vec<String> {
        let json = self.json();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let mut changes: Vec<_> = json["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| format!("{} {}", text(&change["reason"]), text(&change["address"])))
            .collect();
        changes.sort_unstable();
        changes
    }
}

/// Runs the binary without anybody's environment.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(folder, arguments);
    command
        .env("KEY_ID", purgit::emulator::azure_china_cdn::KEY_ID)
        .env("KEY_VALUE", purgit::emulator::azure_china_cdn::KEY_VALUE);
    finish(command)
}

/// As [`run`], where no credential is set.
pub(crate) fn run_without_credentials(folder: &Path, arguments: &[&str]) -> Ran {
    finish(command(folder, arguments))
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purgit"));
    command
        .current_dir(folder)
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
