//! How far one entry is, from what the state knows. The same notion of "confirmed" as the diff's:
//! a manifest is ready if and only if the next plan has nothing for it and nothing is under way.

use sha2::{Digest as _, Sha256};

use super::EntryOutcome;
use crate::entry::{Entry, Generation};
use crate::state::pending::Pending;
use crate::state::{Outcome, State};

/// Bytes of a digest shown as a revision: enough to tell two revisions apart.
const REVISION_BYTES: usize = 8;

/// One wanted entry and how far it is.
pub(super) struct View<'a> {
    pub(super) entry: &'a Entry,
    /// `None` when the wanted generation was not attempted yet.
    pub(super) outcome: Option<Outcome>,
    /// The wanted generation is confirmed, and nothing casts doubt on it.
    pub(super) confirmed: bool,
    /// A purge to the wanted generation is under way.
    pub(super) under_way: bool,
    /// Anything was ever tried for this entry, at whatever generation.
    pub(super) tried: bool,
    pub(super) message: Option<&'a str>,
    last_confirmed: Option<&'a Generation>,
    task: Option<&'a str>,
}

impl<'a> View<'a> {
    pub(super) fn of(entry: &'a Entry, state: &'a State, pending: &Pending<'a>) -> Self {
        let observed = state.entries.get(&entry.key);
        let attempt = observed.and_then(|observed| observed.attempt.as_ref());
        let last_confirmed = observed.and_then(|observed| observed.generation.as_ref());
        let accepted = pending.accepted.get(&entry.key);
        let in_doubt = pending.in_doubt.contains(&entry.key);
        let mut view = Self {
            entry,
            outcome: attempt.map(|attempt| attempt.outcome),
            confirmed: false,
            under_way: false,
            tried: observed.is_some() || accepted.is_some() || in_doubt,
            message: attempt.and_then(|attempt| attempt.message.as_deref()),
            last_confirmed,
            task: accepted.and_then(|(operation, _)| Some(operation.task.as_ref()?.id.as_str())),
        };
        match accepted {
            Some((operation, leads_to)) if *leads_to == Some(&entry.generation) => {
                view.under_way = true;
                view.message = None;
                view.outcome = Some(match operation.asked_at {
                    Some(_) => Outcome::InProgress,
                    None => Outcome::Submitted,
                });
            }
            None if in_doubt => {
                view.outcome = Some(Outcome::Unknown);
                view.message = Some("no one knows whether the request arrived");
            }
            None if last_confirmed == Some(&entry.generation) && !view.casts_doubt() => {
                view.confirmed = true;
                view.outcome = Some(Outcome::Succeeded);
                view.message = None;
            }
            // Nothing new, or a purge to another generation is under way: whatever comes of that,
            // ours is next.
            Some(_) | None => {}
        }
        // Success at another generation, or success that is not trusted, is not success.
        if !view.confirmed && view.outcome == Some(Outcome::Succeeded) {
            view.outcome = None;
            view.message = None;
        }
        view
    }

    /// Whether the last attempt leaves the edge in another state than was confirmed before.
    fn casts_doubt(&self) -> bool {
        match self.outcome {
            Some(Outcome::Failed | Outcome::Unknown | Outcome::Submitted | Outcome::InProgress) => {
                true
            }
            Some(Outcome::Succeeded | Outcome::Skipped | Outcome::Superseded) | None => false,
        }
    }

    /// Whether the wanted generation was submitted, however it ended.
    pub(super) fn was_attempted(&self) -> bool {
        self.confirmed || self.under_way || self.casts_doubt()
    }

    /// The line of the document.
    pub(super) fn outcome(&self) -> EntryOutcome {
        let other = self
            .last_confirmed
            .filter(|generation| **generation != self.entry.generation);
        EntryOutcome {
            url: self.entry.key.target.to_string(),
            kind: self.entry.key.target.kind(),
            outcome: self.outcome,
            generation: self.entry.generation.to_string(),
            confirmed_generation: other.map(ToString::to_string),
            message: self.message.map(str::to_owned),
            task_id: self.task.map(str::to_owned),
        }
    }
}

/// One word for the generations of a manifest: theirs, if all have the same, or a digest over
/// them; `None` without entries.
pub(super) fn revision(entries: &[Entry]) -> Option<String> {
    let first = &entries.first()?.generation;
    if entries.iter().all(|entry| entry.generation == *first) {
        return Some(first.to_string());
    }
    let mut hash = Sha256::new();
    for entry in entries {
        for part in [
            &*entry.key.address(),
            entry.key.target.as_str(),
            entry.generation.as_str(),
        ] {
            // The length in front keeps neighbours apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
    }
    let digest = hash.finalize();
    Some(format!("sha256:{}", hex::encode(&digest[..REVISION_BYTES])))
}
