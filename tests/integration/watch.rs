//! `watch`: the decisions by themselves, the loop on a paused clock, and the real binary in front of
//! an emulator.

mod binary;
mod content_roots;
mod files;
mod pure;
mod schedule;
mod stale;
mod trouble;
