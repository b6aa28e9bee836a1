//! What an unsuccessful answer means, for every forge.

use std::time::Duration;

use chrono::DateTime;
use serde_json::Value as Json;
use thiserror::Error;

use crate::provider::excerpt::{excerpt, html_excerpt};
use crate::secret::Redactor;
use crate::transport::retry::RetryClass;
use crate::transport::{Response, date};

/// Wait after a rate limit that GitHub gives no time for.
const LIMITED: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{summary}")]
pub struct Refusal {
    pub kind: Kind,
    /// One sentence, with the forge's own message.
    pub summary: String,
    pub retry_after: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The token is unknown.
    Unauthorized,
    Forbidden,
    /// It does not exist, or the token may not see it: forges do not say which.
    NotFound,
    Throttled,
    Fault,
    /// It would refuse the same request again.
    Other,
}

impl Kind {
    pub const fn retry(self) -> RetryClass {
        match self {
            Self::Throttled => RetryClass::Throttled,
            Self::Fault => RetryClass::Transient,
            Self::Unauthorized | Self::Forbidden | Self::NotFound | Self::Other => {
                RetryClass::Never
            }
        }
    }
}

impl Refusal {
    /// Returns a success, or a refusal by its status.
    pub fn check(response: &Response) -> Result<&Response, Self> {
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        let message = message(&response.body);
        let is_limited = response.header("retry-after").is_some()
            || response.header("x-ratelimit-remaining") == Some("0")
            || message.to_ascii_lowercase().contains("rate limit");
        let kind = match response.status {
            401 => Kind::Unauthorized,
            429 => Kind::Throttled,
            403 if is_limited => Kind::Throttled,
            403 => Kind::Forbidden,
            404 => Kind::NotFound,
            408 | 425 | 500..=599 => Kind::Fault,
            _ => Kind::Other,
        };
        let asked = date::retry_after(response);
        let colon = if message.is_empty() { "" } else { ": " };
        Err(Self {
            kind,
            summary: format!("the answer is {}{colon}{message}", response.status),
            retry_after: match kind {
                Kind::Throttled => asked.or(reset(response)).or(Some(LIMITED)),
                Kind::Fault => asked,
                Kind::Unauthorized | Kind::Forbidden | Kind::NotFound | Kind::Other => None,
            },
        })
    }

    pub fn read<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T, Self> {
        serde_json::from_slice(&Self::check(response)?.body).map_err(|_| {
            let page = html_excerpt(&String::from_utf8_lossy(&response.body));
            // A sign-in page, or the answer of a proxy.
            Self::of(Kind::Fault, format!("the answer is not the API's: {page}"))
        })
    }

    /// A refusal read from the answer's body.
    pub fn of(kind: Kind, summary: String) -> Self {
        Self {
            kind,
            summary,
            retry_after: None,
        }
    }

    /// Masks secrets that the forge repeated.
    #[must_use]
    pub(super) fn redacted(self, redactor: &Redactor) -> Self {
        Self {
            summary: redactor.redact(&self.summary),
            ..self
        }
    }
}

/// Time until a used-up rate limit resets, measured from the answer's own `Date`. The headers of GitHub
/// and GitLab give seconds since 1970.
fn reset(response: &Response) -> Option<Duration> {
    let of = |remaining, reset| {
        let is_used_up = response.header(remaining) == Some("0");
        is_used_up.then(|| response.header(reset)).flatten()
    };
    let header = of("x-ratelimit-remaining", "x-ratelimit-reset")
        .or_else(|| of("ratelimit-remaining", "ratelimit-reset"))?;
    let at = DateTime::from_timestamp(header.trim().parse().ok()?, 0)?;
    let wait = (at - date::date(response)?).to_std();
    Some(wait.unwrap_or(Duration::ZERO))
}

/// The forge's own message.
fn message(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Json>(body) else {
        return html_excerpt(&String::from_utf8_lossy(body));
    };
    let words = ["message", "error_description", "error"].map(|field| match &json[field] {
        Json::Null => String::new(),
        Json::String(text) => excerpt(text),
        other => excerpt(&other.to_string()),
    });
    words
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}
