//! The emulator, from outside: over real HTTP, by a client that signs by itself.

mod client;
mod edge;
mod faults;
mod limits;
mod progress;
mod refusals;
mod third_parties;
