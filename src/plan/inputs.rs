//! The inputs of a plan.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::checks::Force;
use super::looked::Looked;
use super::select::Selection;
use crate::desired::Desired;
use crate::manifest::resource::Project;
use crate::observed::Revisions;
use crate::state::State;

#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub project: &'a Project,
    pub manifests_digest: &'a str,
    pub desired: &'a Desired,
    pub state: &'a State,
    /// Digest of the state's entries and pending operations; `None` if there is no state yet.
    pub state_digest: Option<&'a str>,
    pub revisions: Option<&'a Revisions>,
    /// What the edges said; already applied to `state`.
    pub looked: Option<&'a Arc<Looked>>,
    pub selection: &'a Selection,
    pub forces: &'a [Force],
    /// Whether the plan may spend the reserve of quotas.
    pub urgent: bool,
    /// Decides the window of a quota.
    pub now: DateTime<Utc>,
}
