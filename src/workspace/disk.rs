//! `[io]` The content of all sites on disk, with a stat cache for each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Cause, SiteContentError};
use crate::content::{ContentError, Listing, StatCache, disk};
use crate::desired::Contents;
use crate::manifest::resource::Project;

/// Where stat caches are, below the folder of the state file. Nothing is lost with them but time.
const CACHE_FOLDER: &str = "cache";

/// The stat caches of a project's sites, kept from one listing to the next.
#[derive(Debug)]
pub struct Caches {
    folder: PathBuf,
    caches: BTreeMap<Arc<str>, StatCache>,
}

impl Caches {
    /// The caches of a project with that root.
    pub fn new(project: &Project, root: &Path) -> Self {
        let state = root.join(&project.state_file);
        let beside = state.parent().unwrap_or(root);
        Self {
            folder: beside.join(CACHE_FOLDER),
            caches: BTreeMap::new(),
        }
    }

    fn cache(&mut self, site: &Arc<str>) -> &mut StatCache {
        let folder = &self.folder;
        let open = || StatCache::open(folder.join(format!("{site}.stat")));
        self.caches.entry(site.clone()).or_insert_with(open)
    }

    /// Writes the caches. A cache that cannot be written costs time in the next run, nothing else.
    fn save(&mut self) {
        if self.caches.is_empty() || self.prepare().is_err() {
            return;
        }
        for (site, cache) in &mut self.caches {
            if let Err(error) = cache.save() {
                tracing::info!(%site, %error, "the stat cache is not written");
            }
        }
    }

    /// Makes the folder, which git is to leave alone.
    fn prepare(&self) -> std::io::Result<()> {
        let ignore = self.folder.join(".gitignore");
        if ignore.exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.folder)?;
        fs::write(ignore, "*\n")
    }
}

/// What is in the content root of every site, and what a reader should know of it.
///
/// A root that does not exist is empty: whether that is a first run or a failed build is for the
/// safety checks to say.
///
/// # Errors
/// The first site whose content cannot be told.
pub fn contents(
    project: &Project,
    root: &Path,
    caches: &mut Caches,
) -> Result<(Contents, Vec<String>), SiteContentError> {
    let mut contents = Contents::new();
    let mut notes = Vec::new();
    for site in &project.sites {
        let folder = root.join(&site.content.root);
        let listing = match disk::list(&folder, &site.content.selection, caches.cache(&site.name)) {
            Ok(listing) => listing,
            Err(ContentError::RootMissing { .. }) => {
                let root = site.content.root.display();
                notes.push(format!("site `{}`: there is no folder `{root}`", site.name));
                Listing::default()
            }
            Err(error) => {
                return Err(SiteContentError {
                    site: site.name.clone(),
                    source: Cause::from(error),
                });
            }
        };
        notes.extend(
            listing
                .notes
                .iter()
                .map(|note| format!("site `{}`: {note}", site.name)),
        );
        contents.insert(site.name.clone(), listing);
    }
    caches.save();
    Ok((contents, notes))
}
