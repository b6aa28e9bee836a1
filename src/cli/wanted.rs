//! What a command is to compare: the wanted side, from disk or from a revision, and the base.

use super::args::Selecting;
use super::project::{self, Opened};
use super::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::desired::{Desired, SiteErrors, desired};
use crate::error::chain;
use crate::manifest;
use crate::observed::Since;
use crate::workspace::SiteContentError;
use crate::workspace::disk::{self, Caches};
use crate::workspace::history::{History, HistoryError, Past};

/// Both sides of a comparison.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What must be fresh.
    pub(super) desired: Desired,
    /// The base, with `--since`; the state otherwise.
    pub(super) since: Option<Since>,
}

/// The project and both sides, as the options of `plan` and `apply` say.
pub(super) fn open(
    selecting: &Selecting,
    printer: Printer,
) -> Result<(Opened, Wanted), CommandError> {
    open_and(selecting, printer, |_| ()).map(|(opened, wanted, ())| (opened, wanted))
}

/// The same, and meanwhile something else about the project.
pub(super) fn open_and<T: Send>(
    selecting: &Selecting,
    printer: Printer,
    meanwhile: impl FnOnce(&Opened) -> T + Send,
) -> Result<(Opened, Wanted, T), CommandError> {
    if let (Some(since), Some(to)) = (&selecting.since, &selecting.to) {
        let (opened, wanted) = between(since, to, printer)?;
        let besides = meanwhile(&opened);
        return Ok((opened, wanted, besides));
    }
    let opened = project::open(printer)?;
    let wanted = || match &selecting.since {
        Some(since) => since_then(&opened, since, printer),
        None => from_disk(&opened, printer),
    };
    let (besides, wanted) = rayon::join(|| meanwhile(&opened), wanted);
    Ok((opened, wanted?, besides))
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

/// What is wanted by the files on disk, compared with the revision `since`.
fn since_then(opened: &Opened, since: &str, printer: Printer) -> Result<Wanted, CommandError> {
    let history = History::open(&opened.root).map_err(HistoryError::from)?;
    let past = base(&history, since, printer)?;
    history.refuse_sparse(&opened.project)?;
    let mut caches = Caches::new(&opened.project, &opened.root);
    let (contents, notes) = disk::contents(&opened.project, &opened.root, &mut caches)?;
    tell(&notes, printer);
    let now = SystemClock.now();
    let since = history.since(&past, None, &opened.project, &contents, now)?;
    let desired = desired(&opened.project, &contents, now)?;
    Ok(Wanted {
        desired,
        since: Some(since),
    })
}

/// What is wanted at the revision `to`, compared with the revision `since`. Nothing of it is on
/// disk, so neither work tree nor manifests need be there.
fn between(since: &str, to: &str, printer: Printer) -> Result<(Opened, Wanted), CommandError> {
    let root = project::find_root()?;
    let history = History::open(&root).map_err(HistoryError::from)?;
    let (past, end) = rayon::join(|| base(&history, since, printer), || history.at(to));
    let (past, end) = (past?, end?);
    let Some(project) = end.project.clone() else {
        let revision = end.revision.name;
        return Err(HistoryError::NoProject { revision }.into());
    };
    tell(&end.notes, printer);
    let now = SystemClock.now();
    let since = history.since(&past, Some(&end), &project, &end.contents, now)?;
    let desired = desired(&project, &end.contents, now)?;
    let opened = Opened {
        root,
        digest: manifest::digest(&project),
        project,
    };
    let wanted = Wanted {
        desired,
        since: Some(since),
    };
    Ok((opened, wanted))
}

/// The project at the base.
fn base(history: &History, since: &str, printer: Printer) -> Result<Past, CommandError> {
    let past = history.at(since)?;
    if past.project.is_none() && past.revision.commit.is_some() {
        printer.warning(&format!(
            "there is no `{}` at `{since}`: everything counts as added",
            manifest::ROOT_FILE
        ));
    }
    Ok(past)
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
