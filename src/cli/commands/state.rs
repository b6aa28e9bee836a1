//! `purgit state`

use super::running::holder;
use crate::cli::args::{self, StateAction};
use crate::cli::{CommandError, Printer, project, wanted};
use crate::clock::{Clock as _, SystemClock};
use crate::diff::diff;
use crate::entry::EntryKey;
use crate::exit::Exit;
use crate::output::count;
use crate::plan::select::Selection;
use crate::state::recorder::LEASE;
use crate::state::{self, Loaded, Record, State};

pub(super) fn run(arguments: &args::State, printer: Printer) -> Result<Exit, CommandError> {
    match &arguments.action {
        StateAction::Baseline(baseline) => adopt(&baseline.addresses, printer),
    }
}

/// Records the present as purged, under a lease, like any other run.
fn adopt(addresses: &[String], printer: Printer) -> Result<Exit, CommandError> {
    let opened = project::open(printer)?;
    let selection = Selection::new(addresses, &[])?;
    let desired = wanted::from_disk(&opened, printer)?.desired;
    let store = state::open(&opened.root.join(&opened.project.state_file));
    let lease = store.lease(&holder("state baseline"), LEASE)?;
    let Loaded { state, seq } = store.load()?;
    let wanted = desired.entries.iter().map(|entry| &entry.key);
    selection.check(wanted.chain(state.entries.keys()).map(EntryKey::address))?;
    let keys: Vec<_> = diff(&desired, &state)
        .gone()
        .filter(|key| selection.selects(&key.address()))
        .cloned()
        .collect();
    let chosen = desired
        .entries
        .into_iter()
        .filter(|entry| selection.selects(&entry.key.address()));
    let entries: Vec<_> = chosen.map(|entry| (entry.key, entry.generation)).collect();
    let at = SystemClock.now();
    let adopted = State::clone(&state).adopt(entries.clone(), at);
    let mut records = Vec::new();
    if adopted > 0 {
        records.push(Record::Adopt { entries, at });
    }
    if !keys.is_empty() {
        records.push(Record::Forget { keys });
    }
    if !records.is_empty() {
        if state.lineage.is_empty() {
            let lineage = uuid::Uuid::new_v4().to_string();
            records.insert(0, Record::Begin { lineage });
        }
        let seq = store.append(&*lease, seq, &records)?;
        store.compact(&*lease, seq)?;
    }
    printer.line(&format!(
        "Adopted {} as purged; nothing was sent",
        count(adopted, "entry")
    ));
    Ok(Exit::Done)
}
