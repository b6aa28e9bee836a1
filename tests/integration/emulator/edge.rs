//! The edge: stale before, fresh after.

use std::path::Path;
use std::time::Duration;

use purgit::emulator::azure_china_cdn::AzureChinaCdn;
use purgit::emulator::{EdgeSettings, Emulator, EmulatorError, Origin, Running, Settings};
use tokio::time::advance;

use super::client::{Raw, http, settings, start};

fn write(root: &Path, name: &str, text: &str) {
    let file = root.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

async fn before(origin: Origin, latency: Duration) -> Running {
    start(Settings {
        latency,
        edge: Some(EdgeSettings::new(origin)),
        ..settings()
    })
    .await
}

async fn folder(root: &Path) -> Running {
    before(Origin::Folder(root.to_owned()), Duration::ZERO).await
}

/// `X-Cache` and the body of a path.
async fn look(edge: &str, path: &str) -> (String, String) {
    let response = http().get(format!("{edge}{path}")).send().await.unwrap();
    let cache = response.headers()["x-cache"].to_str().unwrap().to_owned();
    (cache, response.text().await.unwrap())
}

fn seen(cache: &str, body: &str) -> (String, String) {
    (cache.to_owned(), body.to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_page_is_stale_until_its_purge_succeeds() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "page.html", "old");
    let origin = Origin::Folder(root.path().to_owned());
    let running = before(origin, Duration::from_secs(60)).await;
    let edge = running.edge_url().unwrap();
    assert_eq!(look(&edge, "/page.html").await, seen("MISS", "old"));
    write(root.path(), "page.html", "new");
    advance(Duration::from_secs(5)).await;
    let response = http()
        .get(format!("{edge}/page.html"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["age"], "5");
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(response.text().await.unwrap(), "old");

    Raw::purge(&[&format!("{edge}/page.html")], &[])
        .send(&running)
        .await
        .task();
    assert_eq!(look(&edge, "/page.html").await, seen("HIT", "old"));
    advance(Duration::from_secs(59)).await;
    assert_eq!(look(&edge, "/page.html").await, seen("HIT", "old"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(look(&edge, "/page.html").await, seen("MISS", "new"));
    assert_eq!(look(&edge, "/page.html").await, seen("HIT", "new"));
}

#[tokio::test(start_paused = true)]
async fn an_edge_dates_by_its_own_clock() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "page.html", "old");
    let origin = Origin::Folder(root.path().to_owned());
    for (behaviour, seconds) in [("plain", 0), ("ahead=90s", 90), ("behind=1h", -3600)] {
        let settings = settings();
        let clock = settings.clock.clone();
        let running = start(Settings {
            edge: Some(EdgeSettings {
                behaviour: behaviour.parse().unwrap(),
                ..EdgeSettings::new(origin.clone())
            }),
            ..settings
        })
        .await;
        let page = format!("{}/page.html", running.edge_url().unwrap());
        let response = http().get(page).send().await.unwrap();
        let date = response.headers()["date"].to_str().unwrap();
        let date = chrono::DateTime::parse_from_rfc2822(date).unwrap();
        let off = date.signed_duration_since(clock.now());
        assert_eq!(off.num_seconds(), seconds, "{behaviour}");
    }
}

#[tokio::test]
async fn a_directory_purge_drops_all_below_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let paths = [
        "/",
        "/a.html",
        "/d/",
        "/d/x.html",
        "/d/x.html?v=1",
        "/d/e/y.html",
        "/da.html",
    ];
    let files = [
        "index.html",
        "a.html",
        "d/index.html",
        "d/x.html",
        "d/e/y.html",
        "da.html",
    ];
    for file in files {
        write(root.path(), file, "old");
    }
    let running = folder(root.path()).await;
    let edge = running.edge_url().unwrap();
    for path in paths {
        assert_eq!(look(&edge, path).await, seen("MISS", "old"), "{path}");
    }
    for file in files {
        write(root.path(), file, "new");
    }
    Raw::purge(&[], &[&format!("{edge}/d/")])
        .send(&running)
        .await
        .task();
    for path in paths {
        let expected = if path.starts_with("/d/") {
            seen("MISS", "new")
        } else {
            seen("HIT", "old")
        };
        assert_eq!(look(&edge, path).await, expected, "{path}");
    }
    // A file purge is exact: another query is another entry.
    write(root.path(), "d/x.html", "newer");
    Raw::purge(&[&format!("{edge}/d/x.html")], &[])
        .send(&running)
        .await
        .task();
    assert_eq!(look(&edge, "/d/x.html").await, seen("MISS", "newer"));
    assert_eq!(look(&edge, "/d/x.html?v=1").await, seen("HIT", "new"));
}

#[tokio::test]
async fn a_purge_that_fails_or_sticks_leaves_the_page_stale() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a", "old");
    let running = folder(root.path()).await;
    let edge = running.edge_url().unwrap();
    look(&edge, "/a").await;
    write(root.path(), "a", "new");
    for fault in ["fail-url=http://**@purge*1", "stuck*1"] {
        running.inject(fault.parse().unwrap()).unwrap();
        Raw::purge(&[&format!("{edge}/a")], &[])
            .send(&running)
            .await
            .task();
        assert_eq!(look(&edge, "/a").await, seen("HIT", "old"), "{fault}");
    }
}

