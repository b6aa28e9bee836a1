//! What records do to a state, one rule at a time; laws over many of them are in `laws`.

use proptest::collection::vec;
use proptest::prelude::*;
use purgit::entry::{EntryKey, Generation, TargetKind};
use purgit::state::transition::ItemOutcome;
use purgit::state::{Outcome, PendingOperation, Record, State, Told};

use super::state_fixture::{
    any_record, at, budget, confirmed, due, file, one_off, operation, sample, site_file,
};

fn note(state: &mut State, key: &EntryKey, aim: Option<&str>, forced: bool, second: i64) {
    state.apply(Record::Due {
        entries: vec![(key.clone(), aim.map(Generation::recorded))],
        forced,
        at: at(second),
    });
}

/// Purges an entry, intended then, which ends so.
fn purge(state: &mut State, key: &EntryKey, aim: Option<&str>, second: i64, outcome: Outcome) {
    let id = format!("operation-{second}");
    state.apply(Record::Intend(PendingOperation {
        intended_at: at(second),
        entries: vec![(key.clone(), aim.map(Generation::recorded))],
        ..operation(&id, Some("task"), &[])
    }));
    settle(state, &id, &[key], outcome);
}

fn settle(state: &mut State, id: &str, keys: &[&EntryKey], outcome: Outcome) {
    let item = |key: &&EntryKey| ItemOutcome {
        target: key.target.clone(),
        outcome,
        message: Some("as said".to_owned()),
    };
    state.apply(Record::Settle {
        id: id.to_owned(),
        items: keys.iter().map(item).collect(),
        at: at(90),
    });
}

#[test]
fn what_is_due_goes_with_a_purge_that_was_intended_since() {
    let key = file("spring", "/a");
    for (aim, second, goes) in [
        (Some("r2"), 4, false),
        (Some("r2"), 5, true),
        (Some("r2"), 6, true),
        (None, 4, false),
        (None, 6, true),
        // To the same generation, it does not matter when.
        (Some("r1"), 4, true),
    ] {
        let mut state = State::default();
        note(&mut state, &key, Some("r1"), false, 5);
        purge(&mut state, &key, aim, second, Outcome::Succeeded);
        assert_eq!(state.due.is_empty(), goes, "{aim:?} at {second}");
    }
}

#[test]
fn what_waited_while_an_older_purge_ran_is_not_forgotten_by_its_end() {
    let generation = |text: Option<&str>| text.map(Generation::recorded);
    for (key, purged, waiting, second, stays) in [
        (site_file("a.html"), Some("r1"), Some("r2"), 6, true),
        (site_file("a.html"), None, Some("r2"), 6, true),
        (site_file("a.html"), Some("r1"), None, 6, true),
        // It waited before the purge was sent.
        (site_file("a.html"), Some("r1"), Some("r2"), 4, false),
        (site_file("a.html"), Some("r1"), Some("r1"), 6, false),
        // Another revision does not mean other content.
        (file("spring", "/a"), Some("r1"), Some("r2"), 6, false),
    ] {
        let mut state = State::default();
        state.apply(Record::Intend(PendingOperation {
            intended_at: at(5),
            entries: vec![(key.clone(), generation(purged))],
            ..operation("operation", Some("task"), &[])
        }));
        state.apply(Record::Defer {
            entries: vec![(key.clone(), generation(waiting))],
            message: "no quota is left".to_owned(),
            at: at(second),
        });
        settle(&mut state, "operation", &[&key], Outcome::Succeeded);
        let known = state.entries.get(&key);
        let attempt = known.and_then(|known| known.attempt.as_ref());
        let label = format!("{key:?} {purged:?} {waiting:?} {second}");
        assert_eq!(attempt.is_some(), stays, "{label}");
        assert_eq!(
            known.and_then(|known| known.generation.clone()),
            generation(purged),
            "{label}"
        );
    }
}

