//! Changes deferred to another window of a quota: their outcomes, and what is recorded. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diff::Change;
use crate::entry::{EntryKey, Generation, Owner};
use crate::execute::EntryOutcome;
use crate::plan::{Plan, minute};
use crate::state::{Outcome, Record, State};

/// A deferred change, and until when.
type Deferred<'p> = (&'p Change, DateTime<Utc>);

fn deferred(plan: &Plan) -> impl Iterator<Item = Deferred<'_>> {
    let changes = plan.changes.iter();
    changes.filter_map(|change| Some((change, *plan.deferred.get(&change.key)?)))
}

fn message(until: DateTime<Utc>) -> String {
    format!("no quota is left until {}", minute(until))
}

pub(super) fn outcomes(plan: &Plan) -> impl Iterator<Item = EntryOutcome> {
    deferred(plan).map(|(change, until)| EntryOutcome {
        key: change.key.clone(),
        generation: change.after.clone(),
        outcome: Outcome::Deferred,
        message: Some(message(until)),
        hint: None,
    })
}

pub(super) fn is_all(entries: &[EntryOutcome]) -> bool {
    entries
        .iter()
        .all(|entry| entry.outcome == Outcome::Deferred)
}

/// Changes not yet recorded as deferred until then: a run that finds the same again records nothing.
pub(super) fn new<'p>(plan: &'p Plan, state: &State) -> Vec<Deferred<'p>> {
    let is_known = |(change, until): &Deferred<'_>| {
        if change.key.owner == Owner::OneOff {
            return is_due(change, state);
        }
        let known = state.entries.get(&change.key);
        let attempt = known.and_then(|known| known.attempt.as_ref());
        attempt.is_some_and(|attempt| match attempt.outcome {
            Outcome::Deferred => {
                attempt.generation == change.after && attempt.message == Some(message(*until))
            }
            Outcome::Skipped | Outcome::Held => false,
            // These say more, and are kept.
            Outcome::Failed
            | Outcome::Unknown
            | Outcome::Submitted
            | Outcome::InProgress
            | Outcome::Succeeded
            | Outcome::Superseded => true,
        })
    };
    deferred(plan).filter(|one| !is_known(one)).collect()
}

/// Whether a change is already recorded as due, with the same generation.
pub(super) fn is_due(change: &Change, state: &State) -> bool {
    let due = state.due.get(&change.key);
    due.is_some_and(|due| due.generation == change.after)
}

pub(super) fn records(deferred: &[Deferred<'_>], at: DateTime<Utc>) -> Vec<Record> {
    let mut by_time: BTreeMap<DateTime<Utc>, Vec<(EntryKey, Option<Generation>)>> = BTreeMap::new();
    for (change, until) in deferred {
        if change.key.owner != Owner::OneOff {
            let aim = (change.key.clone(), change.after.clone());
            by_time.entry(*until).or_default().push(aim);
        }
    }
    let records = by_time.into_iter().map(|(until, entries)| Record::Defer {
        entries,
        message: message(until),
        at,
    });
    records.collect()
}