#[tokio::test]
async fn hosts_are_kept_apart_unless_one_is_set() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a", "old");
    let running = folder(root.path()).await;
    let edge = running.edge_url().unwrap();
    let ask = async |edge: &str, host: &str| {
        let request = http().get(format!("{edge}/a")).header("Host", host);
        request.send().await.unwrap().headers()["x-cache"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(ask(&edge, "one.example.com").await, "MISS");
    assert_eq!(ask(&edge, "two.example.com").await, "MISS");
    Raw::purge(&["https://ONE.example.com/a"], &[])
        .send(&running)
        .await
        .task();
    assert_eq!(ask(&edge, "one.example.com").await, "MISS");
    assert_eq!(ask(&edge, "two.example.com").await, "HIT");

    let mut edge = EdgeSettings::new(Origin::Folder(root.path().to_owned()));
    edge.public_host = Some("www.example.com".into());
    let running = start(Settings {
        edge: Some(edge),
        ..settings()
    })
    .await;
    let edge = running.edge_url().unwrap();
    assert_eq!(ask(&edge, "one.example.com").await, "MISS");
    assert_eq!(ask(&edge, "two.example.com").await, "HIT");
    Raw::purge(&["http://www.example.com/a"], &[])
        .send(&running)
        .await
        .task();
    assert_eq!(ask(&edge, "two.example.com").await, "MISS");
}

#[tokio::test]
async fn head_is_answered_like_get_and_other_methods_are_not() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.txt", "four");
    let running = folder(root.path()).await;
    let url = format!("{}/a.txt", running.edge_url().unwrap());
    for cache in ["MISS", "HIT"] {
        let response = http().head(&url).send().await.unwrap();
        assert_eq!(response.headers()["x-cache"], cache);
        assert_eq!(response.headers()["content-length"], "4");
    }
    let response = http().post(&url).send().await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["allow"].to_str().unwrap()
        ),
        (405, "GET, HEAD")
    );
}

#[tokio::test]
async fn a_folder_is_not_left() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret", "secret");
    write(outside.path(), "root/sub/index.html", "sub");
    let root = outside.path().join("root");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path().join("secret"), root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("sub/index.html"), root.join("inside")).unwrap();
    }
    let running = folder(&root).await;
    let edge = running.edge_url().unwrap();
    for path in [
        "/%2e%2e/secret",
        "/sub/%2e%2e/%2e%2e/secret",
        "/..%2fsecret",
        "/link",
        "/none",
        "/none/",
        "/sub/index.html/",
        "/%00",
        "/a%5cb",
    ] {
        // Without a URL type in between that would tidy the path up.
        let response = raw_get(&edge, path).await;
        assert!(response.starts_with("HTTP/1.1 404"), "{path}: {response}");
    }
    assert!(
        raw_get(&edge, "/../secret")
            .await
            .starts_with("HTTP/1.1 404")
    );
    let moved = raw_get(&edge, "/sub").await;
    assert!(
        moved.starts_with("HTTP/1.1 301") && moved.contains("location: /sub/\r\n"),
        "{moved}"
    );
    assert_eq!(look(&edge, "/sub/").await.1, "sub");
    #[cfg(unix)]
    assert_eq!(look(&edge, "/inside").await.1, "sub");
}

async fn raw_get(edge: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = edge.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn an_origin_can_be_a_server() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "a.html", "old");
    let origin = folder(root.path()).await;
    let origin_url = origin.edge_url().unwrap();
    let running = before(Origin::Url(origin_url.parse().unwrap()), Duration::ZERO).await;
    let edge = running.edge_url().unwrap();
    assert_eq!(look(&edge, "/a.html").await, seen("MISS", "old"));
    assert_eq!(look(&edge, "/a.html").await, seen("HIT", "old"));
    for _ in 0..2 {
        let missing = http().get(format!("{edge}/none")).send().await.unwrap();
        assert_eq!(
            (missing.status().as_u16(), &missing.headers()["x-cache"]),
            (404, &"MISS".parse().unwrap())
        );
    }
    write(root.path(), "a.html", "new");
    for (server, url) in [(&origin, &origin_url), (&running, &edge)] {
        Raw::purge(&[&format!("{url}/a.html")], &[])
            .send(server)
            .await
            .task();
    }
    assert_eq!(look(&edge, "/a.html").await, seen("MISS", "new"));
    origin.shutdown().await;
    let gone = http().get(format!("{edge}/b")).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 502);
    assert_eq!(look(&edge, "/a.html").await, seen("HIT", "new"));
}

#[tokio::test]
async fn an_origin_that_cannot_be_used_is_an_error_at_the_start() {
    for origin in [
        Origin::Folder("/no/such/folder".into()),
        Origin::Url("ftp://h/".parse().unwrap()),
    ] {
        let settings = Settings {
            edge: Some(EdgeSettings::new(origin)),
            ..settings()
        };
        let started = Emulator::start(settings, Box::<AzureChinaCdn>::default()).await;
        let error = started.unwrap_err();
        assert!(matches!(error, EmulatorError::Edge(_)), "{error}");
    }
}

#[tokio::test]
async fn the_manifest_is_for_the_edge() {
    let root = tempfile::tempdir().unwrap();
    let running = folder(root.path()).await;
    assert!(
        running.manifest().contains(r#"hosts: ["127.0.0.1"]"#),
        "{}",
        running.manifest()
    );
    let mut named = AzureChinaCdn::default();
    let account = &mut named.account;
    account.set_hosts(&["www.example.com", "127.0.0.1"]);
    let settings = Settings {
        edge: Some(EdgeSettings::new(Origin::Folder(root.path().to_owned()))),
        ..settings()
    };
    let running = Emulator::start(settings, Box::new(named)).await.unwrap();
    let manifest = running.manifest();
    let expected = r#"hosts: ["127.0.0.1", "www.example.com"]"#;
    assert!(manifest.contains(expected), "{manifest}");
}
