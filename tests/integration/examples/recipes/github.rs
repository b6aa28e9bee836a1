//! The recipe for GitHub Actions: one plan from the comment to the CDN.

use purgit::entry::TargetKind;
use serde_json::json;

use super::runner::{ACTION, APPLY, PLAN, RESUME, Runner, output};
use crate::comment::forge::{Fault, Kind, Op};
use crate::examples::edit;

impl Runner {
    /// The pull request: plans and comments. Hands back the plan's id.
    async fn review(&self) -> String {
        let (code, said, outputs) = self.step(PLAN, "plan", "Plan", &[]).await;
        assert_eq!(code, 0, "{said}");
        let pull = [("GITHUB_REF", "refs/pull/7/merge")];
        let (code, said, _) = self.step(PLAN, "plan", "Comment", &pull).await;
        assert_eq!(code, 0, "{said}");
        output(&outputs, "plan_id")
    }

    /// What is on `main` is what the pull request was merged as.
    async fn merged(&self) {
        self.push().await;
        self.forge.merge(json!({
            "merged_at": "2026-11-20T09:12:07Z", "merge_commit_sha": self.commit().await,
        }));
    }

    /// `apply.yml`, as it runs on a push, or by hand with an id. Its second step runs if there are
    /// changes.
    async fn apply(&self, id: &str) -> (i32, String) {
        let (code, said, outputs) = self.step(APPLY, "apply", "Plan", &[]).await;
        if code != 0 || output(&outputs, "changes") == "false" {
            return (code, said);
        }
        let ran = self.step(APPLY, "apply", "Apply", &[("PLAN_ID", id)]).await;
        (ran.0, ran.1)
    }

    async fn resume(&self) -> (i32, String) {
        let (code, said, _) = self.step(RESUME, "resume", "Apply", &[]).await;
        (code, said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_is_shown_and_a_refused_one_fails() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
    let (code, said, _) = runner.step(PLAN, "plan", "Validate", &[]).await;
    assert_eq!(code, 0, "{said}");
    let id = runner.review().await;
    let summary = runner.read("summary");
    assert!(summary.contains("spring-campaign"), "{summary}");
    let comment = runner.forge.comments().remove(0).body;
    assert!(comment.contains(&id), "{comment}");

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

/// In the pull request of a fork, whose token may only read.
#[tokio::test(flavor = "multi_thread")]
async fn a_fork_sees_the_plan_on_the_run_s_page() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
    runner.forge.fail(Fault::new(
        Op::Create,
        403,
        &[],
        r#"{"message":"Forbidden"}"#,
    ));
    runner.review().await;
    assert!(runner.forge.comments().is_empty());
    let summary = runner.read("summary");
    assert!(summary.contains("instead of in a comment"), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reviewed_is_applied_and_nothing_is_committed() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
    runner.review().await;
    runner.merged().await;
    let (code, said) = runner.apply("").await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 1);
    let (code, said) = runner.apply("").await;
    assert_eq!(code, 0, "nobody is asked: {said}");
    assert_eq!(runner.emulator.purge_log().len(), 1);
    runner.assert_untouched(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_reviewed_is_not_applied() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
    // Pushed to `main` without a pull request.
    let (code, said) = runner.apply("").await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no plan was approved"), "{said}");

    // Something else came in between.
    runner.review().await;
    edit(&runner.campaign(), "2026-11-20", "2026-11-21");
    runner.merged().await;
    let (code, said) = runner.apply("").await;
    assert_eq!(code, 5, "{said}");
    let (code, said) = runner.resume().await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("nothing was begun"), "{said}");
    assert!(runner.emulator.purge_log().is_empty());

    // By hand, once somebody has looked at it.
    let (_, _, outputs) = runner.step(APPLY, "apply", "Plan", &[]).await;
    let (code, said) = runner.apply(&output(&outputs, "plan_id")).await;
    assert_eq!(code, 0, "{said}");
    assert_eq!(runner.emulator.purge_log().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_resumed_and_nothing_else() {
    let runner = Runner::start(Kind::GitHub, &["fail-url=**/prices.json*1"]).await;
    runner.review().await;
    runner.merged().await;
    let (code, said) = runner.apply("").await;
    assert_eq!(code, 3, "{said}");
    // Somebody pushed what is not about purges, and then what is.
    runner.push().await;
    let (code, said) = runner.resume().await;
    assert_eq!(code, 0, "{said}");
    let log = runner.emulator.purge_log();
    assert_eq!(
        log[1].listed(TargetKind::File),
        ["https://www.example.com/spring/prices.json"]
    );
    edit(&runner.campaign(), "2026-11-20", "2026-11-21");
    runner.push().await;
    let (code, said) = runner.resume().await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("nothing was begun since the last change"),
        "{said}"
    );
    assert_eq!(runner.emulator.purge_log().len(), 2);
    runner.assert_untouched(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_s_action_plans_and_applies() {
    let runner = Runner::start(Kind::GitHub, &[]).await;
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
