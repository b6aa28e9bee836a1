//! The emulated cache node: what it refuses, and what its purges take out of what it holds.

use purgit::emulator::http_cache::{HttpCache, PURGE_TOKEN};
use purgit::emulator::{EdgeSettings, Emulator, Origin, Running, Settings};

use super::client::{http, tagged_origin};

async fn start(settings: Settings) -> Running {
    let api = Box::new(HttpCache::default());
    Emulator::start(settings, api).await.unwrap()
}

/// The status of the answer, and what it says was done.
async fn send(
    running: &Running,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> (u16, String) {
    let url = format!("{}{path}", running.api_url());
    let mut request = http().request(method.parse().unwrap(), url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    let said = answer.headers().get("cache-purge-result");
    let said = said.map(|said| said.to_str().unwrap().to_owned());
    (answer.status().as_u16(), said.unwrap_or_default())
}

const TOKEN: (&str, &str) = ("x-purge-token", PURGE_TOKEN);

#[tokio::test]
async fn it_refuses_as_the_real_one_does() {
    let running = start(Settings::default()).await;
    for (method, headers, status) in [
        ("PURGE", &[][..], 403),
        ("PURGE", &[("x-purge-token", "wrong")], 403),
        ("BAN", &[TOKEN], 400),
        ("BAN", &[TOKEN, ("x-url", "(")], 400),
        ("PURGEKEYS", &[TOKEN], 400),
        ("DELETE", &[TOKEN], 405),
    ] {
        assert_eq!(
            send(&running, method, "/a", headers).await,
            (status, String::new()),
            "{method}"
        );
    }
    assert!(running.purge_log().is_empty());
}

#[tokio::test]
async fn its_purges_take_out_what_they_say() {
    let origin = tagged_origin().await;
    let edge = EdgeSettings::new(Origin::Url(origin.parse().unwrap()));
    let running = start(Settings {
        edge: Some(edge),
        ..Settings::default()
    })
    .await;
    let edge = running.edge_url().unwrap();
    let host = ("host", edge.strip_prefix("http://").unwrap());
    let get = async |path: &str| {
        let answer = http().get(format!("{edge}{path}")).send().await.unwrap();
        answer.headers()["x-cache"].to_str().unwrap().to_owned()
    };
    for (method, path, header, said, gone, kept) in [
        ("PURGE", "/a?b=c", TOKEN, "exact;count=1", "/a?b=c", "/a"),
        ("BAN", "/", ("x-url", "^/d[.]1/"), "ban", "/d.1/x", "/dx1/x"),
    ] {
        for path in [gone, kept] {
            get(path).await;
            assert_eq!(get(path).await, "HIT", "{path}");
        }
        let answer = send(&running, method, path, &[TOKEN, host, header]).await;
        assert_eq!(answer, (200, said.to_owned()));
        assert_eq!(
            (get(gone).await, get(kept).await),
            ("MISS".to_owned(), "HIT".to_owned())
        );
    }
    get("/red/blue").await;
    let keys = [TOKEN, ("xkey-purge", "green blue")];
    let answer = send(&running, "PURGEKEYS", "/", &keys).await;
    assert_eq!(answer, (200, "tags;count=2".to_owned()));
    assert_eq!(get("/red/blue").await, "MISS");
}
