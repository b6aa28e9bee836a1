//! `purgit state`

use std::sync::Arc;

use super::running::holder;
use crate::cli::args::{State, StateAction};
use crate::cli::{CommandError, Printer, project, wanted};
use crate::clock::{Clock as _, SystemClock};
use crate::diff::diff;
use crate::entry::EntryKey;
use crate::exit::Exit;
use crate::output::count;
use crate::plan::select::Selection;
use crate::state;
use crate::state::StateStore;

pub(super) fn run(arguments: &State, printer: Printer) -> Result<Exit, CommandError> {
    match &arguments.action {
        StateAction::Baseline(baseline) => adopt(&baseline.addresses, printer),
    }
}

/// Records the present as purged, under the lock and by compare-and-swap, like any other run.
fn adopt(addresses: &[String], printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let selection = Selection::new(addresses, &[])?;
    let desired = wanted::from_disk(&opened, printer)?.desired;
    let store: Arc<dyn StateStore> = Arc::from(state::open(&opened.project, &opened.root));
    let _lock = store.lock(&holder("state baseline"))?;
    let snapshot = store.read()?;
    let mut state = snapshot.state;
    let wanted = desired.entries.iter().map(|entry| &entry.key);
    selection.check(wanted.chain(state.entries.keys()).map(EntryKey::address))?;
    let gone: Vec<_> = diff(&desired, &state)
        .gone()
        .filter(|key| selection.selects(&key.address()))
        .cloned()
        .collect();
    let chosen = desired
        .entries
        .into_iter()
        .filter(|entry| selection.selects(&entry.key.address()));
    let adopted = state.adopt(
        chosen.map(|entry| (entry.key, entry.generation)),
        SystemClock.now(),
    );
    state.forget(&gone);
    if adopted + gone.len() > 0 {
        state.serial += 1;
        if state.lineage.is_empty() {
            state.lineage = uuid::Uuid::new_v4().to_string();
        }
        store.write(&state, snapshot.version.as_ref())?;
    }
    printer.line(&format!(
        "Adopted {} as purged; nothing was sent",
        count(adopted, "entry")
    ));
    Ok(Exit::Done)
}
