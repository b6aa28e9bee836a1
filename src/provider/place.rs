//! What a directory purge includes.

use std::collections::BTreeMap;

use super::Provider;
use crate::entry::Target;
use crate::url::CdnUrl;

/// The directories of a plan, to look up which of them includes a target.
#[derive(Debug, Clone, Default)]
pub struct Directories<'p> {
    provider: Option<&'p dyn Provider>,
    by_place: BTreeMap<String, Target>,
}

impl<'p> Directories<'p> {
    /// The directories among these targets, on a CDN that can purge directories.
    pub fn new(provider: &'p dyn Provider, targets: impl IntoIterator<Item = Target>) -> Self {
        let directories = targets
            .into_iter()
            .filter(|target| matches!(target, Target::Directory(_)));
        Self {
            provider: Some(provider),
            by_place: directories
                .filter_map(|target| Some((provider.place(&target)?, target)))
                .collect(),
        }
    }

    /// The topmost directory that includes a target; for a directory possibly itself.
    pub fn taking(&self, target: &Target) -> Option<&Target> {
        if self.by_place.is_empty() {
            return None;
        }
        let place = self.provider?.place(target)?;
        // A URL with a query is no directory.
        let path = place.split('?').next().unwrap_or_default();
        let mut parents = path.match_indices('/').map(|(at, _)| &path[..=at]);
        parents.find_map(|parent| self.by_place.get(parent))
    }
}

pub(super) fn without_scheme(url: &CdnUrl) -> &str {
    let text = url.as_str();
    text.split_once("://").map_or(text, |(_, rest)| rest)
}

/// A URL without the last `/` of its path: the place of a file on a CDN where it is unknown whether a
/// purge of the directory `/a/` includes the file `/a/`.
pub(super) fn beside(url: &str) -> String {
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    [path.strip_suffix('/').unwrap_or(path), query].concat()
}
