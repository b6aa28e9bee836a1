//! What goes along when a directory is purged. Pure.

use std::collections::BTreeMap;

use super::Provider;
use crate::entry::Target;

/// Directories that are purged, to ask what goes along with them.
#[derive(Debug, Clone, Default)]
pub struct Directories<'p> {
    provider: Option<&'p dyn Provider>,
    by_place: BTreeMap<String, Target>,
}

impl<'p> Directories<'p> {
    /// Those of these targets that are directories, on a CDN that purges some.
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

    /// The uppermost of them that takes a target along; of a directory among them perhaps itself.
    pub fn taking(&self, target: &Target) -> Option<&Target> {
        if self.by_place.is_empty() {
            return None;
        }
        let place = self.provider?.place(target)?;
        // A query is no directory.
        let path = place.split('?').next().unwrap_or_default();
        let mut fronts = path.match_indices('/').map(|(at, _)| &path[..=at]);
        fronts.find_map(|front| self.by_place.get(front))
    }
}

/// A URL without the last `/` of its path: the place of a file on a CDN of which nobody says that `/a/`
/// goes along with the directory `/a/`.
pub(super) fn beside(url: &str) -> String {
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    [path.strip_suffix('/').unwrap_or(path), query].concat()
}