#[test]
fn what_is_due_stays_until_a_purge_is_confirmed() {
    let key = file("spring", "/a");
    let mut state = State::default();
    note(&mut state, &key, None, true, 5);
    for outcome in super::state_fixture::OUTCOMES {
        if outcome != Outcome::Succeeded {
            purge(&mut state, &key, None, 6, outcome);
            assert_eq!(state.due.len(), 1, "{outcome}");
        }
    }
    state.apply(Record::Resolve { at: at(7) });
    let endpoints = vec!["www".into()];
    state.apply(Record::Abandon { endpoints });
    assert_eq!(state.due.len(), 1);
    purge(&mut state, &key, None, 6, Outcome::Succeeded);
    assert!(state.due.is_empty());
    // Compared with history, the deletion would be found once more.
    assert!(state.entries[&key].is_gone());
}

#[test]
fn what_is_due_goes_when_it_is_adopted_or_forgotten() {
    let key = file("spring", "/a");
    let mut state = State::default();
    note(&mut state, &key, Some("r1"), false, 5);
    state.apply(Record::Adopt {
        entries: vec![(key.clone(), Generation::recorded("r2"))],
        at: at(6),
    });
    assert!(state.due.is_empty());
    note(&mut state, &key, Some("r1"), false, 5);
    state.apply(Record::Forget {
        keys: vec![key.clone()],
    });
    assert!(state.due.is_empty() && state.entries.is_empty());
}

#[test]
fn a_later_note_replaces_an_earlier_one_but_what_was_forced_stays_forced() {
    let key = file("spring", "/a");
    let mut state = State::default();
    note(&mut state, &key, Some("r1"), true, 1);
    note(&mut state, &key, Some("r1"), false, 5);
    assert_eq!(state.due[&key], due(Some("r1"), true));
    // Another generation was never approved.
    note(&mut state, &key, Some("r2"), false, 5);
    assert_eq!(state.due[&key], due(Some("r2"), false));
}

#[test]
fn a_one_off_is_due_until_it_is_confirmed_and_leaves_nothing_behind() {
    let key = one_off(TargetKind::Tag, "news");
    let mut state = State::default();
    for outcome in [Outcome::Failed, Outcome::Unknown, Outcome::Succeeded] {
        note(&mut state, &key, Some("declared"), false, 5);
        purge(&mut state, &key, Some("declared"), 6, outcome);
        assert_eq!(state.due.is_empty(), outcome == Outcome::Succeeded);
        assert!(state.entries.is_empty() && state.pending_operations.is_empty());
    }
}

#[test]
fn what_waits_for_the_quota_keeps_an_earlier_failure_known() {
    let key = file("spring", "/b.png");
    let attempt = |state: &State| {
        let attempt = state.entries[&key].attempt.clone().expect("an attempt");
        (attempt.outcome, attempt.message.expect("a message"))
    };
    let defer = |state: &mut State, message: &str| {
        state.apply(Record::Defer {
            entries: vec![(key.clone(), Some(Generation::recorded("r1")))],
            message: message.to_owned(),
            at: at(5),
        });
    };
    let mut state = sample();
    defer(&mut state, "until 16:00");
    assert_eq!(attempt(&state).0, Outcome::Failed);

    state.entries.insert(key.clone(), confirmed("r0"));
    state.apply(Record::Skip {
        entries: vec![(key.clone(), Some(Generation::recorded("r1")))],
        message: "interrupted".to_owned(),
        at: at(5),
    });
    defer(&mut state, "until 16:00");
    defer(&mut state, "until 18:00");
    let waits = (Outcome::Deferred, "until 18:00".to_owned());
    assert_eq!(attempt(&state), waits, "the newer one says more");
    assert_eq!(
        state.entries[&key].generation,
        Some(Generation::recorded("r0"))
    );
    purge(&mut state, &key, Some("r1"), 6, Outcome::Succeeded);
    assert_eq!(state.entries[&key].attempt, None);
}

