//! What a CDN says of an endpoint when it is asked for nothing else.

use chrono::{DateTime, TimeDelta, Utc};

use crate::transport::{Response, date};

/// A token that ends sooner is told: long enough to make another.
const ENDS_SOON: TimeDelta = TimeDelta::days(14);

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspection {
    /// Whether it is switched on, where the CDN says so.
    pub enabled: Option<bool>,
    /// The hosts that it serves, also as `*.example.com`; empty where the CDN does not say.
    pub hosts: Vec<String>,
    /// Domains whose hosts it may serve, with all below; empty where the CDN does not say.
    pub domains: Vec<String>,
    /// What else it says, in its own words.
    pub words: Vec<String>,
    /// What does not keep purgit from purging now, and should be known.
    pub remarks: Vec<Remark>,
}

/// Something that is not as it should be, or that cannot be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Inspection {
    /// What one more answer says.
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

    /// That the token in the field `apiToken` ends soon after that answer, if it does.
    pub(super) fn token_ends(ends: Option<&str>, response: &Response) -> Option<Self> {
        let ends: DateTime<Utc> = ends?.parse().ok()?;
        (ends - date::date(response)? < ENDS_SOON).then(|| {
            Self::new(
                format!("the token ends on {}", ends.format("%Y-%m-%d")),
                "make another, and put it where `apiToken` is read from",
            )
        })
    }
}
