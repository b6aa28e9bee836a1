//! Files that were moved away and came back unchanged: an edge may have cached that they were missing.
//! No listing shows it. Pure.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::content::ContentFile;
use crate::desired::{Contents, site};
use crate::entry::EntryKey;
use crate::manifest::resource::{Project, Site};

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Returned {
    pub again: Vec<EntryKey>,
    /// Sites with more returned entries than may change. They are left alone: nobody wants to purge a site
    /// that was moved away and put back.
    pub too_many: Vec<String>,
}

/// Finds the entries of files at and below these paths, in the project at `root`.
pub fn returned(
    project: &Project,
    root: &Path,
    contents: Option<&Contents>,
    paths: &BTreeSet<PathBuf>,
) -> Returned {
    let mut returned = Returned::default();
    let Some(contents) = contents.filter(|_| !paths.is_empty()) else {
        return returned;
    };
    for site in &project.sites {
        let listing = contents.get(&site.name);
        let files = listing.map_or(&[][..], |listing| &listing.files);
        let (again, entries) = entries_of(site, root, files, paths);
        let allowed = entries * project.safety.max_change_percent as usize;
        if again.len() * 100 > allowed {
            returned.too_many.push(site.name.to_string());
        } else {
            returned.again.extend(again);
        }
    }
    returned
}

fn entries_of(
    site: &Site,
    root: &Path,
    files: &[ContentFile],
    paths: &BTreeSet<PathBuf>,
) -> (Vec<EntryKey>, usize) {
    let folder = root.join(&site.content.root);
    let is_near = |path: &PathBuf| path.starts_with(&folder) || folder.starts_with(path);
    if !paths.iter().any(is_near) {
        return (Vec::new(), 0);
    }
    let came_back = |file: &&ContentFile| {
        let path = folder.join(&file.path);
        path.ancestors().any(|path| paths.contains(path))
    };
    let again: Vec<_> = files.iter().filter(came_back).cloned().collect();
    let mut entries = Vec::new();
    // Files without a URL are reported elsewhere.
    site::entries(site, &again, &mut entries, &mut Vec::new());
    let all = files
        .iter()
        .filter_map(|file| site::count(site, &file.path));
    (
        entries.into_iter().map(|entry| entry.key).collect(),
        all.sum(),
    )
}
