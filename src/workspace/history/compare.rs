//! `[io]` Two sides of a plan from history: two revisions, or a revision and the work tree.

use std::collections::{BTreeSet, HashSet};
use std::iter;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{History, HistoryError, Past, files, notes_of, of_site};
use crate::content::ContentFile;
use crate::desired::Unchanged;
use crate::desired::{Contents, Desired, desired, site};
use crate::entry::Owner;
use crate::git::{Changed, TreeCounts};
use crate::manifest::resource::{Project, Site};
use crate::observed::{Revisions, Since};
use crate::unchanged::{Detail, are_apart, is_compared, take_out};
use crate::workspace::notebook::Notebook;

/// Both sides.
#[derive(Debug)]
pub struct Compared {
    /// The content that is wanted, but for what is unchanged.
    pub contents: Contents,
    /// What is the same on both sides, where no detail is wanted of it.
    pub unchanged: Vec<Unchanged>,
    /// The base.
    pub since: Since,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// How to compare.
#[derive(Debug, Clone, Copy)]
pub struct How<'a> {
    /// What becomes entries.
    pub detail: &'a Detail,
    /// Where to remember what was found out about trees.
    pub notebook: Option<&'a Notebook>,
    /// Decides which manifests are suspended.
    pub now: DateTime<Utc>,
}

impl History {
    /// What is wanted at the revision `end`, and the base `past`.
    ///
    /// # Errors
    /// Files without URLs then, content that cannot be told, or that git knows nothing of.
    pub fn between(
        &self,
        past: &Past,
        end: &Past,
        how: &How<'_>,
    ) -> Result<Compared, HistoryError> {
        let (mut before, mut after) = (Contents::new(), Contents::new());
        let mut unchanged = Vec::new();
        let mut notes = Vec::new();
        for site in end.sites() {
            let then = past.site(&site.name);
            let changed = match (then, how.detail) {
                (Some(then), Detail::Differences(open))
                    if is_same_content(then, site) && is_same_site(then, site, how.now) =>
                {
                    self.changed(site, (past, end), open.get(&site.name), how.notebook)?
                }
                (_, Detail::Everything | Detail::Differences(_)) => None,
            };
            if let Some(changed) = changed {
                unchanged.push(Unchanged::new(site, changed.same));
                before.entry(site.name.clone()).or_default().files = changed.before;
                after.entry(site.name.clone()).or_default().files = changed.after;
                continue;
            }
            let base = || then.map(|then| self.list(then, past)).transpose();
            let (base, listing) = rayon::join(base, || self.list(site, end));
            let listing = listing?;
            notes.extend(notes_of(site, &listing));
            after.insert(site.name.clone(), listing);
            before.extend(base?.map(|base| (site.name.clone(), base)));
        }
        for site in past.sites() {
            if end.site(&site.name).is_none() {
                before.insert(site.name.clone(), self.list(site, past)?);
            }
        }
        self.refuse_unversioned((past, end), end.sites(), &before, &unchanged)?;
        Ok(Compared {
            since: Since {
                base: wanted_at(past, &before, how.now)?,
                revisions: revisions(past, end, false),
            },
            contents: after,
            unchanged,
            notes,
        })
    }

    /// What is wanted of the work tree, whose `contents` are on disk, and the base `past`.
    ///
    /// # Errors
    /// As [`Self::between`].
    pub fn work_tree(
        &self,
        past: &Past,
        project: &Project,
        mut contents: Contents,
        how: &How<'_>,
    ) -> Result<Compared, HistoryError> {
        let mut before = self.contents(past)?;
        let head = if self.is_head(past)? {
            None
        } else {
            Some(self.at_head()?)
        };
        let end = head.as_ref().unwrap_or(past);
        self.refuse_unversioned((past, end), &project.sites, &before, &[])?;
        let dirty = self.is_dirty((past, &before), head.as_ref(), &contents, how.notebook)?
            || self.manifests_dirty(project)?;
        let notes = self.notes_of_converted(&project.sites, end, &before, &contents)?;
        let mut unchanged = Vec::new();
        for site in &project.sites {
            let (Some(then), Some(base), Detail::Differences(open)) = (
                past.site(&site.name),
                before.get_mut(&site.name),
                how.detail,
            ) else {
                continue;
            };
            let wanted = &mut contents.entry(site.name.clone()).or_default().files;
            let are_apart = || are_apart(then, &base.files) && are_apart(site, wanted);
            if is_same_site(then, site, how.now) && are_apart() {
                let base_files = std::mem::take(&mut base.files).into_iter();
                let (rest, entries) = take_out(site, wanted, base_files, open.get(&site.name));
                base.files = rest;
                unchanged.push(Unchanged::new(site, entries));
            }
        }
        Ok(Compared {
            since: Since {
                base: wanted_at(past, &before, how.now)?,
                revisions: revisions(past, end, dirty),
            },
            contents,
            unchanged,
            notes,
        })
    }

