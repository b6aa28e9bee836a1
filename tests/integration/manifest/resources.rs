//! What a good manifest becomes.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveTime};
use purgit::entry::Target;
use purgit::manifest::resource::{Poll, Project, Safety, StatePlace, StatusPlace};
use purgit::provider::DayStart;
use purgit::url::CdnUrl;

use super::{ENDPOINT, PROJECT, messages, purge, read, read_with};

fn project(text: &str) -> Project {
    let parsed = read_with(text);
    assert_eq!(parsed.problems, []);
    parsed.project.unwrap()
}

#[test]
fn defaults_are_filled_in() {
    let project = project(&purge(
        "endpoint: www\nfiles: [HTTPS://WWW.example.com/%7ea]",
    ));
    assert_eq!(&*project.name, "www");
    assert_eq!(project.manifests, ["purges/**/*.yaml"]);
    assert_eq!(project.state, StatePlace::File(".purgit/state.json".into()));
    assert_eq!(
        project.status,
        StatusPlace::File("purgit.status.yaml".into())
    );
    assert_eq!(project.safety, Safety::default());
    let endpoint = &project.endpoints["www"];
    assert_eq!(endpoint.poll, Poll::default());
    assert_eq!(endpoint.limits.files_per_day, 2000);
    assert_eq!(endpoint.limits.directories_per_day, 500);
    let purge = &project.purges[0];
    let url = CdnUrl::parse("https://www.example.com/~a").unwrap();
    assert_eq!(purge.targets, [Target::File(url)]);
    assert!(endpoint.serves(&purge.targets[0]));
    assert_eq!((&purge.revision, &purge.suspension), (&None, &None));
}

