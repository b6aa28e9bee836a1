//! Batching changes into requests within the CDN's limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Step;
use crate::diff::Change;
use crate::entry::{Target, TargetKind};
use crate::manifest::resource::{Endpoint, Project};

/// The targets of one endpoint, sorted; one that several entries want stands once.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) targets: Vec<Target>,
}

impl Load {
    pub(super) fn of_kind(&self, kind: TargetKind) -> impl Iterator<Item = &Target> {
        self.targets
            .iter()
            .filter(move |target| target.kind() == kind)
    }
}

/// What each endpoint is asked to purge.
pub(super) fn loads(changes: &[Change]) -> BTreeMap<Arc<str>, Load> {
    let mut loads: BTreeMap<Arc<str>, Load> = BTreeMap::new();
    for change in changes {
        let load = loads.entry(change.key.endpoint.clone()).or_default();
        load.targets.push(change.key.target.clone());
    }
    for load in loads.values_mut() {
        load.targets.sort_unstable();
        load.targets.dedup();
    }
    loads
}

/// The requests for all endpoints, in stable order. An endpoint that the project does not have is
/// left out; manifests that name one are refused before.
pub(super) fn steps(project: &Project, loads: &BTreeMap<Arc<str>, Load>) -> Vec<Step> {
    let known = loads
        .iter()
        .filter_map(|(name, load)| Some((project.endpoints.get(name)?, load)));
    known
        .flat_map(|(endpoint, load)| batches(endpoint, load))
        .collect()
}

fn batches(endpoint: &Endpoint, load: &Load) -> Vec<Step> {
    let size = endpoint.limits.items_per_request.max(1);
    let mixed = endpoint.provider.capabilities().mixed_kinds;
    let groups = load.targets.chunk_by(|a, b| mixed || a.kind() == b.kind());
    let step = |targets: &[Target]| Step {
        endpoint: endpoint.name.clone(),
        targets: targets.to_vec(),
    };
    groups
        .flat_map(|group| group.chunks(size).map(step))
        .collect()
}
