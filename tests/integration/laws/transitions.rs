//! Whatever happens to operations, in whatever order: nothing is lost, only a confirmed success
//! counts, and what is due stays due until a purge of it is confirmed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use purgit::desired::Desired;
use purgit::diff::diff;
use purgit::entry::{Entry, EntryKey, Generation};
use purgit::operation::Task;
use purgit::state::transition::ItemOutcome;
use purgit::state::{Due, Outcome, PendingOperation, Record, State};

use crate::state_fixture::{at, file};

/// URLs there are.
const URLS: u8 = 4;

/// What may happen.
#[derive(Debug, Clone)]
enum Happening {
    /// A step with these URLs is about to be sent.
    Intend(BTreeSet<u8>),
    /// The nth pending operation is accepted.
    Accept(usize),
    /// A URL of the nth pending operation ends.
    Settle(usize, u8, Outcome),
    /// URLs are not attempted.
    Skip(BTreeSet<u8>),
    /// URLs wait for the quota.
    Defer(BTreeSet<u8>),
    /// URLs are about to be purged.
    Due(BTreeSet<u8>, bool),
    /// The process dies, and the next one resolves what is in doubt.
    Crash,
    /// All URLs get that revision.
    Revise(u8),
}

fn any_happening() -> impl Strategy<Value = Happening> {
    let urls = || proptest::collection::btree_set(0..URLS, 1..3);
    let outcome = prop_oneof![
        4 => Just(Outcome::Succeeded),
        1 => Just(Outcome::Failed),
        1 => Just(Outcome::Unknown),
        1 => Just(Outcome::InProgress),
    ];
    prop_oneof![
        3 => urls().prop_map(Happening::Intend),
        3 => (0..3_usize).prop_map(Happening::Accept),
        6 => (0..3_usize, 0..URLS, outcome).prop_map(|(nth, url, outcome)| Happening::Settle(nth, url, outcome)),
        1 => urls().prop_map(Happening::Skip),
        1 => urls().prop_map(Happening::Defer),
        2 => (urls(), any::<bool>()).prop_map(|(urls, forced)| Happening::Due(urls, forced)),
        1 => Just(Happening::Crash),
        1 => (0..3_u8).prop_map(Happening::Revise),
    ]
}

fn key(url: u8) -> EntryKey {
    file("spring", &format!("/{url}"))
}

fn desired(revision: u8) -> Desired {
    let entry = |url| Entry {
        key: key(url),
        generation: Generation::recorded(&format!("r{revision}")),
    };
    Desired {
        entries: (0..URLS).map(entry).collect(),
        ..Desired::default()
    }
}

/// What is known of a URL, told as a story instead of a state.
#[derive(Debug, Clone, Default)]
struct Known {
    confirmed: Option<Generation>,
    /// The last attempt ended badly, or nobody knows how.
    doubt: bool,
    due: Option<Due>,
}

