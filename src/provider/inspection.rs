//! What a CDN says about an endpoint, for `doctor`.

use chrono::{DateTime, TimeDelta, Utc};

use crate::transport::{Response, date};

/// A token that expires within this time is reported: long enough to make a new one.
const ENDS_SOON: TimeDelta = TimeDelta::days(14);

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    pub enabled: Option<bool>,
    /// The hosts that it serves, also as `*.example.com`; empty if the CDN does not say.
    pub hosts: Vec<String>,
    /// Domains whose subdomains it may serve; empty if the CDN does not say.
    pub domains: Vec<String>,
    /// Further facts in the CDN's words.
    pub words: Vec<String>,
    /// What does not prevent purging now, but should be known.
    pub remarks: Vec<Remark>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub message: String,
    pub hint: String,
}

impl Inspection {
    /// An inspection that found only this.
    pub(super) fn remark(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            remarks: vec![Remark::new(message, hint)],
            ..Self::default()
        }
    }

    /// An inspection that found only this fact.
    pub(super) fn word(word: &str) -> Self {
        Self {
            words: vec![word.to_owned()],
            ..Self::default()
        }
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.enabled = match (self.enabled, other.enabled) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
        self.hosts.extend(other.hosts);
        self.domains.extend(other.domains);
        self.words.extend(other.words);
        self.remarks.extend(other.remarks);
        self
    }
}

impl Remark {
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A remark if the token in the field `apiToken` expires soon after that answer.
    pub(super) fn token_ends(ends: Option<&str>, response: &Response) -> Option<Self> {
        let ends: DateTime<Utc> = ends?.parse().ok()?;
        (ends - date::date(response)? < ENDS_SOON).then(|| {
            Self::new(
                format!("the token ends on {}", ends.format("%Y-%m-%d")),
                "make a new one, and store it where `apiToken` is read from",
            )
        })
    }
}
