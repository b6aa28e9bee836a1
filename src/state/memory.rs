//! The state in memory, stricter than the real backends, for tests.
