//! The recipes for other CI systems, the hook's and the container's.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::runner::{AZURE, PLAIN, Runner};
use super::{text, yaml};
use crate::comment::forge::{Kind, TOKEN};
use crate::examples::{edit, said};
use crate::install::{Release, program};

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_reports_and_applies_what_was_reviewed() {
    let runner = Runner::start(Kind::GitLab, &["fail-url=**/prices.json*1"]).await;
    let pipeline = yaml("examples/gitlab-ci/.gitlab-ci.yml");
    let work = runner.work().display().to_string();
    let insteadof = "git config url.../origin.git.insteadOf \
                     https://purgit:not-a-real-key@gitlab.example.com/group/web.site.git";
    runner.shell(insteadof).await;
    let job = async |name: &str, more: &[(&str, &str)]| {
        let all = [
            &pipeline["default"]["before_script"],
            &pipeline[name]["script"],
        ];
        let lines = all.into_iter().flat_map(|list| list.as_array().unwrap());
        let lines: Vec<_> = lines.map(|line| line.as_str().unwrap()).collect();
        let (api, commit) = (runner.api(), runner.commit().await);
        let mut variables = vec![
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", &*api),
            ("CI_COMMIT_SHA", &*commit),
            ("CI_PROJECT_DIR", &*work),
            ("CI_SERVER_HOST", "gitlab.example.com"),
            ("CI_PROJECT_PATH", "group/web.site"),
            ("GITLAB_TOKEN", TOKEN),
            ("PURGIT_PUSH_TOKEN", "not-a-real-key"),
        ];
        variables.extend(more);
        runner.script(PLAIN, &lines.join("\n"), &variables).await
    };
    let request = [("CI_MERGE_REQUEST_IID", "7")];
    let (code, said) = job("plan", &request).await;
    assert_eq!(code, 0, "{said}");
    let read = |name: &str| runner.read(&format!("work/{name}"));
    assert_eq!(read("gl-code-quality-report.json"), "[]\n");
    assert!(read("gl-terraform.json").contains(r#""create": 3"#));
    assert!(read("purgit.env").contains("\nPURGIT_PLAN_ID=sha256:"));
    for (kind, report) in pipeline["plan"]["artifacts"]["reports"]
        .as_object()
        .unwrap()
    {
        assert!(!read(report.as_str().unwrap()).is_empty(), "{kind}");
    }
    let (code, said) = job("apply", &[]).await;
    assert_eq!(code, 1, "it is not merged: {said}");
    let merged = json!({ "state": "merged", "sha": runner.commit().await });
    runner.forge.merge(merged);
    let (code, said) = job("apply", &[]).await;
    assert_eq!(code, 3, "{said}");
    let schedule = [("CI_PIPELINE_SOURCE", "schedule")];
    let (code, said) = job("apply", &schedule).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 2);

    edit(&runner.campaign(), "2026-11-20", "2026-11-21");
    runner.push().await;
    let (code, said) = job("apply", &schedule).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing was begun since"), "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 2);
    // By hand.
    let (_, said) = job("plan", &request).await;
    let id = said.lines().find_map(|line| line.strip_prefix("Plan id: "));
    let (code, said) = job("apply", &[("PLAN_ID", id.expect(&said))]).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 3);
    runner.assert_untouched(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_pipelines_shows_and_applies() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
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
    // As the system checks out.
    runner.shell("git checkout --quiet --detach").await;
    let (code, said) = runner.script(AZURE, &script("Apply"), &variables).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 1);
    runner.assert_untouched(1).await;
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
        let runner = Runner::start(Kind::GitHub, &["fail-url=**/prices.json*1"]).await;
        let (code, said) = runner.script(PLAIN, plan, &variables).await;
        assert_eq!(code, 0, "{said}");
        assert!(runner.emulator.requests().is_empty());
        for (expected, purges) in [(3, 1), (0, 2), (0, 2)] {
            let (code, said) = runner.script(PLAIN, apply, &variables).await;
            assert_eq!(code, expected, "{said}");
            assert_eq!(runner.emulator.purge_log().len(), purges, "{said}");
        }
        runner.assert_untouched(1).await;
        edit(&runner.campaign(), "revision:", "revison:");
        for script in [plan, apply] {
            let (code, said) = runner.script(PLAIN, script, &variables).await;
            assert_eq!(code, 1, "{said}");
        }
        assert_eq!(runner.emulator.purge_log().len(), 2);
    }
    let runner = Runner::start(Kind::GitHub, &[]).await;
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
