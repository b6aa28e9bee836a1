//! The gate: no purge before the origin has the new bytes.

mod block;
mod gating;
mod judging;
mod stage;

use crate::state_fixture::{content, site_file};
