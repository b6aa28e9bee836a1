//! `[io]` The earlier contents of sites' files, from git.

use std::collections::{BTreeMap, BTreeSet};

use super::{History, HistoryError, joined};
use crate::content::slashed;
use crate::entry::{EntryKey, Generation, Owner};
use crate::git::Revision;
use crate::manifest::resource::Project;

impl History {
    /// The generations that entries had in the latest commits up to a revision. Files that are not in
    /// git, such as built ones, have none.
    pub fn generations<'k>(
        &self,
        project: &Project,
        to: &Revision,
        keys: impl Iterator<Item = &'k EntryKey>,
    ) -> Result<BTreeMap<EntryKey, BTreeSet<Generation>>, HistoryError> {
        let paths = keys.filter_map(|key| Some((key, self.path_of(project, key)?)));
        let paths: Vec<_> = paths.collect();
        let wanted = paths.iter().map(|(_, path)| path.clone()).collect();
        let ids = self.repository.past_ids(to, &wanted)?;
        let of = |(key, path): (&EntryKey, String)| {
            let ids = ids.get(&path)?.iter();
            Some((key.clone(), ids.map(Generation::of_content).collect()))
        };
        Ok(paths.into_iter().filter_map(of).collect())
    }

    /// The path of an entry's file, from the top.
    pub(super) fn path_of(&self, project: &Project, key: &EntryKey) -> Option<String> {
        let Owner::Site(name) = &key.owner else {
            return None;
        };
        let site = project.sites.iter().find(|site| site.name == *name)?;
        let root = self.below(&slashed(&site.content.root));
        let path = key.path.as_deref()?;
        Some(joined(&root, path))
    }
}