#[test]
fn what_waits_for_the_origin_stays_planned_and_due() {
    let key = file("spring", "/a.png");
    let aim = (key.clone(), Some(Generation::recorded("r2")));
    let mut state = sample();
    state.entries.insert(key.clone(), confirmed("r1"));
    state.apply(Record::Due {
        entries: vec![aim.clone()],
        forced: false,
        at: at(4),
    });
    state.apply(Record::Hold {
        entries: vec![aim],
        message: "the origin answers 404".to_owned(),
        at: at(5),
    });
    let known = &state.entries[&key];
    assert_eq!(known.generation, Some(Generation::recorded("r1")));
    let attempt = known.attempt.as_ref().expect("an attempt");
    assert_eq!(attempt.outcome, Outcome::Held);
    assert!(state.due.contains_key(&key), "it is not done");
    purge(&mut state, &key, Some("r2"), 6, Outcome::Succeeded);
    assert_eq!(state.entries[&key].attempt, None);
    assert!(!state.due.contains_key(&key));
}

#[test]
fn an_intent_that_is_noted_again_takes_the_place_of_the_first() {
    let (a, b) = (file("spring", "/a"), file("spring", "/b"));
    let mut state = State::default();
    let intent = operation("1", None, &[a.clone(), b.clone()]);
    state.apply(Record::Intend(intent.clone()));
    state.apply(Record::Intend(operation("2", None, &[])));
    let again = PendingOperation { sends: 2, ..intent };
    state.apply(Record::Intend(again.clone()));
    assert_eq!(state.pending_operations.first(), Some(&again));
    assert_eq!(state.pending_operations.len(), 2);
    assert!(state.entries.is_empty(), "nothing was overtaken");
}

#[test]
fn a_newer_intent_overtakes_older_ones_on_the_same_entries() {
    let (a, b, c) = (
        file("spring", "/a"),
        file("spring", "/b"),
        file("spring", "/c"),
    );
    let mut state = State::default();
    state.apply(Record::Intend(operation(
        "1",
        Some("t"),
        &[a.clone(), b.clone()],
    )));
    state.apply(Record::Intend(operation(
        "2",
        Some("t"),
        std::slice::from_ref(&c),
    )));
    state.apply(Record::Intend(operation(
        "3",
        None,
        &[b.clone(), c.clone()],
    )));
    let ids: Vec<&str> = state
        .pending_operations
        .iter()
        .map(|one| &*one.id)
        .collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(
        state.pending_operations.of(&a).map(|one| &*one.id),
        Some("1")
    );
    assert_eq!(
        state.pending_operations.of(&b).map(|one| &*one.id),
        Some("3")
    );
    for key in [&b, &c] {
        let attempt = state.entries[key].attempt.as_ref().expect("an attempt");
        assert_eq!(attempt.outcome, Outcome::Unknown);
    }
    // What comes of the older one is about the rest of it only.
    settle(&mut state, "1", &[&a, &b], Outcome::Succeeded);
    assert_eq!(
        state.entries[&a].generation,
        Some(Generation::recorded("r1"))
    );
    assert_eq!(state.entries[&b].generation, None);
    assert!(state.pending_operations.get("1").is_none());
    assert!(state.pending_operations.of(&a).is_none());
}

#[test]
fn settling_twice_is_settling_once() {
    let (a, b) = (file("spring", "/a"), file("spring", "/b"));
    let mut state = State::default();
    state.apply(Record::Intend(operation(
        "1",
        Some("t"),
        &[a.clone(), b.clone()],
    )));
    settle(&mut state, "1", &[&a], Outcome::Succeeded);
    let once = state.clone();
    settle(&mut state, "1", &[&a], Outcome::Failed);
    settle(&mut state, "2", &[&b], Outcome::Failed);
    assert_eq!(state.entries, once.entries);
    assert_eq!(state.pending_operations, once.pending_operations);
}

/// What a CDN said of the budget of files on a day.
fn told(used: u64, booked: u64, day: i64, until: i64) -> Record {
    let key = budget("files", day);
    Record::Tell {
        scope: key.scope,
        counts: key.counts,
        told: Told {
            used,
            limit: None,
            booked,
            window: key.window,
            until: budget("files", until).window,
        },
    }
}

