//! The real transport against a server of raw bytes.

use std::time::Duration;

use purgit::transport::http::HttpTransport;
use purgit::transport::{
    HeaderValue, Method, REQUEST_TIMEOUT, Request, Response, Transport, TransportError,
    TransportErrorKind, TransportLimits,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::server::{Answer, Server};
use super::{chain, get};

/// Size limit of the tests, in bytes.
const SMALL: usize = 1000;

/// `{"a":"hello hello hello"}`, compressed.
const GZIP: &str = "1f8b0800000000000203ab564a54b252ca48cdc9c9574022956a0143b05cb919000000";

/// 100,000 digits `0`, compressed to 133 bytes.
const GZIP_BOMB: &str = "1f8b0800000000000203edc13101000000c2a04aeb9fce1a1e4001000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000af0685c24dc5a0860100";

/// Short limits, but for time-outs that a busy machine could run into.
fn transport() -> HttpTransport {
    HttpTransport::new(TransportLimits {
        body_bytes: SMALL,
        ..TransportLimits::default()
    })
}

/// Limits for servers that never answer.
fn hasty() -> HttpTransport {
    HttpTransport::new(TransportLimits {
        request: Duration::from_millis(50),
        ..TransportLimits::default()
    })
}

async fn failure(transport: &HttpTransport, url: &str) -> TransportError {
    let error = transport.send(get(url), None).await.unwrap_err();
    chain(&error);
    error
}

async fn against(answer: Answer) -> Result<Response, TransportErrorKind> {
    let server = Server::start(answer).await;
    let answer = transport().send(get(server.url("/")), None).await;
    answer.map_err(|error| {
        chain(&error);
        error.kind
    })
}

#[tokio::test]
async fn what_was_built_is_what_is_sent() {
    let server = Server::saying("202 Accepted", "X-Correlation-Id: abc\r\n", b"{}").await;
    let request = Request {
        method: Method::Post,
        url: server.url("/a/b%2Fc;d?apiVersion=1.0"),
        headers: vec![
            ("x-azurecdn-request-date", "2024-01-02 13:04:05".into()),
            (
                "authorization",
                HeaderValue::secret("AzureCDN k:not-a-real-key"),
            ),
            ("content-type", "application/json".into()),
        ],
        body: b"{\"Files\":[]}".to_vec(),
    };
    let response = transport().send(request, None).await.unwrap();
    assert_eq!(response.status, 202);
    assert_eq!(response.header("x-correlation-id"), Some("abc"));
    assert_eq!(response.body, b"{}");

    let sent = server.requests().remove(0);
    assert!(sent.starts_with("POST /a/b%2Fc;d?apiVersion=1.0 HTTP/1.1\r\n"));
    assert!(sent.ends_with("\r\n\r\n{\"Files\":[]}"), "{sent}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        "x-azurecdn-request-date: 2024-01-02 13:04:05",
        "authorization: AzureCDN k:not-a-real-key",
        "content-type: application/json",
        "content-length: 12",
        &format!("user-agent: purgit/{version}"),
    ] {
        assert!(sent.lines().any(|sent| sent == line), "{line} in {sent}");
    }
}

#[tokio::test]
async fn each_method_arrives_as_sent() {
    let json = ("content-type", HeaderValue::from("application/json"));
    let server = Server::saying("200 OK", "", b"").await;
    for (method, word, body) in [
        (Method::Get, "GET", ""),
        (Method::Post, "POST", "{}"),
        (Method::Put, "PUT", "{}"),
        (Method::Delete, "DELETE", ""),
        (Method::Purge, "PURGE", ""),
        (Method::Ban, "BAN", ""),
    ] {
        let mut request = get(server.url("/a?b=c"));
        request.method = method;
        request.body = body.into();
        request.headers.push(json.clone());
        assert_eq!(transport().send(request, None).await.unwrap().status, 200);
        let sent = server.requests().pop().unwrap();
        let line = format!("{word} /a?b=c HTTP/1.1\r\n");
        assert!(sent.starts_with(&line), "{sent}");
        assert!(sent.ends_with(&format!("\r\n\r\n{body}")), "{sent}");
    }
}

#[tokio::test]
async fn the_answer_to_head_has_no_body_whatever_it_announces() {
    let size = SMALL + 1;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\nage: 7\r\n\r\n");
    let server = Server::start(Answer::Bytes(head.into_bytes())).await;
    let mut request = get(server.url("/"));
    request.method = Method::Head;
    let response = transport().send(request, None).await.unwrap();
    assert_eq!(
        (response.header("age"), &*response.body),
        (Some("7"), &b""[..])
    );
    assert!(server.requests()[0].starts_with("HEAD / "));
}

#[tokio::test]
async fn connections_are_used_again() {
    let server = Server::saying("200 OK", "", b"{}").await;
    let transport = transport();
    for _ in 0..5 {
        transport.send(get(server.url("/")), None).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn redirects_are_handed_back() {
    let other = Server::saying("200 OK", "", b"").await;
    let location = format!("location: {}\r\n", other.url("/"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let server = Server::saying(status, &location, b"").await;
        let response = transport().send(get(server.url("/")), None).await.unwrap();
        assert_eq!(response.status, status[..3].parse::<u16>().unwrap());
        assert_eq!(response.header("location"), Some(&*other.url("/")));
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let exact = [b'x'; SMALL];
    let server = Server::saying("200 OK", "", &exact).await;
    let response = transport().send(get(server.url("/")), None).await.unwrap();
    assert_eq!(response.body, exact);

    let over = "x".repeat(SMALL + 1);
    let announced = Server::saying("200 OK", "", over.as_bytes()).await;
    let error = failure(&transport(), &announced.url("/")).await;
    assert_eq!(error.kind, TransportErrorKind::BodyTooLarge);

    // Without an announcement, by chunks and until the end of the connection.
    let size = over.len();
    for head in [
        format!("transfer-encoding: chunked\r\n\r\n{size:x}\r\n"),
        "connection: close\r\n\r\n".to_owned(),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{head}{over}\r\n0\r\n\r\n");
        let answer = against(Answer::Bytes(bytes.into_bytes())).await;
        assert_eq!(answer, Err(TransportErrorKind::BodyTooLarge));
    }
}

#[tokio::test]
async fn compressed_bodies_are_unpacked_within_the_limit() {
    let gzip = "content-encoding: gzip\r\n";
    let server = Server::saying("200 OK", gzip, &hex::decode(GZIP).unwrap()).await;
    let response = transport().send(get(server.url("/")), None).await.unwrap();
    assert_eq!(response.body, b"{\"a\":\"hello hello hello\"}");
    assert!(server.requests()[0].contains("accept-encoding: gzip"));

    let bomb = Server::saying("200 OK", gzip, &hex::decode(GZIP_BOMB).unwrap()).await;
    let error = failure(&transport(), &bomb.url("/")).await;
    assert_eq!(error.kind, TransportErrorKind::BodyTooLarge);

    let broken = Server::saying("200 OK", gzip, b"{\"a\":1}").await;
    let error = failure(&transport(), &broken.url("/")).await;
    assert_eq!(error.kind, TransportErrorKind::Interrupted);
}

#[tokio::test]
async fn broken_connections_leave_a_doubt() {
    let cut: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"Succeeded\":";
    let chunk: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabcde\r\n";
    for answer in [
        Answer::HangUp,
        Answer::HangUpAfterwards,
        Answer::BytesAndClose(cut.to_vec()),
        Answer::BytesAndClose(chunk.to_vec()),
        Answer::BytesAndClose(b"HTTP/1.1 2".to_vec()),
        Answer::Bytes(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
    ] {
        let name = format!("{answer:?}");
        let kind = against(answer).await.unwrap_err();
        assert_eq!(kind, TransportErrorKind::Interrupted, "{name}");
        assert!(kind.may_have_arrived());
    }
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = failure(&transport(), &format!("http://{address}/")).await;
    assert_eq!(error.kind, TransportErrorKind::Connect);
    assert!(!error.kind.may_have_arrived());
    assert!(chain(&error).contains("refused"), "{}", chain(&error));
}

#[tokio::test]
async fn a_server_that_never_answers_is_a_time_out() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    for answer in [Answer::Silence, Answer::Bytes(half)] {
        let server = Server::start(answer).await;
        let error = failure(&hasty(), &server.url("/")).await;
        assert_eq!(error.kind, TransportErrorKind::Timeout);
    }
}

/// Every byte comes soon enough, and the body never ends.
#[tokio::test]
async fn the_deadline_bounds_an_answer_that_drips() {
    let server = Server::start(Answer::Drip).await;
    let started = Instant::now();
    let deadline = Some(started + Duration::from_millis(50));
    let answer = transport().send(get(server.url("/")), deadline).await;
    assert_eq!(answer.unwrap_err().kind, TransportErrorKind::Timeout);
    assert!(started.elapsed() < REQUEST_TIMEOUT / 2);
    assert_eq!(server.requests().len(), 1);

    let hasty = hasty().send(get(server.url("/")), None).await;
    assert_eq!(hasty.unwrap_err().kind, TransportErrorKind::Timeout);
}

#[tokio::test]
async fn nothing_is_sent_after_the_deadline() {
    let server = Server::saying("200 OK", "", b"").await;
    let deadline = Some(Instant::now());
    let answer = transport().send(get(server.url("/")), deadline).await;
    let kind = answer.unwrap_err().kind;
    assert_eq!(kind, TransportErrorKind::TooLate);
    assert!(!kind.may_have_arrived());
    assert_eq!(server.connections(), 0);
}

/// The other side takes the connection and never shakes hands.
#[tokio::test]
async fn a_connection_that_takes_too_long_was_never_made() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let transport = HttpTransport::new(TransportLimits {
        connect: Duration::from_millis(50),
        ..TransportLimits::default()
    });
    let error = failure(&transport, &format!("https://{address}/")).await;
    assert_eq!(error.kind, TransportErrorKind::Connect, "{}", chain(&error));
}

#[tokio::test]
async fn a_host_without_tls_is_named_as_such() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 64];
        let _ = stream.read(&mut hello).await;
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut hello).await;
    });
    let error = failure(&transport(), &format!("https://127.0.0.1:{port}/")).await;
    served.abort();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{}", chain(&error));
    assert!(error.kind.hint().unwrap().contains("native-tls"));
}

/// Not a byte leaves: the address is one of documentation, where nothing answers.
#[tokio::test]
async fn plain_http_to_another_machine_is_refused() {
    let error = failure(&transport(), "http://192.0.2.1/").await;
    assert_eq!(error.kind, TransportErrorKind::Insecure);
    assert!(error.source.is_none());
}

#[tokio::test]
async fn requests_that_cannot_be_sent() {
    let server = Server::saying("200 OK", "", b"").await;
    let mut broken = get(server.url("/"));
    broken.headers[0].1 = HeaderValue::secret("AzureCDN k:not-a-real-key\n");
    let error = transport().send(broken, None).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Invalid);
    chain(&error);
    let rewritten = failure(&transport(), &server.url("/a/../b")).await;
    assert_eq!(rewritten.kind, TransportErrorKind::Invalid);
    assert_eq!(server.connections(), 0);
}
