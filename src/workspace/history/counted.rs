//! `[io]` Counts of trees' files, kept from one command to the next.

use std::path::PathBuf;

use crate::cache::{self, CacheFolder, Magic};
use crate::git::TreeCounts;
use crate::manifest::resource::Site;

/// The cache of a site's [`TreeCounts`].
const MAGIC: &Magic = b"purgit-counts\0\0\x01";

pub(super) fn recall(folder: &CacheFolder, site: &Site, counts: &mut TreeCounts<'_>) {
    if let Some(bytes) = cache::read(&file(folder, site), MAGIC) {
        counts.recall(&bytes);
    }
}

pub(super) fn keep(folder: &CacheFolder, site: &Site, counts: &TreeCounts<'_>) {
    if let Some(bytes) = counts.remembered() {
        folder.keep(|| cache::write(&file(folder, site), MAGIC, &bytes));
    }
}

fn file(folder: &CacheFolder, site: &Site) -> PathBuf {
    folder.file(&format!("{}.counts", site.name))
}
