//! What a command is to compare: the wanted side, from disk or from a revision, and the base.

use super::args::Selecting;
use super::project::{self, Opened};
use super::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::desired::{Contents, Desired, SiteErrors, desired};
use crate::error::chain;
use crate::manifest;
use crate::observed::Since;
use crate::plan::select::Selection;
use crate::state::Known;
use crate::state::extract::Extract;
use crate::unchanged::{Detail, against_state, open_files};
use crate::workspace::SiteContentError;
use crate::workspace::caches::Caches;
use crate::workspace::disk;
use crate::workspace::history::{CompareOptions, Compared, History, HistoryError, Past};
use crate::workspace::notebook::{Fresh, Notebook};

/// Both sides of a comparison.
#[derive(Debug)]
pub(super) struct Wanted {
    /// What must be fresh.
    pub(super) desired: Desired,
    /// The base, with `--since`; the state otherwise.
    pub(super) since: Option<Since>,
}

/// Both sides, as far as a plan needs them.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) opened: Opened,
    pub(super) wanted: Wanted,
    pub(super) known: Known,
    /// What to do about the state once the plan is told.
    pub(super) notebook: Notebook,
    /// Whether all of the state was read.
    pub(super) fresh: Option<Fresh>,
}

/// The project and both sides with all entries, as the options of `apply` say.
pub(super) fn open(
    selecting: &Selecting,
    printer: Printer,
) -> Result<(Opened, Wanted), CommandError> {
    let options = CompareOptions {
        detail: &Detail::Everything,
        notebook: None,
        now: SystemClock.now(),
    };
    if let (Some(since), Some(to)) = (&selecting.since, &selecting.to) {
        let ends = Ends::open(since, to, selecting, printer)?;
        let wanted = ends.compare(&options, printer)?;
        return Ok((ends.opened, wanted));
    }
    let opened = project_for(selecting, printer)?;
    let wanted = match &selecting.since {
        Some(since) => {
            let (history, past) = base_of_work_tree(&opened, since, printer)?;
            let contents = listed(&opened, printer)?;
            let compared = history.work_tree(&past, &opened.project, contents, &options)?;
            from_history(&opened, compared, &options, printer)?
        }
        None => from_disk(&opened, printer)?,
    };
    Ok((opened, wanted))
}

/// The project and both sides for a plan, as the options of `plan` say: entries that are unchanged
/// are counted, unless a selection may be about them.
pub(super) fn compare(
    selecting: &Selecting,
    selection: &Selection,
    printer: Printer,
) -> Result<Planned, CommandError> {
    let now = SystemClock.now();
    let detail = |known: &Known| match selection.is_all() {
        true => Detail::Differences(open_files(&known.state)),
        false => Detail::Everything,
    };
    if let (Some(since), Some(to)) = (&selecting.since, &selecting.to) {
        let ends = Ends::open(since, to, selecting, printer)?;
        let (notebook, extract, fresh) = remembered(&ends.opened)?;
        let options = CompareOptions {
            detail: &detail(&extract.known),
            // A bare repository is no place to leave files in.
            notebook: ends.history.has_work_tree().then_some(&notebook),
            now,
        };
        return Ok(Planned {
            wanted: ends.compare(&options, printer)?,
            opened: ends.opened,
            known: extract.known,
            notebook,
            fresh,
        });
    }
    let opened = project_for(selecting, printer)?;
    let base = selecting.since.as_ref();
    let base = base.map(|since| base_of_work_tree(&opened, since, printer));
    let base = base.transpose()?;
    let (remembered, contents) = rayon::join(|| remembered(&opened), || listed(&opened, printer));
    let ((notebook, extract, fresh), mut contents) = (remembered?, contents?);
    let detail = detail(&extract.known);
    let (wanted, known) = if let Some((history, past)) = base {
        let options = CompareOptions {
            detail: &detail,
            notebook: Some(&notebook),
            now,
        };
        let compared = history.work_tree(&past, &opened.project, contents, &options)?;
        let wanted = from_history(&opened, compared, &options, printer)?;
        (wanted, extract.known)
    } else {
        let project = &opened.project;
        let (known, unchanged) = against_state(project, &mut contents, extract, &detail, now);
        let desired = Desired {
            unchanged,
            ..desired(project, &contents, now)?
        };
        (
            Wanted {
                desired,
                since: None,
            },
            known,
        )
    };
    Ok(Planned {
        opened,
        wanted,
        known,
        notebook,
        fresh,
    })
}

