//! From the environment of a CI system to what a run is about.

use std::path::Path;

use purgit::cli::ci::{Context, Surroundings, System};

fn context(variables: &[(&str, &str)], event: &str) -> Context {
    let value = |name: &str| {
        let mut all = variables.iter();
        let (_, value) = all.find(|(known, _)| *known == name)?;
        Some((*value).to_owned())
    };
    Context::of(&Surroundings {
        variable: &value,
        file: &|path| (path == Path::new("/event.json")).then(|| event.to_owned()),
    })
}

#[expect(clippy::unnecessary_wraps, reason = "what it is compared with")]
fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

const GITHUB: [(&str, &str); 12] = [
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_REPOSITORY", "octo/www"),
    ("GITHUB_SHA", "merge"),
    ("GITHUB_ACTOR", "mona"),
    ("GITHUB_TRIGGERING_ACTOR", ""),
    ("GITHUB_SERVER_URL", "https://github.com"),
    ("GITHUB_API_URL", "https://api.github.com/"),
    ("GITHUB_RUN_ID", "7"),
    ("GITHUB_WORKSPACE", "/work"),
    ("GITHUB_OUTPUT", "/output"),
    ("GITHUB_STEP_SUMMARY", "/summary"),
];

fn github(more: &[(&str, &str)], event: &str) -> Context {
    context(&[more, &GITHUB[..]].concat(), event)
}

