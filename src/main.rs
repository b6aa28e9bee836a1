//! The binary of purgit.
fn main() {}
