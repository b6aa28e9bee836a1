//! What a plan leaves for another window of a quota: what a run says of it, and what it records. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::diff::Change;
use crate::entry::{EntryKey, Generation, Owner};
use crate::execute::EntryOutcome;
use crate::plan::{Plan, minute};
use crate::state::{Attempt, Outcome, Record, State};

/// What waits, with the generation wanted and until when.
type Waiting<'p> = Vec<(&'p Change, DateTime<Utc>)>;

fn waiting(plan: &Plan) -> impl Iterator<Item = (&Change, DateTime<Utc>)> {
    let changes = plan.changes.iter();
    changes.filter_map(|change| Some((change, *plan.deferred.get(&change.key)?)))
}

fn message(until: DateTime<Utc>) -> String {
    format!("no quota is left until {}", minute(until))
}

pub(super) fn outcomes(plan: &Plan) -> impl Iterator<Item = EntryOutcome> {
    waiting(plan).map(|(change, until)| EntryOutcome {
        key: change.key.clone(),
        generation: change.after.clone(),
        outcome: Outcome::Deferred,
        message: Some(message(until)),
        hint: None,
    })
}

/// Whether nothing became of entries but that they wait.
pub(super) fn is_all(entries: &[EntryOutcome]) -> bool {
    entries
        .iter()
        .all(|entry| entry.outcome == Outcome::Deferred)
}

/// What was not known to wait, or not until then: so that a run that finds the same again records nothing.
pub(super) fn new<'p>(plan: &'p Plan, state: &State) -> Waiting<'p> {
    let is_known = |(change, until): &(&Change, DateTime<Utc>)| {
        if change.key.owner == Owner::OneOff {
            return is_due(change, state);
        }
        let known = state.entries.get(&change.key);
        let attempt = known.and_then(|known| known.attempt.as_ref());
        attempt.is_some_and(|attempt| match attempt.outcome {
            Outcome::Deferred => {
                let Attempt {
                    generation,
                    message: said,
                    ..
                } = attempt;
                (generation, said) == (&change.after, &Some(message(*until)))
            }
            Outcome::Skipped | Outcome::Held => false,
            // It says more, and stays what is known.
            Outcome::Failed
            | Outcome::Unknown
            | Outcome::Submitted
            | Outcome::InProgress
            | Outcome::Succeeded
            | Outcome::Superseded => true,
        })
    };
    waiting(plan).filter(|one| !is_known(one)).collect()
}

/// Whether a change that waits is recorded as due already, to the same generation.
pub(super) fn is_due(change: &Change, state: &State) -> bool {
    let due = state.due.get(&change.key);
    due.is_some_and(|due| due.generation == change.after)
}

/// What to record of it.
pub(super) fn records(waiting: &[(&Change, DateTime<Utc>)], at: DateTime<Utc>) -> Vec<Record> {
    let mut by_time: BTreeMap<DateTime<Utc>, Vec<(EntryKey, Option<Generation>)>> = BTreeMap::new();
    for (change, until) in waiting {
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
