//! Files that were moved away and came back as they were: for a while their URLs led to nothing, and an
//! edge may have kept that. No listing shows it. Pure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::desired::Desired;
use crate::entry::{EntryKey, Owner};
use crate::manifest::resource::{Project, Site};

/// What came back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// Entries of a few files, to be purged again.
    pub again: Vec<EntryKey>,
    /// Sites of which more entries came back than may change, by name. They are left alone: nobody
    /// wants a site purged that was moved away and put back.
    pub too_many: Vec<String>,
}

/// Finds the entries of the files at and below these paths, in the project at that root.
pub fn returned(
    project: &Project,
    root: &Path,
    wanted: &Desired,
    paths: &BTreeSet<PathBuf>,
) -> Returned {
    let mut returned = Returned::default();
    if paths.is_empty() {
        return returned;
    }
    for site in &project.sites {
        let (again, entries) = entries_of(site, root, wanted, paths);
        let allowed = entries * project.safety.max_change_percent as usize;
        if again.len() * 100 > allowed {
            returned.too_many.push(site.name.to_string());
        } else {
            returned.again.extend(again);
        }
    }
    returned
}

/// The entries of a site that came back, and how many it has.
fn entries_of(
    site: &Site,
    root: &Path,
    wanted: &Desired,
    paths: &BTreeSet<PathBuf>,
) -> (Vec<EntryKey>, usize) {
    let folder = root.join(&site.content.root);
    let owner = Owner::Site(site.name.clone());
    let entries = || {
        wanted
            .entries
            .iter()
            .filter(|entry| entry.key.owner == owner)
    };
    let came_back = |path: &Path| path.ancestors().any(|path| paths.contains(path));
    let is_near = |path: &PathBuf| path.starts_with(&folder) || folder.starts_with(path);
    if !paths.iter().any(is_near) {
        return (Vec::new(), 0);
    }
    let keys = entries().map(|entry| &entry.key).filter(|key| {
        let path = key.path.as_deref();
        path.is_some_and(|path| came_back(&folder.join(path)))
    });
    (keys.cloned().collect(), entries().count())
}
