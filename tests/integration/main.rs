//! All integration tests, in one binary: one link instead of many.
#![allow(clippy::expect_used, clippy::unwrap_used)] // Tests may, and so may what they are built from.

mod content;
mod git;
