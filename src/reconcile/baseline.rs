//! Recording the present as purged, without a purge: `purgit state baseline`.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ReconcileError, Reconciler};
use crate::diff::diff;
use crate::entry::EntryKey;
use crate::plan::looked::Looked;
use crate::state::{Record, State};
use crate::verify::Verdict;
use crate::workspace::sides::Sides;

#[derive(Debug)]
pub struct Adopted {
    /// How many did not count as purged before.
    pub entries: usize,
    /// What the edges said, if they were asked.
    pub looked: Option<Looked>,
}

impl Reconciler<'_> {
    /// Records the selected entries as purged and forgets those that are gone. If everything is selected
    /// and nothing is uncommitted, the checked-out commit counts as applied. `root` is the project's.
    /// With an inquiry, only entries that are proven fresh (or proven gone) are recorded.
    pub async fn adopt(&self, sides: &Sides, root: &Path) -> Result<Adopted, ReconcileError> {
        let asked = self.asked(Some(sides)).await?;
        let seen = self.look(Some(sides))?;
        let begun = self.begin(Some(sides), seen).await?;
        let state = begun.recorder.snapshot();
        let looked = asked.map(|(mut looked, before)| {
            looked.retain_unmoved(&before, &state);
            looked
        });
        let desired = &begun.both.desired;
        let wanted = desired.entries.iter().map(|entry| &entry.key);
        let known = wanted.chain(state.entries.keys());
        self.selection.check(known.map(EntryKey::address))?;
        let is_selected = |key: &EntryKey| self.selection.selects(&key.address());
        let difference = diff(desired, &state);
        let is_proven = |key: &EntryKey| {
            let seen = looked.as_ref().and_then(|looked| looked.of(key));
            seen.is_some_and(|seen| seen.evidence.verdict == Verdict::Fresh)
        };
        let deleted = difference
            .gone()
            .filter(|key| looked.is_none() || is_proven(key));
        let gone: BTreeSet<_> = difference.forgotten.iter().chain(deleted).collect();
        let gone = gone.into_iter().filter(|key| is_selected(key));
        let keys: Vec<_> = gone.cloned().collect();
        let mut records = Vec::new();
        let adopted = if let Some(looked) = &looked {
            records.extend(looked.records(&state));
            looked.adopted().count()
        } else {
            let selected = desired.entries.iter();
            let selected = selected.filter(|entry| is_selected(&entry.key));
            let entries: Vec<_> = selected
                .map(|entry| (entry.key.clone(), entry.generation.clone()))
                .collect();
            let at = self.clock.now();
            let adopted = State::clone(&state).adopt(entries.clone(), at);
            if adopted > 0 {
                records.push(Record::Adopt { entries, at });
            }
            adopted
        };
        if !keys.is_empty() {
            records.push(Record::Forget { keys });
        }
        let all_fresh = |looked: &Looked| {
            let mut seen = looked.seen.iter();
            looked.left_out == 0 && seen.all(|seen| is_proven(&seen.key))
        };
        if self.selection.is_all() && looked.as_ref().is_none_or(all_fresh) {
            let commit = sides.clean_commit(self.project, root);
            let commit = commit.filter(|commit| state.last_applied.as_ref() != Some(commit));
            records.extend(commit.map(|revision| Record::Applied { revision }));
        }
        drop(state);
        if !records.is_empty() {
            begun.recorder.record_all(records).await?;
        }
        let (ended, error) = self.end(Some(sides), begun).await;
        self.keep(ended);
        let adopted = Adopted {
            entries: adopted,
            looked,
        };
        error.map_or(Ok(adopted), Err)
    }
}
