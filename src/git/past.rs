//! `[io]` The earlier contents of files, from the latest commits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::error::other;
use super::last_change::latest;
use super::tree::content_id;
use super::{GitError, Repository, Revision};
use crate::content::ContentId;

/// Most commits searched, latest first: what was served before them is not served any more.
const MAX_COMMITS: usize = 200;

/// Most files times commits, which takes a second: more files are looked up in fewer commits.
const MAX_LOOKUPS: usize = 50_000;

impl Repository {
    /// The contents that files (paths from the top) had in the latest commits up to a revision.
    pub fn past_ids(
        &self,
        to: &Revision,
        paths: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, BTreeSet<ContentId>>, GitError> {
        let Some(to) = to.commit_id().filter(|_| !paths.is_empty()) else {
            return Ok(BTreeMap::new());
        };
        let most = (MAX_LOOKUPS / paths.len()).min(MAX_COMMITS);
        let find = |handle: &git2::Repository| {
            let mut found: BTreeMap<String, BTreeSet<ContentId>> = BTreeMap::new();
            for commit in latest(handle, to)?.take(most) {
                let tree = handle.find_commit(commit?)?.tree()?;
                for path in paths {
                    let entry = tree.get_path(Path::new(path)).ok();
                    if let Some(id) = entry.and_then(|entry| content_id(entry.id())) {
                        found.entry(path.clone()).or_default().insert(id);
                    }
                }
            }
            Ok(found)
        };
        self.with(|handle| find(handle).map_err(other("walk through the commits")))
    }
}
