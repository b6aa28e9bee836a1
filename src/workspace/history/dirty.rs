//! `[io]` Whether the files on disk match a commit.

use std::collections::{BTreeSet, HashSet};
use std::iter;

use super::compare::{is_same_content, refuse_submodules};
use super::{History, HistoryError, Past, files};
use crate::cache::CacheFolder;
use crate::content::ContentFile;
use crate::desired::Contents;
use crate::git::Changed;
use crate::manifest::resource::{Project, Site};

impl History {
    /// The commit that is checked out, if manifests and `contents` on disk match it exactly.
    pub fn clean_commit(
        &self,
        project: &Project,
        contents: &Contents,
    ) -> Result<Option<String>, HistoryError> {
        let head = self.at_head()?;
        let mut committed = Contents::new();
        for site in head.sites() {
            committed.insert(site.name.clone(), self.list_past(site, &head)?.0);
        }
        let is_dirty =
            self.is_dirty((&head, &committed), None, (&project.sites, contents), None)?
                || self.manifests_dirty(project)?;
        let commit = head.revision.commit.filter(|_| !is_dirty);
        Ok(commit.map(|commit| commit.id))
    }

    /// Whether the files on disk differ from the commit at `head`, or from `past`, with content
    /// `before`, if that is checked out.
    pub(super) fn is_dirty(
        &self,
        (past, before): (&Past, &Contents),
        head: Option<&Past>,
        (sites, contents): (&[Site], &Contents),
        folder: Option<&CacheFolder>,
    ) -> Result<bool, HistoryError> {
        let end = head.unwrap_or(past);
        let names: BTreeSet<_> = end.sites().iter().map(|site| &site.name).collect();
        if !names.into_iter().eq(contents.keys()) {
            return Ok(true);
        }
        for site in end.sites() {
            let (base, present) = (files(before, site), files(contents, site));
            let then = past.site(&site.name);
            let changed = match then.filter(|then| is_same_content(then, site)) {
                Some(_) if head.is_none() => Some(Changed::default()),
                Some(_) => self.changed(site, (past, end), None, folder)?,
                None => None,
            };
            let is_same = if let Some(changed) = changed {
                is_applied(base, &changed, present)
            } else {
                let (committed, _) = self.list_past(site, end)?;
                refuse_submodules(&committed, sites, site)?;
                committed.files == present
            };
            if !is_same {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether `after` is `before` with the changes applied. All are sorted by path.
fn is_applied(before: &[ContentFile], changed: &Changed, after: &[ContentFile]) -> bool {
    let gone: HashSet<_> = changed.before.iter().collect();
    let mut kept = before.iter().filter(|file| !gone.contains(file)).peekable();
    let mut new = changed.after.iter().peekable();
    let merged = iter::from_fn(|| match (kept.peek(), new.peek()) {
        (Some(one), Some(other)) if other.path < one.path => new.next(),
        (Some(_), _) => kept.next(),
        (None, _) => new.next(),
    });
    after.iter().eq(merged)
}
