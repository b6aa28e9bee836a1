//! The state as JSON: stable order, one entry a line.
