//! The transport: the real one against a socket on this machine, the rate limiter on a paused
//! clock, and the scripted one.

mod http;
mod proxy;
mod rate;
mod scripted;
mod server;

use purgit::transport::{Method, Request, TransportError};

fn get(url: impl Into<String>) -> Request {
    Request {
        method: Method::Get,
        url: url.into(),
        headers: vec![("authorization", "AzureCDN k:not-a-real-key".to_owned())],
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
