//! Cloudflare: the requests as its documents show them, and what each answer means.

use std::collections::BTreeMap;
use std::time::Duration;

use purgit::credential::Credentials;
use purgit::entry::{Target, TargetKind};
use purgit::provider::cloudflare::Cloudflare;
use purgit::provider::cloudflare::config::{Config, Mode, Plan};
use purgit::provider::{
    Answer, ApiError, Auth, Budget, Counts, Effect, Inspection, ItemReport, Progress, Provider,
    Window,
};
use purgit::secret::Secret;
use purgit::transport::retry::RetryClass;
use purgit::transport::{Method, Request, Response};

use super::samples::{KEY_VALUE, ZONE, afternoon, cloudflare_config};
use super::{operation, response, targets, with_header};

fn submit(config: Config, targets: &[Target]) -> Request {
    let provider = Cloudflare::new(config);
    let auth = Auth {
        credentials: &Credentials::new([("apiToken", Secret::new(KEY_VALUE))]),
        token: None,
        now: afternoon(),
    };
    provider.submit(&operation(&provider, targets), auth)
}

fn body(config: Config, kind: TargetKind, texts: &[&str]) -> String {
    let request = submit(config, &targets(kind, texts));
    String::from_utf8(request.body).unwrap()
}

fn answer(response: &Response) -> Result<Answer, ApiError> {
    let provider = Cloudflare::new(cloudflare_config());
    let everything = targets(TargetKind::Everything, &[""]);
    provider.submitted(&operation(&provider, &everything), response)
}

