//! All integration tests, in one binary: one link instead of many.

mod manifest;
mod providers;
mod transport;
