//! The recipes for CI systems: every call of `purgit` can be typed, files are valid by the systems' own
//! schemas, and what they run does what they say.

use std::fs;
use std::path::Path;

use clap::Parser as _;
use purgit::cli::args::Cli;
use serde_json::Value;

use super::scripts::{Invocation, invocations};

/// A file of the repository.
fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap()
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

/// What is called in scripts, without calls whose arguments are put together as they run.
fn verbs(path: &str, scripts: &[&str]) -> Vec<String> {
    let calls = scripts.iter().flat_map(|script| invocations(script));
    let calls = calls.filter(|Invocation(words)| words[1] != "$@");
    calls
        .map(|Invocation(words)| {
            if let Err(error) = Cli::try_parse_from(placeholders(&words)) {
                panic!("{path}: {words:?}: {error}");
            }
            words[1].clone()
        })
        .collect()
}

/// Variables that options read as more than text.
fn placeholders(words: &[String]) -> Vec<String> {
    let id = "0".repeat(64);
    let words = words.iter();
    words.map(|word| word.replace("$PLAN_ID", &id)).collect()
}

#[test]
fn calls_can_be_typed() {
    let in_yaml = |path: &str| verbs(path, &texts(&yaml(path)));
    assert_eq!(
        in_yaml("examples/github-actions/plan.yml"),
        ["validate", "plan", "comment"]
    );
    assert_eq!(
        in_yaml("examples/github-actions/apply.yml"),
        ["apply", "plan"]
    );
    assert_eq!(in_yaml("examples/github-actions/resume.yml"), ["apply"]);
    assert_eq!(
        in_yaml("examples/merge-by-history/.github/workflows/purge.yaml"),
        ["apply", "plan"]
    );
    assert_eq!(
        in_yaml("examples/gitlab-ci/.gitlab-ci.yml"),
        ["apply", "validate", "plan", "comment"]
    );
    let azure = "examples/azure-pipelines/azure-pipelines.yml";
    assert_eq!(in_yaml(azure), ["validate", "plan", "apply"]);
    for path in ["examples/jenkins/Jenkinsfile", "examples/gitee/purge.sh"] {
        assert_eq!(verbs(path, &[&text(path)]), ["validate", "plan", "apply"]);
    }
}

#[test]
fn files_are_valid_by_the_systems_schemas() {
    let cases = [
        (
            "github-workflows",
            &[
                "examples/github-actions/plan.yml",
                "examples/github-actions/apply.yml",
                "examples/github-actions/resume.yml",
                "examples/merge-by-history/.github/workflows/purge.yaml",
            ][..],
            "/jobs",
        ),
        (
            "github-actions",
            &[".github/actions/purgit/action.yml"],
            "/runs",
        ),
        (
            "gitlab-ci",
            &["examples/gitlab-ci/.gitlab-ci.yml"],
            "/plan/script",
        ),
        (
            "azure-pipelines",
            &["examples/azure-pipelines/azure-pipelines.yml"],
            "/steps",
        ),
    ];
    for (schema, files, part) in cases {
        let schema = text(&format!("tests/fixtures/ci-schemas/{schema}.json"));
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let validator = jsonschema::draft7::new(&schema).unwrap();
        for path in files {
            let mut document = yaml(path);
            let problems: Vec<_> = validator
                .iter_errors(&document)
                .map(|e| e.to_string())
                .collect();
            assert!(problems.is_empty(), "{path}: {problems:?}");
            *document.pointer_mut(part).unwrap() = Value::from(7);
            assert!(!validator.is_valid(&document), "{path} with nonsense");
        }
    }
}

