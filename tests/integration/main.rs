//! All integration tests, in one binary: one link instead of many.
#![allow(clippy::expect_used, clippy::unwrap_used)] // Tests may, and so may what they are built from.

mod architecture;
#[cfg(target_os = "linux")]
mod caches;
mod ci;
mod cli;
mod comment;
mod common;
mod content;
mod credential;
mod diff;
mod docs;
mod doctor;
mod emulator;
mod examples;
mod execute;
mod git;
mod history;
mod install;
mod laws;
mod manifest;
mod markdown;
mod origin;
mod plan;
mod providers;
mod scenarios;
mod schema;
mod site;
mod state_conformance;
mod state_file;
mod state_fixture;
mod state_format;
mod state_recorder;
mod state_transitions;
mod status;
mod transport;
mod url;
mod verify;
mod views;
mod watch;
