//! Machine output: frozen mirror structs, one module per major version.

pub mod v1;
