//! All integration tests, in one binary: one link instead of many.

mod emulator;
mod providers;
mod state_conformance;
mod state_file;
mod state_fixture;
mod state_format;
mod state_recorder;
mod status;
mod transport;
