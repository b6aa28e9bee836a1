//! `purgit state rm`

use std::collections::BTreeSet;

use super::{check, declined};
use crate::cli::args::StateRemove;
use crate::cli::commands::{running, runtime};
use crate::cli::{CommandError, Printer, project, sides};
use crate::entry::EntryKey;
use crate::exit::Exit;
use crate::output::count;
use crate::plan::select::Selection;
use crate::state::recorder::Recorder;
use crate::state::{Record, State};

pub(super) fn run(arguments: &StateRemove, printer: Printer) -> Result<Exit, CommandError> {
    let selection = Selection::new(&arguments.addresses, &[])?;
    let opened = project::open(printer)?;
    let store = sides::views(&opened)?.store().clone();
    let state = store.load()?.state;
    check(&selection, &state)?;
    let keys = selected(&state, &selection);
    let entries = count(keys.len(), "entry");
    let question = format!("Forget {entries}? The next apply purges again what is still declared.");
    if let Some(declined) = declined(arguments.auto_approve, &question, printer) {
        return declined;
    }
    let forgotten = runtime()?.block_on(async {
        let holder = running::holder("state rm");
        let lineage = uuid::Uuid::now_v7().to_string();
        let recorder = Recorder::open(store, holder, arguments.lock_timeout, lineage).await?;
        let keys = selected(&recorder.snapshot(), &selection);
        let forgotten = keys.len();
        if forgotten > 0 {
            recorder.record(Record::Forget { keys }).await?;
        }
        recorder.finish().await?;
        Ok::<_, CommandError>(forgotten)
    })?;
    printer.line(&format!("Forgot {}", count(forgotten, "entry")));
    let under_way = state.pending_operations.iter();
    let under_way = under_way.flat_map(|operation| operation.entries.iter().map(|(key, _)| key));
    let under_way: BTreeSet<_> = under_way
        .filter(|key| selection.selects(&key.address()))
        .collect();
    if !under_way.is_empty() {
        let entries = count(under_way.len(), "entry");
        printer.warning(&format!(
            "{entries} under way at the CDN: the outcome will be recorded again"
        ));
    }
    printer.advice("what is still declared is purged again: `purgit plan` shows it");
    Ok(Exit::Done)
}

fn selected(state: &State, selection: &Selection) -> Vec<EntryKey> {
    let known: BTreeSet<_> = state.entries.keys().chain(state.due.keys()).collect();
    let selected = known
        .into_iter()
        .filter(|key| selection.selects(&key.address()));
    selected.cloned().collect()
}
