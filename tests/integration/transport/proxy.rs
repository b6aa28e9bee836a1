//! Proxy variables.

use super::child::expect;
use super::server::Server;

async fn expect_with_proxy(url: &str, proxy: &Server, expected: &str) {
    let address = format!("http://{}", proxy.address());
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"];
    expect(url, &names.map(|name| (name, &*address)), expected).await;
}

#[tokio::test]
async fn this_machine_is_never_asked_through_a_proxy() {
    let proxy = Server::saying("502 Bad Gateway", "", b"").await;
    let server = Server::saying("200 OK", "", b"{}").await;
    expect_with_proxy(&server.url("/"), &proxy, "Answer").await;
    assert_eq!((server.connections(), proxy.connections()), (1, 0));
}

/// The name does not exist; only the proxy gets to see it.
#[tokio::test]
async fn another_machine_is_asked_through_the_proxy() {
    let proxy = Server::saying("502 Bad Gateway", "", b"").await;
    expect_with_proxy("https://cdn.invalid/", &proxy, "Connect").await;
    let asked = proxy.requests().remove(0);
    assert!(asked.starts_with("CONNECT cdn.invalid:443 "), "{asked}");
    assert!(!asked.contains("not-a-real-key"), "{asked}");
}
