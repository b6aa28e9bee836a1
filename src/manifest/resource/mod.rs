//! The validated manifests with defaults. One file per kind; each field is written once, in its kind's block.

mod broaden;
mod endpoint;
mod places;
mod project;
mod purge;
mod site;
mod suspension;

pub use broaden::{Broaden, USUAL_COLLATERAL_PERCENT, Weigh, When};
pub use endpoint::{Endpoint, Poll};
pub use places::{
    DEFAULT_STATE_FILE, DEFAULT_STATUS_FILE, GitRef, ROOT_FILE, StatePlace, StatusPlace,
};
pub use project::{DEFAULT_MANIFESTS, MAX_GLOBS, Project, Safety};
pub use purge::Purge;
pub use site::{OnDelete, Site, SiteContent};
pub use suspension::Suspension;

/// The only `apiVersion` so far.
pub const API_VERSION: &str = "purgit/v1alpha1";
