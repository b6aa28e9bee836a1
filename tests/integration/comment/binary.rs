//! `purgit comment` as CI runs it, against a server that speaks the two APIs.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use tokio::net::TcpListener;

use super::forge::{Call, Fault, Forge, Kind, Op, TOKEN};
use super::keeping::BOTH;
use crate::common::{Output, RUNTIME, World};

pub(super) const MARK: &str = "<!-- purgit: project=emulated -->\n";

pub(crate) async fn serve(forge: Arc<Forge>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |request: Request| {
        let forge = forge.clone();
        async move {
            let (head, body) = request.into_parts();
            let headers = head.headers.iter();
            let answer = forge.call(&Call {
                method: head.method.to_string(),
                target: head.uri.to_string(),
                headers: headers
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect(),
                body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
            });
            let mut response = Response::builder().status(answer.status);
            for (name, value) in answer.headers {
                response = response.header(name, value);
            }
            response.body(Body::from(answer.body)).unwrap()
        }
    };
    let app = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// A project with one URL to purge, in a job of a pull or merge request.
pub(super) struct Job {
    pub(super) world: World,
    pub(super) forge: Arc<Forge>,
}

impl Job {
    pub(super) fn new(kind: Kind) -> Self {
        let forge = Arc::new(Forge::new(kind));
        let address = RUNTIME.block_on(serve(forge.clone()));
        let mut world = World::new();
        world.purge("spring", &["/a.png"], &[], "1");
        let summary = world.folder().join("summary.md").display().to_string();
        let event = world.folder().join("event.json");
        std::fs::write(&event, r#"{"pull_request":{"number":7}}"#).unwrap();
        let variables = match kind {
            Kind::GitHub => vec![
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_REPOSITORY", "octo/web.site".to_owned()),
                ("GITHUB_EVENT_PATH", event.display().to_string()),
                ("GITHUB_API_URL", format!("http://{address}/api/v3")),
                ("GITHUB_STEP_SUMMARY", summary),
                ("GITHUB_TOKEN", TOKEN.to_owned()),
            ],
            Kind::GitLab => vec![
                ("GITLAB_CI", "true".to_owned()),
                ("CI_PROJECT_PATH", "group/web.site".to_owned()),
                ("CI_MERGE_REQUEST_PROJECT_PATH", "group/web.site".to_owned()),
                ("CI_MERGE_REQUEST_IID", "7".to_owned()),
                ("CI_API_V4_URL", format!("http://{address}/api/v4")),
                ("GITLAB_TOKEN", TOKEN.to_owned()),
            ],
        };
        for (name, value) in variables {
            world.set(name, &value);
        }
        Self { world, forge }
    }

    pub(super) fn run(&self, line: &str) -> Output {
        let output = self.world.run(line);
        assert!(!format!("{output}").contains(TOKEN), "{output:?}");
        output
    }

    pub(super) fn purge(&self, revision: &str) {
        self.world.purge("spring", &["/a.png"], &[], revision);
    }

    pub(super) fn text(&self) -> String {
        let comments = self.forge.comments();
        assert_eq!(comments.len(), 1, "{comments:?}");
        comments[0].body.clone()
    }

    fn summary(&self) -> String {
        std::fs::read_to_string(self.world.folder().join("summary.md")).unwrap_or_default()
    }
}

fn place(kind: Kind) -> &'static str {
    match kind {
        Kind::GitHub => "pull request 7 of octo/web.site",
        Kind::GitLab => "merge request 7 of group/web.site",
    }
}

#[test]
fn one_comment_follows_the_plan() {
    for kind in BOTH {
        let job = Job::new(kind);
        let place = place(kind);
        let output = job.run("comment").code(0).stderr_is_empty();
        assert_eq!(output.stdout, format!("Wrote a comment on {place}\n"));
        let plan = job.run("plan --format markdown").stdout;
        assert_eq!(job.text(), format!("{MARK}{plan}"));

        let output = job.run("comment").code(0).stderr_is_empty();
        assert_eq!(
            output.stdout,
            format!("Left the comment on {place} as it is\n")
        );
        assert_eq!(job.forge.writes(), [Op::Create]);

        // From a file, whatever the manifests say by now.
        job.world.purge("spring", &["/b.png"], &[], "1");
        job.run("plan --json-into plan.json");
        job.purge("2");
        // What `plan` tells the run's page by itself.
        let summary = job.summary();
        let output = job.run("comment --plan-file plan.json").code(0);
        assert_eq!(output.stdout, format!("Updated the comment on {place}\n"));
        assert!(
            job.text().contains("/b.png") && !job.text().contains("/a.png"),
            "{}",
            job.text()
        );
        assert_eq!(job.summary(), summary);
    }
}

#[test]
fn every_environment_has_its_own() {
    let job = Job::new(Kind::GitHub);
    job.run("comment").code(0);
    job.run("comment --environment staging").code(0);
    job.run("comment --environment production").code(0);
    job.run("comment --environment staging")
        .code(0)
        .stdout_has("Left the comment");
    let comments = job.forge.comments();
    let marks: Vec<_> = comments
        .iter()
        .map(|comment| comment.body.lines().next().unwrap())
        .collect();
    assert_eq!(
        marks,
        [
            MARK.trim_end(),
            "<!-- purgit: project=emulated environment=staging -->",
            "<!-- purgit: project=emulated environment=production -->"
        ]
    );
    let hostile = job
        .world
        .run_arguments(&["comment", "--environment=--> @all\n<b>"]);
    hostile.code(0);
    let body = &job.forge.comments()[3].body;
    assert!(
        body.starts_with(
            "<!-- purgit: project=emulated environment=--%3E%20%40all%0A%3Cb%3E -->\n"
        ),
        "{body}"
    );
}

#[test]
fn without_changes_it_says_so_once_it_said_more() {
    for kind in BOTH {
        let job = Job::new(kind);
        job.run("apply --auto-approve").code(0);
        job.run("comment").code(0).stdout_has("Nothing to say");
        assert!(job.forge.comments().is_empty());

        job.purge("2");
        job.run("comment").code(0);
        let said = job.text();
        job.purge("1");
        job.run("comment --on-no-changes keep")
            .code(0)
            .stdout_has("Left");
        assert_eq!(job.text(), said);
        job.run("comment").code(0).stdout_has("Updated");
        assert!(
            job.text().contains("**Nothing to purge**"),
            "{}",
            job.text()
        );
        job.run("comment --on-no-changes delete")
            .code(0)
            .stdout_has("Deleted the comment");
        assert!(job.forge.comments().is_empty());
    }
}

#[test]
fn a_refused_plan_is_said_too() {
    let job = Job::new(Kind::GitHub);
    job.world.purge("spring", &[], &["/"], "1");
    job.run("plan").code(4);
    job.run("comment").code(0);
    assert!(job.text().contains("max-directories"), "{}", job.text());
}

#[test]
fn a_token_that_may_only_read_leaves_the_plan_in_the_summary() {
    let forbidden = r#"{"message":"Resource not accessible by integration"}"#;
    for kind in BOTH {
        for status in [403, 404] {
            let job = Job::new(kind);
            job.forge
                .fail(Fault::new(Op::Create, status, &[], forbidden));
            // GitHub shows it beside the plan.
            let word = match kind {
                Kind::GitHub => "::notice title=purgit::",
                Kind::GitLab => "warning: ",
            };
            let output = job.run("comment").code(0).stderr_has(&format!(
                "{word}the token may not comment on {}: the answer is {status}: Resource not accessible",
                place(kind)
            ));
            assert_eq!(output.stderr.contains("warning"), kind == Kind::GitLab);
            assert_eq!(
                output.stderr.matches("pull-requests: write").count(),
                usize::from(kind == Kind::GitHub)
            );
            let shown = match kind {
                Kind::GitHub => {
                    assert_eq!(output.stdout, "");
                    job.summary()
                }
                // There is no summary.
                Kind::GitLab => output.stdout.clone(),
            };
            assert_eq!(
                shown.contains("> Shown here instead of in a comment"),
                kind == Kind::GitHub
            );
            assert!(shown.contains("https://www.example.com/a.png"), "{shown}");
            assert!(!shown.contains("<!-- purgit"), "{shown}");
        }
    }
}

#[test]
fn a_full_summary_is_not_lost() {
    let job = Job::new(Kind::GitHub);
    job.forge.fail(Fault::new(Op::Create, 403, &[], "{}"));
    let path = job.world.folder().join("summary.md");
    for (there, fits) in [
        (100, true),
        (990_000, true),
        (999_000, false),
        (1_100_000, false),
    ] {
        let before = "x".repeat(there);
        std::fs::write(&path, &before).unwrap();
        let output = job.run("comment").code(0);
        let summary = job.summary();
        assert!(summary.starts_with(&before));
        assert_eq!(summary.len() > there, fits, "{output:?}");
        assert!(!fits || summary.len() <= 1_000_000, "{}", summary.len());
        let told = "warning: cannot write the step's summary to";
        assert_eq!(output.stderr.contains(told), !fits, "{output:?}");
        // `plan` keeps the same limit.
        std::fs::write(&path, &before).unwrap();
        let output = job.run("plan").code(0);
        assert_eq!(job.summary().len() > there, fits, "{output:?}");
        assert_eq!(output.stderr.contains(told), !fits, "{output:?}");
    }
}

#[test]
fn a_fork_of_gitlab_has_no_token() {
    let mut job = Job::new(Kind::GitLab);
    job.world.unset("GITLAB_TOKEN");
    job.world.set("CI_JOB_TOKEN", TOKEN);
    job.run("comment")
        .code(7)
        .stderr_has("`GITLAB_TOKEN` is not set")
        .stderr_has("hint: create a project access token");
    job.world.set("CI_PROJECT_PATH", "somebody/web.site");
    let output = job
        .run("comment")
        .code(0)
        .stderr_has("warning: no comment was written");
    assert!(
        output.stdout.contains("https://www.example.com/a.png"),
        "{output:?}"
    );
    assert_eq!(job.forge.asked(), []);
    // A member's pipeline there has one, and the request is still in the other project.
    job.world.set("GITLAB_TOKEN", TOKEN);
    job.run("comment")
        .code(0)
        .stdout_has("Wrote a comment on merge request 7 of group/web.site");
}

#[test]
fn missing_and_rejected_tokens_end_with_7() {
    let mut job = Job::new(Kind::GitHub);
    job.forge.fail(Fault::new(
        Op::Whoami,
        401,
        &[],
        &format!("{{\"message\":\"Bad credentials {TOKEN}\"}}"),
    ));
    job.run("comment -vvv")
        .code(7)
        .stderr_has("GitHub: cannot ask whose the token is")
        .stderr_has("the answer is 401: Bad credentials [secret]");
    for empty in ["", " \n"] {
        job.world.set("GITHUB_TOKEN", empty);
        job.run("comment")
            .code(7)
            .stderr_has("`GITHUB_TOKEN` is not set")
            .stderr_has("pull-requests: write");
    }
    job.forge.heal();
    job.world.set("GH_TOKEN", TOKEN);
    job.run("comment").code(0);
}

#[test]
fn an_api_that_is_down_ends_with_1() {
    for kind in BOTH {
        let job = Job::new(kind);
        job.forge.fail(Fault::new(
            Op::List,
            503,
            &[("retry-after", "3600")],
            "<title>Down</title>",
        ));
        job.run("comment")
            .code(1)
            .stdout_is_empty()
            .stderr_has(
                "asked to wait 3600 s before the next request, limit 120 s: the answer is 503",
            )
            .stderr_has("hint: run it again when the API works");
        job.forge.heal();
        job.forge.fail(
            Fault::new(Op::Create, 502, &[], "")
                .times(1)
                .although_done(),
        );
        job.run("comment")
            .code(0)
            .stderr_has("the answer is 502; trying again in ")
            .stdout_has("Wrote");
        assert_eq!(job.text().matches(MARK).count(), 1);
        job.forge
            .fail(Fault::new(Op::List, 404, &[], r#"{"message":"Not Found"}"#));
        job.run("comment")
            .code(1)
            .stderr_has("hint: check that the token may see the repository");
    }
}

#[test]
fn what_is_not_known_is_said() {
    let mut job = Job::new(Kind::GitHub);
    job.run("comment --environment=").code(64);
    job.run("comment --on-no-changes never").code(64);
    job.run("comment --plan-file none.json")
        .code(1)
        .stderr_has("cannot read the plan `none.json`");
    job.world.write("odd.json", "{\"format_version\":\"2.0\"}");
    job.run("comment --plan-file odd.json")
        .code(1)
        .stderr_has("`format_version` is `2.0`");
    job.world.unset("GITHUB_EVENT_PATH");
    job.run("comment")
        .code(1)
        .stderr_has("this run belongs to no known pull or merge request")
        .stderr_has("--format markdown");
    assert_eq!(job.forge.asked(), []);
    // As a ref tells it, where there is no event.
    job.world.set("GITHUB_REF", "refs/pull/7/merge");
    job.run("comment").code(0);
    job.world.edit("purges/spring.yaml", "files:", "fails:");
    job.run("comment")
        .code(1)
        .stderr_has("the manifests have 1 error");
}

/// Another CI system that builds pull requests of GitHub or GitLab: the token tells which.
#[test]
fn jenkins_comments_where_its_token_is_for() {
    for kind in BOTH {
        let mut job = Job::new(kind);
        job.world.unset("GITHUB_ACTIONS");
        job.world.unset("GITLAB_CI");
        job.world.unset("CI_MERGE_REQUEST_PROJECT_PATH");
        let path = match kind {
            Kind::GitHub => "octo/web.site",
            Kind::GitLab => "group/web.site",
        };
        for (name, value) in [
            ("JENKINS_URL", "https://ci.example/"),
            ("CHANGE_ID", "7"),
            ("GIT_URL", &format!("https://git.example/{path}.git")),
        ] {
            job.world.set(name, value);
        }
        job.run("comment").code(0).stdout_has(place(kind));
        assert!(job.text().starts_with(MARK));
    }
}

/// As long as a comment can be, and no longer: the fake refuses what its original refuses.
#[test]
fn a_long_plan_fits() {
    for kind in BOTH {
        let job = Job::new(kind);
        let files: Vec<_> = (0..5_000)
            .map(|n| format!("/é{}/{n}.png", "x".repeat(300)))
            .collect();
        let files: Vec<_> = files.iter().map(String::as_str).collect();
        job.world.purge("spring", &files, &[], "1");
        job.run("comment --environment staging").code(0);
        let length = job.text().chars().count();
        match kind {
            Kind::GitHub => assert!((60_000..=65_536).contains(&length), "{length}"),
            Kind::GitLab => assert!((900_000..=1_000_000).contains(&length), "{length}"),
        }
    }
}