#[test]
fn pull_requests_see_no_secrets() {
    let plan = text("examples/github-actions/plan.yml");
    assert!(!plan.contains("secrets."), "{plan}");
    let plan = yaml("examples/github-actions/plan.yml");
    assert!(plan["on"]["pull_request"].is_object(), "{plan}");
    assert_eq!(plan["permissions"]["contents"], "read");
    let apply = yaml("examples/github-actions/apply.yml");
    assert_eq!(
        apply["jobs"]["apply"]["concurrency"]["cancel-in-progress"],
        false
    );
    assert!(
        apply["jobs"]["plan"]
            .to_string()
            .matches("secrets.")
            .count()
            == 0
    );
    let resume = yaml("examples/github-actions/resume.yml");
    assert_eq!(
        resume["concurrency"]["group"], apply["jobs"]["apply"]["concurrency"]["group"],
        "one writer at a time"
    );
}

#[test]
fn the_hook_is_for_the_manifests() {
    let own = &yaml(".pre-commit-hooks.yaml")[0];
    let config = yaml("examples/pre-commit/.pre-commit-config.yaml");
    let local = &config["repos"][0]["hooks"][0];
    for field in ["id", "entry", "files", "language", "pass_filenames"] {
        assert_eq!(own[field], local[field], "{field}");
    }
    assert_eq!(
        verbs("the hook", &[own["entry"].as_str().unwrap()]),
        ["validate"]
    );
}

/// The scripts run in `bash` and `sh` and use `git`, as the runners' images have them.
#[cfg(unix)]
mod run {
    use std::path::PathBuf;

    use purgit::emulator::azure_china_cdn::{AzureChinaCdn, KEY_ID};
    use purgit::emulator::{Fault, Running, Settings};
    use purgit::entry::TargetKind;
    use tempfile::TempDir;

    use super::*;
    use crate::examples::{connect, copy_into, edit, emulator, folder, hermetic, run, said};
    use crate::install::{Release, program};

    const APPLY: &str = "examples/github-actions/apply.yml";
    const PLAN: &str = "examples/github-actions/plan.yml";
    const RESUME: &str = "examples/github-actions/resume.yml";
    const ACTION: &str = ".github/actions/purgit/action.yml";

    /// How GitHub calls a shell, and how others do.
    const GITHUB: &[&str] = &["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"];
    const AZURE: &[&str] = &["bash", "--noprofile", "--norc", "-c"];
    const PLAIN: &[&str] = &["sh", "-e", "-c"];

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
            for (from, to) in [
                ("record-state.sh", ".github/record-state.sh"),
                ("record-state.sh", "ci/record-state.sh"),
                ("gitee/purge.sh", "ci/purge.sh"),
            ] {
                let to = work.join(to);
                fs::create_dir_all(to.parent().unwrap()).unwrap();
                fs::copy(folder_of(from), to).unwrap();
            }
            connect(&work.join("purgit.yaml"), &runner.emulator);
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

        fn work(&self) -> PathBuf {
            self.folder.path().join("work")
        }

        fn campaign(&self) -> PathBuf {
            self.work().join("purges/spring-campaign.yaml")
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
        }

