//! Taking the present as purged: `purgit state baseline`.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ReconcileError, Reconciler};
use crate::diff::diff;
use crate::entry::EntryKey;
use crate::plan::looked::Looked;
use crate::state::{Record, State};
use crate::verify::Verdict;
use crate::workspace::sides::Sides;

/// What became of a baseline.
#[derive(Debug)]
pub struct Adopted {
    /// How many did not count as purged before.
    pub entries: usize,
    /// What the edges said, where they were asked.
    pub looked: Option<Looked>,
}

impl Reconciler<'_> {
    /// Records what is selected as purged, without a purge; what is selected and gone is forgotten.
    /// Where all is selected and nothing is uncommitted, what is checked out counts as applied. `root`
    /// is that of the project. With an inquiry, only what is proven fresh is taken, and what is proven
    /// gone forgotten.
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
        let is_taken = |key: &EntryKey| looked.is_none() || is_proven(key);
        let forgotten = difference.forgotten.iter();
        let deleted = difference.gone().filter(|key| is_taken(key));
        let gone: BTreeSet<_> = forgotten.chain(deleted).collect();
        let gone = gone.into_iter().filter(|key| is_selected(key));
        let keys: Vec<_> = gone.cloned().collect();
        let mut records = Vec::new();
        let adopted = if let Some(looked) = &looked {
            records.extend(looked.records(&state));
            looked.adopted().count()
        } else {
            let chosen = desired.entries.iter();
            let chosen = chosen.filter(|entry| is_selected(&entry.key));
            let entries: Vec<_> = chosen
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
        let is_fresh = |looked: &Looked| {
            let seen = &mut looked.seen.iter();
            looked.left_out == 0 && seen.all(|seen| is_proven(&seen.key))
        };
        let is_all = self.selection.is_all() && looked.as_ref().is_none_or(is_fresh);
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
        let adopted = Adopted {
            entries: adopted,
            looked,
        };
        error.map_or(Ok(adopted), Err)
    }
}
