//! A hermetic command line: the real binary in a temporary folder, with an environment that holds
//! nothing of this machine, and an emulated CDN in this process.
//!
//! A test builds an [`Environment`] (no CDN) or a [`World`] (with one), writes manifests, runs
//! command lines and looks at each [`Output`]: stdout, stderr and exit code as one value.

mod environment;
pub(crate) mod fleet;
pub(crate) mod memory_store;
mod output;
mod process;
pub(crate) mod scripted_transport;
mod world;

pub(crate) use environment::{Environment, purge_manifest};
pub(crate) use output::Output;
pub(crate) use process::{PATIENCE, Process};
pub(crate) use world::{RUNTIME, World};
