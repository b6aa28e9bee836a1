//! States to test with: small ones by hand, arbitrary ones for laws.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use purgit::entry::{EntryKey, Generation, Owner, Target, TargetKind};
use purgit::operation::Task;
use purgit::state::{Attempt, HistoryRecord, Holder, Observed, Outcome, PendingOperation, State};

pub(crate) const OUTCOMES: [Outcome; 7] = [
    Outcome::Submitted,
    Outcome::InProgress,
    Outcome::Succeeded,
    Outcome::Failed,
    Outcome::Skipped,
    Outcome::Unknown,
    Outcome::Superseded,
];

/// `second` seconds after an arbitrary fixed instant.
pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 + second, 0).expect("in range")
}

pub(crate) fn holder(command: &str) -> Holder {
    Holder {
        command: command.to_owned(),
        pid: 4711,
        host: "build-1".to_owned(),
        since: at(0),
    }
}

/// The key of a file of the manifest `owner`, at the endpoint `www`.
pub(crate) fn file(owner: &str, path: &str) -> EntryKey {
    key(owner, TargetKind::File, path)
}

pub(crate) fn key(owner: &str, kind: TargetKind, path: &str) -> EntryKey {
    let url = format!("https://www.example.com{path}");
    EntryKey {
        owner: Owner::Purge(owner.into()),
        path: None,
        target: Target::parse(kind, &url).expect("a good URL"),
        endpoint: "www".into(),
    }
}

pub(crate) fn confirmed(generation: &str) -> Observed {
    Observed {
        generation: Some(Generation::recorded(generation)),
        confirmed_at: Some(at(1)),
        attempt: None,
    }
}

pub(crate) fn attempted(generation: &str, outcome: Outcome) -> Observed {
    Observed {
        attempt: Some(Attempt {
            generation: Some(Generation::recorded(generation)),
            outcome,
            at: at(2),
            message: (outcome == Outcome::Failed).then(|| "the CDN said no".to_owned()),
        }),
        ..Observed::default()
    }
}

pub(crate) fn operation(id: &str, task: Option<&str>, keys: &[EntryKey]) -> PendingOperation {
    PendingOperation {
        id: id.to_owned(),
        endpoint: "www".into(),
        intended_at: at(3),
        task: task.map(|id| Task {
            id: id.to_owned(),
            details: serde_json::Value::Null,
        }),
        accepted_at: task.map(|_| at(4)),
        asked_at: None,
        correlation_id: None,
        entries: keys
            .iter()
            .map(|key| (key.clone(), Some(Generation::recorded("r1"))))
            .collect(),
    }
}

/// A written state with something in each part.
pub(crate) fn sample() -> State {
    State {
        serial: 1,
        lineage: "00000000-0000-0000-0000-000000000001".to_owned(),
        entries: BTreeMap::from([
            (file("spring", "/a.png"), confirmed("r1")),
            (file("spring", "/b.png"), attempted("r1", Outcome::Failed)),
            (key("spring", TargetKind::Directory, "/c/"), confirmed("r1")),
        ]),
        pending_operations: vec![operation(
            "00000000-0000-0000-0000-000000000002",
            Some("00000000-0000-0000-0000-000000000003"),
            &[file("spring", "/d.png"), file("spring", "/e.png")],
        )],
        history: vec![HistoryRecord {
            at: at(9),
            plan_id: "sha256:00".to_owned(),
            outcomes: BTreeMap::from([(Outcome::Succeeded, 2), (Outcome::Failed, 1)]),
            requests: 1,
            exit_code: 3,
        }],
        unknown: BTreeMap::new(),
    }
}

fn any_name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,6}"
}

fn any_time() -> impl Strategy<Value = DateTime<Utc>> {
    (0_i64..4_000_000_000, 0_u32..1_000_000_000)
        .prop_map(|(second, nano)| DateTime::from_timestamp(second, nano).expect("in range"))
}

fn any_generation() -> impl Strategy<Value = Option<Generation>> {
    of(prop_oneof![
        Just("declared".to_owned()),
        "\\PC{0,8}",
        any::<String>()
    ])
    .prop_map(|token| token.as_deref().map(Generation::recorded))
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(&OUTCOMES[..])
}

pub(crate) fn any_key() -> impl Strategy<Value = EntryKey> {
    let path = "[a-zA-Z0-9é/\"% ]{0,10}".prop_map(|path| path.replace('%', "%25"));
    (any_name(), any::<bool>(), any_name(), path, any_name()).prop_map(
        |(owner, directory, host, path, endpoint)| {
            let kind = if directory {
                TargetKind::Directory
            } else {
                TargetKind::File
            };
            let end = if directory { "/" } else { "?q=1" };
            // `xn--` and the like mean something in a host.
            let host = host.replace('-', "");
            let url = format!("https://{host}.example/{path}{end}");
            EntryKey {
                owner: Owner::Purge(owner.into()),
                path: None,
                target: Target::parse(kind, &url).expect("a good URL"),
                endpoint: endpoint.into(),
            }
        },
    )
}

pub(crate) fn any_observed() -> impl Strategy<Value = Observed> {
    let attempt = (
        any_generation(),
        any_outcome(),
        any_time(),
        of(any::<String>()),
    )
        .prop_map(|(generation, outcome, at, message)| Attempt {
            generation,
            outcome,
            at,
            message,
        });
    (any_generation(), of(any_time()), of(attempt)).prop_map(
        |(generation, confirmed_at, attempt)| Observed {
            generation,
            confirmed_at,
            attempt,
        },
    )
}

fn any_operation() -> impl Strategy<Value = PendingOperation> {
    let task = (any_name(), of(any::<String>())).prop_map(|(id, details)| Task {
        id,
        details: details.map_or(serde_json::Value::Null, serde_json::Value::String),
    });
    (
        (any_name(), any_time(), of(task), of(any_time())),
        of(any_name()),
        vec((any_key(), any_generation()), 0..4),
    )
        .prop_map(
            |((endpoint, intended_at, task, accepted_at), correlation_id, entries)| {
                PendingOperation {
                    id: String::new(),
                    endpoint: endpoint.into(),
                    intended_at,
                    task,
                    accepted_at,
                    asked_at: None,
                    correlation_id,
                    entries,
                }
            },
        )
}

pub(crate) fn any_state() -> impl Strategy<Value = State> {
    let record = (
        any_time(),
        any::<String>(),
        btree_map(any_outcome(), 0_usize..99, 0..4),
        0_usize..99,
        any::<u8>(),
    )
        .prop_map(
            |(at, plan_id, outcomes, requests, exit_code)| HistoryRecord {
                at,
                plan_id,
                outcomes,
                requests,
                exit_code,
            },
        );
    let unknown = prop_oneof![Just("quota".to_owned()), "x_[a-z]{0,3}", "\\PC{9,12}"];
    (
        any::<u64>(),
        any::<String>(),
        btree_map(any_key(), any_observed(), 0..8),
        vec(any_operation(), 0..4),
        vec(record, 0..4),
        btree_map(unknown, vec(any::<i64>(), 1..3).prop_map(Into::into), 0..3),
    )
        .prop_map(
            |(serial, lineage, entries, mut pending_operations, history, unknown)| {
                for (number, operation) in pending_operations.iter_mut().enumerate() {
                    operation.id = format!("operation-{number}");
                }
                State {
                    serial,
                    lineage,
                    entries,
                    pending_operations,
                    history,
                    unknown,
                }
            },
        )
}