        async fn script(
            &self,
            shell: &[&str],
            script: &str,
            variables: &[(&str, &str)],
        ) -> (i32, String) {
            assert!(
                !script.contains("${{") && !script.contains("$("),
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
        async fn shell(&self, script: &str) -> String {
            let (code, said) = self.script(GITHUB, script, &[]).await;
            assert_eq!(code, 0, "{said}");
            said
        }

        /// Runs a script as a step of GitHub Actions, and hands back its outputs too.
        async fn github(&self, script: &str, more: &[(&str, &str)]) -> (i32, String, String) {
            let _ = fs::remove_file(self.folder.path().join("output"));
            let at = |name: &str| self.folder.path().join(name).display().to_string();
            let files = ["output", "summary", "path", "work", ""].map(at);
            let mut variables = vec![
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_OUTPUT", &*files[0]),
                ("GITHUB_STEP_SUMMARY", &files[1]),
                ("GITHUB_PATH", &files[2]),
                ("GITHUB_WORKSPACE", &files[3]),
                ("RUNNER_TEMP", &files[4]),
            ];
            variables.extend(more);
            let (code, said) = self.script(GITHUB, script, &variables).await;
            (code, said, self.read("output"))
        }

        /// Runs the step of that name, of the job or of an action.
        async fn step(
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

        /// Plans, is approved, applies and records, as `apply.yml` does; the code is the second step's.
        async fn merge(&self) -> (i32, String) {
            let (code, planned, outputs) = self.step(APPLY, "plan", "Plan", &[]).await;
            assert_eq!(code, 0, "{planned}");
            self.apply(&output(&outputs, "plan_id")).await
        }

        async fn apply(&self, id: &str) -> (i32, String) {
            let ran = self.step(APPLY, "apply", "Apply", &[("PLAN_ID", id)]).await;
            let (recorded, text, _) = self.step(APPLY, "apply", "Record", &[]).await;
            assert_eq!(recorded, 0, "{text}");
            (ran.0, ran.1)
        }

        async fn commits(&self) -> usize {
            let log = self.shell("git -C ../origin.git log --format=%s").await;
            log.matches("Record purge state").count()
        }
    }

    fn folder_of(path: &str) -> PathBuf {
        folder(".").join(path)
    }

    /// A value of a step.
    fn output(outputs: &str, name: &str) -> String {
        let mut lines = outputs.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.expect(outputs).to_owned()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn github_shows_the_plan_and_fails_for_a_refused_one() {
        let runner = Runner::start(&[]).await;
        let (code, said, _) = runner.step(PLAN, "plan", "Validate", &[]).await;
        assert_eq!(code, 0, "{said}");
        let (code, said, outputs) = runner.step(PLAN, "plan", "Plan", &[]).await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(output(&outputs, "changes_count"), "3");
        assert!(runner.folder.path().join("plan.json").exists());
        let summary = runner.read("summary");
        assert!(summary.contains("spring-campaign"), "{summary}");

        edit(&runner.campaign(), "/spring/pictures/", "/");
        let (code, said, outputs) = runner.step(PLAN, "plan", "Plan", &[]).await;
        assert_eq!((code, &*output(&outputs, "exitcode")), (4, "4"), "{said}");
        assert!(
            said.contains("::error title=purgit::max-directories"),
            "{said}"
        );
        assert!(
            !output(&outputs, "plan_id").is_empty(),
            "it is shown all the same"
        );
        assert!(runner.emulator.requests().is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn github_applies_what_was_approved_and_records_it_once() {
        let runner = Runner::start(&[]).await;
        let (code, said) = runner.merge().await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 1);
        let (_, _, outputs) = runner.step(APPLY, "plan", "Plan", &[]).await;
        assert_eq!(output(&outputs, "changes"), "false", "nobody is asked");

        let (_, _, approved) = runner.step(APPLY, "plan", "Plan", &[]).await;
        edit(&runner.campaign(), "2026-11-20", "2026-11-21");
        let (code, said) = runner.apply(&output(&approved, "plan_id")).await;
        assert_eq!(code, 5, "{said}");
        let (code, said) = runner.apply("").await;
        assert_eq!(code, 64, "without an approval: {said}");
        assert_eq!(runner.emulator.purge_log().len(), 1);
        assert_eq!(runner.commits().await, 1);
        let files = "git -C ../origin.git ls-tree -r --name-only main";
        let files = runner.shell(files).await;
        let has_state = files.contains(".purgit/state.json") && !files.contains(".lock");
        assert!(has_state, "{files}");
        let history = runner.shell("git -C ../origin.git log -p").await;
        assert!(!history.contains(KEY_ID), "{history}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn github_resumes_what_failed() {
        let runner = Runner::start(&["fail-url=**/prices.json*1"]).await;
        let (code, said) = runner.merge().await;
        assert_eq!(code, 3, "{said}");
        assert_eq!(runner.commits().await, 1);
        // Somebody else pushed meanwhile.
        let other = "git clone --quiet ../origin.git ../other && cd ../other
                     git config user.name other && git config user.email other@example.com
                     git commit --quiet --allow-empty -m other && git push --quiet origin main";
        runner.shell(other).await;
        let (code, said, _) = runner.step(RESUME, "resume", "Apply", &[]).await;
        assert_eq!(code, 0, "{said}");
        let (code, said, _) = runner.step(RESUME, "resume", "Record", &[]).await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 2);
        let log = runner.emulator.purge_log();
        assert_eq!(
            log[1].listed(TargetKind::File),
            ["https://www.example.com/spring/prices.json"]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn github_s_action_plans_and_applies() {
        let runner = Runner::start(&[]).await;
        let (code, said, _) = runner.step(ACTION, "", "Install", &[]).await;
        assert_eq!(code, 0, "it is installed already: {said}");
        let act = async |command: &str, arguments: &str| {
            let more = [("COMMAND", command), ("ARGUMENTS", arguments)];
            runner.step(ACTION, "", "Run", &more).await
        };
        let (code, said, outputs) = act("plan", "--detailed-exitcode").await;
        assert_eq!(code, 0, "changes are an output: {said}");
        assert_eq!(output(&outputs, "exitcode"), "2");
        assert!(runner.folder.path().join("purgit-plan.json").exists());
        let (code, said, _) = act("plan", "--target\npurge/$(touch forged) x").await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("purge/$(touch forged) x"), "{said}");
        let (code, said, _) = act(
            "apply",
            &format!("--expect-plan={}", output(&outputs, "plan_id")),
        )
        .await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.emulator.purge_log().len(), 1);
        let (code, _, _) = act("apply; touch forged", "").await;
        assert_eq!(code, 64);
        assert!(!runner.work().join("forged").exists());
        edit(&runner.campaign(), "revision:", "revison:");
        let (code, said, _) = act("validate", "").await;
        assert_eq!(code, 1);
        assert!(
            said.contains("::error file=purges/spring-campaign.yaml,"),
            "{said}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn gitlab_reports_and_applies() {
        let runner = Runner::start(&[]).await;
        let pipeline = yaml("examples/gitlab-ci/.gitlab-ci.yml");
        let lines = |job: &str| {
            let all = [
                &pipeline["default"]["before_script"],
                &pipeline[job]["script"],
            ];
            let lines = all.into_iter().flat_map(|list| list.as_array().unwrap());
            // Comments are tested with the command.
            let lines = lines.map(|line| line.as_str().unwrap());
            let lines: Vec<_> = lines
                .filter(|line| !line.contains("purgit comment"))
                .collect();
            lines.join("\n")
        };
        let work = runner.work().display().to_string();
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_DIR", &*work),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_SERVER_HOST", "gitlab.example.com"),
            ("CI_PROJECT_PATH", "group/www"),
            ("PURGIT_PUSH_TOKEN", "not-a-real-key"),
        ];
        let (code, said) = runner.script(PLAIN, &lines("plan"), &variables).await;
        assert_eq!(code, 0, "{said}");
        let read = |name: &str| runner.read(&format!("work/{name}"));
        assert_eq!(read("gl-code-quality-report.json"), "[]\n");
        assert!(read("gl-terraform.json").contains(r#""create": 1"#));
        assert!(read("purgit.env").contains("\nPURGIT_PLAN_ID=sha256:"));
        for (kind, report) in pipeline["plan"]["artifacts"]["reports"]
            .as_object()
            .unwrap()
        {
            assert!(!read(report.as_str().unwrap()).is_empty(), "{kind}");
        }
        let insteadof = "git config url.../origin.git.insteadOf \
                         https://purgit:not-a-real-key@gitlab.example.com/group/www.git";
        runner.shell(insteadof).await;
        let (code, said) = runner.script(PLAIN, &lines("apply"), &variables).await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.emulator.purge_log().len(), 1);
        assert_eq!(runner.commits().await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn azure_pipelines_shows_and_applies() {
        let runner = Runner::start(&[]).await;
        let pipeline = yaml("examples/azure-pipelines/azure-pipelines.yml");
        let script = |name: &str| {
            let mut steps = pipeline["steps"].as_array().unwrap().iter();
            let step = steps.find(|step| step["displayName"] == name).expect(name);
            step["bash"].as_str().unwrap().to_owned()
        };
        let folder = runner.folder.path().display().to_string();
        let variables = [("TF_BUILD", "True"), ("AGENT_TEMPDIRECTORY", &*folder)];
        let (code, said) = runner.script(AZURE, &script("Plan"), &variables).await;
        assert_eq!(code, 0, "{said}");
        assert!(
            said.contains(&format!("##vso[task.uploadsummary]{folder}/plan.md\n")),
            "{said}"
        );
        assert!(runner.read("plan.md").contains("spring-campaign"));
        let (code, said) = runner.script(AZURE, &script("Apply"), &variables).await;
        assert_eq!(code, 0, "{said}");
        assert_eq!(runner.commits().await, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn jenkins_and_a_plain_shell_plan_and_apply() {
        let jenkins = text("examples/jenkins/Jenkinsfile");
        let blocks: Vec<_> = jenkins.split("'''").skip(1).step_by(2).collect();
        assert_eq!(blocks.len(), 2);
        let cases = [
            (
                [blocks[0], blocks[1]],
                vec![("JENKINS_URL", "https://ci.example.com/")],
            ),
            (["sh ci/purge.sh plan", "sh ci/purge.sh apply"], vec![]),
        ];
        for ([plan, apply], variables) in cases {
            let runner = Runner::start(&["fail-url=**/prices.json*1"]).await;
            let (code, said) = runner.script(PLAIN, plan, &variables).await;
            assert_eq!(code, 0, "{said}");
            assert!(runner.emulator.requests().is_empty());
            for (expected, commits) in [(3, 1), (0, 2), (0, 2)] {
                let (code, said) = runner.script(PLAIN, apply, &variables).await;
                assert_eq!(code, expected, "{said}");
                assert_eq!(runner.commits().await, commits, "{said}");
            }
            edit(&runner.campaign(), "revision:", "revison:");
            runner
                .shell("git commit --quiet -am broken && git push --quiet origin HEAD:main")
                .await;
            let (code, said) = runner.script(PLAIN, plan, &variables).await;
            assert_eq!(code, 1, "{said}");
            let (code, said) = runner.script(PLAIN, apply, &variables).await;
            assert_eq!(code, 1, "{said}");
            assert_eq!(runner.commits().await, 2);
        }
        let runner = Runner::start(&[]).await;
        assert_eq!(runner.script(PLAIN, "sh ci/purge.sh", &[]).await.0, 64);
    }

    #[test]
    fn the_container_file_s_steps_install_a_release() {
        let release = Release::new(&program());
        let file = text("examples/container/Containerfile");
        let build = TempDir::new().unwrap();
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/install.sh");
        fs::copy(docs, build.path().join("install.sh")).unwrap();
        let prefix = build.path().join("prefix");
        let steps = file.lines().filter_map(|line| line.strip_prefix("RUN "));
        // What needs a distribution is not run.
        let steps: Vec<_> = steps
            .filter(|step| !step.starts_with("apt-get") && !step.starts_with("git config"))
            .collect();
        assert_eq!(steps.len(), 2, "{steps:?}");
        for step in steps {
            let output = std::process::Command::new("/bin/sh")
                .args(["-ec", step])
                .current_dir(build.path())
                .env_clear()
                .env("PATH", release.at("bin"))
                .env(
                    "PURGIT_RELEASES",
                    format!("file://{}", release.at("releases").display()),
                )
                .env("PURGIT_VERSION", "9.9.9")
                .env("PREFIX", &prefix)
                .output()
                .unwrap();
            assert!(output.status.success(), "{step}: {}", said(&output));
        }
        assert!(prefix.join("purgit").exists());
        assert!(file.contains("\nARG PREFIX=/opt/purgit\n"));
        assert!(file.contains("\nCOPY --from=release /opt/purgit/purgit /usr/local/bin/purgit\n"));
    }
}
