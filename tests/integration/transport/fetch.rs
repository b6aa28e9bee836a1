//! Fetching what users get: decoded, hashed, never kept, from the address that was named.

use std::net::IpAddr;

use purgit::content::blob_id;
use purgit::transport::fetch::{Connect, Fetch, Fetched, MAX_FETCHED_BYTES};
use purgit::transport::http_fetch::HttpFetch;
use purgit::transport::{HeaderValue, Request, TransportErrorKind};

use super::server::{Answer, Server};
use super::{chain, get};

const TEXT: &[u8] = br#"{"a":"hello hello hello"}"#;
/// The same, compressed.
const GZIP: &str = "1f8b0800000000000203ab564a54b252ca48cdc9c9574022956a0143b05cb919000000";
const BROTLI: &str = "0b0c807b2261223a2268656c6c6f2068656c6c6f2068656c6c6f227d03";

/// A user's question.
fn page(url: String) -> Request {
    Request {
        headers: vec![("accept-encoding", "br".into())],
        ..get(url)
    }
}

fn at(server: &Server) -> Connect {
    Connect {
        address: server.address().ip(),
        port: Some(server.address().port()),
        plain: true,
    }
}

async fn fetch(server: &Server) -> Fetched {
    let fetch = HttpFetch::default();
    fetch
        .fetch(page(server.url("/a")), None, None)
        .await
        .unwrap()
}

#[tokio::test]
async fn bodies_are_hashed_as_they_are_meant() {
    let encoded = |encoding: &str, hex: &str| {
        let header = format!("content-encoding: {encoding}\r\n");
        (header, hex::decode(hex).unwrap())
    };
    let all = [
        (String::new(), TEXT.to_vec()),
        encoded("gzip", GZIP),
        encoded("br", BROTLI),
    ];
    for (header, body) in all {
        let server = Server::saying("200 OK", &format!("{header}age: 7\r\n"), &body).await;
        let fetched = fetch(&server).await;
        assert_eq!(fetched.id, Some(blob_id(TEXT)), "{header}");
        assert_eq!((fetched.status, fetched.header("age")), (200, Some("7")));
        let sent = server.requests().remove(0);
        assert!(sent.contains("accept-encoding: br\r\n"), "{sent}");
        assert!(
            !sent.contains("cache-control") && !sent.contains("pragma"),
            "{sent}"
        );
    }
}

#[tokio::test]
async fn what_is_no_whole_body_has_no_hash() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf";
    let server = Server::start(Answer::BytesAndClose(cut.to_vec())).await;
    let fetch = HttpFetch::default();
    let fetched = fetch.fetch(page(server.url("/a")), None, None);
    let error = fetched.await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Interrupted);
    chain(&error);
    let server = Server::saying("200 OK", "content-encoding: gzip\r\n", TEXT).await;
    let fetched = fetch.fetch(page(server.url("/a")), None, None);
    assert!(fetched.await.is_err(), "it is not gzip");
}

#[tokio::test]
async fn a_body_may_be_large_and_not_endless() {
    let large = vec![b'a'; 3 * 1024 * 1024];
    let server = Server::saying("200 OK", "", &large).await;
    assert_eq!(fetch(&server).await.id, Some(blob_id(&large)));
    let most = usize::try_from(MAX_FETCHED_BYTES).unwrap();
    let server = Server::saying("200 OK", "", &vec![b'a'; most + 1]).await;
    let fetched = fetch(&server).await;
    assert_eq!((fetched.status, fetched.id), (200, None));
}

#[tokio::test]
async fn an_edge_is_asked_under_the_name_of_the_url() {
    let server = Server::saying("404 Not Found", "", b"").await;
    let fetch = HttpFetch::default();
    for url in [
        "https://www.example.com/a?b=c",
        "http://www.example.com/a?b=c",
    ] {
        let asked = fetch.fetch(page(url.to_owned()), Some(at(&server)), None);
        assert_eq!(asked.await.unwrap().status, 404);
        let sent = server.requests().pop().unwrap();
        assert!(sent.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("host: www.example.com\r\n"), "{sent}");
    }
}

/// Where the URL has an address in place of a name, no resolver is asked.
#[tokio::test]
async fn an_edge_is_asked_where_the_url_has_an_address_too() {
    let server = Server::saying("404 Not Found", "", b"").await;
    let other = Server::saying("200 OK", "", b"").await;
    let fetch = HttpFetch::default();
    let own = other.url("/a");
    let own_host = own["http://".len()..].trim_end_matches("/a");
    for (url, host) in [
        (own.as_str(), own_host),
        ("http://192.0.2.1/a", "192.0.2.1"),
        ("http://[2001:db8::1]:8080/a", "[2001:db8::1]:8080"),
        ("https://192.0.2.1/a", "192.0.2.1"),
    ] {
        let asked = fetch.fetch(page(url.to_owned()), Some(at(&server)), None);
        assert_eq!(asked.await.unwrap().status, 404, "{url}");
        let sent = server.requests().pop().unwrap();
        assert!(sent.contains(&format!("host: {host}\r\n")), "{sent}");
    }
    assert_eq!(other.requests(), [""; 0]);
    // A certificate is for the name or address of the URL.
    let tls = Connect {
        plain: false,
        ..at(&server)
    };
    let asked = fetch.fetch(page("https://192.0.2.1/a".to_owned()), Some(tls), None);
    let error = asked.await.unwrap_err();
    assert_eq!(
        error.brief(),
        "request cannot be sent: TLS at another address needs a host name in the URL"
    );
}

#[tokio::test]
async fn redirects_are_not_followed_and_secrets_do_not_travel_in_the_open() {
    let server = Server::saying("302 Found", "location: http://127.0.0.1:1/\r\n", b"").await;
    assert_eq!(fetch(&server).await.status, 302);
    let secret = || {
        let mut secret = page("http://www.example.com/".to_owned());
        let header = ("x-bypass", HeaderValue::secret("not-a-real-key"));
        secret.headers.push(header);
        secret
    };
    let fetch = HttpFetch::default();
    let public = Connect {
        address: "203.0.113.10".parse().unwrap(),
        port: None,
        plain: false,
    };
    let asked = fetch.fetch(secret(), Some(public), None);
    assert_eq!(asked.await.unwrap_err().kind, TransportErrorKind::Insecure);
    let asked = fetch.fetch(secret(), None, None);
    assert_eq!(asked.await.unwrap_err().kind, TransportErrorKind::Insecure);
    // On this machine and in private networks, nobody listens in.
    let asked = fetch.fetch(secret(), Some(at(&server)), None);
    assert_eq!(asked.await.unwrap().status, 302);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn addresses_read_as_they_are_written() {
    let shown = |address: &str, port, plain| {
        let address: IpAddr = address.parse().unwrap();
        let connect = Connect {
            address,
            port,
            plain,
        };
        connect.to_string()
    };
    assert_eq!(shown("203.0.113.10", None, false), "203.0.113.10");
    assert_eq!(
        shown("203.0.113.10", Some(80), true),
        "http://203.0.113.10:80"
    );
    assert_eq!(shown("2001:db8::1", None, false), "2001:db8::1");
    assert_eq!(shown("2001:db8::1", None, true), "http://[2001:db8::1]");
    assert_eq!(shown("2001:db8::1", Some(443), false), "[2001:db8::1]:443");
}
