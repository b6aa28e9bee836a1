//! The emulated Cloudflare: what it refuses, and what its purges take out of the edge.

use purgit::emulator::cloudflare::{
    ACCOUNT_TOKEN, API_TOKEN, Cloudflare, ENVIRONMENT_ID, ErrorCode, OTHER_ZONE_ID,
    PURGE_ONLY_TOKEN, READ_ONLY_TOKEN, ZONE_ID,
};
use purgit::emulator::{Bucket, EdgeSettings, Emulator, Origin, Running, Settings};
use serde_json::{Value, json};

use super::client::{http, tagged_origin};

fn strict() -> Cloudflare {
    Cloudflare {
        hosts: vec!["www.example.com".to_owned(), "*.img.example.com".to_owned()],
        ..Cloudflare::default()
    }
}

async fn start(api: Cloudflare) -> Running {
    let settings = Settings::default();
    Emulator::start(settings, Box::new(api)).await.unwrap()
}

/// The status and the body of an answer.
async fn send(
    running: &Running,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (u16, Value) {
    let url = format!("{}/client/v4{path}", running.api_url());
    let mut request = http().request(method.parse().unwrap(), url);
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let answer = request.body(body.to_owned()).send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        serde_json::from_str(&answer.text().await.unwrap()).unwrap(),
    )
}

async fn purge(running: &Running, body: &Value) -> (u16, Value) {
    let path = format!("/zones/{ZONE_ID}/purge_cache");
    let token = format!("Bearer {API_TOKEN}");
    send(running, "POST", &path, Some(&token), &body.to_string()).await
}

