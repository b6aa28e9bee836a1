//! The CI files: every call of `purgit` can be typed, and the scripts of GitHub's steps run.

use std::fs;

use clap::Parser as _;
use purgit::cli::args::Cli;
use serde_json::Value;

use super::folder;
use super::scripts::{Invocation, invocations};

fn yaml(path: &str) -> Value {
    let text = fs::read_to_string(folder(path)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Every text of a document: scripts are among them.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn verbs(path: &str) -> Vec<String> {
    let document = yaml(path);
    let mut verbs = Vec::new();
    for Invocation(words) in texts(&document).into_iter().flat_map(invocations) {
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{path}: {words:?}: {error}");
        }
        verbs.push(words[1].clone());
    }
    verbs
}

#[test]
fn calls_can_be_typed() {
    assert_eq!(verbs("github-actions/plan.yml"), ["validate", "plan"]);
    assert_eq!(verbs("github-actions/apply.yml"), ["apply"]);
    assert_eq!(
        verbs("merge-by-history/.github/workflows/purge.yaml"),
        ["apply", "plan"]
    );
    assert_eq!(
        verbs("gitlab-ci/.gitlab-ci.yml"),
        ["apply", "validate", "plan"]
    );
}

#[test]
fn pull_requests_see_no_secrets() {
    let text = fs::read_to_string(folder("github-actions/plan.yml")).unwrap();
    assert!(!text.contains("secrets."), "{text}");
    let plan = yaml("github-actions/plan.yml");
    assert!(plan["on"]["pull_request"].is_object(), "{plan}");
    assert_eq!(plan["permissions"]["contents"], "read");
    let apply = yaml("github-actions/apply.yml");
    assert_eq!(apply["concurrency"]["cancel-in-progress"], false);
    assert_eq!(apply["permissions"]["contents"], "write");
}

/// The scripts run in `bash` and use `git`, as the runners' images have them.
#[cfg(unix)]
mod run {
    use std::path::{Path, PathBuf};

    use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID};
    use purgit::emulator::{Fault, Running, Settings};
    use purgit::entry::TargetKind;
    use tempfile::TempDir;

    use super::*;
    use crate::examples::{connect, copy_into, edit, emulator, hermetic, run, said};

    /// A clone of a repository with the minimal project, as a runner finds it.
    struct Runner {
        folder: TempDir,
        emulator: Running,
    }

    impl Runner {
        async fn start(faults: &[&str]) -> Self {
            let faults = faults.iter().map(|text| text.parse::<Fault>().unwrap());
            let settings = Settings {
                faults: faults.collect(),
                ..Settings::default()
            };
            let emulator = emulator(settings, AzureChinaCdn::default()).await;
            let folder = TempDir::new().unwrap();
            let runner = Self { folder, emulator };
            let work = runner.work();
            copy_into(&super::super::folder("minimal"), &work);
            connect(&work.join("purgit.yaml"), &runner.emulator);
            runner
                .shell(
                    "git init --quiet --bare --initial-branch=main ../origin.git
                     git init --quiet --initial-branch=main
                     git config user.name someone && git config user.email someone@example.com
                     git add . && git commit --quiet -m first
                     git remote add origin ../origin.git && git push --quiet origin main",
                    0,
                )
                .await;
            runner
        }

        fn work(&self) -> PathBuf {
            self.folder.path().join("work")
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
        }

        /// Runs a script as GitHub does with `shell: bash`.
        async fn bash(&self, script: &str, code: &str) -> (i32, String) {
            let at = |name: &str| self.folder.path().join(name);
            let mut command = hermetic("bash", &self.work());
            command
                .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
                .env("GITHUB_STEP_SUMMARY", at("summary"))
                .env("GITHUB_OUTPUT", at("output"))
                .env("GITHUB_EVENT_NAME", "push")
                .env("RUNNER_TEMP", self.folder.path())
                .env("CODE", code);
            let output = run(command).await;
            (output.status.code().unwrap(), said(&output))
        }

        /// Runs a script that must end with that code, and hands back what it said.
        async fn shell(&self, script: &str, expected: i32) -> String {
            let (code, said) = self.bash(script, "").await;
            assert_eq!(code, expected, "{said}");
            said
        }

        /// Runs the step of that name.
        async fn step(&self, file: &str, name: &str, code: &str) -> (i32, String) {
            let workflow = yaml(file);
            let jobs = workflow["jobs"].as_object().unwrap();
            let steps = jobs
                .values()
                .flat_map(|job| job["steps"].as_array().unwrap());
            let mut steps = steps.filter(|step| step["name"] == name);
            let script = steps.next().expect(name)["run"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(
                !script.contains("${{"),
                "values come in by the environment: {script}"
            );
            self.bash(&script, code).await
        }

        /// Runs the whole of `apply.yml`; the last code is the job's.
        async fn apply(&self) -> (i32, String) {
            const FILE: &str = "github-actions/apply.yml";
            let _ = fs::remove_file(self.folder.path().join("output"));
            let (code, applied) = self.step(FILE, "Apply", "").await;
            assert_eq!(code, 0, "{applied}");
            let output = self.read("output");
            let code = output.trim().strip_prefix("code=").expect(&output);
            let (committed, text) = self.step(FILE, "Commit state and status", code).await;
            assert_eq!(committed, 0, "{text}");
            let (code, result) = self.step(FILE, "Result", code).await;
            (code, result)
        }

        async fn commits(&self) -> usize {
            let log = self.shell("git -C ../origin.git log --format=%s", 0).await;
            log.matches("Record purge state").count()
        }
    }

    fn campaign(work: &Path) -> PathBuf {
        work.join("purges/spring-campaign.yaml")
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_plan_is_shown_and_the_refused_one_fails() {
        let runner = Runner::start(&[]).await;
        let (code, said) = runner.step("github-actions/plan.yml", "Plan", "").await;
        assert_eq!(code, 0, "{said}");
        let summary = runner.read("summary");
        assert!(summary.contains("Plan: 3 entries to purge"), "{summary}");
        assert!(runner.work().join("plan.json").exists());

        edit(&campaign(&runner.work()), "/spring/pictures/", "/");
        let (code, said) = runner.step("github-actions/plan.yml", "Plan", "").await;
        assert_eq!(code, 4, "{said}");
        assert!(said.contains("root directory"), "{said}");
        assert!(runner.emulator.requests().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn apply_commits_the_state_once() {
        let runner = Runner::start(&[]).await;
        let (code, said) = runner.apply().await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 1);
        let (code, said) = runner.apply().await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 1, "nothing was purged");
        assert_eq!(runner.emulator.purge_log().len(), 1);
        let files = runner
            .shell("git -C ../origin.git ls-tree -r --name-only main", 0)
            .await;
        assert!(
            files.contains(".purgit/state.json") && !files.contains(".lock"),
            "{files}"
        );
        let history = runner.shell("git -C ../origin.git log -p", 0).await;
        assert!(!history.contains(KEY_ID), "{history}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_failed_is_committed_and_tried_again() {
        let runner = Runner::start(&["fail-url=**/prices.json*1"]).await;
        let (code, said) = runner.apply().await;
        assert_eq!(code, 3, "{said}");
        assert_eq!(runner.commits().await, 1);
        let (code, said) = runner.apply().await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 2);
        let log = runner.emulator.purge_log();
        assert_eq!(
            log[1].listed(TargetKind::File),
            ["https://www.example.com/spring/prices.json"]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broken_manifest_fails_without_a_commit() {
        let runner = Runner::start(&[]).await;
        edit(&campaign(&runner.work()), "revision:", "revison:");
        let (code, said) = runner.apply().await;
        assert_eq!(code, 1, "{said}");
        assert_eq!(runner.commits().await, 0);
    }
}
