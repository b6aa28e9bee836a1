//! The port for asking a CDN what is left of its quotas.

use super::{ApiError, Auth, Counts};
use crate::transport::{Request, Response};

pub trait Quotas: Send + Sync {
    /// A request that changes nothing.
    fn ask(&self, auth: Auth<'_>) -> Request;

    /// Parses the answer: what is left of the endpoint's budgets, as far as the CDN tells.
    fn told(&self, response: &Response) -> Result<Vec<Left>, ApiError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    pub counts: Counts,
    /// The whole quota of the account, whatever the manifest declares.
    pub limit: u64,
    pub left: u64,
}
