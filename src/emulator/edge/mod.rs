//! A small caching edge: it keeps what the origin answered until a purge succeeds, so that a purge can be
//! seen. `X-Cache` says `HIT` or `MISS`, `Age` how old a hit is. A CDN has several edges, each with its own
//! [`Behaviour`].
//!
//! It is not a full proxy: only `GET` and `HEAD`, no expiry, no validation, no ranges; only answers with
//! status 200 are kept.

mod behaviour;
mod cache;
mod eviction;
mod origin;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;
use tower_http::compression::CompressionLayer;

use crate::clock::Clock;

pub use behaviour::Behaviour;
pub(super) use cache::EdgeCache;
pub use cache::MAX_CACHE_BYTES;
use cache::Object;
pub use eviction::{Eviction, Matching};
use origin::OpenOrigin;
pub use origin::{MAX_OBJECT_BYTES, Origin, OriginError};

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

#[derive(Debug, Clone)]
pub struct EdgeSettings {
    pub listen: SocketAddr,
    pub origin: Origin,
    /// The host (with port, unless the default) under which URLs are kept and purged, whatever the `Host`
    /// header says; `None` uses the header.
    pub public_host: Option<String>,
    pub behaviour: Behaviour,
    /// Further edges of the same CDN, on free ports, each with its own cache.
    pub others: Vec<Behaviour>,
}

impl EdgeSettings {
    /// An edge in front of that origin, on a free port of this machine.
    pub fn new(origin: Origin) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            origin,
            public_host: None,
            behaviour: Behaviour::default(),
            others: Vec::new(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Edge {
    origin: OpenOrigin,
    public_host: Option<String>,
    behaviour: Behaviour,
    clock: Arc<dyn Clock>,
    pub(super) cache: Arc<Mutex<EdgeCache>>,
}

impl Edge {
    pub(super) fn new(
        settings: &EdgeSettings,
        behaviour: Behaviour,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OriginError> {
        Ok(Self {
            origin: OpenOrigin::new(&settings.origin)?,
            public_host: settings.public_host.clone(),
            behaviour,
            clock,
            cache: Arc::new(Mutex::new(EdgeCache::new(behaviour))),
        })
    }

    fn served(&self, object: Object) -> Object {
        let content_type = object.content_type.as_deref();
        let body = self.behaviour.served(content_type, object.body);
        Object { body, ..object }
    }

    fn cache(&self) -> MutexGuard<'_, EdgeCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(edge: Edge) -> Router {
    let compresses = edge.behaviour.compresses;
    let router = Router::new().fallback(dated).with_state(Arc::new(edge));
    match compresses {
        true => router.layer(CompressionLayer::new()),
        false => router,
    }
}

/// Adds the date by the edge's own clock.
async fn dated(State(edge): State<Arc<Edge>>, request: Request) -> Response {
    let mut response = serve(&edge, request).await;
    let date = edge.clock.now() + edge.behaviour.clock_offset;
    let date = date.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn serve(edge: &Edge, request: Request) -> Response {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let allow = [(header::ALLOW, "GET, HEAD")];
        return (StatusCode::METHOD_NOT_ALLOWED, allow, "GET and HEAD only\n").into_response();
    }
    let header_host = request.headers().get(header::HOST);
    let host = match (&edge.public_host, header_host.map(HeaderValue::to_str)) {
        (Some(host), _) => host.as_str(),
        (None, Some(Ok(host))) => host,
        (None, Some(Err(_)) | None) => {
            return (StatusCode::BAD_REQUEST, "a Host header is needed\n").into_response();
        }
    };
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let key = (host.to_ascii_lowercase(), target.to_owned());
    let found = edge.cache().get(&key, Instant::now());
    let ticket = match found {
        Ok((object, age)) => {
            let headers = [(X_CACHE, "HIT".to_owned()), (header::AGE, age.to_string())];
            return (headers, edge.served(object)).into_response();
        }
        Err(ticket) => ticket,
    };
    let fetched = match edge.origin.fetch(target).await {
        Ok(Ok(object)) => {
            if !edge.behaviour.passes {
                let mut cache = edge.cache();
                cache.put(key, object.clone(), ticket, Instant::now());
            }
            edge.served(object).into_response()
        }
        Ok(Err(response)) => response,
        Err(error) => {
            tracing::warn!(%error, target, "the origin does not answer");
            (StatusCode::BAD_GATEWAY, "the origin does not answer\n").into_response()
        }
    };
    ([(X_CACHE, "MISS")], fetched).into_response()
}