/// The project around the current folder, for these options.
fn project_for(selecting: &Selecting, printer: Printer) -> Result<Opened, CommandError> {
    reserve(project::open(printer)?, selecting)
}

fn reserve(opened: Opened, selecting: &Selecting) -> Result<Opened, CommandError> {
    match &selecting.json_into {
        Some(path) => opened.reserve("--json-into", path),
        None => Ok(opened),
    }
}

/// What is known of the state, with the notebook that it may be from.
fn remembered(opened: &Opened) -> Result<(Notebook, Extract, Option<Fresh>), CommandError> {
    let notebook = Notebook::new(&opened.project, &opened.root);
    let (extract, fresh) = notebook.state(&opened.project)?;
    Ok((notebook, extract, fresh))
}

/// What is wanted by the files on disk, compared with the state.
pub(super) fn from_disk(opened: &Opened, printer: Printer) -> Result<Wanted, CommandError> {
    let contents = listed(opened, printer)?;
    let desired = desired(&opened.project, &contents, SystemClock.now())?;
    Ok(Wanted {
        desired,
        since: None,
    })
}

/// What is in the content roots on disk.
fn listed(opened: &Opened, printer: Printer) -> Result<Contents, CommandError> {
    let mut caches = Caches::new(&opened.root);
    let (contents, notes) = disk::contents(
        &opened.project,
        &opened.root,
        &mut caches,
        SystemClock.now(),
    )?;
    tell(&notes, printer);
    Ok(contents)
}

/// The project at the base, for a comparison with the work tree.
fn base_of_work_tree(
    opened: &Opened,
    since: &str,
    printer: Printer,
) -> Result<(History, Past), CommandError> {
    let history = History::open(&opened.root).map_err(HistoryError::from)?;
    let past = base(&history, since, printer)?;
    history.refuse_sparse(&opened.project)?;
    Ok((history, past))
}

fn from_history(
    opened: &Opened,
    compared: Compared,
    options: &CompareOptions<'_>,
    printer: Printer,
) -> Result<Wanted, CommandError> {
    tell(&compared.notes, printer);
    Ok(Wanted {
        desired: Desired {
            unchanged: compared.unchanged,
            ..desired(&opened.project, &compared.contents, options.now)?
        },
        since: Some(compared.since),
    })
}

/// Two revisions. Nothing of them is on disk, so neither work tree nor manifests need be there.
struct Ends {
    history: History,
    past: Past,
    end: Past,
    /// The project at the end.
    opened: Opened,
}

impl Ends {
    fn open(
        since: &str,
        to: &str,
        selecting: &Selecting,
        printer: Printer,
    ) -> Result<Self, CommandError> {
        let root = project::find_root()?;
        let history = History::open(&root).map_err(HistoryError::from)?;
        let past = base(&history, since, printer)?;
        let end = history.at(to)?;
        let Some(project) = end.project.clone() else {
            let revision = end.revision.name;
            return Err(HistoryError::NoProject { revision }.into());
        };
        // State and status are on disk, whatever the revision.
        let project = manifest::placed(project, &root).map_err(|problems| {
            let messages = problems.into_iter().map(|problem| problem.message);
            CommandError::new(messages.collect::<Vec<_>>().join("; "))
        })?;
        let opened = Opened {
            digest: manifest::digest(&project),
            root,
            project,
        };
        Ok(Self {
            history,
            past,
            end,
            opened: reserve(opened, selecting)?,
        })
    }

    fn compare(
        &self,
        options: &CompareOptions<'_>,
        printer: Printer,
    ) -> Result<Wanted, CommandError> {
        let compared = self.history.between(&self.past, &self.end, options)?;
        from_history(&self.opened, compared, options, printer)
    }
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
