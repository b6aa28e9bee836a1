//! Batching changes into requests within the CDN's limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Step;
use crate::desired::{CdnUrl, Kind};
use crate::diff::Change;
use crate::manifest::resource::{Endpoint, Project};

/// The URLs of one endpoint, by kind; a URL that several entries want stands once.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) files: Vec<CdnUrl>,
    pub(super) directories: Vec<CdnUrl>,
}

/// What each endpoint is asked to purge, sorted, each URL once.
pub(super) fn loads(changes: &[Change]) -> BTreeMap<Arc<str>, Load> {
    let mut loads: BTreeMap<Arc<str>, Load> = BTreeMap::new();
    for change in changes {
        let load = loads.entry(change.key.endpoint.clone()).or_default();
        let urls = match change.key.kind {
            Kind::File => &mut load.files,
            Kind::Directory => &mut load.directories,
        };
        urls.push(change.key.url.clone());
    }
    for load in loads.values_mut() {
        for urls in [&mut load.files, &mut load.directories] {
            urls.sort_unstable();
            urls.dedup();
        }
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
    let step = |files: &[CdnUrl], directories: &[CdnUrl]| Step {
        endpoint: endpoint.name.clone(),
        files: files.to_vec(),
        directories: directories.to_vec(),
    };
    let mixed = endpoint.provider.capabilities().mixed_kinds;
    let left_over = if mixed { load.files.len() % size } else { 0 };
    let (whole, rest) = load.files.split_at(load.files.len() - left_over);
    // The last, partly filled request for files has room for directories.
    let room = if rest.is_empty() {
        0
    } else {
        size - rest.len()
    };
    let (beside, behind) = load.directories.split_at(room.min(load.directories.len()));
    let mut steps: Vec<Step> = whole.chunks(size).map(|files| step(files, &[])).collect();
    if !rest.is_empty() {
        steps.push(step(rest, beside));
    }
    steps.extend(
        behind
            .chunks(size)
            .map(|directories| step(&[], directories)),
    );
    steps
}
