//! The emulator, from outside: over real HTTP, by a client that signs by itself.

#![allow(
    clippy::unwrap_used,
    reason = "clippy takes only the bodies of tests for tests"
)]

mod azure_front_door;
mod client;
mod cloudflare;
mod cloudfront;
mod edge;
mod fastly;
mod faults;
mod http_cache;
mod limits;
mod progress;
mod refusals;
mod registry;
mod second_cdn;
mod third_parties;
pub(crate) mod vendor_sdks;
