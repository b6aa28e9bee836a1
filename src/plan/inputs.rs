//! What a plan is made of.

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
    /// Digest of the state's entries and pending operations; `None` where there is no state yet.
    pub state_digest: Option<&'a str>,
    /// The revisions compared, with `--since`.
    pub revisions: Option<&'a Revisions>,
    /// What the edges said; it is in `state` already.
    pub looked: Option<&'a Arc<Looked>>,
    pub selection: &'a Selection,
    pub forces: &'a [Force],
    /// Whether the plan may spend what is kept of quotas for emergencies.
    pub urgent: bool,
    /// Decides which window of a quota it is.
    pub now: DateTime<Utc>,
}
