//! Stage 3: what differs between wanted and confirmed, with the reason why.
//!
//! Pure. Both sides are sorted by key, so one merge finds everything.

use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::entry::{Entry, EntryKey, Generation, Owner};
use crate::manifest::resource::Project;
use crate::state::pending::Pending;
use crate::state::{Observed, Outcome, PendingOperation, State};

/// An entry whose desired and observed generations differ, or whose last purge was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry.
    pub key: EntryKey,
    /// The generation last confirmed; `None` when none ever was.
    pub before: Option<Generation>,
    /// The generation wanted; `None` when the entry's content is gone.
    pub after: Option<Generation>,
    /// Why it is to be purged.
    pub reason: Reason,
}

/// Why an entry is to be purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Never confirmed before.
    Added,
    /// The content is another than when last purged.
    ContentChanged,
    /// The manifest's `revision` is another than when last purged.
    RevisionChanged,
    /// The content is gone.
    ContentDeleted,
    /// The last purge failed.
    PreviousFailed,
    /// Nobody knows how the last purge ended.
    PreviousUnknown,
    /// Asked for on the command line.
    Forced,
}

impl Reason {
    /// The contract's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::ContentChanged => "content_changed",
            Self::RevisionChanged => "revision_changed",
            Self::ContentDeleted => "content_deleted",
            Self::PreviousFailed => "previous_failed",
            Self::PreviousUnknown => "previous_unknown",
            Self::Forced => "forced",
        }
    }
}

/// What the comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Sorted by key.
    pub changes: Vec<Change>,
    /// Entries wanted and confirmed.
    pub noop: usize,
    /// Entries whose purge to the wanted generation is under way.
    pub in_progress: usize,
    /// Entries of the state that no manifest declares any more; they are forgotten, not purged.
    pub forgotten: Vec<EntryKey>,
}

impl Difference {
    /// Entries that nothing wants any more, whether they would be purged once more or forgotten.
    pub fn gone(&self) -> impl Iterator<Item = &EntryKey> {
        let deleted = self.changes.iter().filter(|change| change.after.is_none());
        deleted.map(|change| &change.key).chain(&self.forgotten)
    }

    /// Forgets what was served by an endpoint that is not declared any more: nobody could be asked
    /// to purge it.
    #[must_use]
    pub fn served_by(mut self, project: &Project) -> Self {
        let is_served = |change: &Change| project.endpoints.contains_key(&change.key.endpoint);
        let (served, unserved) = self.changes.into_iter().partition(is_served);
        self.changes = served;
        let unserved = Vec::into_iter(unserved).map(|change| change.key);
        self.forgotten.extend(unserved);
        self.forgotten.sort_unstable();
        self
    }
}

/// Compares what is wanted with what is confirmed. What is due is a change, whatever was confirmed.
pub fn diff(desired: &Desired, state: &State) -> Difference {
    let under_way = Pending::of(&state.pending_operations);
    let mut difference = Difference {
        noop: desired.unchanged.iter().map(|same| same.entries).sum(),
        ..Difference::default()
    };
    let mut known = state.entries.iter().peekable();

    for entry in &desired.entries {
        while let Some((key, observed)) = known.next_if(|(key, _)| **key < entry.key) {
            unwanted(key, observed, desired, &under_way, &mut difference);
        }
        let observed = known.next_if(|(key, _)| **key == entry.key);
        let observed = observed.map(|(_, observed)| observed);
        let before = observed.and_then(|observed| observed.generation.clone());
        let in_doubt = match under_way.accepted.get(&entry.key) {
            Some((operation, Some(generation)))
                if **generation == entry.generation && !is_too_early(operation, entry, state) =>
            {
                difference.in_progress += 1;
                continue;
            }
            // A purge to another generation is under way: even when `before` is what is wanted
            // again, the edge may have fetched the other one meanwhile.
            Some(_) => before.as_ref() == Some(&entry.generation),
            None => under_way.in_doubt.contains(&entry.key),
        };
        let unconfirmed = observed
            .and_then(|observed| observed.attempt.as_ref())
            .and_then(|attempt| unconfirmed_reason(attempt.outcome))
            .or_else(|| in_doubt.then_some(Reason::PreviousUnknown));
        let reason = match (unconfirmed, &before) {
            (Some(reason), _) => reason,
            (None, None) => Reason::Added,
            (None, Some(before)) if *before == entry.generation => {
                if !state.due.contains_key(&entry.key) && !was_other(&entry.key, observed) {
                    difference.noop += 1;
                    continue;
                }
                // Wanted again as it was, while another generation was to be purged in between.
                Reason::PreviousUnknown
            }
            (None, Some(_)) => match entry.key.owner {
                Owner::OneOff | Owner::Purge(_) => Reason::RevisionChanged,
                Owner::Site(_) => Reason::ContentChanged,
            },
        };
        difference.changes.push(Change {
            key: entry.key.clone(),
            before,
            after: Some(entry.generation.clone()),
            reason,
        });
    }
    for (key, observed) in known {
        unwanted(key, observed, desired, &under_way, &mut difference);
    }
    due(desired, state, &under_way, &mut difference);
    difference
}

