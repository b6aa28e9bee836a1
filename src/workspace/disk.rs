//! `[io]` The content of all sites on disk.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::caches::Caches;
use super::{ContentProblem, SiteContentError, WorkspaceError};
use crate::confine::{self, Misplaced};
use crate::content::{ContentError, Listing, disk, slashed};
use crate::desired::{Contents, SiteErrors, site};
use crate::diagnostic::{Diagnostic, Severity};
use crate::entry::Owner;
use crate::error::chain;
use crate::manifest::resource::{Project, Site};
use crate::view::is_compared;

/// The content of every site, with notes for the user. The content root of a site that is suspended
/// at `now` may be missing.
pub fn contents(
    project: &Project,
    root: &Path,
    caches: &mut Caches,
    now: DateTime<Utc>,
) -> Result<(Contents, Vec<String>), SiteContentError> {
    let mut contents = Contents::new();
    let mut notes = Vec::new();
    for site in &project.sites {
        let listing = match list(site, root, caches) {
            Err(ContentError::RootMissing { .. }) if !is_compared(site, now) => Listing::default(),
            listing => listing.map_err(|error| SiteContentError {
                site: site.name.clone(),
                source: ContentProblem::from(error),
            })?,
        };
        notes.extend(notes_of(site, &listing));
        contents.insert(site.name.clone(), listing);
    }
    caches.save();
    Ok((contents, notes))
}

/// Problems that keep a site's content from becoming URLs. A missing root is only a warning: the build
/// may come later.
pub fn problems(
    project: &Project,
    root: &Path,
    caches: &mut Caches,
    now: DateTime<Utc>,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for site in project.sites.iter().filter(|site| is_compared(site, now)) {
        let mut report = |severity, error: &WorkspaceError| {
            let mut problem = Diagnostic::new(severity, chain(error));
            let owner = Owner::Site(site.name.clone());
            problem.place = project.declared.get(&owner).cloned();
            problem.hint = error.hint();
            problems.push(problem);
        };
        let mut errors = Vec::new();
        match list(site, root, caches) {
            Ok(listing) => {
                site::entries(site, &listing.files, &mut Vec::new(), &mut errors);
            }
            Err(error) => {
                let severity = match matches!(error, ContentError::RootMissing { .. }) {
                    true => Severity::Warning,
                    false => Severity::Error,
                };
                let (site, source) = (site.name.clone(), error.into());
                report(severity, &SiteContentError { site, source }.into());
            }
        }
        for error in errors {
            report(Severity::Error, &SiteErrors(vec![error]).into());
        }
    }
    caches.save();
    problems
}

fn list(site: &Site, root: &Path, caches: &mut Caches) -> Result<Listing, ContentError> {
    let content = &site.content;
    let named = || content.root.display().to_string();
    let real = confine::inside(root, &content.root).map_err(|error| match error {
        Misplaced::Outside(_) | Misplaced::Git(_) => ContentError::RootOutside { root: named() },
        Misplaced::Io(error) => ContentError::unreadable(named(), error),
    })?;
    let folder = root.join(&content.root);
    let selection = content.selection.at(&slashed(&real));
    disk::list(&folder, &selection, caches.of(&site.name))
}

pub(super) fn notes_of(site: &Site, listing: &Listing) -> impl Iterator<Item = String> {
    let notes = listing.notes.iter();
    notes.map(|note| format!("site `{}`: {note}", site.name))
}
