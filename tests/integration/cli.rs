//! The command line, as a user meets it: the real binary, against the emulated CDN.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the bodies of tests for tests"
)]

mod apply;
mod apply_faults;
mod apply_resume;
mod approved;
mod aws_chain;
mod cloudfront;
mod cover;
mod credentials;
mod deferral;
mod demo;
mod doctor;
mod doubt;
mod emulator;
mod every_cdn;
mod explain;
#[cfg(unix)]
mod forging;
mod generated;
mod git_state;
mod history;
mod init;
mod locks;
mod log;
mod plan;
mod plan_id;
mod purge;
mod quota;
mod reports;
mod safety;
mod secrets;
#[cfg(unix)]
mod signals;
mod state;
mod state_entries;
mod status;
mod suspend;
mod terminal;
mod timing;
mod usage;
mod validate;
