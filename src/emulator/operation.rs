//! What an API can be asked, as faults and the journal name it.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiOperation {
    /// As faults write it, e.g. `purge`.
    pub name: &'static str,
    pub role: Role,
}

/// What an operation is for; decides which faults can strike it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Purge,
    Preload,
    Query,
    Other,
}
