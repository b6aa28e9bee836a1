//! Refusals and faults of the classic Azure China CDN.

use std::collections::BTreeSet;
use std::time::Duration;

use purgit::entry::TargetKind;
use purgit::operation::Task;
use purgit::provider::azure_china_cdn::config::DEFAULT_API_URL;
use purgit::provider::azure_china_cdn::error_type::ErrorType;
use purgit::provider::{ApiError, Effect, Provider, Tasks};
use purgit::transport::Response;
use purgit::transport::retry::RetryClass;

use super::samples::azure;
use super::{operation, response, targets, with_header};
use serde_json::{Value, json};

fn submitted(response: &Response) -> ApiError {
    let cdn = azure(DEFAULT_API_URL);
    let files = targets(TargetKind::File, &["https://www.example.com/a"]);
    let submitted = cdn.submitted(&operation(&cdn, &files), response);
    submitted.unwrap_err()
}

fn refusal(kind: &str) -> String {
    format!(r#"{{"Succeeded":false,"ErrorInfo":{{"Type":"{kind}","Message":"In words."}}}}"#)
}

/// Every documented type: what it means, and a word its remedy must name.
const TABLE: [(&str, RetryClass, Effect, &str); 18] = {
    use Effect::{Credentials, Endpoint, Items, Step};
    use RetryClass::{ClockSkew, Never, Throttled};
    [
        ("CredentialInvalid", Never, Credentials, "keyValue"),
        ("ParameterMissing", Never, Step, "apiUrl"),
        ("ParameterInvalid", Never, Items, "domain"),
        ("MissingAuthorizationHeader", Never, Credentials, "proxy"),
        ("InvalidRequestDateHeader", ClockSkew, Endpoint, "clock"),
        ("MissingRequestDateHeader", Never, Endpoint, "proxy"),
        (
            "AuthorizationHeaderExpired",
            ClockSkew,
            Credentials,
            "clock",
        ),
        ("InvalidAuthorizationHeader", Never, Credentials, "keyId"),
        ("ApiKeyNotFound", Never, Credentials, "keyId"),
        ("InvalidApiKey", Never, Credentials, "keyId"),
        ("WrongSignature", Never, Credentials, "line end"),
        ("SubscriptionNotFound", Never, Endpoint, "subscriptionId"),
        (
            "EndpointDoesNotBelongToSubscription",
            Never,
            Endpoint,
            "endpointId",
        ),
        ("EndpointNotInActiveState", Never, Endpoint, "ICP"),
        ("EndpointNotFound", Never, Endpoint, "endpointId"),
        ("MaliciousItemPathDetected", Never, Items, "URLs"),
        ("PermissionDenied", Never, Credentials, "read-write"),
        ("RequestThrottled", Throttled, Step, "requestsPerSecond"),
    ]
};

#[test]
fn every_documented_type_has_a_meaning_whatever_its_status() {
    let documented: BTreeSet<_> = ErrorType::ALL
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect();
    let listed = TABLE.iter().map(|(kind, ..)| (*kind).to_owned()).collect();
    assert_eq!(documented, listed);

    for (kind, retry, effect, remedy) in TABLE {
        for status in [200, 202, 400, 401, 404, 500] {
            let answer = response(status, &refusal(kind));
            let error = submitted(&answer);
            let text = format!("the CDN refused the request with `{kind}`: In words.");
            assert_eq!(error.summary, text);
            assert_eq!((error.retry, error.effect), (retry, effect), "{kind}");
            let hint = error.hint.clone().unwrap_or_default();
            assert!(hint.contains(remedy), "{kind}: {hint}");
            // A refusal that is about one request is about one task then.
            let of_task =
                matches!(effect, Effect::Step | Effect::Items) && retry == RetryClass::Never;
            for question in [Value::Null, json!("operation"), json!("operationOnly")] {
                let task = Task {
                    id: "7".to_owned(),
                    details: question.clone(),
                };
                let asked = azure(DEFAULT_API_URL).polled(&task, &answer);
                match (of_task, question == "operationOnly") {
                    (false, _) => assert_eq!(asked, Err(error.clone())),
                    (true, false) => assert!(asked.is_ok(), "{kind} {question}"),
                    (true, true) => assert_eq!(asked.unwrap_err().effect, Effect::Forgotten),
                }
            }
        }
    }
}

#[test]
fn types_are_known_in_any_case_and_kept_when_unknown() {
    assert_eq!(
        ErrorType::parse("wrongsignature"),
        Some(ErrorType::WrongSignature)
    );
    assert_eq!(ErrorType::parse("Brand New"), None);
    let error = submitted(&response(400, &refusal("Brand New")));
    let text = "the CDN refused the request with `Brand New`: In words.";
    assert_eq!(error.summary, text);
}

/// The CDN says no, so there is no doubt; the status decides on the rest.
#[test]
fn unknown_types_fail_the_request() {
    use RetryClass::{Never, Throttled, Transient};
    let rows = [
        (200, Never, Effect::Step),
        (400, Never, Effect::Step),
        (401, Never, Effect::Credentials),
        (429, Throttled, Effect::Step),
        (503, Transient, Effect::Step),
    ];
    for (status, retry, effect) in rows {
        let error = submitted(&response(status, &refusal("BrandNew")));
        assert_eq!((error.retry, error.effect), (retry, effect), "{status}");
        assert!(error.summary.contains("`BrandNew`"), "{error}");
    }
}

#[test]
fn refusals_without_a_reason() {
    for body in [
        r#"{"Succeeded":false}"#,
        r#"{"Succeeded":"false","ErrorInfo":null}"#,
        r#"{"Succeeded":false,"ErrorInfo":{"Type":"","Message":null}}"#,
        r#"{"Succeeded":false,"ErrorInfo":"oops"}"#,
    ] {
        let error = submitted(&response(202, body));
        let text = "the CDN refused the request without a reason (HTTP 202)";
        assert_eq!(error.summary, text, "{body}");
        assert_eq!(error.effect, Effect::Step);
    }
    let untold = submitted(&response(200, r#"{"ErrorInfo":{"Type":"InvalidApiKey"}}"#));
    assert_eq!(untold.effect, Effect::Credentials);
}

#[test]
fn without_a_readable_body_the_status_decides() {
    use RetryClass::{Never, Throttled, Transient};
    let rows = [
        (400, Never, Effect::Step),
        (401, Never, Effect::Credentials),
        (403, Never, Effect::Credentials),
        (404, Never, Effect::Step),
        (407, Never, Effect::Endpoint),
        (408, Transient, Effect::InDoubt),
        (413, Never, Effect::Items),
        (418, Never, Effect::Step),
        (429, Throttled, Effect::Step),
        (500, Transient, Effect::InDoubt),
        (502, Transient, Effect::InDoubt),
        (503, Transient, Effect::InDoubt),
        (504, Transient, Effect::InDoubt),
    ];
    for (status, retry, effect) in rows {
        for body in ["", "Service down", r#"{"Message":"no"}"#, "[1"] {
            let error = submitted(&response(status, body));
            assert_eq!((error.retry, error.effect), (retry, effect), "{status}");
            assert!(error.summary.contains(&status.to_string()), "{error}");
            assert!(error.summary.contains(body.trim()), "{error}");
        }
    }
}

#[test]
fn pages_are_named_briefly_and_without_signatures() {
    let page = "<html>\n<head><title>502\u{1b}[31m Bad\r\nGateway</title></head><body>x</body>";
    let error = submitted(&response(502, page));
    assert_eq!(
        error.summary,
        "HTTP 502 without an error message of the CDN: 502 [31m Bad Gateway"
    );
    let sign_in = submitted(&response(200, "<html><body>Please sign in</body></html>"));
    assert_eq!(
        sign_in.summary,
        "the answer is a page instead of JSON (HTTP 200): Please sign in"
    );
    assert_eq!(sign_in.retry, RetryClass::Never);
    assert_eq!(sign_in.effect, Effect::InDoubt);
    assert!(sign_in.hint.unwrap().contains("proxy"));

    let echo = format!("Authorization: AzureCDN k:{}", "0F".repeat(32));
    let error = submitted(&response(500, &echo));
    assert!(!error.summary.contains("0F0F"), "{error}");
    let long = submitted(&response(500, &"word ".repeat(10_000)));
    assert!(long.summary.chars().count() < 300);
}

#[test]
fn answers_cut_short_may_come_whole_the_next_time() {
    for body in ["", r#"{"Succeeded":true,"Async"#, "\u{feff}"] {
        let error = submitted(&response(202, body));
        assert_eq!(error.retry, RetryClass::Transient, "{body}");
        assert_eq!(error.effect, Effect::InDoubt, "{body}");
    }
}

#[test]
fn redirects_are_refused_by_host() {
    let rows = [
        (
            "https://portal.example/login?token=abc",
            "redirect to `portal.example` (HTTP 302)",
        ),
        (
            "/other",
            "redirect to another path of the same host (HTTP 302)",
        ),
    ];
    for (location, text) in rows {
        let error = submitted(&with_header(response(302, ""), "location", location));
        assert!(error.summary.ends_with(text), "{error}");
        assert_eq!(
            (error.retry, error.effect),
            (RetryClass::Never, Effect::Endpoint)
        );
        assert!(error.hint.unwrap().contains("`apiUrl`"));
    }
    let nowhere = submitted(&response(304, ""));
    assert!(nowhere.summary.contains("elsewhere"), "{nowhere}");
}

#[test]
fn waiting_times_come_from_the_headers() {
    let throttled = response(429, &refusal("RequestThrottled"));
    let seconds = with_header(throttled.clone(), "retry-after", "7");
    assert_eq!(
        submitted(&seconds).retry_after,
        Some(Duration::from_secs(7))
    );
    let dated = with_header(throttled.clone(), "date", "Tue, 02 Jan 2024 13:04:05 GMT");
    let dated = with_header(dated, "retry-after", "Tue, 02 Jan 2024 13:05:05 GMT");
    assert_eq!(submitted(&dated).retry_after, Some(Duration::from_secs(60)));
    assert_eq!(submitted(&throttled).retry_after, None);
}

/// No type exists for an exhausted quota, so words decide.
#[test]
fn a_quota_that_is_used_up_is_told_from_throttling() {
    let exhausted = Effect::Exhausted { until: None };
    let refused = |status, kind: &str, message: &str| {
        let info = json!({ "Type": kind, "Message": message });
        let body = json!({ "Succeeded": false, "ErrorInfo": info }).to_string();
        let error = submitted(&response(status, &body));
        (error.retry, error.effect)
    };
    for message in [
        "The quota is used up.",
        "2000 files per day",
        "Daily limit exceeded",
        "no more purges today",
    ] {
        let of_day = refused(429, "RequestThrottled", message);
        assert_eq!(of_day, (RetryClass::Never, exhausted), "{message}");
    }
    for status in [200, 400, 403, 429, 500] {
        let of_day = refused(status, "QuotaExceeded", "no");
        assert_eq!(of_day, (RetryClass::Never, exhausted), "{status}");
    }
    let throttled = (RetryClass::Throttled, Effect::Step);
    assert_eq!(
        refused(429, "RequestThrottled", "Too many requests."),
        throttled
    );
    // A documented type means what it says, whatever its words.
    let message = "send it again today";
    let (_, effect) = refused(400, "ParameterInvalid", message);
    assert_eq!(effect, Effect::Items);
}
