//! purgit: GitOps for CDN caches.
//!
//! Modules stand in the order of the flow.

pub mod manifest;

pub mod content;
pub mod git;

pub mod workspace;

pub mod desired;

pub mod observed;

pub mod diff;

pub mod plan;

pub mod execute;

pub mod status;

pub mod reconcile;

pub mod watch;

pub mod output;
pub mod provider;
pub mod state;
pub mod transport;

pub mod emulator;

pub mod cli;

pub mod clock;
pub mod credential_source;
pub mod diagnostic;
pub mod error;
pub mod exit;
pub mod secret;
