//! The emulated Fastly: what it refuses, and what its purges take out of the edge.

use std::time::Duration;

use purgit::emulator::fastly::{
    API_TOKEN, ErrorCode, Fastly, OTHER_SERVICE_TOKEN, READ_ONLY_TOKEN, SELECT_TOKEN, SERVICE_ID,
};
use purgit::emulator::{Bucket, EdgeSettings, Emulator, Origin, Running, Settings};
use serde_json::{Value, json};

use super::client::{http, tagged_origin};

fn strict() -> Fastly {
    Fastly {
        hosts: vec!["www.example.com".to_owned(), "*.img.example.com".to_owned()],
        ..Fastly::default()
    }
}

async fn start(api: Fastly) -> Running {
    let settings = Settings::default();
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

/// The answer of a request with these headers: its status, its headers, its body.
async fn send(
    running: &Running,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, reqwest::header::HeaderMap, Value) {
    let url = format!("{}{path}", running.api_url());
    let mut request = http().request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await.unwrap();
    (status, headers, serde_json::from_str(&text).unwrap())
}

async fn post(running: &Running, path: &str, body: &str) -> (u16, Value) {
    let key = [("fastly-key", API_TOKEN)];
    let (status, _, body) = send(running, ("POST", path), &key, body).await;
    (status, body)
}

fn batch(keys: &[&str]) -> String {
    json!({ "surrogate_keys": keys }).to_string()
}

#[tokio::test]
async fn every_refusal_has_its_status_and_its_body() {
    let running = start(strict()).await;
    let purge = &*format!("/service/{SERVICE_ID}/purge");
    let one = |key: &str| format!("{purge}/{key}");
    let long = "k".repeat(1025);
    let deep = format!("/purge/www.example.com/{}", "a".repeat(8 * 1024));
    let lost = "Record not found";
    for (path, body, status, expected) in [
        (
            "/purge/www.example.com%2Fa",
            "",
            400,
            json!({ "msg": "Malformed purge request" }),
        ),
        (
            "/purge/",
            "",
            400,
            json!({ "msg": "Malformed purge request" }),
        ),
        (&deep, "", 414, json!({ "msg": "URI Too Long" })),
        (
            "/purge/feeds.example.net/",
            "",
            404,
            json!({ "msg": lost, "details": "Cannot find service" }),
        ),
        (
            "/service/nope/purge",
            "",
            404,
            json!({ "msg": lost, "detail": "Couldn't find Service 'nope'" }),
        ),
        (
            "/nothing",
            "",
            404,
            json!({ "msg": lost, "detail": "There is nothing here" }),
        ),
        (
            purge,
            &batch(&["k"; 257]),
            400,
            json!({ "status": "fail", "reason": "Batch surrogate key request only supports up to 256 surrogate keys" }),
        ),
        (
            &one(&long),
            "",
            400,
            json!({ "status": "fail", "reason": "surrogate key too long, must be less than 1024 bytes" }),
        ),
    ] {
        assert_eq!(
            post(&running, path, body).await,
            (status, expected),
            "{path}"
        );
    }
    for body in [
        "",
        "{}",
        "[]",
        &batch(&[]),
        &batch(&["a b"]),
        r#"{"surrogate_keys":[1]}"#,
    ] {
        assert_eq!(post(&running, purge, body).await.0, 400, "{body}");
    }
    let both = [("fastly-key", API_TOKEN), ("surrogate-key", "k")];
    let (status, ..) = send(&running, ("POST", purge), &both, &batch(&["k"])).await;
    assert_eq!(status, 400);
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn who_asks_and_for_what_is_checked() {
    let running = start(strict()).await;
    let service = format!("/service/{SERVICE_ID}");
    let everything = format!("{service}/purge_all");
    for (token, call, status) in [
        (None, ("POST", &*everything), 401),
        (Some("wrong"), ("POST", &everything), 401),
        (Some(SELECT_TOKEN), ("POST", &everything), 403),
        (Some(SELECT_TOKEN), ("POST", "/purge/www.example.com/"), 200),
        (Some(SELECT_TOKEN), ("GET", &service), 403),
        (
            Some(READ_ONLY_TOKEN),
            ("POST", "/purge/www.example.com/"),
            403,
        ),
        (Some(READ_ONLY_TOKEN), ("GET", &service), 200),
        (Some(OTHER_SERVICE_TOKEN), ("POST", &everything), 403),
        (Some(API_TOKEN), ("GET", "/purge/www.example.com/"), 404),
    ] {
        let header = token.map(|token| ("fastly-key", token));
        let (found, ..) = send(&running, call, header.as_slice(), "").await;
        assert_eq!(found, status, "{token:?} {call:?}");
    }
    let select = [("fastly-key", SELECT_TOKEN)];
    let (_, _, token) = send(&running, ("GET", "/tokens/self"), &select, "").await;
    assert_eq!(token["scopes"], json!(["purge_select"]));
    let all = [("fastly-key", API_TOKEN)];
    let details = format!("{service}/details");
    let (_, _, found) = send(&running, ("GET", &details), &all, "").await;
    let domains = json!([{ "name": "www.example.com" }, { "name": "*.img.example.com" }]);
    assert_eq!(found["active_version"]["domains"], domains);
}

#[tokio::test]
async fn a_batch_is_answered_from_the_edge_with_an_id_for_each_key() {
    let running = start(strict()).await;
    let purge = format!("/service/{SERVICE_ID}/purge");
    let keys = [("fastly-key", API_TOKEN), ("surrogate-key", "k1 k2")];
    let (status, headers, ids) = send(&running, ("POST", &purge), &keys, "").await;
    assert_eq!((status, ids.as_object().unwrap().len()), (200, 2));
    assert!(ids["k2"].as_str().unwrap().ends_with("-2"), "{ids}");
    assert!(!headers.contains_key("content-type"));
    assert_eq!(headers["fastly-surrogate-key-count"], "2");
}

#[tokio::test(start_paused = true)]
async fn writes_have_a_limit_an_hour_that_says_when_it_ends_and_purges_have_another() {
    let running = start(Fastly {
        writes_per_hour: 1,
        purges: Bucket::of_second(1.0),
        ..strict()
    })
    .await;
    let everything = format!("/service/{SERVICE_ID}/purge_all");
    let key = [("fastly-key", API_TOKEN)];
    let (status, headers, body) = send(&running, ("POST", &everything), &key, "").await;
    assert_eq!((status, body), (200, json!({ "status": "ok" })));
    assert_eq!(headers["fastly-ratelimit-remaining"], "0");
    let (status, headers, body) = send(&running, ("POST", &everything), &key, "").await;
    assert_eq!(status, 429, "{body}");
    assert!(!headers.contains_key("retry-after"));
    let reset: i64 = headers["fastly-ratelimit-reset"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(reset % 3600, 0);
    let page = "/purge/www.example.com/";
    assert_eq!(post(&running, page, "").await.0, 200);
    let (status, headers, _) = send(&running, ("POST", page), &key, "").await;
    assert_eq!(
        (status, headers.contains_key("fastly-ratelimit-reset")),
        (429, false)
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(post(&running, page, "").await.0, 200);
}

#[test]
fn names_of_errors_are_unique() {
    let names: std::collections::BTreeSet<_> = ErrorCode::WORDS.iter().collect();
    assert_eq!(names.len(), ErrorCode::ALL.len());
}

#[tokio::test]
async fn each_kind_takes_out_what_it_means_and_nothing_else() {
    let running = Emulator::start(
        Settings {
            edge: Some(EdgeSettings {
                public_host: Some("www.example.com".to_owned()),
                ..EdgeSettings::new(Origin::Url(tagged_origin().await.parse().unwrap()))
            }),
            ..Settings::default()
        },
        Box::new(strict()),
    )
    .await
    .unwrap();
    let edge = running.edge_url().unwrap();
    let pages = ["/docs/a", "/docs/a?v=1", "/docs", "/News"];
    let look = async || {
        let mut hits = Vec::new();
        for page in pages {
            let answer = http().get(format!("{edge}{page}")).send().await.unwrap();
            hits.push(answer.headers()["x-cache"] == "HIT");
        }
        hits
    };
    look().await;
    let service = format!("/service/{SERVICE_ID}");
    let keys = format!("{service}/purge");
    for (path, body, kept) in [
        (
            "/purge/www.example.com/docs/a",
            "",
            [false, true, true, true],
        ),
        (
            "/purge/https://www.example.com/docs/a?v=1",
            "",
            [true, false, true, true],
        ),
        ("/purge/www.example.com/DOCS", "", [true; 4]),
        (&*keys, &*batch(&["news"]), [true; 4]),
        (&keys, &batch(&["News", "a"]), [false, false, true, false]),
        (
            &format!("{service}/purge/docs"),
            "",
            [false, false, false, true],
        ),
        (&format!("{service}/purge_all"), "", [false; 4]),
    ] {
        assert_eq!(post(&running, path, body).await.0, 200, "{path}");
        assert_eq!(look().await, kept, "{path} {body}");
    }
}