fn codes(answer: &Value) -> Vec<u64> {
    let errors = answer["errors"].as_array().unwrap().iter();
    errors
        .map(|error| error["code"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn every_refusal_of_a_body_has_its_code() {
    let running = start(strict()).await;
    let many = |count: usize, text: &str| vec![text.to_owned(); count];
    let long = "t".repeat(1025);
    let deep = format!("www.example.com/{}", "a/".repeat(31));
    let good = "https://www.example.com/a";
    for (body, expected) in [
        (json!({}), vec![1012]),
        (json!([]), vec![1012]),
        (json!({ "files": [] }), vec![1012]),
        (
            json!({ "tags": ["a"], "hosts": ["www.example.com"] }),
            vec![1012],
        ),
        (json!({ "purge_everything": "yes" }), vec![1013]),
        (json!({ "files": good }), vec![1014]),
        (
            json!({ "files": [good, { "url": good, "headers": {} }] }),
            vec![1014],
        ),
        (
            json!({ "purge_everything": true, "tags": ["a"] }),
            vec![1092],
        ),
        (json!({ "files": many(101, good) }), vec![1094]),
        (json!({ "tags": many(101, "a") }), vec![1101]),
        (json!({ "hosts": many(101, "www.example.com") }), vec![1111]),
        (
            json!({ "prefixes": many(101, "www.example.com/") }),
            vec![1094],
        ),
        (json!({ "files": ["/a"] }), vec![1084]),
        (
            json!({ "files": ["https://www.example.com/*"] }),
            vec![1084],
        ),
        (
            json!({ "files": ["https://feeds.example.net/"] }),
            vec![1082, 1016],
        ),
        (
            json!({ "prefixes": ["https://www.example.com/"] }),
            vec![1084],
        ),
        (json!({ "prefixes": ["www.example.com/a?b"] }), vec![1084]),
        (json!({ "prefixes": [deep] }), vec![1084]),
        (json!({ "tags": [long] }), vec![1100]),
        (json!({ "tags": ["a b"] }), vec![1100]),
        (json!({ "hosts": ["h".repeat(201)] }), vec![1114]),
        (json!({ "hosts": ["a/b"] }), vec![1115]),
    ] {
        let (status, answer) = purge(&running, &body).await;
        assert_eq!((status, codes(&answer)), (400, expected), "{body}");
        assert_eq!(answer["success"], json!(false));
    }
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn who_asks_and_for_what_is_checked() {
    let running = start(strict()).await;
    let everything = r#"{"purge_everything":true}"#;
    let bearer = |token: &str| format!("Bearer {token}");
    let good = bearer(API_TOKEN);
    let zone = format!("/zones/{ZONE_ID}/purge_cache");
    let other = format!("/zones/{OTHER_ZONE_ID}/purge_cache");
    let read = format!("/zones/{ZONE_ID}");
    for (method, path, token, expected) in [
        ("POST", &*zone, None, (400, 6003)),
        ("POST", &zone, Some("bearer not-a-real-key"), (400, 6003)),
        ("POST", &zone, Some("Bearer wrong"), (403, 10000)),
        ("POST", &zone, Some(&*bearer(READ_ONLY_TOKEN)), (403, 10000)),
        ("POST", &other, Some(&good), (403, 10000)),
        (
            "POST",
            "/zones/example.com/purge_cache",
            Some(&good),
            (404, 7003),
        ),
        ("DELETE", &zone, Some(&good), (404, 7003)),
        (
            "GET",
            "/user/tokens/verify",
            Some("Bearer wrong"),
            (401, 1000),
        ),
        (
            "GET",
            "/user/tokens/verify",
            Some(&*bearer(ACCOUNT_TOKEN)),
            (403, 10000),
        ),
        ("GET", &read, Some(&*bearer(PURGE_ONLY_TOKEN)), (403, 10000)),
    ] {
        let (status, answer) = send(&running, method, path, token, everything).await;
        assert_eq!(
            (status, codes(&answer)[0]),
            expected,
            "{method} {path} {token:?}"
        );
    }
    let (status, answer) = send(&running, "GET", "/user/tokens/verify", Some(&good), "").await;
    assert_eq!(
        (status, &answer["result"]["status"]),
        (200, &json!("active"))
    );
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn files_cannot_be_purged_where_a_rule_selects_by_visitor() {
    let running = start(Cloudflare {
        visitor_rules: true,
        ..strict()
    })
    .await;
    let token = format!("Bearer {API_TOKEN}");
    let path = format!("/zones/{ZONE_ID}/environments/{ENVIRONMENT_ID}/invalidate_cache");
    let files = r#"{"files":["https://www.example.com/"]}"#;
    let (status, answer) = send(&running, "POST", &path, Some(&token), files).await;
    assert_eq!((status, codes(&answer)), (400, vec![1136]));
    let (status, _) = send(&running, "POST", &path, Some(&token), r#"{"tags":["a"]}"#).await;
    assert_eq!(status, 200);
}

#[tokio::test(start_paused = true)]
async fn urls_and_other_kinds_have_buckets_of_their_own() {
    let running = start(Cloudflare {
        urls: Bucket::of_second(2.0),
        others: Bucket::of_second(1.0),
        ..strict()
    })
    .await;
    let url = "https://www.example.com/a";
    let two = json!({ "files": [url, url] });
    let tag = json!({ "tags": ["a"] });
    assert_eq!(purge(&running, &two).await.0, 200);
    assert_eq!(purge(&running, &tag).await.0, 200);
    for body in [&two, &tag] {
        let (status, answer) = purge(&running, body).await;
        assert_eq!((status, codes(&answer)), (429, vec![1134]), "{body}");
    }
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(purge(&running, &two).await.0, 200);
    assert_eq!(purge(&running, &tag).await.0, 200);
}

#[test]
fn codes_are_unique() {
    let codes: std::collections::BTreeSet<_> =
        ErrorCode::ALL.iter().map(|known| known.code).collect();
    assert_eq!(codes.len(), ErrorCode::WORDS.len());
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
    let edge = edge.trim_end_matches('/').to_owned();
    let pages = ["/docs/a", "/docs/a?v=1", "/docsets/b", "/News"];
    let look = async || {
        let mut hits = Vec::new();
        for page in pages {
            let answer = http().get(format!("{edge}{page}")).send().await.unwrap();
            hits.push(answer.headers()["x-cache"] == "HIT");
        }
        hits
    };
    look().await;
    for (body, kept) in [
        (
            json!({ "files": ["https://www.example.com/docs/a"] }),
            [false, true, true, true],
        ),
        (
            json!({ "prefixes": ["www.example.com/docs/"] }),
            [false, false, true, true],
        ),
        (json!({ "tags": ["NEWS"] }), [true, true, true, false]),
        (json!({ "hosts": ["www.example.com"] }), [false; 4]),
        (json!({ "hosts": ["a.img.example.com"] }), [true; 4]),
        (json!({ "purge_everything": true }), [false; 4]),
    ] {
        assert_eq!(purge(&running, &body).await.0, 200, "{body}");
        assert_eq!(look().await, kept, "{body}");
    }
    let token = format!("Bearer {API_TOKEN}");
    let path = format!("/zones/{ZONE_ID}/environments/{ENVIRONMENT_ID}/purge_cache");
    let body = r#"{"purge_everything":true}"#;
    let (status, _) = send(&running, "POST", &path, Some(&token), body).await;
    assert_eq!((status, look().await), (200, vec![true; 4]));
}