/// Whether an operation that is under way began before something else became due: the edge may have
/// fetched that after the purge.
fn is_too_early(operation: &PendingOperation, entry: &Entry, state: &State) -> bool {
    let due = state.due.get(&entry.key);
    due.is_some_and(|due| {
        due.at > operation.intended_at && due.generation.as_ref() != Some(&entry.generation)
    })
}

/// Whether a file was another one than when it was confirmed, or gone, and the purge of that was not
/// sent: the edge may have fetched what was there.
fn was_other(key: &EntryKey, observed: Option<&Observed>) -> bool {
    let is_another = |observed: &Observed| {
        let attempt = observed.attempt.as_ref();
        attempt.is_some_and(|attempt| attempt.generation != observed.generation)
    };
    match key.owner {
        Owner::Site(_) => observed.is_some_and(is_another),
        // Another revision is no other content.
        Owner::Purge(_) | Owner::OneOff => false,
    }
}

/// What is due and neither wanted nor confirmed: asked for on the command line, or of content that is
/// gone at both ends of what is compared.
fn due(desired: &Desired, state: &State, under_way: &Pending<'_>, difference: &mut Difference) {
    let found = difference.changes.len();
    for (key, due) in &state.due {
        let is_compared = state.entries.contains_key(key) || {
            let wanted = &desired.entries;
            wanted.binary_search_by(|entry| entry.key.cmp(key)).is_ok()
        };
        match key.owner {
            _ if is_compared => {}
            Owner::OneOff => match under_way.accepted.get(key) {
                Some((_, generation)) if *generation == due.generation.as_ref() => {
                    difference.in_progress += 1;
                }
                Some(_) | None => difference.changes.push(Change {
                    key: key.clone(),
                    before: None,
                    after: due.generation.clone(),
                    reason: Reason::Forced,
                }),
            },
            Owner::Purge(_) | Owner::Site(_) => {
                unwanted(key, &Observed::default(), desired, under_way, difference);
            }
        }
    }
    if difference.changes.len() > found {
        difference.changes.sort_by(|a, b| a.key.cmp(&b.key));
    }
}

/// What becomes of an entry of the state that is not wanted.
fn unwanted(
    key: &EntryKey,
    observed: &Observed,
    desired: &Desired,
    under_way: &Pending<'_>,
    difference: &mut Difference,
) {
    if desired.suspended.binary_search(&key.owner).is_ok() {
        return;
    }
    if desired.deleting.binary_search(&key.owner).is_err() || observed.is_gone() {
        difference.forgotten.push(key.clone());
    } else if matches!(under_way.accepted.get(key), Some((_, None))) {
        difference.in_progress += 1;
    } else {
        difference.changes.push(Change {
            key: key.clone(),
            before: observed.generation.clone(),
            after: None,
            reason: Reason::ContentDeleted,
        });
    }
}

/// Why an entry whose last attempt ended so must be purged again; `None` when the attempt says
/// nothing about the edge.
fn unconfirmed_reason(outcome: Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Failed => Some(Reason::PreviousFailed),
        Outcome::Unknown | Outcome::Submitted | Outcome::InProgress => {
            Some(Reason::PreviousUnknown)
        }
        Outcome::Succeeded | Outcome::Skipped | Outcome::Deferred | Outcome::Superseded => None,
    }
}