#[test]
fn each_kind_has_its_body() {
    for (kind, texts, expected) in [
        (
            TargetKind::File,
            &["https://www.example.com/a.css?v=1"][..],
            r#"{"files":["https://www.example.com/a.css?v=1"]}"#,
        ),
        (
            TargetKind::Directory,
            &["https://www.example.com/", "http://www.example.com/foo/"],
            r#"{"prefixes":["www.example.com/foo/","www.example.com/"]}"#,
        ),
        (TargetKind::Tag, &["News"], r#"{"tags":["news"]}"#),
        (
            TargetKind::Host,
            &["www.example.com"],
            r#"{"hosts":["www.example.com"]}"#,
        ),
        (
            TargetKind::Everything,
            &[""],
            r#"{"purge_everything":true}"#,
        ),
    ] {
        assert_eq!(body(cloudflare_config(), kind, texts), expected);
    }
}

#[test]
fn one_prefix_serves_both_schemes() {
    let both = [
        "https://www.example.com/foo/",
        "http://www.example.com/foo/",
    ];
    let sent = body(cloudflare_config(), TargetKind::Directory, &both);
    assert_eq!(sent, r#"{"prefixes":["www.example.com/foo/"]}"#);
}

#[test]
fn environments_and_invalidation_have_paths_of_their_own() {
    let everything = targets(TargetKind::Everything, &[""]);
    let url = |mode, environment_id: Option<&str>| {
        let config = Config {
            mode,
            environment_id: environment_id.map(str::to_owned),
            ..cloudflare_config()
        };
        submit(config, &everything).url
    };
    let zone = format!("https://api.cloudflare.com/client/v4/zones/{ZONE}");
    let purge = url(Mode::Delete, None);
    assert_eq!(purge, format!("{zone}/purge_cache"));
    let soft = url(Mode::Invalidate, Some("12fd"));
    assert_eq!(soft, format!("{zone}/environments/12fd/invalidate_cache"));
}

#[test]
fn the_token_is_a_bearer_token_and_secret() {
    let request = submit(cloudflare_config(), &targets(TargetKind::Tag, &["a"]));
    let (_, value) = &request.headers[0];
    assert_eq!(value.expose(), format!("Bearer {KEY_VALUE}"));
    assert!(!format!("{request:?}").contains(KEY_VALUE));
}

fn two_variants() -> Config {
    let mobile = [("CF-Device-Type".to_owned(), "mobile".to_owned())];
    Config {
        variants: vec![BTreeMap::default(), mobile.into()],
        ..cloudflare_config()
    }
}

#[test]
fn each_file_is_purged_once_with_each_set_of_headers() {
    let sent = body(
        two_variants(),
        TargetKind::File,
        &["https://www.example.com/"],
    );
    let expected = r#"{"files":[{"headers":{},"url":"https://www.example.com/"},{"headers":{"CF-Device-Type":"mobile"},"url":"https://www.example.com/"}]}"#;
    assert_eq!(sent, expected);
}

fn budgets(config: Config) -> Vec<Budget> {
    let provider = Cloudflare::new(config);
    provider.budgets(&provider.default_limits())
}

/// Items of a request, items a second, and the bucket of the other kinds, in the plan's words.
fn shape(config: Config) -> (u64, u64, (u64, u64, u64)) {
    let budgets = budgets(config);
    let files = Counts::Items(&[TargetKind::File]);
    let of_request = budgets
        .iter()
        .find(|budget| budget.counts == files && budget.window == Window::Request);
    let of_second = budgets
        .iter()
        .find(|budget| budget.counts == files && matches!(budget.window, Window::Rate { .. }));
    let others = budgets
        .iter()
        .find_map(|budget| match (budget.counts, budget.window) {
            (Counts::RequestsWith(_), Window::Rate { per, burst }) => {
                Some((budget.amount, per.as_secs(), burst))
            }
            _ => None,
        });
    (
        of_request.unwrap().amount,
        of_second.unwrap().amount,
        others.unwrap(),
    )
}

#[test]
fn the_plan_decides_what_goes_through() {
    let of = |plan| {
        shape(Config {
            plan,
            ..cloudflare_config()
        })
    };
    assert_eq!(of(Plan::Free), (100, 800, (5, 60, 25)));
    assert_eq!(of(Plan::Pro), (100, 1500, (5, 1, 25)));
    assert_eq!(of(Plan::Business), (100, 1500, (10, 1, 50)));
    assert_eq!(of(Plan::Enterprise), (500, 3000, (50, 1, 500)));
}

#[test]
fn users_send_what_cloudflare_does_not_make_itself() {
    let mut config = two_variants();
    let german = BTreeMap::from([("Accept-Language".to_owned(), "de".to_owned())]);
    config.variants.push(german.clone());
    let provider = Cloudflare::new(config);
    assert_eq!(provider.variants(), [&BTreeMap::default(), &german]);
}

#[test]
fn variants_count_as_items() {
    let (request, second, _) = shape(two_variants());
    assert_eq!((request, second), (50, 400));
}

#[test]
fn zones_of_one_api_share_the_accounts_buckets_and_there_is_no_quota_of_the_day() {
    let other = Config {
        zone_id: "ff".to_owned(),
        ..cloudflare_config()
    };
    let (one, other) = (budgets(cloudflare_config()), budgets(other));
    assert_eq!(one, other);
    let is_day = |budget: &Budget| matches!(budget.window, Window::Day(_));
    assert!(!one.iter().any(is_day));
}

#[test]
fn a_quota_that_the_manifest_sets_is_kept() {
    let provider = Cloudflare::new(cloudflare_config());
    let mut limits = provider.default_limits();
    limits.files_per_day = 7;
    let budgets = provider.budgets(&limits);
    let days = budgets
        .iter()
        .filter(|budget| matches!(budget.window, Window::Day(_)));
    let days: Vec<_> = days.map(|budget| (budget.amount, budget.counts)).collect();
    assert_eq!(days, [(7, Counts::Items(&[TargetKind::File]))]);
}

#[test]
fn a_prefix_has_a_limit() {
    let provider = Cloudflare::new(cloudflare_config());
    let deep = |depth| {
        let url = format!("https://h.example/{}", "a/".repeat(depth));
        let target = targets(TargetKind::Directory, &[&url]).remove(0);
        provider.lower(&target)
    };
    assert!(deep(30).is_ok());
    let refused = deep(31).unwrap_err();
    assert!(refused.message.contains("at most 31 `/`"), "{refused}");
}

#[test]
fn success_decides_and_not_the_status() {
    let good = r#"{"success":true,"errors":[],"messages":[],"result":{"id":"x"}}"#;
    let all = vec![ItemReport::rest(Progress::Succeeded)];
    assert_eq!(answer(&response(200, good)), Ok(Answer::Settled(all)));
    let bad = r#"{"success":false,"errors":[{"code":1012,"message":"no"}],"messages":[]}"#;
    let refused = answer(&response(200, bad)).unwrap_err();
    assert_eq!(refused.summary, "the CDN refused the request: 1012: no");
    assert_eq!(refused.effect, Effect::Step);
}

fn error(status: u16, errors: &str) -> ApiError {
    let body = format!(r#"{{"success":false,"errors":[{errors}],"messages":[],"result":null}}"#);
    answer(&response(status, &body)).unwrap_err()
}

#[test]
fn the_first_code_that_is_known_decides() {
    let zone = error(
        400,
        r#"{"code":1082,"message":"Unable to purge h."},{"code":1016,"message":"One or more"}"#,
    );
    assert_eq!(zone.effect, Effect::Items);
    let expected = "the CDN refused the request: 1082: Unable to purge h.; 1016: One or more";
    assert_eq!(zone.summary, expected);
    let chained = r#"{"code":99,"message":"m","error_chain":[{"code":6111,"message":"format"}]}"#;
    assert_eq!(error(400, chained).effect, Effect::Credentials);
    for (code, status, effect) in [
        (10000, 403, Effect::Credentials),
        (10000, 401, Effect::Credentials),
        (7003, 404, Effect::Endpoint),
        (1096, 403, Effect::Endpoint),
        (1094, 400, Effect::Items),
        (1136, 400, Effect::Items),
        // Said by the CDN itself, so there is no doubt.
        (5, 500, Effect::Step),
        (5, 403, Effect::Credentials),
    ] {
        let found = error(status, &format!(r#"{{"code":{code},"message":"m"}}"#));
        assert_eq!(found.effect, effect, "{code}");
        assert!(status == 500 || found.hint.is_some(), "{code}");
    }
}

#[test]
fn too_many_requests_are_waited_for() {
    for code in [1134, 1083, 10000] {
        let body = format!(r#"{{"success":false,"errors":[{{"code":{code},"message":"m"}}]}}"#);
        let limited = with_header(response(429, &body), "retry-after", "7");
        let limited = answer(&with_header(limited, "cf-ray", "8f1")).unwrap_err();
        assert_eq!(limited.retry, RetryClass::Throttled, "{code}");
        assert_eq!(limited.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(limited.correlation_id.as_deref(), Some("8f1"));
    }
}

#[test]
fn a_proxys_page_leaves_doubt_or_none_by_its_status() {
    let page = "<html><title>502 Bad gateway</title></html>";
    assert_eq!(
        answer(&response(502, page)).unwrap_err().effect,
        Effect::InDoubt
    );
    assert_eq!(
        answer(&response(200, page)).unwrap_err().effect,
        Effect::InDoubt
    );
    let login = answer(&response(302, "")).unwrap_err();
    assert_eq!(
        (login.retry, login.effect),
        (RetryClass::Never, Effect::Endpoint)
    );
}

/// The answer to a question, after so many others.
fn inspected(before: usize, status: u16, body: &str) -> Result<Inspection, ApiError> {
    let answer = with_header(
        response(status, body),
        "date",
        "Tue, 02 Jan 2024 13:04:05 GMT",
    );
    let provider = Cloudflare::new(cloudflare_config());
    provider.inspected(&vec![Response::default(); before], &answer)
}

#[test]
fn a_purge_of_nothing_tells_who_may_purge() {
    let provider = Cloudflare::new(cloudflare_config());
    let auth = Auth {
        credentials: &Credentials::default(),
        token: None,
        now: afternoon(),
    };
    let questions = provider.inspect(auth);
    let purges = questions
        .iter()
        .filter(|request| request.method == Method::Post);
    let bodies: Vec<_> = purges.map(|request| &*request.body).collect();
    assert_eq!(bodies, [b"{}"], "nothing else is posted");
    let said = |code: u64| {
        let body = format!(r#"{{"success":false,"errors":[{{"code":{code},"message":"m"}}]}}"#);
        inspected(2, 400, &body)
    };
    assert_eq!(said(1012).unwrap().words.len(), 1);
    assert_eq!(said(10000).unwrap_err().effect, Effect::Credentials);
    let good = inspected(2, 200, r#"{"success":true,"errors":[]}"#);
    assert!(good.is_err(), "nobody asked for a purge");
}

#[test]
fn the_token_and_the_zone_tell_how_they_are() {
    let token = |rest: &str| {
        inspected(
            0,
            200,
            &format!(r#"{{"success":true,"result":{{"id":"i",{rest}}}}}"#),
        )
    };
    assert_eq!(
        token(r#""status":"active""#).unwrap().words,
        ["the token is active"]
    );
    let soon = token(r#""status":"active","expires_on":"2024-01-05T00:00:00Z""#).unwrap();
    assert_eq!(soon.remarks[0].message, "the token ends on 2024-01-05");
    let off = token(r#""status":"disabled""#).unwrap_err();
    assert_eq!(
        (off.effect, &*off.summary),
        (Effect::Credentials, "the token is disabled")
    );
    let refused =
        |code: u64| format!(r#"{{"success":false,"errors":[{{"code":{code},"message":"m"}}]}}"#);
    // One of an account, which may purge all the same.
    assert_eq!(
        inspected(0, 403, &refused(10000)).unwrap(),
        Inspection::default()
    );
    assert_eq!(
        inspected(0, 401, &refused(1000)).unwrap_err().effect,
        Effect::Credentials
    );

    let zone = |status: &str, paused: bool| {
        let body = format!(
            r#"{{"success":true,"result":{{"name":"example.com","status":"{status}","paused":{paused}}}}}"#
        );
        inspected(1, 200, &body).unwrap()
    };
    assert_eq!(zone("active", false).domains, ["example.com"]);
    assert_eq!(zone("active", false).enabled, Some(true));
    assert_eq!(zone("pending", false).enabled, Some(false));
    assert_eq!(zone("active", true).enabled, Some(false));
    assert_eq!(inspected(1, 403, &refused(10000)).unwrap().remarks.len(), 1);
    assert_eq!(
        inspected(1, 404, &refused(7003)).unwrap_err().effect,
        Effect::Endpoint
    );
}