#[test]
fn what_a_cdn_said_goes_when_its_time_is_over_and_never_holds_for_long() {
    let mut state = State::default();
    state.apply(told(10, 0, 0, 1));
    state.apply(told(20, 0, 0, 2));
    let used = state.told.values().map(|told| told.used);
    assert_eq!(used.collect::<Vec<_>>(), [20], "the last word holds");
    let spend = |state: &mut State, day| {
        let key = budget("tags", day);
        state.apply(Record::Spend {
            scope: key.scope,
            counts: key.counts,
            window: key.window,
            amount: 1,
        });
    };
    spend(&mut state, 1);
    assert_eq!(state.told.len(), 1);
    spend(&mut state, 2);
    assert!(state.told.is_empty());
    state.apply(told(10, 0, 0, 9999));
    let until = state.told.values().map(|told| told.until);
    assert_eq!(until.collect::<Vec<_>>(), [budget("files", 40).window]);
}

#[test]
fn the_ledger_adds_up_and_drops_what_is_over_for_long() {
    let mut state = State::default();
    let mut spend = |counts: &str, day: i64, amount: i64| {
        let key = budget(counts, day);
        state.apply(Record::Spend {
            scope: key.scope,
            counts: key.counts,
            window: key.window,
            amount,
        });
        let booked = state.ledger.iter();
        let booked = booked.map(|(key, amount)| (key.counts.to_string(), *amount));
        booked.collect::<Vec<_>>()
    };
    let expected = |all: &[(&str, u64)]| -> Vec<(String, u64)> {
        all.iter()
            .map(|(counts, amount)| ((*counts).to_owned(), *amount))
            .collect()
    };
    assert_eq!(spend("files", 0, 5), expected(&[("files", 5)]));
    assert_eq!(spend("files", 0, 3), expected(&[("files", 8)]));
    assert_eq!(spend("files", 0, -2), expected(&[("files", 6)]));
    assert_eq!(spend("tags", 40, 1), expected(&[("files", 6), ("tags", 1)]));
    assert_eq!(spend("tags", 41, 1), expected(&[("tags", 1), ("tags", 1)]));
    // Booked back in full, or more than that, there is nothing.
    assert_eq!(spend("tags", 41, -9), expected(&[("tags", 1)]));
    assert_eq!(spend("tags", 81, 0), expected(&[]));
}

#[test]
fn the_last_applied_revision_is_the_last_one_recorded() {
    let mut state = sample();
    for revision in ["b", "a"] {
        state.apply(Record::Applied {
            revision: revision.to_owned(),
        });
    }
    assert_eq!(state.last_applied.as_deref(), Some("a"));
}

proptest! {
    /// What finds operations by id and by entry agrees with the operations, whatever happens.
    #[test]
    fn operations_are_found_by_id_and_by_entry(records in vec(any_record(), 0..40)) {
        let mut state = State::default();
        for (number, record) in records.into_iter().enumerate() {
            state.apply(record);
            prop_assert_eq!(state.serial, number as u64 + 1);
            let operations = &state.pending_operations;
            prop_assert_eq!(operations.iter().count(), operations.len());
            for operation in operations {
                prop_assert_eq!(operations.get(&operation.id), Some(operation));
                for (key, _) in &operation.entries {
                    prop_assert_eq!(operations.of(key), Some(operation));
                }
            }
            for known in state.entries.keys().chain(state.due.keys()) {
                let holds = |one: &PendingOperation| one.entries.iter().any(|(key, _)| key == known);
                let holders = operations.iter().filter(|one| holds(one)).count();
                prop_assert_eq!(usize::from(operations.of(known).is_some()), holders);
            }
            let again: Vec<_> = operations.iter().cloned().collect();
            prop_assert_eq!(&purgit::state::Operations::from(again), operations);
        }
    }
}
