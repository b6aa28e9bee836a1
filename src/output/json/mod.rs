//! Machine output: frozen mirror structs, one module per major version, and reading them back.

pub mod compare;
pub mod explained;
pub mod read;
pub mod v1;
