//! Taking the present as purged: `purgit state baseline`.

use std::path::Path;

use super::{ReconcileError, Reconciler};
use crate::diff::diff;
use crate::entry::EntryKey;
use crate::state::{Record, State};
use crate::workspace::sides::Sides;

impl Reconciler<'_> {
    /// Records what is selected as purged, without a purge; what is selected and gone is forgotten.
    /// Where all is selected and nothing is uncommitted, what is checked out counts as applied. `root`
    /// is that of the project. Returns how many entries did not count as purged before.
    pub async fn adopt(&self, sides: &Sides, root: &Path) -> Result<usize, ReconcileError> {
        let begun = self.begin(Some(sides)).await?;
        let state = begun.recorder.snapshot();
        let desired = &begun.both.desired;
        let wanted = desired.entries.iter().map(|entry| &entry.key);
        let known = wanted.chain(state.entries.keys());
        self.selection.check(known.map(EntryKey::address))?;
        let is_selected = |key: &EntryKey| self.selection.selects(&key.address());
        let difference = diff(desired, &state);
        let gone = difference.gone().filter(|key| is_selected(key));
        let keys: Vec<_> = gone.cloned().collect();
        let chosen = desired.entries.iter();
        let chosen = chosen.filter(|entry| is_selected(&entry.key));
        let entries: Vec<_> = chosen
            .map(|entry| (entry.key.clone(), entry.generation.clone()))
            .collect();
        let at = self.clock.now();
        let adopted = State::clone(&state).adopt(entries.clone(), at);
        let mut records = Vec::new();
        if adopted > 0 {
            records.push(Record::Adopt { entries, at });
        }
        if !keys.is_empty() {
            records.push(Record::Forget { keys });
        }
        let is_all = self.selection.is_all();
        let commit = is_all.then(|| sides.clean_commit(self.project, root));
        let commit = commit.flatten();
        let commit = commit.filter(|commit| state.last_applied.as_ref() != Some(commit));
        records.extend(commit.map(|revision| Record::Applied { revision }));
        drop(state);
        if !records.is_empty() {
            begun.recorder.record_all(records).await?;
        }
        let (ended, error) = self.end(Some(sides), begun).await;
        self.keep(ended);
        error.map_or(Ok(adopted), Err)
    }
}
