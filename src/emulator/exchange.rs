//! A request as an API reads it, and the reply.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use serde::Serialize;
use url::form_urlencoded;
use uuid::Uuid;

#[derive(Debug)]
pub struct ApiRequest {
    /// The CDN's request id, for the header and for bodies that repeat it.
    pub id: Uuid,
    parts: Parts,
    /// `None` if it was cut off or too large.
    pub(super) body: Option<Bytes>,
}

impl ApiRequest {
    pub(super) fn new(parts: Parts, body: Option<Bytes>) -> Self {
        let id = Uuid::new_v4();
        Self { id, parts, body }
    }

    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query as received, without `?`.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or_default()
    }

    /// The first query parameter with this name, decoded.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query().as_bytes());
        pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    }

    /// Empty if it is not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self.parts.headers.get(name).map(HeaderValue::to_str)?;
        Some(value.unwrap_or_default())
    }

    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    pub(super) fn target(&self) -> String {
        let target = self.parts.uri.path_and_query();
        target.map_or_else(String::new, ToString::to_string)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    pub status: u16,
    /// `Date` and the request id are added later.
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// For the journal: the error code of a refusal, a colon, and the message.
    pub error: Option<String>,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            error: None,
        }
    }

    /// A JSON body. Texts, lists and maps with text keys can always be serialised.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).unwrap_or_default();
        Self::new(status, "application/json; charset=utf-8", body)
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds `Retry-After`, if the wait is known, in whole seconds, rounded up: an earlier retry would be
    /// refused.
    #[must_use]
    pub fn retry_after(self, wait: impl Into<Option<Duration>>) -> Self {
        let Some(wait) = wait.into() else {
            return self;
        };
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.header("retry-after", seconds.to_string())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Too many requests; with the time to wait, if the answer names it.
    Throttled(Option<Duration>),
    /// Others have used up the quota.
    Exhausted,
    /// The signature or token counts as too old.
    Expired,
    /// The body was cut off or exceeds [`MAX_REQUEST_BYTES`](super::MAX_REQUEST_BYTES).
    TooLarge,
    Documented {
        /// One of [`ApiKind::errors`](super::ApiKind::errors), in any case.
        name: String,
        message: String,
    },
}
