//! The proof: what users get, asked of the edges as users ask, and judged.
//!
//! ```text
//!  what is confirmed ─▶ sample ─▶ questions ─▶ ask `[io]` ─▶ answers ─▶ judge ─▶ evidence ─▶ state
//! ```
//! A CDN's "done" says that it accepted a purge; only bytes say what is served. So an answer is *fresh* if
//! its decoded bytes are the wanted generation (or 404 or 410 if the content is gone), or if an origin that
//! is known to have the release answers the same; *stale* if the bytes are an earlier generation or the cache
//! stored them before the purge; and *unknown* otherwise: an edge that minifies, a time-out, a page with
//! unknown bytes. Unknown is never taken for fresh.
//!
//! Everything except `ask` is pure. Knows no CDN and no state.

pub mod ask;
mod judge;
mod original;
mod question;
mod sample;
mod settings;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::entry::Generation;
use crate::word_enum::word_enum;
pub use judge::{Answer, judge};
pub use original::{Original, Told};
pub use question::{Question, Variant, Wanted, most_ways};
pub use sample::sample;
pub(crate) use settings::edge;
pub use settings::{Encoding, Settings};

/// Earlier generations that are kept, to recognise what edges serve that missed up to two purges.
pub const MAX_EARLIER: usize = 3;

/// Repeated purges of a stale generation after which it is only purged on request: three runs with the
/// default `rebound`. Neither a race nor a lag lasts that long.
pub const MAX_REPEATS: u32 = 5;

word_enum! {
    serde
    /// What an answer says of an entry. In order of what decides where answers differ.
    pub enum Verdict {
        /// Proven to be as declared.
        Fresh = "fresh",
        /// Neither is proven.
        Unknown = "unknown",
        /// Proven to be older than the last purge.
        Stale = "stale",
    }
}

/// What a run was told by the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Entries of which every answer is proven to be as declared.
    pub fresh: usize,
    /// Entries of which nothing is proven.
    pub unknown: usize,
    /// Entries of which an answer is proven to be older than the last purge.
    pub stale: usize,
    /// Requests sent.
    pub requests: usize,
}

impl Tally {
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Fresh => &mut self.fresh,
            Verdict::Unknown => &mut self.unknown,
            Verdict::Stale => &mut self.stale,
        } += 1;
    }
}

/// The answer that decides about an entry. Its texts are escaped and short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// What it says.
    pub verdict: Verdict,
    /// Why, in a few words.
    pub why: String,
    /// When it came in.
    pub at: DateTime<Utc>,
    /// How many answers there were; the others say the same, or decide less.
    pub answers: usize,
    /// The URL that was asked for, where it is not the entry's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The address that was connected to, where it was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// What was asked for with `Accept-Encoding`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_encoding: Option<Encoding>,
    /// The header fields of a variant, as in `name: value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// The HTTP status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The content id of the decoded bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `Age`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    /// `Date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<DateTime<Utc>>,
    /// `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// What the cache says of itself, such as `X-Cache`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<String>,
    /// The edge's own name, such as `CF-Ray`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// What must be proven about an entry, and the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// What users must get; `None` if the content is gone.
    pub generation: Option<Generation>,
    /// What they got before, latest last; at most [`MAX_EARLIER`].
    pub earlier: Vec<Generation>,
    /// A time before the last confirmed purge was sent; `None` if there is none.
    pub since: Option<DateTime<Utc>>,
    /// `None` until that purge is verified.
    pub evidence: Option<Evidence>,
    /// Purges of this generation since it was first proven stale.
    pub repeats: u32,
}

impl Proof {
    /// The proof that a generation still needs, after what was known before.
    #[must_use]
    pub fn expecting(
        known: Option<&Self>,
        generation: Option<Generation>,
        before: Option<&Generation>,
    ) -> Self {
        let mut proof = known.cloned().unwrap_or_default();
        let repeats = match proof.verdict() {
            _ if proof.generation != generation => 0,
            Some(Verdict::Fresh) => 0,
            Some(Verdict::Stale) => proof.repeats.saturating_add(1),
            Some(Verdict::Unknown) | None => proof.repeats,
        };
        let last = proof.generation.take();
        for earlier in last.into_iter().chain(before.cloned()) {
            proof.earlier.retain(|known| *known != earlier);
            proof.earlier.push(earlier);
        }
        proof
            .earlier
            .retain(|known| Some(known) != generation.as_ref());
        let surplus = proof.earlier.len().saturating_sub(MAX_EARLIER);
        proof.earlier.drain(..surplus);
        Self {
            generation,
            earlier: proof.earlier,
            since: None,
            evidence: None,
            repeats,
        }
    }

    /// Whether it is still stale after so many purges that it is only purged on request.
    pub fn is_given_up(&self) -> bool {
        self.verdict() == Some(Verdict::Stale) && self.repeats >= MAX_REPEATS
    }

    /// Whether a confirmed purge is not verified yet.
    pub fn is_due(&self) -> bool {
        self.since.is_some() && self.evidence.is_none()
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.evidence.as_ref().map(|evidence| evidence.verdict)
    }
}
