//! The operations of an API, as faults and the journal name them.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiOperation {
    pub name: &'static str,
    pub role: Role,
}

/// The purpose of an operation; decides which faults can affect it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Purge,
    Preload,
    Query,
    Other,
}

/// Declares the operations of an API: a constant for each, and `OPERATIONS` with all of them.
macro_rules! operations {
    ($($name:ident = $word:literal, $role:ident;)*) => {
        $(pub(super) const $name: ApiOperation = ApiOperation {
            name: $word,
            role: $crate::emulator::Role::$role,
        };)*

        pub(super) const OPERATIONS: &[ApiOperation] = &[$($name),*];
    };
}

pub(super) use operations;
