//! All integration tests, in one binary: one link instead of many.
#![allow(clippy::expect_used, clippy::unwrap_used)] // Tests may, and so may what they are built from.

mod content;
mod emulator;
mod git;
mod manifest;
mod providers;
mod state_conformance;
mod state_file;
mod state_fixture;
mod state_format;
mod state_recorder;
mod status;
mod transport;
mod url;
mod watch;
