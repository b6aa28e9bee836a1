//! Requests of the classic Azure China CDN, byte for byte.

use purgit::credential::CredentialRef;
use purgit::entry::TargetKind;
use purgit::operation::Task;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::provider::{Auth, Provider, Tasks};
use purgit::transport::{HeaderValue, Method, Request};
use serde_json::json;

use super::samples::{ENDPOINT, KEY_ID, SUBSCRIPTION, TASK, afternoon, azure, azure_credentials};
use super::{operation, targets};

const BASE: &str = "https://restapi.cdn.azure.cn/subscriptions/00000000-0000-0000-0000-000000000001/endpoints/00000000-0000-0000-0000-000000000002";

fn build(request: impl FnOnce(Auth<'_>) -> Request) -> Request {
    let credentials = azure_credentials();
    request(Auth {
        credentials: &credentials,
        token: None,
        now: afternoon(),
    })
}

fn signed_with(signature: &str) -> Vec<(&'static str, HeaderValue)> {
    vec![
        ("x-azurecdn-request-date", "2024-01-02 13:04:05".into()),
        (
            "authorization",
            HeaderValue::secret(format!("AzureCDN {KEY_ID}:{signature}")),
        ),
    ]
}

fn task(id: &str) -> Task {
    Task {
        id: id.to_owned(),
        details: serde_json::Value::Null,
    }
}

/// With the signature of the facts page.
#[test]
fn add_purge() {
    let cdn = azure(DEFAULT_API_URL);
    let files = ["https://www.example.com/a?b=c", "https://www.example.com/é"];
    let mut all = targets(TargetKind::File, &files);
    all.extend(targets(
        TargetKind::Directory,
        &["https://www.example.com/d/"],
    ));
    let request = build(|auth| cdn.submit(&operation(&cdn, &all), auth));
    let mut headers =
        signed_with("77DFCE9EFB891DA4A47EEA9F3AF9FEABA89EF2D1FEE713C7C25F44B4CFF1381C");
    headers.push(("content-type", "application/json".into()));
    let body = r#"{"Files":["https://www.example.com/%C3%A9","https://www.example.com/a?b=c"],"Directories":["https://www.example.com/d/"]}"#;
    assert_eq!(request.method, Method::Post);
    assert_eq!(request.url, format!("{BASE}/purges?apiVersion=1.0"));
    assert_eq!(request.headers, headers);
    assert_eq!(String::from_utf8(request.body).unwrap(), body);
}

#[test]
fn a_kind_without_urls_is_left_out() {
    let cdn = azure(DEFAULT_API_URL);
    let body = |kind, url| {
        let operation = operation(&cdn, &targets(kind, &[url]));
        let request = build(|auth| cdn.submit(&operation, auth));
        String::from_utf8(request.body).unwrap()
    };
    assert_eq!(
        body(TargetKind::File, "https://h.example/a"),
        r#"{"Files":["https://h.example/a"]}"#
    );
    assert_eq!(
        body(TargetKind::Directory, "https://h.example/a/"),
        r#"{"Directories":["https://h.example/a/"]}"#
    );
}

/// With the signature of the facts page.
#[test]
fn query_purge() {
    let request = build(|auth| azure(DEFAULT_API_URL).poll(&task(TASK), auth));
    assert_eq!(request.method, Method::Get);
    assert_eq!(request.url, format!("{BASE}/purges/{TASK}?apiVersion=1.0"));
    assert_eq!(
        request.headers,
        signed_with("B97EFD82E795C6541BA3C9952EF431AD28C370FC30D56BCB217832FC67AA36EC")
    );
    assert!(request.body.is_empty());
}

#[test]
fn the_other_questions() {
    let cdn = azure(DEFAULT_API_URL);
    for question in ["operation", "operationOnly"] {
        let asked = Task {
            details: json!(question),
            ..task(TASK)
        };
        let operation = build(|auth| cdn.poll(&asked, auth));
        let url = format!("{BASE}/operations/{TASK}?apiVersion=1.0");
        assert_eq!((operation.method, operation.url), (Method::Get, url));
        assert!(operation.body.is_empty());
    }
    let one = build(|auth| cdn.inspect(auth).remove(0));
    assert_eq!(one.url, format!("{BASE}?apiVersion=1.0"));
    assert_eq!(one.method, Method::Get);
    assert!(one.body.is_empty());
}

/// The vendor's samples disagree on lower-casing the signed path; with a lower-case path they
/// agree.
#[test]
fn guids_are_sent_in_lower_case() {
    let upper = AzureChinaCdn::new(Config {
        subscription_id: SUBSCRIPTION.replace('1', "A"),
        endpoint_id: ENDPOINT.replace('2', "B"),
        api_url: DEFAULT_API_URL.to_owned(),
        credentials: Keys {
            key_id: CredentialRef::Env("A".to_owned()),
            key_value: CredentialRef::Env("B".to_owned()),
        },
    });
    let id = TASK.replace('3', "C");
    let request = build(|auth| upper.poll(&task(&id), auth));
    let (_, path) = request.url.split_once("/subscriptions").unwrap();
    let (path, _) = path.split_once('?').unwrap();
    assert_eq!(path, path.to_ascii_lowercase());
    assert!(upper.identity().to_string().contains("00000000000b"));
}

/// What is signed is what is sent, also behind a gateway with a path of its own.
#[test]
fn the_base_path_is_signed_too() {
    let plain = build(|auth| azure("https://gate.example").inspect(auth).remove(0));
    let below = build(|auth| azure("https://gate.example/azure/").inspect(auth).remove(0));
    let path = |request: &Request| request.url.clone().replace("https://gate.example", "");
    assert_eq!(path(&below), format!("/azure{}", path(&plain)));
    assert_ne!(plain.headers, below.headers);
}
