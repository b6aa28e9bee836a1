//! What holds for every situation.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use purgit::desired::{Desired, Unchanged};
use purgit::diff::diff;
use purgit::entry::{Entry, EntryKey, Generation, Owner};
use purgit::state::{Due, Observed, Outcome, PendingOperation, State};
use purgit::status::{
    ConditionStatus, EntryStatus, Listed, ORIGIN_READY, READY, RECONCILING, STALLED, document,
};

use super::{get, project, purge};
use crate::state_fixture::{OUTCOMES, at, attempted, file, operation};

fn owner(name: &str) -> Owner {
    Owner::Purge(name.into())
}

/// Keys from so few that entries, states and operations meet.
fn few_keys() -> impl Strategy<Value = EntryKey> {
    (0..2_usize, 0..3_usize)
        .prop_map(|(owner, path)| file(["autumn", "spring"][owner], ["/a", "/b", "/c"][path]))
}

fn few_generations() -> impl Strategy<Value = Generation> {
    proptest::sample::select(&["r1", "r2"][..]).prop_map(Generation::recorded)
}

fn any_situation() -> impl Strategy<Value = (Desired, State)> {
    let observed = (
        proptest::option::of(few_generations()),
        proptest::option::of((few_generations(), proptest::sample::select(&OUTCOMES[..]))),
    )
        .prop_map(|(generation, attempt)| Observed {
            generation,
            attempt: attempt
                .and_then(|(generation, outcome)| attempted(generation.as_str(), outcome).attempt),
            ..Observed::default()
        });
    let operations = vec(
        (
            any::<bool>(),
            vec((few_keys(), proptest::option::of(few_generations())), 1..3),
        ),
        0..3,
    );
    let entries = btree_map(few_keys(), few_generations(), 0..6);
    let observed = btree_map(few_keys(), observed, 0..6);
    let due = proptest::option::of(few_generations()).prop_map(|generation| Due {
        generation,
        forced: false,
        at: at(1),
    });
    let due = btree_map(few_keys(), due, 0..3);
    (entries, observed, operations, due, any::<bool>()).prop_map(
        |(wanted, entries, operations, due, deletes)| {
            let wanted = Desired {
                entries: wanted
                    .into_iter()
                    .map(|(key, generation)| Entry { key, generation })
                    .collect(),
                // As a site that purges what is gone.
                deleting: deletes.then(|| owner("autumn")).into_iter().collect(),
                ..Desired::default()
            };
            let operations = operations.into_iter().enumerate();
            let state = State {
                entries,
                due,
                pending_operations: operations
                    .map(|(number, (accepted, entries))| PendingOperation {
                        entries,
                        ..operation(&number.to_string(), accepted.then_some("t"), &[])
                    })
                    .collect(),
                ..State::default()
            };
            (wanted, state)
        },
    )
}

proptest! {
    #[test]
    fn ready_means_that_the_next_plan_is_empty((wanted, state) in any_situation()) {
        let project = project(vec![purge("autumn", &[]), purge("spring", &[])]);
        let document = document(&project, &wanted, &state, None, None, Listed::NotAsDeclared, at(20));
        for manifest in &document.manifests {
            let owner = owner(&manifest.name);
            let alone = Desired {
                entries: wanted.entries.iter().filter(|entry| entry.key.owner == owner).cloned().collect(),
                deleting: wanted.deleting.iter().filter(|one| **one == owner).cloned().collect(),
                ..Desired::default()
            };
            let difference = diff(&alone, &state);
            let quiet = difference.changes.is_empty() && difference.in_progress == 0;
            let ready = get(&manifest.conditions, READY).expect("always there");
            prop_assert_eq!(ready.status == ConditionStatus::True, quiet, "{:?}", manifest);
            prop_assert_eq!(manifest.entries.succeeded == manifest.entries.total, quiet);
            let open = manifest.entries.total - manifest.entries.succeeded;
            prop_assert_eq!(open, difference.changes.len() + difference.in_progress);
            prop_assert_eq!(manifest.outcomes.len(), open, "only what is not as declared");
            let reconciling = get(&manifest.conditions, RECONCILING);
            prop_assert_eq!(reconciling.is_some(), difference.in_progress > 0);
            let stalled = get(&manifest.conditions, STALLED);
            prop_assert!(stalled.is_none() || !quiet);
            let held = get(&manifest.conditions, ORIGIN_READY);
            prop_assert_eq!(held.is_some(), manifest.entries.held > 0);
            let others = manifest.conditions.iter().skip(1);
            let mut others = others.filter(|one| one.kind != ORIGIN_READY);
            prop_assert!(others.all(|one| one.status == ConditionStatus::True));
        }
    }

    #[test]
    fn what_is_listed_changes_nothing_else((wanted, state) in any_situation()) {
        let project = project(vec![purge("autumn", &[]), purge("spring", &[])]);
        let short = document(&project, &wanted, &state, None, None, Listed::NotAsDeclared, at(20));
        let mut long = document(&project, &wanted, &state, None, None, Listed::Everything, at(20));
        for manifest in &mut long.manifests {
            prop_assert_eq!(manifest.outcomes.len(), manifest.entries.total);
            let is_open = |entry: &EntryStatus| entry.outcome != Some(Outcome::Succeeded);
            manifest.outcomes.retain(is_open);
        }
        prop_assert_eq!(long, short);
    }

    #[test]
    fn entries_that_were_only_counted_count((mut wanted, state) in any_situation(), entries in 1..9_usize) {
        let project = project(vec![purge("autumn", &[]), purge("spring", &[])]);
        let listed = document(&project, &wanted, &state, None, None, Listed::NotAsDeclared, at(20));
        wanted.unchanged.push(Unchanged {
            owner: owner("spring"),
            endpoint: "www".into(),
            entries,
        });
        let counted = document(&project, &wanted, &state, None, None, Listed::NotAsDeclared, at(20));
        prop_assert_eq!(&listed.manifests[0], &counted.manifests[0]);
        let (listed, counted) = (&listed.manifests[1], &counted.manifests[1]);
        prop_assert_eq!(counted.entries.total, listed.entries.total + entries);
        prop_assert_eq!(counted.entries.succeeded, listed.entries.succeeded + entries);
        prop_assert_eq!(&counted.outcomes, &listed.outcomes);
        prop_assert_eq!(
            get(&counted.conditions, READY).map(|one| one.status == ConditionStatus::True),
            get(&listed.conditions, READY).map(|one| one.status == ConditionStatus::True)
        );
    }
}
