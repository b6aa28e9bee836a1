//! Proxy variables. The environment belongs to the whole process, so each case runs this very test
//! binary again with variables of its own.

use std::process::{Command, Stdio};

use purgit::transport::http::HttpTransport;
use purgit::transport::{Transport, TransportErrorKind};

use super::get;
use super::server::Server;

/// What the child is to fetch; without it the child does nothing.
const URL: &str = "PURGIT_TEST_URL";

/// What the child is to expect: `answer` or `connect`.
const EXPECTED: &str = "PURGIT_TEST_EXPECTED";

#[tokio::test]
#[ignore = "run by the other tests of this file, with variables set"]
async fn child() {
    let (Ok(url), Ok(expected)) = (std::env::var(URL), std::env::var(EXPECTED)) else {
        return;
    };
    let outcome = match HttpTransport::default().send(get(url)).await {
        Ok(_) => "answer",
        Err(error) if error.kind == TransportErrorKind::Connect => "connect",
        Err(_) => "another error",
    };
    assert_eq!(outcome, expected);
}

async fn run_child(url: &str, proxy: &Server, expected: &str) {
    let proxy = format!("http://{}", proxy.address());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "transport::proxy::child", "--ignored"])
        .env_clear()
        .envs(["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"].map(|name| (name, &proxy)))
        .env(URL, url)
        .env(EXPECTED, expected)
        .stdin(Stdio::null());
    // The servers answer on this thread meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
async fn this_machine_is_never_asked_through_a_proxy() {
    let proxy = Server::saying("502 Bad Gateway", "", b"").await;
    let server = Server::saying("200 OK", "", b"{}").await;
    run_child(&server.url("/"), &proxy, "answer").await;
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

/// The name does not exist; only the proxy gets to see it.
#[tokio::test]
async fn another_machine_is_asked_through_the_proxy() {
    let proxy = Server::saying("502 Bad Gateway", "", b"").await;
    run_child("https://cdn.invalid/", &proxy, "connect").await;
    let asked = proxy.requests().remove(0);
    assert!(asked.starts_with("CONNECT cdn.invalid:443 "), "{asked}");
    assert!(!asked.contains("not-a-real-key"), "{asked}");
}
