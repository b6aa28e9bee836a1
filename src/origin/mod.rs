//! The origin: whether it has what a purge makes the edges fetch.
//!
//! ```text
//!  plan ─▶ questions ─▶ ask `[io]` (that of `verify`) ─▶ answers ─▶ judge ─▶ ready: sent · not yet: asked again, then held
//! ```
//! A purge that comes too early makes the edge fetch the old bytes again, with a fresh lifetime. So an
//! endpoint may say where its files come from, and no purge of it is sent before the origin answers what
//! the plan wants: the bytes themselves, the mark of a release, or at least a status.
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
