//! Wanted against confirmed: which entries are to be purged, and why.

use std::collections::BTreeMap;

use proptest::prelude::*;
use purgit::desired::Desired;
use purgit::diff::{Difference, Reason, diff};
use purgit::entry::{Entry, EntryKey, Generation, Owner, TargetKind};
use purgit::state::transition::ItemOutcome;
use purgit::state::{Attempt, Due, Observed, Outcome, PendingOperation, State};

use super::state_fixture::{
    OUTCOMES, any_key, any_observed, any_state, at, attempted, confirmed, due, file, key,
    operation, site_file,
};

fn wanted(entries: &[(EntryKey, &str)]) -> Desired {
    let mut entries: Vec<_> = entries
        .iter()
        .map(|(key, generation)| Entry {
            key: key.clone(),
            generation: Generation::recorded(generation),
        })
        .collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    Desired {
        entries,
        ..Desired::default()
    }
}

/// Confirmed at the first generation, then tried at the second.
fn tried(generation: &str, next: &str, outcome: Outcome) -> Observed {
    Observed {
        attempt: attempted(next, outcome).attempt,
        ..confirmed(generation)
    }
}

/// An operation that leads the file `/a` to a generation.
fn leading(task: Option<&str>, generation: Option<&str>) -> PendingOperation {
    PendingOperation {
        entries: vec![(file("spring", "/a"), generation.map(Generation::recorded))],
        ..operation("1", task, &[])
    }
}

fn state(observed: Option<Observed>, pending_operations: Vec<PendingOperation>) -> State {
    let entries = observed.map(|observed| (file("spring", "/a"), observed));
    State {
        entries: BTreeMap::from_iter(entries),
        pending_operations: pending_operations.into(),
        ..State::default()
    }
}

/// What one entry comes to.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Change(Reason),
    Fresh,
    UnderWay,
}

