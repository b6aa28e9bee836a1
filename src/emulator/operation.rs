//! What an API can be asked, as faults and the journal name it.

/// One operation of an emulated API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiOperation {
    /// As faults write it, e.g. `purge`.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
}

/// What an operation is for; decides which faults can strike it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Takes something out of the cache.
    Purge,
    /// Takes something into the cache.
    Preload,
    /// Asks about a task.
    Query,
    /// Anything else.
    Other,
}
