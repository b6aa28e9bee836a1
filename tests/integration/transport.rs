//! The transport: the real one against a socket on this machine, the rate limiter on a paused
//! clock, and the scripted one.

mod child;
mod fetch;
mod http;
mod proxy;
mod rate;
mod scripted;
mod server;
mod tls;

use purgit::transport::{HeaderValue, Method, Request, TransportError};

fn get(url: impl Into<String>) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: vec![(
            "authorization",
            HeaderValue::secret("AzureCDN k:not-a-real-key"),
        )],
        body: Vec::new(),
    }
}

/// An error with everything below it, as it would be printed; never with what proves identity.
fn chain(error: &TransportError) -> String {
    let mut text = format!("{error} | {error:?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = format!("{text} | {inner} | {inner:?}");
        cause = inner.source();
    }
    assert!(!text.contains("not-a-real-key"), "{text}");
    text
}

/// Another CDN has other headers, and tokens in its URLs.
#[test]
fn what_proves_identity_is_not_shown() {
    let request = Request {
        method: Method::Purge,
        url: "https://cdn.example/a?token=not-a-real-key".to_owned(),
        headers: vec![
            ("x-purge-token", HeaderValue::secret("not-a-real-key")),
            ("accept", "text/plain".into()),
        ],
        body: b"secret=not-a-real-key".to_vec(),
    };
    assert_eq!(
        format!("{request:?}"),
        "Request { method: Purge, url: \"https://cdn.example/a\", headers: [(\"x-purge-token\", [secret]), \
         (\"accept\", text/plain)], body_bytes: 21 }"
    );
}
