//! TLS that fails before and after the request was sent, against a server with the certificate of
//! `tests/fixtures/tls`. Where trusted certificates are not read from a file, there is no test.
#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use super::child::expect;

fn fixture(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/fixtures/tls").join(name)
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_file(fixture("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("key.pem")).unwrap();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// Serves one connection: reads a request, then does that with the connection. Says whether a
/// request arrived.
async fn serve<F: Future<Output = ()> + Send>(
    then: impl FnOnce(TlsStream<TcpStream>) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<bool>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor().accept(stream).await else {
            return false;
        };
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                return false;
            };
            request.push(byte);
        }
        then(stream).await;
        true
    });
    (address, served)
}

async fn expect_trusting(address: SocketAddr, expected: &str) {
    let trusted = fixture("certificate.pem").display().to_string();
    let url = format!("https://{address}/");
    expect(&url, &[("SSL_CERT_FILE", &trusted)], expected).await;
}

#[tokio::test]
async fn a_certificate_that_is_trusted_lets_the_request_through() {
    let (address, served) = serve(|mut stream| async move {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await;
    expect_trusting(address, "Answer").await;
    assert!(served.await.unwrap());
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_keeps_the_request_back() {
    let (address, served) = serve(|_| async {}).await;
    expect(&format!("https://{address}/"), &[], "Tls").await;
    assert!(!served.await.unwrap(), "nothing was sent");
}

/// The CDN has the request and may have done what it asks for.
#[tokio::test]
async fn tls_that_breaks_after_the_request_leaves_a_doubt() {
    let (address, served) = serve(|stream| async move {
        let (mut raw, _) = stream.into_inner();
        raw.write_all(b"this is no TLS record").await.unwrap();
        // Until the other side hangs up, which is not to be the reason.
        let _ = raw.read(&mut [0; 64]).await;
    })
    .await;
    expect_trusting(address, "TlsBroken").await;
    assert!(served.await.unwrap(), "the request arrived");
}
