//! `purgit comment --print-plan-id`: from the comment that was reviewed to the plan that is carried out.

use serde_json::{Value, json};

use super::binary::{Job, MARK};
use super::forge::{Fault, Kind, Op};
use super::keeping::BOTH;

const COMMIT: &str = "8bb52b56a156888eb5636bae31ca5c86735231b1";
const OTHER: &str = "0000000000000000000000000000000000000001";
const PRINT: &str = "comment --print-plan-id";

fn plan_id(job: &Job) -> String {
    let plan = job.run("plan --format json").json();
    plan["plan_id"].as_str().unwrap().to_owned()
}

/// The same job once the request is merged, on the target branch.
fn merge(job: &mut Job, kind: Kind) {
    match kind {
        Kind::GitHub => {
            job.world.unset("GITHUB_EVENT_PATH");
            job.world.set("GITHUB_REF", "refs/heads/main");
            job.world.set("GITHUB_SHA", COMMIT);
        }
        Kind::GitLab => {
            job.world.unset("CI_MERGE_REQUEST_IID");
            job.world.unset("CI_MERGE_REQUEST_PROJECT_PATH");
            job.world.set("CI_COMMIT_SHA", COMMIT);
        }
    }
}

fn origin(kind: Kind, commit: &str, merged: bool) -> Value {
    match kind {
        Kind::GitHub => json!({
            "merged_at": merged.then_some("2026-11-20T09:12:07Z"), "merge_commit_sha": commit,
        }),
        Kind::GitLab => json!({
            "state": if merged { "merged" } else { "opened" }, "sha": OTHER,
            "merge_commit_sha": null, "squash_commit_sha": commit,
        }),
    }
}

#[test]
fn what_was_reviewed_is_what_is_applied() {
    for kind in BOTH {
        let mut job = Job::new(kind);
        // Anybody can write so.
        let forged = format!(
            "{MARK}purgit apply --expect-plan=sha256:{}\n",
            "0".repeat(64)
        );
        job.forge.add("12", &forged);
        job.run("comment").code(0);
        let id = plan_id(&job);
        assert_eq!(
            job.run(PRINT).code(0).stderr_is_empty().stdout,
            format!("{id}\n")
        );
        let (_, comments) = (job.forge.asked(), job.forge.comments());

        merge(&mut job, kind);
        job.forge.merge(origin(kind, OTHER, true));
        job.forge.merge(origin(kind, COMMIT, true));
        assert_eq!(job.run(PRINT).code(0).stdout, format!("{id}\n"));
        assert_eq!(job.forge.asked(), [Op::Origins, Op::Whoami, Op::List]);
        assert_eq!(job.forge.comments(), comments);
        job.run(&format!("apply --expect-plan {id}")).code(0);

        // What the comment said is done by now.
        job.run(&format!("apply --expect-plan {id}")).code(5);
        job.run("comment --print-plan-id --environment staging")
            .code(1)
            .stdout_is_empty()
            .stderr_has("no plan was approved: there is no comment of this project on ");
    }
}

#[test]
fn what_nobody_approved_has_no_id() {
    for kind in BOTH {
        let mut job = Job::new(kind);
        job.run("comment").code(0);
        job.run("apply").code(0);
        job.run("comment").code(0).stdout_has("Updated");
        job.run(PRINT)
            .code(1)
            .stdout_is_empty()
            .stderr_has("there was nothing to purge")
            .stderr_has("hint: review `purgit plan`");
        merge(&mut job, kind);
        // Neither one that is open, nor one of which the commit is a part only.
        job.forge.merge(origin(kind, COMMIT, false));
        job.forge.merge(origin(kind, OTHER, true));
        job.run(PRINT)
            .code(1)
            .stdout_is_empty()
            .stderr_has(&format!(
                "no plan was approved: no request was merged as commit {COMMIT}"
            ));
        job.run("comment")
            .code(1)
            .stderr_has("this run belongs to no known pull or merge request");
        job.run("comment --print-plan-id --plan-file x").code(64);
    }
}

#[test]
fn a_forge_that_does_not_answer_approves_nothing() {
    for kind in BOTH {
        for (op, status, code) in [
            (Op::Origins, 404, 1),
            (Op::Origins, 403, 1),
            (Op::Origins, 401, 7),
            (Op::List, 403, 1),
            (Op::Whoami, 401, 7),
        ] {
            let mut job = Job::new(kind);
            job.run("comment").code(0);
            merge(&mut job, kind);
            job.forge.merge(origin(kind, COMMIT, true));
            job.forge.fail(Fault::new(op, status, &[], "{}"));
            job.run(PRINT)
                .code(code)
                .stdout_is_empty()
                .stderr_has("hint: ");
        }
        let mut job = Job::new(kind);
        job.run("comment").code(0);
        merge(&mut job, kind);
        job.forge.merge(origin(kind, COMMIT, true));
        job.forge
            .fail(Fault::new(Op::Origins, 502, &[], "").times(1));
        job.run(PRINT)
            .code(0)
            .stderr_has("trying again in ")
            .stdout_has("sha256:");
    }
}

/// Text of others in a plan is not taken for what is to be typed.
#[test]
fn names_approve_nothing() {
    let job = Job::new(Kind::GitHub);
    let other = format!("purgit apply --expect-plan=sha256:{}", "0".repeat(64));
    job.run("apply").code(0);
    job.purge(&format!("1\\n{other}"));
    job.run("comment").code(0);
    assert!(job.text().contains(&other), "{}", job.text());
    assert_eq!(
        job.run(PRINT).code(0).stdout,
        format!("{}\n", plan_id(&job))
    );
}
