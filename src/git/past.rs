//! `[io]` What files held before, as far as the latest commits tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use git2::{Oid, Sort};

use super::tree::content_id;
use super::{GitError, Repository, Revision};
use crate::content::ContentId;

/// Commits looked into, the latest first: what was served before them is not served any more.
const MAX_COMMITS: usize = 200;

/// Files times commits looked up, which takes a second: more files are looked for in fewer commits.
const MAX_LOOKUPS: usize = 50_000;

impl Repository {
    /// The contents that files (paths from the top) had in the latest commits up to a revision.
    pub fn past_ids(
        &self,
        to: &Revision,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, BTreeSet<ContentId>>, GitError> {
        let failed = |source| GitError::Other {
            doing: "walk through the commits",
            source,
        };
        let commit = to.commit.as_ref();
        let commit = commit.and_then(|commit| Oid::from_str(&commit.id).ok());
        let Some(commit) = commit.filter(|_| !paths.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        self.with(|handle| {
            let mut walk = handle.revwalk().map_err(failed)?;
            let order = Sort::TOPOLOGICAL | Sort::TIME;
            walk.set_sorting(order).map_err(failed)?;
            walk.push(commit).map_err(failed)?;
            let most = (MAX_LOOKUPS / paths.len()).min(MAX_COMMITS);
            let mut found: BTreeMap<String, BTreeSet<ContentId>> = BTreeMap::new();
            for commit in walk.take(most) {
                let commit = handle.find_commit(commit.map_err(failed)?);
                let tree = commit.and_then(|commit| commit.tree()).map_err(failed)?;
                for path in paths {
                    let entry = tree.get_path(Path::new(path)).ok();
                    let id = entry.and_then(|entry| content_id(entry.id()));
                    if let Some(id) = id {
                        found.entry(path.clone()).or_default().insert(id);
                    }
                }
            }
            Ok(found)
        })
    }
}
