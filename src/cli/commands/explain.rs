//! `purgit plan --explain ADDRESS`

use super::running::inquire;
use crate::cli::args::{Plan, PlanFormat};
use crate::cli::project::Opened;
use crate::cli::sides::{self, Listed};
use crate::cli::{CommandError, Printer};
use crate::clock::{Clock as _, SystemClock};
use crate::entry::Owner;
use crate::exit::Exit;
use crate::manifest::{self, ManifestFile};
use crate::output::{json, text};
use crate::plan::select::Selection;
use crate::reconcile;
use crate::view::{Detail, StateView};

/// Explains one entry. Reads the whole state, because a view does not know when entries were
/// confirmed.
pub(super) fn run(
    address: &str,
    listed: &Listed,
    selection: &Selection,
    arguments: &Plan,
    printer: Printer,
) -> Result<Exit, CommandError> {
    let Opened {
        project,
        digest,
        root,
        ..
    } = &listed.opened;
    let now = SystemClock.now();
    let mut view = StateView::from(listed.views.store().load()?);
    let mut both = listed
        .sides
        .compare(project, &mut view, Detail::Everything, now)?;
    sides::warn(&both.notes, printer);
    if let Some(extent) = arguments.selecting.verify {
        let one = Selection::new(&[address.to_owned()], &[])?;
        inquire(listed, &extent.inquiry(), &one, &mut both, &view, printer)?;
    }
    let plan = reconcile::plan(
        project,
        digest,
        &both,
        &view,
        selection,
        &arguments.forcing.forces,
        now,
    )?;
    let mut entries = reconcile::explain(project, &plan, &both, &view, address)?;
    for entry in &mut entries {
        // For another revision, the manifest on disk does not count.
        if let (Some(place), None) = (&mut entry.declared, &arguments.selecting.to)
            && let Owner::Purge(name) = &entry.key.owner
            && let Ok(text) = std::fs::read(root.join(&*place.file))
        {
            let file = ManifestFile::new(&*place.file, text);
            let found = manifest::target_place(file, name, &entry.key.target);
            *place = found.unwrap_or_else(|| place.clone());
        }
    }
    match arguments.format {
        PlanFormat::Text => {
            for place in entries
                .iter_mut()
                .filter_map(|entry| entry.declared.as_mut())
            {
                place.file = place.below(root).into();
            }
            printer.page(&text::explained(
                &entries,
                printer.layout(arguments.selecting.all),
            ));
        }
        PlanFormat::Json => printer.json(&json::explained::explained(&plan, &entries)),
        PlanFormat::Markdown => {
            let error = CommandError::new("`--explain` takes `--format text` or `json`");
            return Err(error.exit(Exit::Usage));
        }
    }
    Ok(Exit::Done)
}
