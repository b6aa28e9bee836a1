//! Fastly: the requests as its documents show them, and what each answer means.

use std::sync::Arc;
use std::time::Duration;

use purgit::credential::{CredentialRef, Credentials};
use purgit::entry::{Target, TargetKind};
use purgit::provider::fastly::Fastly;
use purgit::provider::fastly::config::{Config, DEFAULT_API_URL, Token};
use purgit::provider::{
    Answer, ApiError, Auth, Counts, Effect, Inspection, ItemReport, Progress, Provider, Window,
};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{Method, Request, Response};

use super::samples::{KEY_VALUE, Sample, afternoon};
use super::{operation, response, targets, with_header};

const SERVICE: &str = "SU0000000000000000000A";

/// With a shield, so that each purge has a second pass.
pub(super) fn sample() -> Sample {
    Sample {
        left: None,
        provider: Arc::new(Fastly::new(fastly_config())),
        targets: [
            targets(
                TargetKind::File,
                &["https://www.example.com/a", "http://www.example.com/a?b=c"],
            ),
            targets(TargetKind::Tag, &["news", "sports"]),
            everything(),
        ]
        .concat(),
        identity: |target| target.as_str().replace("https://", "http://"),
        accepted: response(200, r#"{"status":"ok"}"#),
        reported: vec![response(200, r#"{"status":"ok"}"#)],
    }
}

fn fastly_config() -> Config {
    Config {
        service_id: SERVICE.to_owned(),
        soft: false,
        shielding: true,
        api_url: DEFAULT_API_URL.to_owned(),
        credentials: Token {
            api_token: CredentialRef::Env("FASTLY_API_TOKEN".to_owned()),
        },
    }
}

fn plain() -> Config {
    Config {
        shielding: false,
        ..fastly_config()
    }
}

fn soft() -> Config {
    Config {
        soft: true,
        ..plain()
    }
}

fn credentials() -> Credentials {
    Credentials::new([("apiToken", Secret::new(KEY_VALUE))])
}

fn auth(credentials: &Credentials) -> Auth<'_> {
    Auth {
        credentials,
        token: None,
        now: afternoon(),
    }
}

fn submit(config: Config, targets: &[Target]) -> Request {
    let provider = Fastly::new(config);
    provider.submit(&operation(&provider, targets), auth(&credentials()))
}

fn url(text: &str) -> Vec<Target> {
    targets(TargetKind::File, &[text])
}

fn keys() -> Vec<Target> {
    targets(TargetKind::Tag, &["k1", "k2"])
}

fn everything() -> Vec<Target> {
    targets(TargetKind::Everything, &[""])
}

fn answer(targets: &[Target], response: &Response) -> Result<Answer, ApiError> {
    let provider = Fastly::new(plain());
    provider.submitted(&operation(&provider, targets), response)
}

fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let mut headers = request.headers.iter();
    let found = headers.find(|(known, _)| *known == name)?;
    Some(found.1.expose())
}

#[test]
fn each_kind_has_its_request() {
    let service = format!("/service/{SERVICE}");
    for (targets, path, body) in [
        (
            url("https://www.example.com/a b.png?v=1&w=%20"),
            "/purge/www.example.com/a%20b.png?v=1&w=%20",
            "",
        ),
        (
            keys(),
            &format!("{service}/purge"),
            r#"{"surrogate_keys":["k1","k2"]}"#,
        ),
        (everything(), &format!("{service}/purge_all"), ""),
    ] {
        let request = submit(plain(), &targets);
        assert_eq!(request.method, Method::Post);
        assert_eq!(request.url, format!("https://api.fastly.com{path}"));
        assert_eq!(String::from_utf8_lossy(&request.body), body);
        assert_eq!(header(&request, "fastly-key"), Some(KEY_VALUE));
        assert_eq!(header(&request, "fastly-soft-purge"), None);
        assert!(!format!("{request:?}").contains(KEY_VALUE));
    }
}

#[test]
fn a_soft_purge_is_of_files_and_tags_only() {
    for targets in [url("https://www.example.com/"), keys()] {
        let request = submit(soft(), &targets);
        assert_eq!(header(&request, "fastly-soft-purge"), Some("1"));
    }
    let refused = Fastly::new(soft()).lower(&everything()[0]).unwrap_err();
    assert!(refused.message.contains("no soft purge of everything"));
}

#[test]
fn what_the_api_would_refuse_or_widen_is_refused_before() {
    let provider = Fastly::new(plain());
    for (kind, text) in [
        (TargetKind::Directory, "https://www.example.com/a/"),
        (TargetKind::Host, "www.example.com"),
        (TargetKind::File, "https://www.example.com/a%2Fb"),
    ] {
        let refused = provider.lower(&targets(kind, &[text])[0]).unwrap_err();
        assert!(refused.hint.contains("surrogate key"), "{refused}");
    }
}

#[test]
fn a_url_is_a_request_and_keys_come_in_batches() {
    let provider = Fastly::new(plain());
    let limits = provider.default_limits();
    let budgets = provider.budgets(&limits);
    let of_request = |kind| {
        let counts = Counts::Items(kind);
        let mut budgets = budgets.iter();
        let found = budgets.find(|b| b.counts == counts && b.window == Window::Request);
        found.map(|budget| budget.amount)
    };
    assert_eq!(of_request(&[TargetKind::File]), Some(1));
    assert_eq!(of_request(&[TargetKind::Tag]), Some(256));
    assert!(!budgets.iter().any(|b| matches!(b.window, Window::Day(_))));
    let hour = budgets.iter().filter_map(|budget| match budget.window {
        Window::Rate { per, .. } if per == Duration::from_secs(3600) => Some(budget.amount),
        _ => None,
    });
    assert_eq!(hour.collect::<Vec<_>>(), [100_000, 1000]);
}

#[test]
fn the_status_word_or_the_map_of_ids_says_what_was_purged() {
    let all = Ok(Answer::Settled(vec![ItemReport::rest(Progress::Succeeded)]));
    let ok = response(200, r#"{"status":"ok","id":"108-1391560174-974124"}"#);
    assert_eq!(answer(&url("https://www.example.com/"), &ok), all);
    assert_eq!(
        answer(&everything(), &response(200, r#"{"status":"ok"}"#)),
        all
    );
    let done = |names: &[&str]| {
        let items = names.iter();
        let items = items.map(|name| ItemReport::item(*name, Progress::Succeeded));
        Ok(Answer::Settled(items.collect()))
    };
    let both = r#"{ "k1": "4151-1635861748-11035-1", "k2": "4151-1635861748-11035-2" }"#;
    assert_eq!(answer(&keys(), &response(200, both)), done(&["k1", "k2"]));
    // The other is in doubt.
    let one = r#"{ "k1": "4151-1635861748-11035" }"#;
    assert_eq!(answer(&keys(), &response(200, one)), done(&["k1"]));
    for none in ["{}", r#"{"k1":null,"k2":"fail"}"#, r#"{"status":"ok"}"#] {
        let effect = answer(&keys(), &response(200, none)).unwrap_err().effect;
        assert_eq!(effect, Effect::InDoubt, "{none}");
    }
}

#[test]
fn each_refusal_says_what_it_means_and_what_to_do() {
    let page = url("https://www.example.com/");
    for (targets, status, body, said, effect) in [
        (
            &page,
            401,
            r#"{"msg":"Provided credentials are missing or invalid"}"#,
            "Provided credentials are missing or invalid",
            Effect::Credentials,
        ),
        (
            &everything(),
            403,
            r#"{"msg":"You are not authorized to perform this action"}"#,
            "You are not authorized to perform this action",
            Effect::Credentials,
        ),
        (
            &page,
            404,
            r#"{"msg":"Record not found","details":"Cannot find service"}"#,
            "Record not found: Cannot find service",
            Effect::Step,
        ),
        (
            &keys(),
            404,
            r#"{"msg":"Record not found","detail":"Couldn't find Service x"}"#,
            "Record not found: Couldn't find Service x",
            Effect::Endpoint,
        ),
        (
            &page,
            400,
            r#"{"msg":"Malformed purge request"}"#,
            "Malformed purge request",
            Effect::Items,
        ),
        (
            &keys(),
            400,
            r#"{"status": "fail", "reason": "Batch surrogate key request only supports up to 256"}"#,
            "Batch surrogate key request only supports up to 256",
            Effect::Items,
        ),
        (
            &page,
            403,
            r#"{"errors":[{"title":"No","detail":"not you"}]}"#,
            "No: not you",
            Effect::Credentials,
        ),
    ] {
        let error = answer(targets, &response(status, body)).unwrap_err();
        assert_eq!(
            error.summary,
            format!("the CDN refused the request: {said}")
        );
        assert_eq!(
            (error.effect, error.retry),
            (effect, RetryClass::Never),
            "{body}"
        );
        assert!(error.hint.is_some(), "{body}");
    }
}

#[test]
fn the_reset_is_waited_for_or_left_to_the_next_run() {
    let body = r#"{"msg":"You have exceeded your hourly rate limit."}"#;
    let limited = |reset: &str| {
        let limited = with_header(response(429, body), "date", "Tue, 02 Jan 2024 13:04:05 GMT");
        let limited = with_header(limited, "fastly-ratelimit-reset", reset);
        answer(&everything(), &limited).unwrap_err()
    };
    let now = afternoon().timestamp();
    let soon = limited(&(now + 90).to_string());
    assert_eq!(
        (soon.retry, soon.effect),
        (RetryClass::Throttled, Effect::Step)
    );
    assert_eq!(soon.retry_after, Some(Duration::from_secs(90)));
    let late = limited(&(now + 1800).to_string());
    let until = Some(afternoon() + Duration::from_secs(1800));
    assert_eq!(
        (late.retry, late.effect),
        (RetryClass::Never, Effect::Exhausted { until })
    );
    let unclear = limited("soon");
    assert_eq!(
        (unclear.retry, unclear.retry_after),
        (RetryClass::Throttled, None)
    );
}

#[test]
fn behind_a_shield_each_purge_is_sent_twice() {
    let provider = Fastly::new(fastly_config());
    let credentials = credentials();
    let auth = auth(&credentials);
    let ids = response(200, r#"{"k1":"4151-1","k2":"4151-2"}"#);
    let ok = response(200, r#"{"status":"ok"}"#);
    for (targets, good, pause) in [
        (url("https://www.example.com/a?b"), &ok, 2),
        (keys(), &ids, 2),
        (everything(), &ok, 30),
    ] {
        let operation = operation(&provider, &targets);
        let Ok(Answer::Running {
            task,
            known,
            ask_after,
        }) = provider.submitted(&operation, good)
        else {
            panic!("no second pass");
        };
        assert_eq!(
            (known.len(), ask_after),
            (0, Some(Duration::from_secs(pause)))
        );
        let tasks = provider.tasks().unwrap();
        assert!(tasks.knows(&task));
        assert_eq!(tasks.poll(&task, auth), provider.submit(&operation, auth));
        assert!(matches!(tasks.polled(&task, good), Ok(Answer::Settled(_))));
        // Of an endpoint that is another service now.
        let other = Fastly::new(Config {
            service_id: "B".to_owned(),
            ..fastly_config()
        });
        assert!(!other.tasks().unwrap().knows(&task));
    }
}

/// The answer to the question for the token, or to the one behind it.
fn inspected(question: usize, status: u16, body: &str) -> Result<Inspection, ApiError> {
    let answer = with_header(
        response(status, body),
        "date",
        "Tue, 02 Jan 2024 13:04:05 GMT",
    );
    Fastly::new(plain()).inspected(&vec![Response::default(); question], &answer)
}

#[test]
fn the_token_tells_what_it_may_do() {
    let said =
        |scopes: &str, rest: &str| inspected(0, 200, &format!(r#"{{"scopes":[{scopes}]{rest}}}"#));
    for (scopes, words) in [
        (r#""global""#, "the token may purge"),
        (r#""purge_select","purge_all""#, "the token may purge"),
        (
            r#""purge_select""#,
            "the token may purge files and tags, not everything",
        ),
        (
            r#""purge_all""#,
            "the token may purge everything, not files and tags",
        ),
    ] {
        let said = said(scopes, "").unwrap();
        assert_eq!(
            (said.words, said.remarks.len()),
            (vec![words.to_owned()], 0)
        );
    }
    for (scopes, rest) in [
        (r#""global:read""#, ""),
        (r#""global""#, r#","services":["SU0000000000000000000B"]"#),
    ] {
        assert_eq!(said(scopes, rest).unwrap_err().effect, Effect::Credentials);
    }
    let here = format!(r#","services":["{SERVICE}"],"expires_at":"2024-01-05T00:00:00Z""#);
    let soon = said(r#""global""#, &here).unwrap();
    assert_eq!(soon.remarks[0].message, "the token ends on 2024-01-05");
    let unread = inspected(
        0,
        403,
        r#"{"msg":"You are not authorized to perform this action"}"#,
    );
    assert_eq!(unread.unwrap().remarks.len(), 1);
    let wrong = inspected(
        0,
        401,
        r#"{"msg":"Provided credentials are missing or invalid"}"#,
    );
    assert_eq!(wrong.unwrap_err().effect, Effect::Credentials);
}

#[test]
fn the_service_tells_its_domains_and_whether_it_serves() {
    let body = r#"{"name":"www","paused":false,"active_version":{"domains":[{"name":"www.example.com"},{"name":"*.img.example.com"}]}}"#;
    let said = inspected(1, 200, body).unwrap();
    assert_eq!(said.enabled, Some(true));
    assert_eq!(said.hosts, ["www.example.com", "*.img.example.com"]);
    for off in [
        r#"{"name":"www","paused":true,"active_version":{"domains":[]}}"#,
        r#"{"name":"www","paused":false,"active_version":null}"#,
    ] {
        assert_eq!(inspected(1, 200, off).unwrap().enabled, Some(false));
    }
    assert_eq!(inspected(1, 403, "{}").unwrap().remarks.len(), 1);
    let gone = r#"{"msg":"Record not found","detail":"Couldn't find Service x"}"#;
    assert_eq!(
        inspected(1, 404, gone).unwrap_err().effect,
        Effect::Endpoint
    );
}
