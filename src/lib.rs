//! purgit: GitOps for CDN caches.
//!
//! Modules stand in the order of the flow.

pub mod manifest;

pub mod content;
pub mod desired;

pub mod diff;

pub mod plan;

pub mod git;
pub mod provider;
pub mod state;
pub mod status;
pub mod transport;

pub mod emulator;

pub mod clock;
pub mod diagnostic;
pub mod secret;
