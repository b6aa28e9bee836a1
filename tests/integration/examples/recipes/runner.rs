//! A runner of a CI system, with a forge and a CDN that are emulated.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID};
use purgit::emulator::{Fault, Running, Settings};
use tempfile::TempDir;

use super::{SPEC, yaml};
use crate::comment::binary::serve;
use crate::comment::forge::{Forge, Kind, TOKEN};
use crate::examples::{connect, copy_into, edit, emulator, folder, hermetic, run, said};

pub(super) const APPLY: &str = "examples/github-actions/apply.yml";
pub(super) const PLAN: &str = "examples/github-actions/plan.yml";
pub(super) const RESUME: &str = "examples/github-actions/resume.yml";
pub(super) const ACTION: &str = ".github/actions/purgit/action.yml";

/// How GitHub calls a shell, and how others do.
const GITHUB: &[&str] = &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"];
pub(super) const AZURE: &[&str] = &["bash", "--noprofile", "--norc", "-c"];
pub(super) const PLAIN: &[&str] = &["sh", "-e", "-c"];

/// A clone of a repository with the minimal project, as a runner finds it, with its state where the
/// recipes say. Nobody has purged yet.
pub(super) struct Runner {
    pub(super) folder: TempDir,
    pub(super) emulator: Running,
    pub(super) forge: Arc<Forge>,
    api: SocketAddr,
}

impl Runner {
    pub(super) async fn start(kind: Kind, faults: &[&str]) -> Self {
        let faults = faults.iter().map(|text| text.parse::<Fault>().unwrap());
        let settings = Settings {
            faults: faults.collect(),
            ..Settings::default()
        };
        let emulator = emulator(settings, AzureChinaCdn::default()).await;
        let forge = Arc::new(Forge::new(kind));
        let runner = Self {
            folder: TempDir::new().unwrap(),
            emulator,
            api: serve(forge.clone()).await,
            forge,
        };
        let work = runner.work();
        copy_into(&folder("minimal"), &work);
        fs::remove_dir_all(work.join(".purgit")).unwrap();
        fs::remove_file(work.join("purgit.status.yaml")).unwrap();
        fs::create_dir(work.join("ci")).unwrap();
        fs::copy(folder("gitee/purge.sh"), work.join("ci/purge.sh")).unwrap();
        let project = work.join("purgit.yaml");
        let name = "kind: Project\nmetadata: { name: www }\n";
        edit(&project, name, &format!("{name}{SPEC}"));
        connect(&project, &runner.emulator);
        runner
            .shell(
                "git init --quiet --bare --initial-branch=main ../origin.git
                 git init --quiet --initial-branch=main
                 git config user.name someone && git config user.email someone@example.com
                 git add . && git commit --quiet -m first
                 git remote add origin ../origin.git && git push --quiet origin main",
            )
            .await;
        runner
    }

    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(super) fn campaign(&self) -> PathBuf {
        self.work().join("purges/spring-campaign.yaml")
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    pub(super) async fn script(
        &self,
        shell: &[&str],
        script: &str,
        variables: &[(&str, &str)],
    ) -> (i32, String) {
        let known = script.replace("$(purgit ", "").replace("$(git ", "");
        assert!(
            !known.contains("${{") && !known.contains("$("),
            "values come in by the environment: {script}"
        );
        let mut command = hermetic(shell[0], &self.work());
        command
            .args(&shell[1..])
            .arg(script)
            .envs(variables.iter().copied());
        let output = run(command).await;
        (output.status.code().unwrap(), said(&output))
    }

    /// Runs a script that must not fail, and hands back what it said.
    pub(super) async fn shell(&self, script: &str) -> String {
        let (code, said) = self.script(GITHUB, script, &[]).await;
        assert_eq!(code, 0, "{said}");
        said
    }

    /// Runs a script as a step of GitHub Actions, and hands back its outputs too.
    async fn github(&self, script: &str, more: &[(&str, &str)]) -> (i32, String, String) {
        let _ = fs::remove_file(self.folder.path().join("output"));
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let files = ["output", "summary", "path", "work", ""].map(at);
        let (api, commit) = (self.api(), self.commit().await);
        let mut variables = vec![
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &*api),
            ("GITHUB_OUTPUT", &*files[0]),
            ("GITHUB_PATH", &*files[2]),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REPOSITORY", "octo/web.site"),
            ("GITHUB_SHA", &*commit),
            ("GITHUB_STEP_SUMMARY", &*files[1]),
            ("GITHUB_TOKEN", TOKEN),
            ("GITHUB_WORKSPACE", &*files[3]),
            ("RUNNER_TEMP", &*files[4]),
        ];
        variables.extend(more);
        let (code, said) = self.script(GITHUB, script, &variables).await;
        (code, said, self.read("output"))
    }

    /// Where the forge's API is.
    pub(super) fn api(&self) -> String {
        let version = match self.forge.kind() {
            Kind::GitHub => "v3",
            Kind::GitLab => "v4",
        };
        format!("http://{}/api/{version}", self.api)
    }

    /// The commit that is checked out.
    pub(super) async fn commit(&self) -> String {
        let said = self.shell("git rev-parse HEAD").await;
        let commit = said.lines().find(|line| line.len() == 40);
        commit.expect(&said).to_owned()
    }

    /// Commits and pushes to `main`.
    pub(super) async fn push(&self) {
        let script =
            "git commit --quiet --allow-empty -am next && git push --quiet origin HEAD:main";
        self.shell(script).await;
    }

    /// What a job left besides the two refs: nothing.
    pub(super) async fn assert_untouched(&self, commits: usize) {
        let log = self
            .shell("git -C ../origin.git log --format=:%s main")
            .await;
        assert_eq!(log.matches("\n:").count(), commits, "{log}");
        let status = self
            .shell("git status --porcelain --untracked-files=no")
            .await;
        assert!(!status.contains(" M "), "{status}");
        let refs = "git -C ../origin.git for-each-ref --format='%(refname)'";
        let refs = self.shell(refs).await;
        for own in ["refs/heads/main", "refs/notes/purgit", "refs/purgit/state"] {
            assert!(refs.contains(own), "{refs}");
        }
        assert_eq!(refs.matches("refs/").count(), 3, "{refs}");
        let all = self.shell("git -C ../origin.git log -p --all").await;
        assert!(!all.contains(KEY_ID) && !all.contains(TOKEN), "{all}");
    }

    /// Runs the step of that name, of the job or of an action.
    pub(super) async fn step(
        &self,
        file: &str,
        job: &str,
        name: &str,
        more: &[(&str, &str)],
    ) -> (i32, String, String) {
        let document = yaml(file);
        let steps = match job {
            "" => &document["runs"]["steps"],
            job => &document["jobs"][job]["steps"],
        };
        let mut steps = steps.as_array().unwrap().iter();
        let step = steps.find(|step| step["name"] == name).expect(name);
        self.github(step["run"].as_str().unwrap(), more).await
    }
}

/// A value of a step.
pub(super) fn output(outputs: &str, name: &str) -> String {
    let mut lines = outputs.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.expect(outputs).to_owned()
}
