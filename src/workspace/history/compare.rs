//! `[io]` Both sides of a comparison with history: two revisions, or a revision and the work tree.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{History, HistoryError, Past, counted, files, of_site};
use crate::cache::CacheFolder;
use crate::content::{ContentError, Listing, Note, NoteReason, slashed};
use crate::desired::{Contents, Desired, SiteError, Unchanged, desired, site};
use crate::entry::Owner;
use crate::git::{Changed, TreeCounts};
use crate::manifest::resource::{Project, Site};
use crate::observed::{Revisions, Since};
use crate::view::{Detail, Open, are_apart, is_compared, split_unchanged};
use crate::workspace::ContentProblem;
use crate::workspace::disk::notes_of;

#[derive(Debug)]
pub struct Compared {
    /// The wanted content, without unchanged files.
    pub contents: Contents,
    /// Only counted.
    pub unchanged: Vec<Unchanged>,
    pub since: Since,
    pub notes: Vec<String>,
}

#[derive(Debug, Clone, Copy)]
pub struct CompareOptions<'a> {
    pub detail: Detail,
    pub open: &'a Open,
    /// Where to cache facts about trees.
    pub folder: Option<&'a CacheFolder>,
    pub now: DateTime<Utc>,
}

impl History {
    /// The content wanted at revision `end`, compared with `past`.
    pub fn between(
        &self,
        past: &Past,
        end: &Past,
        options: &CompareOptions<'_>,
    ) -> Result<Compared, HistoryError> {
        let (mut before, mut after) = (Contents::new(), Contents::new());
        let mut unchanged = Vec::new();
        let mut notes = Vec::new();
        for site in end.sites() {
            let then = past.site(&site.name);
            let changed = match (then, options.detail) {
                (Some(then), Detail::Differences)
                    if is_same_content(then, site) && is_same_site(then, site, options.now) =>
                {
                    let open = options.open.get(&site.name);
                    self.changed(site, (past, end), open, options.folder)?
                }
                (_, Detail::Everything | Detail::Differences) => None,
            };
            if let Some(changed) = changed {
                unchanged.push(Unchanged::new(site, changed.same));
                before.entry(site.name.clone()).or_default().files = changed.before;
                after.entry(site.name.clone()).or_default().files = changed.after;
                continue;
            }
            let base = || then.map(|then| self.list_past(then, past)).transpose();
            let (base, listing) = rayon::join(base, || self.list(site, end));
            if let Some((base, noted)) = base? {
                notes.extend(noted);
                before.insert(site.name.clone(), base);
            }
            let listing = match listing {
                Err(ContentProblem::Content(ContentError::RootMissing { .. })) => {
                    let had_files = !files(&before, site).is_empty();
                    let is_emptied = had_files
                        && then.is_some_and(|then| then.content.root == site.content.root);
                    if !is_emptied && is_compared(site, options.now) {
                        return Err(no_root(site, past, end, had_files));
                    }
                    // Git has no empty folders.
                    Listing::default()
                }
                listing => listing.map_err(|error| of_site(site, error))?,
            };
            notes.extend(notes_of(site, &listing));
            after.insert(site.name.clone(), listing);
        }
        for site in past.sites() {
            if end.site(&site.name).is_none() {
                let (listing, left_out) = self.list_past(site, past)?;
                notes.extend(left_out);
                before.insert(site.name.clone(), listing);
            }
        }
        self.refuse_unversioned((past, end), (end.sites(), options.now), &before, &unchanged)?;
        Ok(Compared {
            since: Since {
                base: wanted_at(past, before, options.now, &mut notes)?,
                revisions: revisions(past, end, false),
            },
            contents: after,
            unchanged,
            notes,
        })
    }

    /// The content wanted in the work tree, whose `contents` are on disk, compared with `past`.
    pub fn work_tree(
        &self,
        past: &Past,
        project: &Project,
        contents: &Contents,
        options: &CompareOptions<'_>,
    ) -> Result<Compared, HistoryError> {
        let mut before = Contents::new();
        let mut notes = Vec::new();
        let is_head = self.is_head(past)?;
        for site in past.sites() {
            let (listing, left_out) = self.list_past(site, past)?;
            if is_head {
                refuse_submodules(&listing, &project.sites, site)?;
            }
            notes.extend(left_out);
            before.insert(site.name.clone(), listing);
        }
        let head = if is_head { None } else { Some(self.at_head()?) };
        let end = head.as_ref().unwrap_or(past);
        self.refuse_unversioned((past, end), (&project.sites, options.now), &before, &[])?;
        let wanted = (&*project.sites, contents);
        let dirty = self.is_dirty((past, &before), head.as_ref(), wanted, options.folder)?
            || self.manifests_dirty(project)?;
        notes.extend(self.notes_of_converted(&project.sites, end, &before, contents)?);
        let mut unchanged = Vec::new();
        let mut left = Contents::new();
        for site in &project.sites {
            let wanted = files(contents, site);
            let left = &mut left.entry(site.name.clone()).or_default().files;
            let is_split = |then: &Site, base: &Listing| {
                options.detail == Detail::Differences
                    && is_same_site(then, site, options.now)
                    && are_apart(then, &base.files)
                    && are_apart(site, wanted)
            };
            match past.site(&site.name).zip(before.get_mut(&site.name)) {
                Some((then, base)) if is_split(then, base) => {
                    let purged = std::mem::take(&mut base.files).into_iter();
                    let open = options.open.get(&site.name);
                    let split = split_unchanged(site, wanted, purged, open);
                    base.files = split.purged;
                    *left = split.wanted;
                    unchanged.push(Unchanged::new(site, split.unchanged));
                }
                Some(_) | None => *left = wanted.to_vec(),
            }
        }
        Ok(Compared {
            since: Since {
                base: wanted_at(past, before, options.now, &mut notes)?,
                revisions: revisions(past, end, dirty),
            },
            contents: left,
            unchanged,
            notes,
        })
    }