proptest! {
    #[test]
    fn nothing_is_lost_and_only_success_counts(happenings in vec(any_happening(), 0..40)) {
        let mut state = State::default();
        let mut known: BTreeMap<EntryKey, Known> = (0..URLS).map(|url| (key(url), Known::default())).collect();
        let mut revision = 0;
        for (number, happening) in happenings.into_iter().enumerate() {
            let now = at(i64::try_from(number).unwrap());
            match happening {
                Happening::Intend(urls) => {
                    let generation = Generation::recorded(&format!("r{revision}"));
                    state.intend(PendingOperation {
                        id: format!("operation-{number}"),
                        endpoint: "www".into(),
                        intended_at: now,
                        task: None,
                        accepted_at: None,
                        asked_at: None,
                        correlation_id: None,
                        sends: 1,
                        directories: Vec::new(),
                        entries: urls.into_iter().map(|url| (key(url), Some(generation.clone()))).collect(),
                    });
                }
                Happening::Accept(nth) => {
                    let id = state.pending_operations.iter().nth(nth).map(|operation| operation.id.clone());
                    let task = Task { id: format!("task-{number}"), details: serde_json::Value::Null };
                    if let Some(id) = id {
                        state.accept(&id, task, None, now);
                    }
                }
                Happening::Settle(nth, url, outcome) => {
                    let Some(operation) = state.pending_operations.iter().nth(nth).cloned() else { continue };
                    let mine = operation.entries.iter().find(|(entry, _)| *entry == key(url));
                    let item = ItemOutcome { target: key(url).target, outcome, message: None };
                    state.settle(&operation.id, &[item], now);
                    let Some((entry, generation)) = mine else { continue };
                    let known = known.get_mut(entry).unwrap();
                    match outcome {
                        Outcome::Succeeded => {
                            let is_done = |due: &Due| {
                                operation.intended_at >= due.at || due.generation == *generation
                            };
                            *known = Known {
                                confirmed: generation.clone(),
                                doubt: false,
                                due: known.due.take().filter(|due| !is_done(due)),
                            };
                        }
                        Outcome::InProgress => {}
                        _ => known.doubt = true,
                    }
                }
                Happening::Skip(urls) => {
                    let generation = Some(Generation::recorded(&format!("r{revision}")));
                    let urls = urls.into_iter().map(|url| (key(url), generation.clone()));
                    state.not_attempted(urls, Outcome::Skipped, "not now", now);
                }
                Happening::Defer(urls) => {
                    let generation = Some(Generation::recorded(&format!("r{revision}")));
                    let urls = urls.into_iter().map(|url| (key(url), generation.clone()));
                    state.not_attempted(urls, Outcome::Deferred, "until 0:00", now);
                }
                Happening::Due(urls, forced) => {
                    let generation = Some(Generation::recorded(&format!("r{revision}")));
                    for url in &urls {
                        let due = &mut known.get_mut(&key(*url)).unwrap().due;
                        let was_forced = due.as_ref().is_some_and(|due| due.forced && due.generation == generation);
                        *due = Some(Due { generation: generation.clone(), forced: forced || was_forced, at: now });
                    }
                    let entries = urls.into_iter().map(|url| (key(url), generation.clone())).collect();
                    state.apply(Record::Due { entries, forced, at: now });
                }
                Happening::Crash => {
                    for operation in state.pending_operations.iter().filter(|operation| operation.task.is_none()) {
                        for (entry, _) in &operation.entries {
                            known.get_mut(entry).unwrap().doubt = true;
                        }
                    }
                    state.resolve_doubt(now);
                }
                Happening::Revise(other) => revision = other,
            }

            for (entry, known) in &known {
                let observed = state.entries.get(entry).and_then(|observed| observed.generation.clone());
                prop_assert_eq!(&observed, &known.confirmed, "{}", entry.address());
                prop_assert_eq!(state.due.get(entry), known.due.as_ref(), "{}", entry.address());
            }
            let desired = desired(revision);
            let difference = diff(&desired, &state);
            let planned: BTreeSet<_> = difference.changes.iter().map(|change| &change.key).collect();
            for entry in &desired.entries {
                let known = &known[&entry.key];
                // The edge may have stored what was due in between.
                let is_older = |intended_at| known.due.as_ref().is_some_and(|due| {
                    due.at > intended_at && due.generation.as_ref() != Some(&entry.generation)
                });
                let pending = |accepted: bool| state.pending_operations.iter().any(|operation| {
                    operation.task.is_some() == accepted
                        && !(accepted && is_older(operation.intended_at))
                        && operation.entries.iter().any(|(key, generation)| {
                            *key == entry.key && (!accepted || generation.as_ref() == Some(&entry.generation))
                        })
                });
                let fresh = known.confirmed.as_ref() == Some(&entry.generation) && !known.doubt;
                let under_way = pending(true);
                prop_assert!(
                    fresh || under_way || planned.contains(&entry.key),
                    "{} is lost", entry.key.address()
                );
                prop_assert!(
                    !(under_way && planned.contains(&entry.key)),
                    "{} is under way and planned", entry.key.address()
                );
                if pending(false) && !under_way {
                    prop_assert!(planned.contains(&entry.key), "{} may not have arrived", entry.key.address());
                }
            }
        }
    }
}
