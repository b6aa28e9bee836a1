//! The inputs of a command: the project, its state, and both sides of a comparison.

use std::path::Path;

use super::args::Selecting;
use super::project::{self, Opened};
use super::{CommandError, Printer, environment};
use crate::cache::CacheFolder;
use crate::clock::{Clock as _, SystemClock};
use crate::manifest;
use crate::state::Loaded;
use crate::view::Views;
use crate::workspace::WorkspaceError;
use crate::workspace::caches::Caches;
use crate::workspace::places;
use crate::workspace::sides::Sides;

#[derive(Debug)]
pub(super) struct Listed {
    pub(super) opened: Opened,
    pub(super) views: Views,
    pub(super) sides: Sides,
}

/// For the options of `plan` and `apply`. `outputs` are files to be written, `saved` is a file that
/// was read.
pub(super) fn open(
    selecting: &Selecting,
    outputs: &[(&'static str, Option<&Path>)],
    saved: Option<&Path>,
    printer: Printer,
) -> Result<Listed, CommandError> {
    let dotenv = environment::dotenv(selecting.dotenv.as_deref());
    let own = [
        ("--json-into", selecting.json_into.as_deref()),
        ("--dotenv", dotenv.as_deref()),
    ];
    let outputs = own.iter().chain(outputs);
    let outputs: Vec<_> = outputs
        .filter_map(|(option, path)| Some((*option, (*path)?)))
        .collect();
    let reserved = |opened: Opened| opened.reserve(&outputs, saved);
    let now = SystemClock.now();
    match (&selecting.since, &selecting.to) {
        (Some(since), Some(to)) => {
            let root = project::find_root()?;
            let (project, sides) = Sides::between(&root, since, to)?;
            let digest = manifest::digest(&project);
            let opened = reserved(Opened {
                root,
                project,
                digest,
                revision: to.clone(),
            })?;
            Ok(Listed {
                views: views(&opened)?,
                opened,
                sides: warned(sides, printer),
            })
        }
        (Some(since), None) => {
            let list = |opened: &Opened| Sides::since(&opened.project, &opened.root, since, now);
            listed(reserved(project::open(printer)?)?, list, printer)
        }
        (None, _) => on_disk(reserved(project::open(printer)?)?, printer),
    }
}

/// Files on disk, compared with the state.
pub(super) fn on_disk(opened: Opened, printer: Printer) -> Result<Listed, CommandError> {
    let list = |Opened { project, root, .. }: &Opened| {
        Sides::on_disk(project, root, &mut Caches::new(root), SystemClock.now())
    };
    listed(opened, list, printer)
}

pub(super) fn views(opened: &Opened) -> Result<Views, CommandError> {
    let store = places::state(&opened.project, &opened.root)?;
    Ok(Views::new(store, Some(CacheFolder::new(&opened.root))))
}

/// The state, with a warning if it may be outdated.
pub(super) fn load(opened: &Opened, printer: Printer) -> Result<Loaded, CommandError> {
    let views = views(opened)?;
    let loaded = views.store().load()?;
    warn_of_age(&views, printer);
    Ok(loaded)
}

fn warn_of_age(views: &Views, printer: Printer) {
    if let Some(warning) = views.store().warning() {
        printer.warning(&warning);
    }
}

/// Reads the state and lists the content at the same time.
fn listed(
    opened: Opened,
    list: impl FnOnce(&Opened) -> Result<Sides, WorkspaceError> + Send,
    printer: Printer,
) -> Result<Listed, CommandError> {
    let views = views(&opened)?;
    let (read, sides) = rayon::join(|| views.read(&opened.project), || list(&opened));
    views.keep(read?);
    warn_of_age(&views, printer);
    Ok(Listed {
        sides: warned(sides?, printer),
        opened,
        views,
    })
}

fn warned(sides: Sides, printer: Printer) -> Sides {
    warn(&sides.notes, printer);
    sides
}

pub(super) fn warn(notes: &[String], printer: Printer) {
    for note in notes {
        printer.warning(note);
    }
}

impl From<WorkspaceError> for CommandError {
    fn from(error: WorkspaceError) -> Self {
        Self {
            hints: error.hint().into_iter().collect(),
            ..Self::from_error(&error)
        }
    }
}
