//! The port for caches that are purged node by node.

use std::time::Duration;

use super::{ApiError, Auth};
use crate::operation::Item;
use crate::operation::sweep::Rules;
use crate::transport::{Patience, Request, Response};

/// Each node gets every request of an operation, twice if [`Fleet::second_pass`] says so. Purging a node
/// again does no harm.
pub trait Fleet: Send + Sync {
    fn fixed(&self) -> &[String];

    /// A name and a port; each address of the name is a node, over plain http.
    fn name(&self) -> Option<(&str, u16)>;

    fn patience(&self) -> Patience;

    /// How long after its first confirmation a node is purged a second time; `None` for once only.
    fn second_pass(&self) -> Option<Duration>;

    /// A digest of everything that decides what is sent, except the nodes.
    fn recipe(&self) -> String;

    /// The requests that purge items on a node, in order. Every node gets the same number.
    fn requests(&self, items: &[Item], node: &str, auth: Auth<'_>) -> Vec<Request>;

    /// Fails if the answer does not confirm the purge.
    fn confirmed(&self, items: &[Item], response: &Response) -> Result<(), ApiError>;

    /// A request to a node that changes nothing, if there is one.
    fn question(&self, node: &str, auth: Auth<'_>) -> Option<Request>;

    /// Parses the answer to [`Fleet::question`]; an error says why the node cannot be purged.
    fn questioned(&self, response: &Response) -> Result<(), ApiError>;
}

impl dyn Fleet + '_ {
    pub fn rules(&self) -> Rules {
        Rules {
            second_pass: self.second_pass(),
            by_name: self.name().is_some(),
        }
    }
}
