//! `[io]` The stat caches of all sites, kept from one listing to the next.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::cache::CacheFolder;
use crate::content::StatCache;

#[derive(Debug)]
pub struct Caches {
    folder: CacheFolder,
    caches: BTreeMap<Arc<str>, StatCache>,
}

impl Caches {
    pub fn new(root: &Path) -> Self {
        Self {
            folder: CacheFolder::new(root),
            caches: BTreeMap::new(),
        }
    }

    pub fn of(&mut self, site: &Arc<str>) -> &mut StatCache {
        let folder = &self.folder;
        let open = || StatCache::open(folder.file(&format!("{site}.stat")));
        self.caches.entry(site.clone()).or_insert_with(open)
    }

    pub(super) fn save(&mut self) {
        for cache in self.caches.values_mut() {
            self.folder.keep(|| cache.save());
        }
    }
}
