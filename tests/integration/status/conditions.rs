//! Situations and the conditions they give.

use std::collections::BTreeMap;

use insta::assert_snapshot;
use purgit::desired::Contents;
use purgit::desired::desired;
use purgit::entry::{Entry, Generation};
use purgit::manifest::resource::Suspension;
use purgit::output::layout::Layout;
use purgit::state::{Outcome, State};
use purgit::status::file::to_yaml;
use purgit::status::{
    Listed, MAX_CAUSES, MAX_OUTCOMES, READY, RECONCILING, Run, RunResult, STALLED, StatusDocument,
    Unusable, UnusableReason, document,
};

use super::{get, project, purge, run, spring, state, status, told};
use crate::state_fixture::{at, attempted, confirmed, file, operation};

/// A situation: its name, the state and the run.
type Case<'a> = (&'static str, State, Option<&'a Run>);

/// The conditions of the one manifest and of the project, for each situation.
fn table<'a>(cases: impl IntoIterator<Item = Case<'a>>) -> String {
    let situations = cases.into_iter().map(|(name, state, run)| {
        let document = status(&spring(), &state, run);
        let manifest = told(&document.manifests[0].conditions);
        let project = told(&document.conditions);
        format!("{name}\n{manifest}project: {project}")
    });
    situations.collect::<Vec<_>>().join("\n")
}

