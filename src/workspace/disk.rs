//! `[io]` The content of all sites on disk.

use std::path::Path;

use super::caches::Caches;
use super::{Cause, SiteContentError};
use crate::content::{ContentError, Listing, disk};
use crate::desired::Contents;
use crate::manifest::resource::Project;

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
        let listing = match disk::list(&folder, &site.content.selection, caches.of(&site.name)) {
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