    /// The differences of a site between two revisions; `None` if both must be listed.
    pub(super) fn changed(
        &self,
        site: &Site,
        (past, end): (&Past, &Past),
        open: Option<&BTreeSet<Arc<str>>>,
        folder: Option<&CacheFolder>,
    ) -> Result<Option<Changed>, HistoryError> {
        let tally = |files: &[String], folders: &[String]| site::count_folder(site, files, folders);
        let mut counts = TreeCounts::new(site::mapping(site), &tally);
        if let Some(folder) = folder {
            counted::recall(folder, site, &mut counts);
        }
        let root = slashed(&site.content.root);
        let (from, to) = (&past.revision.tree, &end.revision.tree);
        let selection = &site.content.selection;
        let root = self.tree_root(&root);
        let changed = self
            .repository
            .changed_files(from, to, root, selection, open, &mut counts)
            .map_err(|error| of_site(site, error.into()))?;
        if let Some(folder) = folder {
            counted::keep(folder, site, &counts);
        }
        Ok(changed)
    }

    /// Refuses content that was never committed: it has no history, so every file would always look
    /// new, or none would.
    fn refuse_unversioned(
        &self,
        (past, end): (&Past, &Past),
        (sites, now): (&[Site], DateTime<Utc>),
        before: &Contents,
        unchanged: &[Unchanged],
    ) -> Result<(), HistoryError> {
        for site in sites {
            let had_files = !files(before, site).is_empty()
                || unchanged
                    .iter()
                    .any(|same| same.owner == Owner::Site(site.name.clone()) && same.entries > 0);
            if had_files || past.revision.commit.is_none() || !is_compared(site, now) {
                continue;
            }
            if let Some(declared) = end.site(&site.name)
                && self.list_past(declared, end)?.0.files.is_empty()
            {
                return Err(not_in_git(site, past, end));
            }
        }
        Ok(())
    }
}

/// What was wanted then, without files that could not be part of a URL: they were never purged.
fn wanted_at(
    past: &Past,
    mut contents: Contents,
    now: DateTime<Utc>,
    notes: &mut Vec<String>,
) -> Result<Desired, HistoryError> {
    let Some(project) = &past.project else {
        return Ok(Desired::default());
    };
    let wanted = desired(project, &contents, now).or_else(|errors| {
        for error in &errors.0 {
            let SiteError::NoUrl { site, path, .. } = error else {
                return Err(errors);
            };
            notes.push(format!(
                "at `{}`: {error}; it is left out",
                past.revision.name
            ));
            if let Some(listing) = contents.get_mut(site) {
                listing.files.retain(|file| file.path != *path);
            }
        }
        desired(project, &contents, now)
    });
    wanted.map_err(|source| HistoryError::Site {
        revision: past.revision.name.clone(),
        source,
    })
}

/// The error for a site without a content root at the wanted revision.
fn no_root(site: &Site, past: &Past, end: &Past, had_files: bool) -> HistoryError {
    if !had_files && past.revision.commit.is_some() {
        return not_in_git(site, past, end);
    }
    HistoryError::NoRoot {
        site: site.name.to_string(),
        root: site.content.root.display().to_string(),
        revision: end.revision.name.clone(),
    }
}

/// Refuses wanted submodules. They are on disk but not in the tree, so their files would always look
/// new.
pub(super) fn refuse_submodules(
    committed: &Listing,
    sites: &[Site],
    declared: &Site,
) -> Result<(), HistoryError> {
    let Some(site) = sites.iter().find(|site| site.name == declared.name) else {
        return Ok(());
    };
    let is_wanted = |note: &&Note| {
        note.reason == NoteReason::Submodule && site.content.selection.enters(note.path.as_bytes())
    };
    let notes = committed.notes.iter().filter(is_wanted);
    let paths: Vec<_> = notes.map(|note| note.path.clone()).collect();
    match paths.is_empty() {
        true => Ok(()),
        false => Err(of_site(site, ContentError::Submodules { paths }.into())),
    }
}

fn not_in_git(site: &Site, past: &Past, end: &Past) -> HistoryError {
    HistoryError::NotInGit {
        site: site.name.to_string(),
        root: site.content.root.display().to_string(),
        from: past.revision.name.clone(),
        to: end.revision.name.clone(),
    }
}

/// Whether two manifests of a site select the same files of a tree.
pub(super) fn is_same_content(one: &Site, other: &Site) -> bool {
    let (one, other) = (&one.content, &other.content);
    one.root == other.root && one.selection.rule() == other.selection.rule()
}

/// Whether the same files become the same entries then and now.
fn is_same_site(then: &Site, site: &Site, now: DateTime<Utc>) -> bool {
    site::mapping(then) == site::mapping(site) && is_compared(then, now) && is_compared(site, now)
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
