//! Caches that are purged node by node: the port.

use std::time::Duration;

use super::{ApiError, Auth};
use crate::operation::Item;
use crate::operation::sweep::Rules;
use crate::transport::{Patience, Request, Response};

/// Nodes that each get every request of an operation, twice where [`Fleet::second_pass`] says so. Purging
/// a node again does no harm.
pub trait Fleet: Send + Sync {
    /// Base URLs of nodes that are always there.
    fn fixed(&self) -> &[String];

    /// A name and a port, at each of whose addresses is a node, on plain http.
    fn name(&self) -> Option<(&str, u16)>;

    /// How long a node may take.
    fn patience(&self) -> Patience;

    /// How long after its first confirmation a node is purged once more, if it is.
    fn second_pass(&self) -> Option<Duration>;

    /// A digest of all that decides what is sent, but for the nodes.
    fn recipe(&self) -> String;

    /// The requests that purge items on a node, in order; the same number for every node.
    fn requests(&self, items: &[Item], node: &str, auth: Auth<'_>) -> Vec<Request>;

    /// Whether an answer to one of them says that it was done.
    ///
    /// # Errors
    /// It does not.
    fn confirmed(&self, items: &[Item], response: &Response) -> Result<(), ApiError>;

    /// A question to a node that changes nothing; `None` where there is none.
    fn question(&self, node: &str, auth: Auth<'_>) -> Option<Request>;

    /// Reads the answer to [`Fleet::question`].
    ///
    /// # Errors
    /// What keeps the node from being purged.
    fn questioned(&self, response: &Response) -> Result<(), ApiError>;
}

impl dyn Fleet + '_ {
    /// How it is purged.
    pub fn rules(&self) -> Rules {
        Rules {
            second_pass: self.second_pass(),
            by_name: self.name().is_some(),
        }
    }
}