#[test]
fn everything_can_be_set() {
    let root = "\
apiVersion: purgit/v1alpha1
kind: Project
metadata: { name: p }
spec:
  manifests: [./a/*.yaml, 'b/**']
  state: { file: ./x/state.json }
  status: { file: status.yaml }
  safety: { maxChangePercent: 100, maxUrls: 0, maxDirectories: 7 }
";
    let endpoint = format!(
        "{ENDPOINT}
  limits:
    filesPerDay: 1
    directoriesPerDay: 2
    dayStartsAt: 23:59-03:30
    itemsPerRequest: 3
    requestsPerSecond: 0.5
    concurrentRequests: 4
  poll: {{ interval: 100ms, maxInterval: 1m30s, timeout: 1h }}
"
    );
    let parsed = read(&[("purgit.yaml", root), ("a/e.yaml", &endpoint)]);
    assert_eq!(parsed.problems, []);
    let project = parsed.project.unwrap();
    assert_eq!(project.manifests, ["a/*.yaml", "b/**"]);
    assert_eq!(project.state, StatePlace::File("x/state.json".into()));
    let safety = Safety {
        max_change_percent: 100,
        max_urls: 0,
        max_directories: 7,
    };
    assert_eq!(project.safety, safety);
    let limits = &project.endpoints["www"].limits;
    assert_eq!((limits.files_per_day, limits.directories_per_day), (1, 2));
    assert_eq!(
        (limits.items_per_request, limits.concurrent_requests),
        (3, 4)
    );
    assert!((limits.requests_per_second - 0.5).abs() < f64::EPSILON);
    let start = DayStart {
        time: NaiveTime::from_hms_opt(23, 59, 0).unwrap(),
        offset: FixedOffset::west_opt(3 * 3600 + 1800).unwrap(),
    };
    assert_eq!(limits.day_starts_at, start);
    let poll = project.endpoints["www"].poll;
    assert_eq!(poll.interval, Duration::from_millis(100));
    assert_eq!(poll.max_interval, Duration::from_secs(90));
    assert_eq!(poll.timeout, Duration::from_secs(3600));
}

#[test]
fn state_and_status_are_files_of_their_own() {
    for (spec, message) in [
        (
            "state: { file: purgit.yaml }",
            "`file`: `purgit.yaml` would be overwritten",
        ),
        (
            "status: { file: .purgit/state.json }",
            "state and status cannot be the same file",
        ),
        (
            "state: { file: ../state.json }",
            "`file`: the path must not leave the root (`..`)",
        ),
        (
            "state: { file: /state.json }",
            "`file`: the path must be relative to the root",
        ),
        (
            "state: { file: 'a\\b' }",
            "`file`: the path must have `/` between folders",
        ),
        ("state: { file: a/ }", "`file`: the path must name a file"),
        (
            "state: { file: .git/hooks/post-merge }",
            "`file`: the path leads into `.git`, which belongs to git",
        ),
        (
            "status: { file: vendor/.GIT/status.yaml }",
            "`file`: the path leads into `.git`, which belongs to git",
        ),
        ("state: { file: . }", "`file`: the path must name a file"),
    ] {
        let parsed = read(&[("purgit.yaml", &format!("{PROJECT}spec:\n  {spec}\n"))]);
        let found: Vec<_> = parsed.problems.iter().map(|found| &found.message).collect();
        assert_eq!(found, [message], "{spec}");
    }
}

#[test]
fn the_whole_project_fits_in_one_file_in_any_order() {
    let purge = purge("endpoint: www\nfiles: [https://www.example.com/a]");
    let text = format!("{purge}---\n{ENDPOINT}---\n{PROJECT}");
    let parsed = read(&[("purgit.yaml", &text)]);
    assert_eq!(parsed.problems, []);
    let counts = parsed.counts;
    assert_eq!(
        (
            counts.files,
            counts.endpoints,
            counts.purges,
            counts.targets
        ),
        (1, 1, 1, 1)
    );
}

#[test]
fn plain_text_keeps_its_spelling() {
    for revision in ["1.10", "2026-11-20", "0x10", "true", "007", "1e3"] {
        let project = project(&purge(&format!(
            "endpoint: www\nrevision: {revision}\nfiles: [https://www.example.com/a]"
        )));
        assert_eq!(project.purges[0].revision.as_deref(), Some(revision));
    }
    let nothing = purge("endpoint: www\nrevision:\nfiles: [https://www.example.com/a]");
    assert_eq!(
        messages(&nothing),
        ["`revision` has no value, expected text"]
    );
}

#[test]
fn a_url_may_stand_twice() {
    let twice = "[https://www.example.com/a, https://www.example.com/a]";
    let project = project(&purge(&format!("endpoint: www\nfiles: {twice}")));
    assert_eq!(project.purges[0].targets.len(), 2);
}

#[test]
fn suspensions() {
    let url = "endpoint: www\nfiles: [https://www.example.com/a]";
    let suspension = |more: &str| {
        project(&purge(&format!("{url}\n{more}"))).purges[0]
            .suspension
            .clone()
    };
    assert_eq!(suspension("suspend: false"), None);
    assert_eq!(suspension("suspend: true").unwrap().until, None);
    let until = suspension("suspend: true\nsuspendReason: sale\nsuspendUntil: 2026-12-01").unwrap();
    assert_eq!(until.reason.as_deref(), Some("sale"));
    assert_eq!(until.until, DateTime::from_timestamp(1_796_083_200, 0));
    let until = suspension("suspend: true\nsuspendUntil: 2026-12-01T08:00:00+08:00").unwrap();
    assert_eq!(until.until, DateTime::from_timestamp(1_796_083_200, 0));

    let parsed = read_with(&purge(&format!("{url}\nsuspendReason: sale")));
    let warning = "`suspendReason` has no effect without `suspend: true`";
    assert_eq!(parsed.problems[0].message, warning);
    assert!(parsed.project.is_some());
}

#[test]
fn a_suspended_manifest_is_checked_all_the_same() {
    let text = purge("endpoint: www\nsuspend: true\nfiles: [https://foreign.example.com/a]");
    assert_eq!(
        messages(&text),
        ["`foreign.example.com` is not a host of endpoint `www`"]
    );
}

#[test]
fn names() {
    let named = |name: &str| {
        let text = purge("endpoint: www\nfiles: [https://www.example.com/a]");
        messages(&text.replace("name: it", &format!("name: {name}")))
    };
    for name in [
        "a",
        "0",
        "spring-campaign",
        "www.example.com",
        "2026",
        &"x".repeat(63),
    ] {
        assert_eq!(named(name), [""; 0], "{name}");
    }
    for name in [
        "-",
        "'-'",
        "a-",
        ".a",
        "A",
        "a_b",
        "a/b",
        "é",
        &"x".repeat(64),
    ] {
        assert_eq!(named(name).len(), 1, "{name}");
    }
}

#[test]
fn api_urls() {
    let api = |url: &str| {
        let line = format!("apiUrl: {url}\n    credentials:");
        let text = ENDPOINT.replace("name: www", "name: other");
        let parsed = read_with(&text.replace("credentials:", &line));
        let project = parsed.project?;
        let identity = project.endpoints["other"].provider.identity();
        Some(identity.to_string())
    };
    for (url, canonical) in [
        (
            "https://restapi.cdn.azure.cn/",
            "https://restapi.cdn.azure.cn",
        ),
        ("HTTPS://Example.COM:443", "https://example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.1.2.3/", "http://127.1.2.3"),
        ("'http://[::1]:80'", "http://[::1]"),
        ("http://localhost:1", "http://localhost:1"),
    ] {
        let identity = api(url).unwrap_or_else(|| panic!("refused: {url}"));
        assert!(identity.contains(&format!("\"{canonical}\"")), "{identity}");
    }
    for url in [
        "http://example.com",
        "http://128.0.0.1",
        "http://localhost.example.com",
        "'http://[::2]'",
        "https://example.com/path",
        "https://example.com?a",
        "https://example.com/#a",
        "https://user@example.com",
        "ftp://example.com",
        "example.com",
    ] {
        assert_eq!(api(url), None, "{url}");
    }
}