#[test]
fn github_actions() {
    let event = r#"{ "pull_request": { "number": 12, "head": { "sha": "proposed" } } }"#;
    let event_file = [("GITHUB_EVENT_PATH", "/event.json")];
    let found = github(&event_file, event);
    let expected = Context {
        system: System::GithubActions,
        repository: text("octo/www"),
        commit: text("proposed"),
        pull_request: Some(12),
        actor: text("mona"),
        run_url: text("https://github.com/octo/www/actions/runs/7"),
        api_url: text("https://api.github.com"),
        workspace: Some("/work".into()),
        output: Some("/output".into()),
        summary: Some("/summary".into()),
    };
    assert_eq!(found, expected);

    // By the ref alone, where there is no event; and a push is of none.
    let of = |more: &[(&str, &str)], event| {
        let found = github(more, event);
        (found.pull_request, found.commit)
    };
    let by_ref = [("GITHUB_REF", "refs/pull/3/merge")];
    assert_eq!(of(&by_ref, ""), (Some(3), text("merge")));
    assert_eq!(
        of(&[("GITHUB_REF", "refs/heads/12")], ""),
        (None, text("merge"))
    );
    for (event, number) in [
        ("no JSON", None),
        (r#"{ "issue": { "number": 4 } }"#, None),
        (
            r#"{ "issue": { "number": 4, "pull_request": {} } }"#,
            Some(4),
        ),
        (
            r#"{ "workflow_run": { "pull_requests": [{ "number": 5 }] } }"#,
            Some(5),
        ),
        (r#"{ "pull_request": { "number": "6; rm" } }"#, None),
    ] {
        assert_eq!(of(&event_file, event), (number, text("merge")), "{event}");
    }
    let again = github(&[("GITHUB_TRIGGERING_ACTOR", "hubot")], "");
    assert_eq!(again.actor, text("hubot"));
}

#[test]
fn gitlab_ci() {
    let variables = [
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_PATH", "group/sub/www"),
        ("CI_COMMIT_SHA", "merge"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "proposed"),
        ("CI_MERGE_REQUEST_IID", "9"),
        ("GITLAB_USER_LOGIN", "tanuki"),
        ("CI_PIPELINE_URL", "https://gitlab.example.com/p/1"),
        ("CI_JOB_URL", "https://gitlab.example.com/j/2"),
        ("CI_API_V4_URL", "https://gitlab.example.com/api/v4"),
        ("CI_PROJECT_DIR", "/builds/www"),
        ("GITHUB_OUTPUT", "/not-ours"),
    ];
    let found = context(&variables, "");
    let expected = Context {
        system: System::GitlabCi,
        repository: text("group/sub/www"),
        commit: text("proposed"),
        pull_request: Some(9),
        actor: text("tanuki"),
        run_url: text("https://gitlab.example.com/j/2"),
        api_url: text("https://gitlab.example.com/api/v4"),
        workspace: Some("/builds/www".into()),
        output: None,
        summary: None,
    };
    assert_eq!(found, expected);
    // Outside of merged results the variable is there and empty.
    let mut plain = variables;
    plain[4].1 = "";
    assert_eq!(context(&plain, "").commit, text("merge"));
}

#[test]
fn azure_pipelines() {
    let mut variables = [
        ("TF_BUILD", "True"),
        ("BUILD_REPOSITORY_NAME", "octo/www"),
        ("BUILD_SOURCEVERSION", "merge"),
        ("SYSTEM_PULLREQUEST_SOURCECOMMITID", "proposed"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", "1001"),
        ("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "12"),
        ("BUILD_REQUESTEDFOR", "Ada Lovelace"),
        ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/octo/"),
        ("SYSTEM_TEAMPROJECT", "Web site"),
        ("BUILD_BUILDID", "5"),
        ("BUILD_SOURCESDIRECTORY", "/s"),
    ];
    let found = context(&variables, "");
    let expected = Context {
        system: System::AzurePipelines,
        repository: text("octo/www"),
        commit: text("proposed"),
        pull_request: Some(12),
        actor: text("Ada Lovelace"),
        run_url: text("https://dev.azure.com/octo/Web%20site/_build/results?buildId=5"),
        api_url: text("https://dev.azure.com/octo"),
        workspace: Some("/s".into()),
        output: None,
        summary: None,
    };
    assert_eq!(found, expected);
    // A repository of Azure's own has an id only.
    variables[5].1 = "";
    assert_eq!(context(&variables, "").pull_request, Some(1001));
}

#[test]
fn jenkins() {
    let repository = |url| {
        let variables = [
            ("JENKINS_URL", "https://ci.example.com/"),
            ("GIT_URL", url),
            ("GIT_COMMIT", "abc"),
            ("CHANGE_ID", "12"),
            ("CHANGE_AUTHOR", "ada"),
            ("BUILD_URL", "https://ci.example.com/job/www/3/"),
            ("WORKSPACE", "/ws"),
        ];
        let found = context(&variables, "");
        let repository = found.repository.clone();
        let expected = Context {
            system: System::Jenkins,
            repository: repository.clone(),
            commit: text("abc"),
            pull_request: Some(12),
            actor: text("ada"),
            run_url: text("https://ci.example.com/job/www/3"),
            workspace: Some("/ws".into()),
            ..Context::default()
        };
        assert_eq!(found, expected);
        repository
    };
    for url in [
        "https://github.com/octo/www.git",
        "https://user:not-a-real-key@github.com/octo/www/",
        "git@github.com:octo/www.git",
        "ssh://git@github.com:22/octo/www",
    ] {
        assert_eq!(repository(url), text("octo/www"), "{url}");
    }
    for url in [
        "https://example.com/www",
        "/srv/git/www.git",
        "user:not-a-real-key@",
        "",
    ] {
        assert_eq!(repository(url), None, "{url}");
    }
}

#[test]
fn other_systems_and_none() {
    let system = |variables: &[(&str, &str)]| context(variables, "").system;
    assert_eq!(system(&[("CI", "1")]), System::Other);
    for none in [
        &[][..],
        &[("CI", "false")],
        &[("CI", "")],
        &[("GITHUB_OUTPUT", "/x")],
    ] {
        assert_eq!(system(none), System::None, "{none:?}");
    }
    // Also where another system's variables were handed on.
    assert_eq!(
        system(&[("GITHUB_ACTIONS", "false"), ("GITLAB_CI", "true")]),
        System::GitlabCi
    );
}

#[test]
fn an_environment_cannot_be_printed() {
    let surroundings = Surroundings {
        variable: &|_| text("not-a-real-key"),
        file: &|_| None,
    };
    assert!(!format!("{surroundings:?}").contains("key"));
}