#[test]
fn conditions_follow_from_the_state() {
    let good = || ("/a", confirmed("r1"));
    let failed = |path| (path, attempted("r1", Outcome::Failed));
    let old = |path| (path, confirmed("r0"));
    let pending = |task| vec![operation("1", task, &[file("spring", "/b")])];
    let cases = [
        ("never tried", state(&[], vec![]), None),
        (
            "all confirmed",
            state(&[good(), ("/b", confirmed("r1"))], vec![]),
            None,
        ),
        ("one not tried", state(&[good()], vec![]), None),
        (
            "revision moved on",
            state(&[old("/a"), old("/b")], vec![]),
            None,
        ),
        ("one failed", state(&[good(), failed("/b")], vec![]), None),
        ("under way", state(&[good()], pending(Some("t1"))), None),
        (
            "one failed, one under way",
            state(&[failed("/a")], pending(Some("t1"))),
            None,
        ),
        (
            "intent without answer",
            state(&[good()], pending(None)),
            None,
        ),
    ];
    assert_snapshot!(table(cases), @"
    never tried
    Ready=Unknown NotPurged: 0 of 2 entries are confirmed
    project: Ready=Unknown NotPurged: 0 of 1 manifests are ready

    all confirmed
    Ready=True PurgeSucceeded: 2 entries are confirmed
    project: Ready=True PurgeSucceeded: 1 of 1 manifests are ready

    one not tried
    Ready=False NotPurged: 1 of 2 entries are confirmed
    project: Ready=False NotPurged: 0 of 1 manifests are ready

    revision moved on
    Ready=False NotPurged: 0 of 2 entries are confirmed
    project: Ready=False NotPurged: 0 of 1 manifests are ready

    one failed
    Ready=False PurgeFailed: 1 of 2 entries failed: the CDN said no (first `https://www.example.com/b`)
    project: Ready=False PurgeFailed: 0 of 1 manifests are ready

    under way
    Ready=False InProgress: 1 of 2 entries are under way
    Reconciling=True InProgress: 1 of 2 entries are under way
    project: Ready=False InProgress: 0 of 1 manifests are ready
    Reconciling=True InProgress: 1 of 1 manifests are under way

    one failed, one under way
    Ready=False PurgeFailed: 1 of 2 entries failed: the CDN said no (first `https://www.example.com/a`)
    Reconciling=True InProgress: 1 of 2 entries are under way
    project: Ready=False PurgeFailed: 0 of 1 manifests are ready
    Reconciling=True InProgress: 1 of 1 manifests are under way

    intent without answer
    Ready=False PurgeUnknown: 1 of 2 entries in doubt: no one knows whether the request arrived (first `https://www.example.com/b`)
    project: Ready=False PurgeUnknown: 0 of 1 manifests are ready
    ");
}

#[test]
fn conditions_follow_from_the_run() {
    let good = || ("/a", confirmed("r1"));
    let skipped = || ("/b", attempted("r1", Outcome::Skipped));
    let unusable = |reason, exit_code| {
        let message = "WrongSignature: the key does not fit".into();
        let why = Unusable { reason, message };
        Run {
            unusable: BTreeMap::from([("www".into(), why)]),
            ..run(exit_code)
        }
    };
    let refused = Run {
        refused: vec!["[www] 100% of entries change, limit 30% (2/2)".to_owned()],
        ..run(4)
    };
    let interrupted = Run {
        interrupted: true,
        ..run(130)
    };
    let failed = Run {
        error: Some("cannot write .purgit/state.json".to_owned()),
        ..run(1)
    };
    let cases = [
        ("refused", state(&[good()], vec![]), Some(&refused)),
        (
            "credentials rejected",
            state(&[], vec![]),
            Some(&unusable(UnusableReason::CredentialsRejected, 7)),
        ),
        (
            "credentials missing",
            state(&[], vec![]),
            Some(&unusable(UnusableReason::CredentialsMissing, 7)),
        ),
        (
            "endpoint unusable",
            state(&[good(), skipped()], vec![]),
            Some(&unusable(UnusableReason::EndpointUnusable, 3)),
        ),
        (
            "skipped, in a later run",
            state(&[good(), skipped()], vec![]),
            None,
        ),
        ("interrupted", state(&[good()], vec![]), Some(&interrupted)),
        ("run failed", state(&[good()], vec![]), Some(&failed)),
    ];
    assert_snapshot!(table(cases), @"
    refused
    Ready=False Refused: [www] 100% of entries change, limit 30% (2/2)
    Stalled=True Refused: [www] 100% of entries change, limit 30% (2/2)
    project: Ready=False Refused: 0 of 1 manifests are ready
    Stalled=True Refused: 1 of 1 manifests are stalled

    credentials rejected
    Ready=False CredentialsRejected: WrongSignature: the key does not fit
    Stalled=True CredentialsRejected: WrongSignature: the key does not fit
    project: Ready=False CredentialsRejected: 0 of 1 manifests are ready
    Stalled=True CredentialsRejected: 1 of 1 manifests are stalled

    credentials missing
    Ready=False CredentialsMissing: WrongSignature: the key does not fit
    Stalled=True CredentialsMissing: WrongSignature: the key does not fit
    project: Ready=False CredentialsMissing: 0 of 1 manifests are ready
    Stalled=True CredentialsMissing: 1 of 1 manifests are stalled

    endpoint unusable
    Ready=False EndpointUnusable: WrongSignature: the key does not fit
    Stalled=True EndpointUnusable: WrongSignature: the key does not fit
    project: Ready=False EndpointUnusable: 0 of 1 manifests are ready
    Stalled=True EndpointUnusable: 1 of 1 manifests are stalled

    skipped, in a later run
    Ready=False EndpointUnusable: 1 of 2 entries skipped: no reason given (first `https://www.example.com/b`)
    Stalled=True EndpointUnusable: 1 of 2 entries skipped: no reason given (first `https://www.example.com/b`)
    project: Ready=False EndpointUnusable: 0 of 1 manifests are ready
    Stalled=True EndpointUnusable: 1 of 1 manifests are stalled

    interrupted
    Ready=False Interrupted: the run was interrupted with 1 of 2 entries confirmed
    project: Ready=False Interrupted: 0 of 1 manifests are ready

    run failed
    Ready=False NotPurged: 1 of 2 entries are confirmed
    project: Ready=False RunFailed: cannot write .purgit/state.json
    ");
}

#[test]
fn a_suspended_manifest_does_not_count() {
    let mut project = project(vec![purge("summer", &["/s"]), purge("spring", &["/a"])]);
    project.purges[0].suspension = Some(Suspension {
        reason: Some("sale".to_owned()),
        until: Some(at(99)),
    });
    let state = state(&[("/a", confirmed("r1"))], vec![]);
    let document = status(&project, &state, None);
    assert_snapshot!(told(&document.manifests[1].conditions), @"Ready=Unknown Suspended: suspended until 2026-11-18 11:08:19Z: sale");
    assert_snapshot!(told(&document.conditions), @"Ready=True PurgeSucceeded: 1 of 1 manifests are ready");
}

#[test]
fn one_off_entries_are_shown_while_they_are_wanted() {
    let mut wanted = desired(&spring(), &Contents::new(), at(20)).unwrap();
    let key = file("-", "/now");
    wanted.entries.insert(
        0,
        Entry {
            key: key.clone(),
            generation: Generation::recorded("x"),
        },
    );
    let state = State {
        entries: BTreeMap::from([(key, confirmed("x"))]),
        ..State::default()
    };
    let document = document(
        &spring(),
        &wanted,
        &state,
        None,
        None,
        Listed::NotAsDeclared,
        at(20),
    );
    let names: Vec<&str> = document
        .manifests
        .iter()
        .map(|manifest| &*manifest.name)
        .collect();
    assert_eq!(names, ["-", "spring"]);
    assert_eq!(document.manifests[0].entries.succeeded, 1);
}

#[test]
fn a_transition_time_moves_with_the_status_alone() {
    let project = spring();
    let wanted = desired(&project, &Contents::new(), at(0)).unwrap();
    let mut previous: Option<StatusDocument> = None;
    let mut step = |second: i64, state: &State| {
        let document = document(
            &project,
            &wanted,
            state,
            None,
            previous.as_ref(),
            Listed::NotAsDeclared,
            at(second),
        );
        let conditions = document.manifests[0].conditions.clone();
        previous = Some(document);
        let time = |kind| get(&conditions, kind).map(|condition| condition.last_transition_time);
        (time(READY), time(RECONCILING))
    };
    let none = state(&[], vec![]);
    let half = state(&[("/a", confirmed("r1"))], vec![]);
    let way = state(
        &[("/a", confirmed("r1"))],
        vec![operation("1", Some("t1"), &[file("spring", "/b")])],
    );
    let all = state(&[("/a", confirmed("r1")), ("/b", confirmed("r1"))], vec![]);
    assert_eq!(step(1, &none), (Some(at(1)), None), "Unknown");
    assert_eq!(step(2, &half), (Some(at(2)), None), "False");
    assert_eq!(step(3, &way), (Some(at(2)), Some(at(3))), "another reason");
    assert_eq!(step(4, &way), (Some(at(2)), Some(at(3))));
    assert_eq!(step(5, &all), (Some(at(5)), None), "True");
    assert_eq!(step(6, &all), (Some(at(5)), None));
    assert_eq!(step(7, &way), (Some(at(7)), Some(at(7))), "it had gone");
}

#[test]
fn revisions_tell_wanted_attempted_and_applied_apart() {
    let mut project = spring();
    let revisions = |document: &StatusDocument| {
        let manifest = &document.manifests[0];
        [
            manifest.desired_revision.clone(),
            manifest.last_attempted_revision.clone(),
            manifest.last_applied_revision.clone(),
        ]
        .map(|revision| revision.map_or_else(|| "-".to_owned(), |one| one.to_string()))
    };
    let first = status(&project, &state(&[], vec![]), None);
    assert_eq!(revisions(&first), ["r1", "-", "-"]);
    let done = state(&[("/a", confirmed("r1")), ("/b", confirmed("r1"))], vec![]);
    let second = status(&project, &done, None);
    assert_eq!(revisions(&second), ["r1", "r1", "r1"]);

    project.purges[0].revision = Some("r2".to_owned());
    let next = |state: &State, previous: &StatusDocument| {
        let wanted = desired(&project, &Contents::new(), at(30)).unwrap();
        document(
            &project,
            &wanted,
            state,
            None,
            Some(previous),
            Listed::NotAsDeclared,
            at(30),
        )
    };
    let third = next(&done, &second);
    assert_eq!(revisions(&third), ["r2", "r1", "r1"]);
    let failed = state(
        &[
            ("/a", attempted("r2", Outcome::Failed)),
            ("/b", confirmed("r1")),
        ],
        vec![],
    );
    assert_eq!(revisions(&next(&failed, &third)), ["r2", "r2", "r1"]);
}

#[test]
fn without_a_run_the_last_one_is_remembered() {
    let project = spring();
    let refused = Run {
        refused: vec!["[www] 3 directories, limit 2".to_owned()],
        ..run(4)
    };
    let first = status(&project, &state(&[], vec![]), Some(&refused));
    let wanted = desired(&project, &Contents::new(), at(30)).unwrap();
    let second = document(
        &project,
        &wanted,
        &state(&[], vec![]),
        None,
        Some(&first),
        Listed::NotAsDeclared,
        at(30),
    );
    assert_eq!(second, first);
    assert!(get(&second.manifests[0].conditions, STALLED).is_some());
    assert_eq!(
        second.last_run.map(|run| run.result),
        Some(RunResult::Refused)
    );
}

#[test]
fn many_entries_that_are_not_as_declared_are_counted_by_cause() {
    let paths: Vec<_> = (0..3000).map(|number| format!("/{number:04}")).collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let project = project(vec![purge("spring", &paths)]);
    let mut known: Vec<_> = paths[..50]
        .iter()
        .map(|path| (*path, attempted("r1", Outcome::Failed)))
        .collect();
    known.push((paths[50], confirmed("r1")));
    let document = status(&project, &state(&known, vec![]), None);
    let manifest = &document.manifests[0];
    assert_eq!(manifest.outcomes, []);
    let figures: Vec<_> = manifest
        .causes
        .iter()
        .map(|cause| (cause.outcome, cause.count, cause.examples.len()))
        .collect();
    assert_eq!(figures, [(None, 2949, 3), (Some(Outcome::Failed), 50, 3)]);
    assert!(to_yaml(&document).unwrap().len() < 4096);
    let text = purgit::output::status::text(&document, Layout::default());
    let text = anstream::adapter::strip_str(text.as_str()).to_string();
    let (_, listed) = text.split_once("1 of 3,000 entries as declared\n").unwrap();
    assert_snapshot!(listed, @"
    Planned    2,949 entries
               purge/spring/file/https://www.example.com/0051
               purge/spring/file/https://www.example.com/0052
               purge/spring/file/https://www.example.com/0053
               … 2,946 more: `--all`
    Failed     50 entries: the CDN said no
               purge/spring/file/https://www.example.com/0000
               purge/spring/file/https://www.example.com/0001
               purge/spring/file/https://www.example.com/0002
               … 47 more: `--all`
    ");
}

#[test]
fn the_status_stays_bounded_however_many_causes_there_are() {
    let words = ["a", "b", "c", "d", "e", "f"];
    let failures = words
        .iter()
        .flat_map(|one| words.iter().map(move |other| format!("{one} {other}")));
    let failures: Vec<_> = failures.collect();
    let paths: Vec<_> = (0..failures.len())
        .map(|number| format!("/{number}"))
        .collect();
    let paths: Vec<_> = paths.iter().map(String::as_str).collect();
    let known = paths.iter().zip(failures).map(|(path, message)| {
        let mut observed = attempted("r1", Outcome::Failed);
        observed.attempt.as_mut().unwrap().message = Some(message);
        (*path, observed)
    });
    let known: Vec<_> = known.collect();
    let spring = project(vec![purge("spring", &paths)]);
    let manifest = |count: usize| {
        let document = status(&spring, &state(&known[..count], vec![]), None);
        document.manifests[0].clone()
    };
    assert_eq!(manifest(known.len()).causes.len(), MAX_CAUSES);
    assert_eq!(manifest(known.len()).entries.failed, known.len());
    let few = project(vec![purge("spring", &paths[..MAX_OUTCOMES])]);
    let all = status(&few, &state(&known[..MAX_OUTCOMES], vec![]), None);
    assert_eq!(all.manifests[0].outcomes.len(), MAX_OUTCOMES);
    assert_eq!(all.manifests[0].causes, []);
}
