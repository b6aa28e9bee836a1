//! Asking a CDN what is left of its quotas.

use super::{ApiError, Auth, Counts};
use crate::transport::{Request, Response};

/// How to ask a CDN what is left of budgets that the calendar renews.
pub trait Quotas: Send + Sync {
    /// The question. It changes nothing.
    fn ask(&self, auth: Auth<'_>) -> Request;

    /// Reads the answer: what is left of the endpoint's budgets, as far as the CDN tells.
    ///
    /// # Errors
    /// What the CDN refused, or an answer that cannot be understood.
    fn told(&self, response: &Response) -> Result<Vec<Left>, ApiError>;
}

/// What is left of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// What is counted, as the budget says it.
    pub counts: Counts,
    /// All that the account may use, whatever the manifest declares.
    pub limit: u64,
    pub left: u64,
}
