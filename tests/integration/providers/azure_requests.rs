//! Requests of the classic Azure China CDN, byte for byte.

use purgit::credential::CredentialRef;
use purgit::operation::Task;
use purgit::provider::azure_china_cdn::AzureChinaCdn;
use purgit::provider::azure_china_cdn::config::{Config, DEFAULT_API_URL, Keys};
use purgit::provider::{Auth, Inquiry, Provider};
use purgit::transport::{HeaderValue, Method, Request};

use super::samples::{ENDPOINT, KEY_ID, SUBSCRIPTION, TASK, afternoon, azure, azure_credentials};
use super::step;

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
    let step = step(
        &["https://www.example.com/a?b=c", "https://www.example.com/é"],
        &["https://www.example.com/d/"],
    );
    let request = build(|auth| azure(DEFAULT_API_URL).submit(&step, auth));
    let mut headers =
        signed_with("77DFCE9EFB891DA4A47EEA9F3AF9FEABA89EF2D1FEE713C7C25F44B4CFF1381C");
    headers.push(("content-type", "application/json".into()));
    let body = r#"{"Files":["https://www.example.com/a?b=c","https://www.example.com/%C3%A9"],"Directories":["https://www.example.com/d/"]}"#;
    assert_eq!(request.method, Method::Post);
    assert_eq!(request.url, format!("{BASE}/purges?apiVersion=1.0"));
    assert_eq!(request.headers, headers);
    assert_eq!(String::from_utf8(request.body).unwrap(), body);
}

#[test]
fn a_kind_without_urls_is_left_out() {
    let body = |step| {
        let request = build(|auth| azure(DEFAULT_API_URL).submit(&step, auth));
        String::from_utf8(request.body).unwrap()
    };
    assert_eq!(
        body(step(&["https://h.example/a"], &[])),
        r#"{"Files":["https://h.example/a"]}"#
    );
    assert_eq!(
        body(step(&[], &["https://h.example/a/"])),
        r#"{"Directories":["https://h.example/a/"]}"#
    );
}

/// With the signature of the facts page.
#[test]
fn query_purge() {
    let request = build(|auth| azure(DEFAULT_API_URL).inquire(&task(TASK), Inquiry::Items, auth));
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
    let operation = build(|auth| cdn.inquire(&task(TASK), Inquiry::Overall, auth));
    assert_eq!(
        operation.url,
        format!("{BASE}/operations/{TASK}?apiVersion=1.0")
    );
    let list = build(|auth| cdn.list_endpoints(auth));
    let (all, _) = BASE.rsplit_once('/').unwrap();
    assert_eq!(list.url, format!("{all}?apiVersion=1.0"));
    let one = build(|auth| cdn.get_endpoint(auth));
    assert_eq!(one.url, format!("{BASE}?apiVersion=1.0"));
    for request in [operation, list, one] {
        assert_eq!(request.method, Method::Get);
        assert!(request.body.is_empty());
    }
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
    let request = build(|auth| upper.inquire(&task(&id), Inquiry::Items, auth));
    let (_, path) = request.url.split_once("/subscriptions").unwrap();
    let (path, _) = path.split_once('?').unwrap();
    assert_eq!(path, path.to_ascii_lowercase());
    assert!(upper.identity().to_string().contains("00000000000b"));
}

/// What is signed is what is sent, also behind a gateway with a path of its own.
#[test]
fn the_base_path_is_signed_too() {
    let plain = build(|auth| azure("https://gate.example").get_endpoint(auth));
    let below = build(|auth| azure("https://gate.example/azure/").get_endpoint(auth));
    let path = |request: &Request| request.url.clone().replace("https://gate.example", "");
    assert_eq!(path(&below), format!("/azure{}", path(&plain)));
    assert_ne!(plain.headers, below.headers);
}