    /// The differences between two revisions of a site; nothing where they must be listed.
    fn changed(
        &self,
        site: &Site,
        (past, end): (&Past, &Past),
        open: Option<&BTreeSet<Arc<str>>>,
        notebook: Option<&Notebook>,
    ) -> Result<Option<Changed>, HistoryError> {
        let scope = format!("{} {:?}", site::mapping(site), site.content.rules());
        let tally = |files: &[String], folders: &[String]| site::count_folder(site, files, folders);
        let mut counts = TreeCounts::new(scope, &tally);
        if let Some(notebook) = notebook {
            notebook.recall_counts(&site.name, &mut counts);
        }
        let prefix = self.below(&site.content.root.to_string_lossy());
        let (from, to) = (&past.revision.tree, &end.revision.tree);
        let selection = &site.content.selection;
        let changed = self
            .repository
            .changed_files(from, to, &prefix, selection, open, &mut counts)
            .map_err(|error| of_site(site, error))?;
        if let Some(notebook) = notebook {
            notebook.remember_counts(&site.name, &counts);
        }
        Ok(changed)
    }

    /// Whether the files on disk are others than those committed: at `head`, or at `past` where that
    /// is what is checked out, whose content `before` is known.
    fn is_dirty(
        &self,
        (past, before): (&Past, &Contents),
        head: Option<&Past>,
        contents: &Contents,
        notebook: Option<&Notebook>,
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
                Some(_) => self.changed(site, (past, end), None, notebook)?,
                None => None,
            };
            let is_same = match changed {
                Some(changed) => is_applied(base, &changed, present),
                None => self.list(site, end)?.files == present,
            };
            if !is_same {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Content that was never committed has no history: every file would seem new each time, or
    /// none would.
    fn refuse_unversioned(
        &self,
        (past, end): (&Past, &Past),
        sites: &[Site],
        before: &Contents,
        unchanged: &[Unchanged],
    ) -> Result<(), HistoryError> {
        for site in sites {
            let had_files = !files(before, site).is_empty()
                || unchanged
                    .iter()
                    .any(|same| same.owner == Owner::Site(site.name.clone()) && same.entries > 0);
            if had_files || past.revision.commit.is_none() {
                continue;
            }
            if let Some(declared) = end.site(&site.name)
                && self.list(declared, end)?.files.is_empty()
            {
                return Err(HistoryError::NotInGit {
                    site: site.name.to_string(),
                    root: site.content.root.display().to_string(),
                    from: past.revision.name.clone(),
                    to: end.revision.name.clone(),
                });
            }
        }
        Ok(())
    }
}

/// What was wanted then.
fn wanted_at(
    past: &Past,
    contents: &Contents,
    now: DateTime<Utc>,
) -> Result<Desired, HistoryError> {
    let Some(project) = &past.project else {
        return Ok(Desired::default());
    };
    desired(project, contents, now).map_err(|source| HistoryError::Site {
        revision: past.revision.name.clone(),
        source,
    })
}

/// Whether two manifests of a site select the same files of a tree.
fn is_same_content(one: &Site, other: &Site) -> bool {
    one.content.root == other.content.root && one.content.rules() == other.content.rules()
}

/// Whether the entries of a site can be told from the files, then and now.
fn is_same_site(then: &Site, site: &Site, now: DateTime<Utc>) -> bool {
    site::mapping(then) == site::mapping(site) && is_compared(then, now) && is_compared(site, now)
}

/// Whether `after` is `before` with the changes made. All are sorted by path.
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

fn revisions(past: &Past, end: &Past, dirty: bool) -> Revisions {
    let id = |past: &Past| {
        let commit = past.revision.commit.as_ref();
        commit.map(|commit| commit.id.clone()).unwrap_or_default()
    };
    Revisions {
        from: id(past),
        to: id(end),
        dirty,
    }
}
