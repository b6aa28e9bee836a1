//! Stage 3: the differences between wanted and confirmed, each with its reason.
//!
//! Pure. Both sides are sorted by key, so one merge finds everything.

use std::cmp::Ordering;

use crate::desired::Desired;
use crate::entry::{Entry, EntryKey, Generation, Owner};
use crate::manifest::resource::Project;
use crate::state::pending::Pending;
use crate::state::{Observed, Outcome, PendingOperation, State};
use crate::word_enum::word_enum;

/// An entry whose desired and observed generations differ, or whose last purge was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub key: EntryKey,
    pub before: Option<Generation>,
    pub after: Option<Generation>,
    pub reason: Reason,
}

word_enum! {
    serde
    /// Why an entry is to be purged.
    pub enum Reason {
        /// Never confirmed before.
        Added = "added",
        /// The content is another than when last purged.
        ContentChanged = "content_changed",
        /// The manifest's `revision` is another than when last purged.
        RevisionChanged = "revision_changed",
        ContentDeleted = "content_deleted",
        /// The last purge failed.
        PreviousFailed = "previous_failed",
        /// Nobody knows how the last purge ended.
        PreviousUnknown = "previous_unknown",
        /// Confirmed, and the edge was proven to serve something older.
        StaleAtEdge = "stale_at_edge",
        /// Asked for on the command line.
        Forced = "forced",
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Sorted by key.
    pub changes: Vec<Change>,
    pub noop: usize,
    /// Entries whose purge to the wanted generation is pending.
    pub in_progress: usize,
    /// Entries of the state that no manifest declares any more; they are forgotten, not purged.
    pub forgotten: Vec<EntryKey>,
}

impl Difference {
    /// Entries that nothing wants any more, purged again or forgotten.
    pub fn gone(&self) -> impl Iterator<Item = &EntryKey> {
        let deleted = self.changes.iter().filter(|change| change.after.is_none());
        deleted.map(|change| &change.key).chain(&self.forgotten)
    }

    /// Forgets entries of endpoints that are no longer declared: no CDN could purge them.
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

pub(crate) struct Compared<'a> {
    pub(crate) key: &'a EntryKey,
    /// The generation wanted; `None` when the entry's content is gone.
    pub(crate) wanted: Option<&'a Generation>,
    pub(crate) observed: Option<&'a Observed>,
    pub(crate) finding: Finding,
}

pub(crate) enum Finding {
    Confirmed,
    UnderWay,
    Differs(Reason),
    /// No manifest declares it any more.
    Undeclared,
}

pub fn diff(desired: &Desired, state: &State) -> Difference {
    let mut difference = Difference {
        noop: desired.unchanged.iter().map(|same| same.entries).sum(),
        ..Difference::default()
    };
    let pending = Pending::of(&state.pending_operations);
    compare(desired, state, &pending, |compared| {
        match compared.finding {
            Finding::Confirmed => difference.noop += 1,
            Finding::UnderWay => difference.in_progress += 1,
            Finding::Undeclared => difference.forgotten.push(compared.key.clone()),
            Finding::Differs(reason) => difference.changes.push(Change {
                key: compared.key.clone(),
                before: compared.observed.and_then(|known| known.generation.clone()),
                after: compared.wanted.cloned(),
                reason,
            }),
        }
    });
    if !state.due.is_empty() || !pending.is_empty() {
        difference.changes.sort_by(|a, b| a.key.cmp(&b.key));
    }
    difference
}

/// Visits everything that is wanted, known, due or under way, except entries that were only counted: in
/// key order, then what is neither wanted nor known. Due entries are purged even if confirmed.
pub(crate) fn compare<'a>(
    desired: &'a Desired,
    state: &'a State,
    pending: &Pending<'a>,
    mut visit: impl FnMut(Compared<'a>),
) {
    let mut known = state.entries.iter().peekable();
    let gone = |key, observed| gone(key, observed, desired, state, pending);
    for entry in &desired.entries {
        let mut observed = None;
        while let Some(&(key, found)) = known.peek() {
            match key.cmp(&entry.key) {
                Ordering::Greater => break,
                Ordering::Equal => observed = Some(found),
                Ordering::Less => gone(key, Some(found)).into_iter().for_each(&mut visit),
            }
            known.next();
        }
        visit(Compared {
            key: &entry.key,
            wanted: Some(&entry.generation),
            observed,
            finding: wanted(entry, observed, state, pending),
        });
    }
    for (key, found) in known {
        gone(key, Some(found)).into_iter().for_each(&mut visit);
    }
    let is_visited = |key: &EntryKey| {
        let entries = &desired.entries;
        let is_wanted = || entries.binary_search_by(|entry| entry.key.cmp(key)).is_ok();
        state.entries.contains_key(key) || is_wanted()
    };
    for (key, due) in &state.due {
        if is_visited(key) {
            continue;
        }
        match key.owner {
            Owner::OneOff => {
                let wanted = due.generation.as_ref();
                let accepted = pending.accepted.get(key);
                let finding = match accepted {
                    Some((_, generation)) if *generation == wanted => Finding::UnderWay,
                    Some(_) | None => Finding::Differs(Reason::Forced),
                };
                visit(Compared {
                    key,
                    wanted,
                    observed: None,
                    finding,
                });
            }
            // The content is missing on both sides of the comparison.
            Owner::Purge(_) | Owner::Site(_) => {
                gone(key, None).into_iter().for_each(&mut visit);
            }
        }
    }
    for key in pending.keys() {
        // An edge may have fetched the file before it was gone.
        let is_file = matches!(key.owner, Owner::Site(_));
        if is_file && !is_visited(key) && !state.due.contains_key(key) {
            let gone = gone(key, None).into_iter();
            let is_declared = |gone: &Compared<'_>| !matches!(gone.finding, Finding::Undeclared);
            gone.filter(is_declared).for_each(&mut visit);
        }
    }
}

fn wanted(
    entry: &Entry,
    observed: Option<&Observed>,
    state: &State,
    pending: &Pending<'_>,
) -> Finding {
    let before = observed.and_then(|observed| observed.generation.as_ref());
    let is_before = before == Some(&entry.generation);
    let in_doubt = match pending.accepted.get(&entry.key) {
        Some((operation, Some(generation)))
            if **generation == entry.generation && !is_too_early(operation, entry, state) =>
        {
            return Finding::UnderWay;
        }
        // A purge to another generation is pending. Even if `before` is wanted again, the edge may
        // have fetched the other one meanwhile.
        Some(_) => is_before,
        None => pending.in_doubt.contains(&entry.key),
    };
    let attempt = observed.and_then(|observed| observed.attempt.as_ref());
    let unconfirmed = match state.is_stale(&entry.key) {
        true => Some(Reason::StaleAtEdge),
        false => attempt.and_then(|attempt| unconfirmed_reason(attempt.outcome)),
    };
    Finding::Differs(match (unconfirmed, before) {
        (Some(reason), _) => reason,
        (None, _) if in_doubt => Reason::PreviousUnknown,
        (None, None) => Reason::Added,
        (None, Some(_)) if is_before => {
            if !state.due.contains_key(&entry.key) && !was_other(&entry.key, observed) {
                return Finding::Confirmed;
            }
            // The confirmed generation is wanted again, but another one was due in between.
            Reason::PreviousUnknown
        }
        (None, Some(_)) => match entry.key.owner {
            Owner::OneOff | Owner::Purge(_) => Reason::RevisionChanged,
            Owner::Site(_) => Reason::ContentChanged,
        },
    })
}

/// Whether something else became due after the operation: the edge may have fetched that.
fn is_too_early(operation: &PendingOperation, entry: &Entry, state: &State) -> bool {
    let due = state.due.get(&entry.key);
    due.is_some_and(|due| {
        due.at > operation.intended_at && due.generation.as_ref() != Some(&entry.generation)
    })
}

/// Whether the file changed after it was confirmed, without a purge: the edge may have fetched that.
fn was_other(key: &EntryKey, observed: Option<&Observed>) -> bool {
    let is_another = |observed: &Observed| {
        let attempt = observed.attempt.as_ref();
        attempt.is_some_and(|attempt| attempt.generation != observed.generation)
    };
    match key.owner {
        Owner::Site(_) => observed.is_some_and(is_another),
        // Another revision does not mean other content.
        Owner::Purge(_) | Owner::OneOff => false,
    }
}

/// For an entry that is known or due but not wanted; `None` while its owner is suspended.
fn gone<'a>(
    key: &'a EntryKey,
    observed: Option<&'a Observed>,
    desired: &Desired,
    state: &State,
    pending: &Pending<'_>,
) -> Option<Compared<'a>> {
    if desired.suspended.binary_search(&key.owner).is_ok() {
        return None;
    }
    let is_deleting = desired.deleting.binary_search(&key.owner).is_ok();
    let finding = if !is_deleting || observed.is_some_and(Observed::is_gone) {
        Finding::Undeclared
    } else if matches!(pending.accepted.get(key), Some((_, None))) {
        Finding::UnderWay
    } else if state.is_stale(key) {
        Finding::Differs(Reason::StaleAtEdge)
    } else {
        Finding::Differs(Reason::ContentDeleted)
    };
    Some(Compared {
        key,
        wanted: None,
        observed,
        finding,
    })
}

/// Why an entry must be purged again; `None` if the outcome says nothing about the edge.
fn unconfirmed_reason(outcome: Outcome) -> Option<Reason> {
    match outcome {
        Outcome::Failed => Some(Reason::PreviousFailed),
        Outcome::Unknown | Outcome::Submitted | Outcome::InProgress => {
            Some(Reason::PreviousUnknown)
        }
        Outcome::Succeeded
        | Outcome::Skipped
        | Outcome::Deferred
        | Outcome::Held
        | Outcome::Superseded => None,
    }
}
