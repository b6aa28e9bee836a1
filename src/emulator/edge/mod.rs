//! A small caching edge: it keeps what the origin answered until a purge succeeds, so that a purge
//! can be seen. `X-Cache` says `HIT` or `MISS`, `Age` how old a hit is.
//!
//! It is a stage prop, not a proxy: only `GET` and `HEAD`, no expiry, no validation, no ranges; only
//! answers of status 200 are kept.

pub(super) mod cache;
mod origin;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use tokio::time::Instant;

pub use cache::MAX_CACHE_BYTES;
use cache::{Cache, Object};
use origin::{Answer, Source};
pub use origin::{MAX_OBJECT_BYTES, Origin, OriginError};

/// Whether an answer came out of the cache.
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// What the edge serves, and where.
#[derive(Debug, Clone)]
pub struct EdgeSettings {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where it gets what it does not have.
    pub origin: Origin,
    /// The host (with port, unless the default) under which URLs are kept and purged, whatever the
    /// `Host` header says; `None` goes by the header.
    pub public_host: Option<String>,
}

impl EdgeSettings {
    /// An edge before that origin on a free port of this machine.
    pub fn new(origin: Origin) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            origin,
            public_host: None,
        }
    }
}

/// A running edge's state.
#[derive(Debug)]
pub(super) struct Edge {
    source: Source,
    public_host: Option<String>,
    cache: Arc<Mutex<Cache>>,
}

impl Edge {
    pub(super) fn new(
        settings: &EdgeSettings,
        cache: Arc<Mutex<Cache>>,
    ) -> Result<Self, OriginError> {
        Ok(Self {
            source: Source::open(&settings.origin)?,
            public_host: settings.public_host.clone(),
            cache,
        })
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The edge as an axum application.
pub(super) fn router(edge: Edge) -> Router {
    Router::new().fallback(serve).with_state(Arc::new(edge))
}

async fn serve(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only\n");
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let header_host = request.headers().get(header::HOST);
    let host = match (&edge.public_host, header_host.map(HeaderValue::to_str)) {
        (Some(host), _) => host.as_str(),
        (None, Some(Ok(host))) => host,
        (None, Some(Err(_)) | None) => {
            return plain(StatusCode::BAD_REQUEST, "a Host header is needed\n");
        }
    };
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let key = cache::key(host, target);
    let found = edge.cache().get(&key, Instant::now());
    let ticket = match found {
        Ok((object, age)) => {
            let mut response = deliver(object, "HIT");
            response
                .headers_mut()
                .insert(header::AGE, HeaderValue::from(age));
            return response;
        }
        Err(ticket) => ticket,
    };
    let mut response = match edge.source.fetch(target).await {
        Ok(Answer::Found(object)) => {
            edge.cache()
                .put(key, object.clone(), ticket, Instant::now());
            deliver(object, "MISS")
        }
        Ok(Answer::Moved(location)) => {
            let mut response = plain(StatusCode::MOVED_PERMANENTLY, "");
            if let Ok(location) = HeaderValue::from_str(&location) {
                response.headers_mut().insert(header::LOCATION, location);
            }
            response
        }
        Ok(Answer::Missing) => plain(StatusCode::NOT_FOUND, "not found\n"),
        Ok(Answer::Other { status, object }) => {
            let mut response = deliver(object, "MISS");
            *response.status_mut() = status;
            response
        }
        Err(error) => {
            tracing::warn!(%error, target, "the origin does not answer");
            plain(StatusCode::BAD_GATEWAY, "the origin does not answer\n")
        }
    };
    response
        .headers_mut()
        .entry(X_CACHE)
        .or_insert(HeaderValue::from_static("MISS"));
    response
}

fn deliver(object: Object, cache: &'static str) -> Response {
    let mut response = Response::new(Body::from(object.body));
    let headers = response.headers_mut();
    headers.insert(X_CACHE, HeaderValue::from_static(cache));
    if let Some(Ok(content_type)) = object.content_type.as_deref().map(HeaderValue::from_str) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}
