//! The API over HTTP: reads a whole request and sends the answer, damaged if a fault says so.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use futures_util::{StreamExt as _, stream};

use super::exchange::ApiRequest;
use super::service::Service;
use super::wire::Switch;

/// Largest request body, in bytes: 2,000 URLs of 2 KiB, a day's quota of the first CDN in one request.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;

pub(super) fn router(service: Arc<Service>) -> Router {
    Router::new().fallback(handle).with_state(service)
}

async fn handle(
    State(service): State<Arc<Service>>,
    ConnectInfo(switch): ConnectInfo<Switch>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_REQUEST_BYTES).await.ok();
    // Recorded before any wait: if the client gives up, the rest of this function does not run.
    let (reply, struck) = service.handle(&ApiRequest::new(parts, body));
    if struck.delay > Duration::ZERO {
        tokio::time::sleep(struck.delay).await;
    }
    let Some(reply) = reply else {
        switch.cut();
        return Response::default();
    };
    let mut response = Response::builder()
        .status(reply.status)
        .header(CONTENT_LENGTH, reply.body.len());
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let body = match struck.drip {
        _ if struck.truncate => broken_off(&reply.body),
        Some(pause) => dripping(reply.body, pause),
        None => Body::from(reply.body),
    };
    // Fails only for a code or header that no API sends.
    response.body(body).unwrap_or_default()
}

fn broken_off(body: &str) -> Body {
    let half = Bytes::copy_from_slice(&body.as_bytes()[..body.len() / 2]);
    let broken = stream::once(async {
        // Sends the first half before the error closes the connection.
        tokio::task::yield_now().await;
        Err(std::io::ErrorKind::UnexpectedEof.into())
    });
    Body::from_stream(stream::iter([Ok::<_, std::io::Error>(half)]).chain(broken))
}

fn dripping(body: String, pause: Duration) -> Body {
    let bytes = stream::iter(body.into_bytes()).then(move |byte| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(Bytes::from(vec![byte]))
    });
    Body::from_stream(bytes)
}
