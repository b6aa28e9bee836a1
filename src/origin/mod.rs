//! The origin: whether it has what a purge makes edges fetch.
//!
//! ```text
//!  plan ─▶ questions ─▶ ask `[io]` (in `verify`) ─▶ answers ─▶ judge ─▶ ready: sent · not yet: asked again, then held
//! ```
//! A purge that is too early makes edges fetch the old bytes again, with a new lifetime. So an endpoint may
//! declare its origin, and its purges are only sent once the origin answers what the plan wants: the bytes
//! themselves, the mark of a release, or at least a status.
//!
//! Pure. Knows no CDN and no state.

mod expect;
mod gate;
mod judge;
mod settings;

pub use expect::{Expect, Expected};
pub use gate::{FIRST_ASKED, Gate, Kept};
pub use judge::{Readiness, Seen, judge};
pub use settings::Settings;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run was told by the origins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Entries that were there, and so were sent.
    pub ready: usize,
    /// Entries that were not there in time.
    pub held: usize,
    /// Entries of which nothing tells whether they are there; they were sent at once.
    pub ungated: usize,
    /// Requests to origins.
    pub requests: usize,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.ready += other.ready;
        self.held += other.held;
        self.ungated += other.ungated;
        self.requests += other.requests;
    }
}