fn verdict(difference: &Difference) -> Verdict {
    match (
        &difference.changes[..],
        difference.noop,
        difference.in_progress,
    ) {
        ([change], 0, 0) => Verdict::Change(change.reason),
        ([], 1, 0) => Verdict::Fresh,
        ([], 0, 1) => Verdict::UnderWay,
        _ => panic!("an entry has one verdict: {difference:?}"),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table, a row a situation")]
fn every_situation_of_an_entry_has_its_reason() {
    use Outcome::{Failed, InProgress, Skipped, Submitted, Succeeded, Superseded, Unknown};
    use Reason::{Added, PreviousFailed, PreviousUnknown, RevisionChanged};
    use Verdict::{Change, Fresh, UnderWay};
    let to = |generation| vec![leading(Some("t"), Some(generation))];
    let doubt = || vec![leading(None, Some("r2"))];
    // `r2` is wanted.
    let rows = [
        ("never seen", None, vec![], Change(Added)),
        ("confirmed", Some(confirmed("r2")), vec![], Fresh),
        (
            "older",
            Some(confirmed("r1")),
            vec![],
            Change(RevisionChanged),
        ),
        (
            "failed",
            Some(tried("r1", "r2", Failed)),
            vec![],
            Change(PreviousFailed),
        ),
        (
            "first failed",
            Some(attempted("r2", Failed)),
            vec![],
            Change(PreviousFailed),
        ),
        (
            "unknown",
            Some(tried("r1", "r2", Unknown)),
            vec![],
            Change(PreviousUnknown),
        ),
        (
            "skipped",
            Some(tried("r1", "r2", Skipped)),
            vec![],
            Change(RevisionChanged),
        ),
        (
            "first skipped",
            Some(attempted("r2", Skipped)),
            vec![],
            Change(Added),
        ),
        (
            "left open",
            Some(tried("r1", "r2", Submitted)),
            vec![],
            Change(PreviousUnknown),
        ),
        (
            "left running",
            Some(tried("r1", "r2", InProgress)),
            vec![],
            Change(PreviousUnknown),
        ),
        // Back to what was confirmed: what was tried in between decides.
        (
            "reverted after failure",
            Some(tried("r2", "r3", Failed)),
            vec![],
            Change(PreviousFailed),
        ),
        (
            "reverted in doubt",
            Some(tried("r2", "r3", Unknown)),
            vec![],
            Change(PreviousUnknown),
        ),
        (
            "reverted unsent",
            Some(tried("r2", "r3", Skipped)),
            vec![],
            Fresh,
        ),
        (
            "overtaken",
            Some(tried("r2", "r3", Superseded)),
            vec![],
            Fresh,
        ),
        ("done", Some(tried("r2", "r2", Succeeded)), vec![], Fresh),
        // Under way.
        ("under way", None, to("r2"), UnderWay),
        (
            "under way again",
            Some(tried("r1", "r2", Failed)),
            to("r2"),
            UnderWay,
        ),
        (
            "another under way",
            Some(confirmed("r1")),
            to("r3"),
            Change(RevisionChanged),
        ),
        (
            "reverted under way",
            Some(confirmed("r2")),
            to("r3"),
            Change(PreviousUnknown),
        ),
        ("first under way", None, to("r1"), Change(Added)),
        (
            "last accepted counts",
            None,
            [to("r2"), to("r1")].concat(),
            Change(Added),
        ),
        ("sent or not", None, doubt(), Change(PreviousUnknown)),
        (
            "sent or not, confirmed",
            Some(confirmed("r2")),
            doubt(),
            Change(PreviousUnknown),
        ),
    ];
    for (name, observed, operations, expected) in rows {
        let before = observed.as_ref().and_then(|one| one.generation.clone());
        let state = state(observed, operations);
        let difference = diff(&wanted(&[(file("spring", "/a"), "r2")]), &state);
        assert_eq!(verdict(&difference), expected, "{name}");
        for change in &difference.changes {
            assert_eq!(change.before, before, "{name}");
            assert_eq!(change.after, Some(Generation::recorded("r2")), "{name}");
        }
        assert!(difference.forgotten.is_empty(), "{name}");
    }
}

/// A purge of the other content that was not sent, so the edge may have kept what was there.
#[test]
fn content_that_was_another_for_a_time_is_purged_again() {
    let desired = wanted(&[(site_file("a"), "c1")]);
    let reason = |observed: Observed| {
        let state = State {
            entries: [(site_file("a"), observed)].into(),
            ..State::default()
        };
        verdict(&diff(&desired, &state))
    };
    for outcome in [Outcome::Skipped, Outcome::Deferred] {
        let gone = Observed {
            attempt: attempted("c2", outcome).attempt.map(|attempt| Attempt {
                generation: None,
                ..attempt
            }),
            ..confirmed("c1")
        };
        for observed in [tried("c1", "c2", outcome), gone] {
            assert_eq!(reason(observed), Verdict::Change(Reason::PreviousUnknown));
        }
        assert_eq!(reason(tried("c1", "c1", outcome)), Verdict::Fresh);
    }
}

/// What was away for a while is due again. A purge that began before may have come too early.
#[test]
fn a_purge_that_began_before_something_was_due_does_not_count() {
    let key = file("spring", "/a");
    let desired = wanted(&[(key.clone(), "r2")]);
    for (due_at, generation, expected) in [
        (at(4), None, Verdict::Change(Reason::PreviousUnknown)),
        (at(4), Some("r3"), Verdict::Change(Reason::PreviousUnknown)),
        (at(4), Some("r2"), Verdict::UnderWay),
        (at(3), None, Verdict::UnderWay),
    ] {
        let due = Due {
            at: due_at,
            ..due(generation, false)
        };
        let mut state = State {
            due: [(key.clone(), due)].into(),
            ..state(Some(confirmed("r2")), vec![leading(Some("t"), Some("r2"))])
        };
        assert_eq!(
            verdict(&diff(&desired, &state)),
            expected,
            "{due_at} {generation:?}"
        );
        // Nor when it is confirmed.
        let done = ItemOutcome {
            target: key.target.clone(),
            outcome: Outcome::Succeeded,
            message: None,
        };
        state.settle("1", &[done], at(5));
        let expected = match expected {
            Verdict::UnderWay => Verdict::Fresh,
            other => other,
        };
        assert_eq!(
            verdict(&diff(&desired, &state)),
            expected,
            "{due_at} {generation:?}"
        );
    }
}

#[test]
fn content_has_reasons_of_its_own() {
    let mut state = State::default();
    for path in ["changed", "same", "gone"] {
        state.entries.insert(site_file(path), confirmed("c1"));
    }
    let mut desired = wanted(&[
        (site_file("changed"), "c2"),
        (site_file("same"), "c1"),
        (site_file("new"), "c1"),
    ]);
    desired.deleting = vec![Owner::Site("docs".into())];
    let difference = diff(&desired, &state);
    let reasons: Vec<_> = difference
        .changes
        .iter()
        .map(|change| (change.key.address(), change.reason.as_str()))
        .collect();
    let expected = [
        ("site/docs/changed", "content_changed"),
        ("site/docs/gone", "content_deleted"),
        ("site/docs/new", "added"),
    ];
    assert_eq!(
        reasons,
        expected.map(|(address, reason)| (address.to_owned(), reason))
    );
    assert_eq!(difference.changes[1].after, None);
    assert_eq!(difference.noop, 1);

    // Without `onDelete: purge` it is forgotten.
    desired.deleting.clear();
    assert_eq!(diff(&desired, &state).forgotten, [site_file("gone")]);

    // Its last purge is under way.
    desired.deleting = vec![Owner::Site("docs".into())];
    state.pending_operations.insert(PendingOperation {
        entries: vec![(site_file("gone"), None)],
        ..operation("1", Some("t"), &[])
    });
    let difference = diff(&desired, &state);
    assert_eq!((difference.changes.len(), difference.in_progress), (2, 1));

    // It is back before that is over, with the content it had.
    let back = diff(&wanted(&[(site_file("gone"), "c1")]), &state);
    assert_eq!(back.changes[0].reason, Reason::PreviousUnknown);
}

#[test]
fn a_file_that_is_gone_before_its_first_purge_is_over_is_deleted() {
    let docs = Owner::Site("docs".into());
    let leading = |task, generation: Option<&str>| {
        let operations = vec![PendingOperation {
            entries: vec![(site_file("gone"), generation.map(Generation::recorded))],
            ..operation("1", task, &[])
        }];
        state(None, operations)
    };
    let mut desired = Desired {
        deleting: vec![docs.clone()],
        ..wanted(&[(site_file("a"), "c1"), (site_file("z"), "c1")])
    };
    for task in [Some("t"), None] {
        let difference = diff(&desired, &leading(task, Some("c1")));
        let changes = difference.changes.iter();
        let changes: Vec<_> = changes
            .map(|change| (change.key.clone(), change.reason))
            .collect();
        let expected = [
            (site_file("a"), Reason::Added),
            (site_file("gone"), Reason::ContentDeleted),
            (site_file("z"), Reason::Added),
        ];
        assert_eq!(changes, expected);
    }
    // Its deletion is what is under way.
    let difference = diff(&desired, &leading(Some("t"), None));
    assert_eq!((difference.changes.len(), difference.in_progress), (2, 1));
    desired.suspended = vec![docs];
    assert_eq!(
        diff(&desired, &leading(Some("t"), Some("c1")))
            .changes
            .len(),
        2
    );
    // Without `onDelete: purge`, nothing is known of it yet that could be forgotten.
    (desired.suspended, desired.deleting) = (Vec::new(), Vec::new());
    let difference = diff(&desired, &leading(Some("t"), Some("c1")));
    assert_eq!(
        (difference.changes.len(), difference.forgotten.len()),
        (2, 0)
    );
}

#[test]
fn what_nobody_declares_is_forgotten_unless_it_is_suspended() {
    let mut state = State::default();
    for owner in ["autumn", "spring"] {
        state.entries.insert(file(owner, "/a"), confirmed("r1"));
        state
            .entries
            .insert(file(owner, "/b"), attempted("r1", Outcome::Failed));
    }
    let mut desired = wanted(&[(file("spring", "/a"), "r1")]);
    let forgotten = diff(&desired, &state).forgotten;
    let all = [
        file("autumn", "/a"),
        file("autumn", "/b"),
        file("spring", "/b"),
    ];
    assert_eq!(forgotten, all);

    desired.suspended = vec![Owner::Purge("autumn".into())];
    let difference = diff(&desired, &state);
    assert_eq!(difference.forgotten, [file("spring", "/b")]);
    assert!(difference.changes.is_empty());
}

#[test]
fn kind_and_endpoint_are_part_of_what_an_entry_is() {
    let directory = key("spring", TargetKind::Directory, "/a/");
    let mut moved = file("spring", "/b");
    moved.endpoint = "other".into();
    let state = State {
        entries: BTreeMap::from([
            (file("spring", "/a/"), confirmed("r1")),
            (file("spring", "/b"), confirmed("r1")),
        ]),
        ..State::default()
    };
    let difference = diff(&wanted(&[(directory, "r1"), (moved, "r1")]), &state);
    let added = |change: &purgit::diff::Change| change.reason == Reason::Added;
    assert!(difference.changes.len() == 2 && difference.changes.iter().all(added));
    assert_eq!(difference.forgotten.len(), 2);
}

proptest! {
    #[test]
    fn every_entry_is_counted_once_and_changes_are_sorted(
        state in any_state(),
        more in proptest::collection::vec((any_key(), any_observed()), 0..4),
        taken in any::<proptest::sample::Selector>(),
    ) {
        // What was asked for on the command line is no entry, and is counted by another test.
        let mut state = state;
        state.due.clear();
        let keys: Vec<_> = state.entries.keys().chain(more.iter().map(|(key, _)| key)).collect();
        prop_assume!(!keys.is_empty());
        let one = (*taken.select(&keys)).clone();
        let desired = wanted(&[(one, "r1")]);
        let difference = diff(&desired, &state);
        let counted = difference.changes.len() + difference.noop + difference.in_progress;
        prop_assert_eq!(counted, 1);
        prop_assert!(difference.changes.is_sorted_by(|a, b| a.key < b.key));
        prop_assert!(difference.forgotten.is_sorted());
        let known = state.entries.len() + usize::from(!state.entries.contains_key(&desired.entries[0].key));
        prop_assert_eq!(counted + difference.forgotten.len(), known);
    }

    #[test]
    fn a_confirmed_success_leaves_nothing_to_do(outcome in proptest::sample::select(&OUTCOMES[..])) {
        let key = file("spring", "/a");
        let mut state = state(Some(tried("r1", "r2", outcome)), Vec::new());
        state.intend(leading(None, Some("r3")));
        let item = purgit::state::transition::ItemOutcome {
            target: key.target.clone(),
            outcome: Outcome::Succeeded,
            message: None,
        };
        state.settle("1", &[item], super::state_fixture::at(9));
        prop_assert_eq!(verdict(&diff(&wanted(&[(key, "r3")]), &state)), Verdict::Fresh);
    }
}
