//! What a command is to compare: the wanted side, from disk or from a revision, and the base.

use super::args::Selecting;
use super::project::Opened;
use super::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::desired::{Desired, SiteErrors, desired};
use crate::error::chain;
use crate::manifest;
use crate::observed::Since;
use crate::workspace::SiteContentError;
use crate::workspace::disk::{self, Caches};
use crate::workspace::history::{History, HistoryError};

/// Both sides of a comparison.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What must be fresh.
    pub(super) desired: Desired,
    /// The base, with `--since`; the state otherwise.
    pub(super) since: Option<Since>,
}

/// Both sides as the options of `plan` and `apply` say.
pub(super) fn of(
    opened: &mut Opened,
    selecting: &Selecting,
    printer: Printer,
) -> Result<Wanted, CommandError> {
    match &selecting.since {
        Some(since) => from_history(opened, since, selecting.to.as_deref(), printer),
        None => from_disk(opened, printer),
    }
}

/// What is wanted by the files on disk, compared with the state.
pub(super) fn from_disk(opened: &Opened, printer: Printer) -> Result<Wanted, CommandError> {
    let mut caches = Caches::new(&opened.project, &opened.root);
    let (contents, notes) = disk::contents(&opened.project, &opened.root, &mut caches)?;
    tell(&notes, printer);
    let desired = desired(&opened.project, &contents, SystemClock.now())?;
    Ok(Wanted {
        desired,
        since: None,
    })
}

/// What is wanted by the files on disk or at `to`, compared with the revision `since`. With `to`,
/// the project becomes the one of that revision.
fn from_history(
    opened: &mut Opened,
    since: &str,
    to: Option<&str>,
    printer: Printer,
) -> Result<Wanted, CommandError> {
    let history = History::open(&opened.root).map_err(HistoryError::from)?;
    let past = history.at(since)?;
    if past.project.is_none() && past.revision.commit.is_some() {
        printer.warning(&format!(
            "there is no `{}` at `{since}`: everything counts as added",
            manifest::ROOT_FILE
        ));
    }
    let mut end = to.map(|revision| history.at(revision)).transpose()?;
    let now = SystemClock.now();
    let contents = match &mut end {
        Some(end) => {
            let Some(project) = end.project.clone() else {
                let revision = end.revision.name.clone();
                return Err(HistoryError::NoProject { revision }.into());
            };
            opened.digest = manifest::digest(&project);
            opened.project = project;
            tell(&end.notes, printer);
            end.contents.clone()
        }
        None => {
            let mut caches = Caches::new(&opened.project, &opened.root);
            let (contents, notes) = disk::contents(&opened.project, &opened.root, &mut caches)?;
            tell(&notes, printer);
            contents
        }
    };
    let since = history.since(&past, end.as_ref(), &opened.project, &contents, now)?;
    let desired = desired(&opened.project, &contents, now)?;
    Ok(Wanted {
        desired,
        since: Some(since),
    })
}

fn tell(notes: &[String], printer: Printer) {
    for note in notes {
        printer.warning(note);
    }
}

impl From<SiteContentError> for CommandError {
    fn from(error: SiteContentError) -> Self {
        let report = Self::from_error(&error);
        Self {
            hints: error.hint().into_iter().collect(),
            ..report
        }
    }
}

impl From<HistoryError> for CommandError {
    fn from(error: HistoryError) -> Self {
        let report = Self::from_error(&error);
        Self {
            hints: error.hint().into_iter().collect(),
            ..report
        }
    }
}

impl From<SiteErrors> for CommandError {
    fn from(errors: SiteErrors) -> Self {
        let hint = "rename a file, leave it out with `content.exclude`, or change `redirect` or `stripExtensions`";
        Self::new(chain(&errors)).hint(hint)
    }
}
