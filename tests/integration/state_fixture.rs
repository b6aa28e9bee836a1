//! States to test with: small ones by hand, arbitrary ones for laws.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use purgit::content::blob_id;
use purgit::entry::{EntryKey, Generation, Owner, Target, TargetKind};
use purgit::operation::Task;
use purgit::state::transition::ItemOutcome;
use purgit::state::{
    Attempt, Due, HistoryRecord, Holder, LedgerKey, Observed, Origin, Outcome, PendingOperation,
    Record, State, Told,
};
use purgit::verify::{Encoding, Evidence, Proof, Verdict};

pub(crate) const OUTCOMES: [Outcome; 9] = [
    Outcome::Submitted,
    Outcome::InProgress,
    Outcome::Succeeded,
    Outcome::Failed,
    Outcome::Skipped,
    Outcome::Deferred,
    Outcome::Held,
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

/// The key of a file of the site `docs`, at the endpoint `www`.
pub(crate) fn site_file(path: &str) -> EntryKey {
    EntryKey {
        owner: Owner::Site("docs".into()),
        path: Some(path.into()),
        ..file("docs", &format!("/{path}"))
    }
}

pub(crate) fn content(body: &str) -> Generation {
    Generation::of_content(&blob_id(body.as_bytes()))
}

/// What an edge told.
pub(crate) fn evidence(verdict: Verdict) -> Evidence {
    let text = format!(
        "{{\"verdict\":\"{verdict}\",\"why\":\"seen\",\"at\":\"2026-11-20T12:00:00Z\",\"answers\":1,\"edge\":\"203.0.113.10\"}}"
    );
    serde_json::from_str(&text).unwrap()
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
        sends: 1,
        directories: Vec::new(),
        entries: keys
            .iter()
            .map(|key| (key.clone(), Some(Generation::recorded("r1"))))
            .collect(),
    }
}

pub(crate) fn due(generation: Option<&str>, forced: bool) -> Due {
    Due {
        generation: generation.map(Generation::recorded),
        forced,
        at: at(5),
    }
}

/// The key of a purge from the command line.
pub(crate) fn one_off(kind: TargetKind, text: &str) -> EntryKey {
    EntryKey {
        owner: Owner::OneOff,
        path: None,
        target: Target::parse(kind, text).expect("a good target"),
        endpoint: "www".into(),
    }
}

/// A window that starts so many days after an arbitrary one.
pub(crate) fn budget(counts: &str, day: i64) -> LedgerKey {
    LedgerKey {
        scope: "account".into(),
        counts: counts.into(),
        window: at(day * 24 * 60 * 60),
    }
}

/// A written state with something in each part.
pub(crate) fn sample() -> State {
    State {
        serial: 1,
        lineage: "00000000-0000-0000-0000-000000000001".to_owned(),
        last_applied: Some("5dbe3a1".to_owned()),
        entries: BTreeMap::from([
            (file("spring", "/a.png"), confirmed("r1")),
            (file("spring", "/b.png"), attempted("r1", Outcome::Failed)),
            (key("spring", TargetKind::Directory, "/c/"), confirmed("r1")),
        ]),
        due: BTreeMap::from([
            (file("spring", "/b.png"), due(None, false)),
            (one_off(TargetKind::Everything, ""), due(Some("r2"), true)),
        ]),
        pending_operations: vec![operation(
            "00000000-0000-0000-0000-000000000002",
            Some("00000000-0000-0000-0000-000000000003"),
            &[file("spring", "/d.png"), file("spring", "/e.png")],
        )]
        .into(),
        proofs: BTreeMap::new(),
        ledger: BTreeMap::from([(budget("files", 0), 7)]),
        told: BTreeMap::new(),
        history: vec![HistoryRecord {
            at: at(9),
            plan_id: "sha256:00".to_owned(),
            outcomes: BTreeMap::from([(Outcome::Succeeded, 2), (Outcome::Failed, 1)]),
            requests: 1,
            exit_code: 3,
            ..HistoryRecord::default()
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

pub(crate) fn any_target() -> impl Strategy<Value = Target> {
    // `xn--` and the like mean something in a host.
    let host = any_name().prop_map(|name| format!("{}.example", name.replace('-', "")));
    let path = "[a-zA-Z0-9é/\"% ]{0,10}".prop_map(|path| path.replace('%', "%25"));
    let parse = |kind, text: &str| Target::parse(kind, text).expect("a good target");
    (proptest::sample::select(&TargetKind::ALL[..]), host, path).prop_map(
        move |(kind, host, path)| match kind {
            TargetKind::File => parse(kind, &format!("https://{host}/{path}?q=1")),
            TargetKind::Directory => parse(kind, &format!("https://{host}/{path}/")),
            TargetKind::Tag => parse(kind, &format!("{host}\"\\")),
            TargetKind::Host => parse(kind, &host),
            TargetKind::Everything => Target::Everything,
        },
    )
}

pub(crate) fn any_key() -> impl Strategy<Value = EntryKey> {
    let owner = prop_oneof![
        1 => Just(None),
        2 => (any_name(), any::<bool>()).prop_map(Some),
    ];
    (owner, "[a-z é\"\\\\/]{1,6}", any_target(), any_name()).prop_map(
        |(owner, path, target, endpoint)| {
            let endpoint = endpoint.into();
            let (owner, path) = match owner {
                None => (Owner::OneOff, None),
                Some((name, false)) => (Owner::Purge(name.into()), None),
                Some((name, true)) => (Owner::Site(name.into()), Some(path.into())),
            };
            EntryKey {
                owner,
                path,
                target,
                endpoint,
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
        (any::<u32>(), vec((any_key(), any_generation()), 0..4)),
    )
        .prop_map(
            |((endpoint, intended_at, task, accepted_at), correlation_id, (sends, entries))| {
                let targets = entries.iter().map(|(key, _): &(EntryKey, _)| &key.target);
                let directories = targets.filter_map(|target| match target {
                    Target::Directory(url) => Some(url.clone()),
                    _ => None,
                });
                PendingOperation {
                    directories: directories.collect(),
                    id: String::new(),
                    endpoint: endpoint.into(),
                    intended_at,
                    task,
                    accepted_at,
                    asked_at: None,
                    correlation_id,
                    sends,
                    entries,
                }
            },
        )
}

fn any_run() -> impl Strategy<Value = HistoryRecord> {
    (
        any_time(),
        any::<String>(),
        btree_map(any_outcome(), 0_usize..99, 0..4),
        0_usize..99,
        any::<u8>(),
        any::<[Option<String>; 5]>(),
        of(any::<u32>()),
        btree_map(any_outcome(), vec(any::<String>(), 1..3), 0..3),
    )
        .prop_map(
            |(at, plan_id, outcomes, requests, exit_code, texts, duration, entries)| {
                let [command, by, commit, ci, url] = texts;
                HistoryRecord {
                    at,
                    plan_id,
                    outcomes,
                    requests,
                    exit_code,
                    command,
                    duration: duration.map(|millis| Duration::from_millis(millis.into())),
                    origin: Origin {
                        by,
                        commit,
                        ci,
                        url,
                    },
                    entries,
                }
            },
        )
}

fn any_due() -> impl Strategy<Value = Due> {
    (any_generation(), any::<bool>(), any_time()).prop_map(|(generation, forced, at)| Due {
        generation,
        forced,
        at,
    })
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    proptest::sample::select(&[Verdict::Fresh, Verdict::Unknown, Verdict::Stale][..])
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let numbers = (any::<usize>(), of(any::<u16>()), of(any::<u64>()));
    let texts = any::<[Option<String>; 5]>();
    (any_verdict(), any::<String>(), any_time(), numbers, texts).prop_map(
        |(verdict, why, at, (answers, status, age), [url, edge, content, etag, cache])| Evidence {
            verdict,
            why,
            at,
            answers,
            url,
            edge,
            accept_encoding: status.map(|_| Encoding::Br),
            variant: status.map(|_| "x-device: mobile".to_owned()),
            status,
            content,
            age,
            date: age.map(|_| at),
            etag,
            cache,
            server: None,
        },
    )
}

fn any_proof() -> impl Strategy<Value = Proof> {
    let earlier = vec(any_generation(), 0..3);
    (
        any_generation(),
        earlier,
        of(any_time()),
        of(any_evidence()),
    )
        .prop_map(|(generation, earlier, since, evidence)| Proof {
            generation,
            repeats: 0,
            earlier: earlier.into_iter().flatten().collect(),
            since,
            evidence,
        })
}

pub(crate) fn any_state() -> impl Strategy<Value = State> {
    let unknown = prop_oneof![Just("quota".to_owned()), "x_[a-z]{0,3}", "\\PC{9,12}"];
    let ledger =
        (any::<String>(), any_name(), any_time()).prop_map(|(scope, counts, window)| LedgerKey {
            scope: scope.into(),
            counts: counts.into(),
            window,
        });
    let account = any::<String>().prop_map(Into::into);
    let counts = any_name().prop_map(Into::into);
    (
        (any::<u64>(), any::<String>(), of(any::<String>())),
        btree_map(any_key(), any_observed(), 0..8),
        btree_map(any_key(), any_due(), 0..4),
        vec(any_operation(), 0..4),
        btree_map(any_key(), any_proof(), 0..4),
        (
            btree_map(ledger, any::<u64>(), 0..3),
            btree_map((account, counts), any_told(), 0..3),
        ),
        vec(any_run(), 0..4),
        btree_map(unknown, vec(any::<i64>(), 1..3).prop_map(Into::into), 0..3),
    )
        .prop_map(
            |(
                (serial, lineage, last_applied),
                entries,
                due,
                mut operations,
                proofs,
                (ledger, told),
                history,
                unknown,
            )| {
                for (number, operation) in operations.iter_mut().enumerate() {
                    operation.id = format!("operation-{number}");
                }
                State {
                    serial,
                    lineage,
                    last_applied,
                    entries,
                    due,
                    pending_operations: operations.into(),
                    proofs,
                    ledger,
                    told,
                    history,
                    unknown,
                }
            },
        )
}

fn any_told() -> impl Strategy<Value = Told> {
    let numbers = (any::<u64>(), of(any::<u64>()), any::<u64>());
    (numbers, any_time(), any_time()).prop_map(|((used, limit, booked), window, until)| Told {
        used,
        limit,
        booked,
        window,
        until,
    })
}

/// Keys that records are about, few enough to come again.
fn some_key() -> impl Strategy<Value = EntryKey> {
    let mut keys: Vec<_> = ["/a", "/b", "/c", "/d\"é"]
        .map(|path| file("spring", path))
        .into();
    keys.push(key("spring", TargetKind::Directory, "/a/"));
    keys.push(one_off(TargetKind::Tag, "a\"\\b"));
    keys.push(one_off(TargetKind::Everything, ""));
    keys.push(EntryKey {
        owner: Owner::Site("docs".into()),
        path: Some("a b\"\\/é.html".into()),
        endpoint: "api".into(),
        ..file("", "/a%20b")
    });
    proptest::sample::select(keys)
}

/// A state to begin with, that knows some of what records are about.
pub(crate) fn any_start() -> impl Strategy<Value = State> {
    let known = btree_map(some_key(), any_observed(), 0..6);
    (any_state(), known, 0..1000_u64).prop_map(|(mut state, known, serial)| {
        state.entries.extend(known);
        state.serial = serial;
        state
    })
}

/// Records about few entries and few operations, in any order, also such as no run would write.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let generation = (0..3_u8).prop_map(|n| Generation::recorded(&format!("r{n}")));
    any_record_about(some_key().boxed(), generation.boxed())
}

/// The same about other entries.
pub(crate) fn any_record_about(
    key: BoxedStrategy<EntryKey>,
    generation: BoxedStrategy<Generation>,
) -> impl Strategy<Value = Record> {
    let aim = (key.clone(), of(generation.clone()));
    let entries = move || vec(aim.clone(), 0..4);
    let id = || (0..4_u8).prop_map(|number| format!("operation-{number}"));
    let time = || (0..9_i64).prop_map(at);
    let task = |id: u8| Task {
        id: id.to_string(),
        details: serde_json::json!({ "id": id }),
    };
    let item =
        (key.clone(), any_outcome(), of(any::<String>())).prop_map(|(key, outcome, message)| {
            ItemOutcome {
                target: key.target,
                outcome,
                message,
            }
        });
    let proof = (of(generation.clone()), any_proof()).prop_map(|(generation, proof)| Proof {
        generation,
        ..proof
    });
    prop_oneof![
        2 => vec((key.clone(), proof), 0..3).prop_map(|entries| Record::Prove { entries }),
        2 => (entries(), any::<bool>(), time())
            .prop_map(|(entries, forced, at)| Record::Due { entries, forced, at }),
        6 => (id(), entries(), time(), 0..3_u32).prop_map(|(id, entries, intended_at, sends)| {
            Record::Intend(PendingOperation {
                intended_at,
                sends,
                entries,
                ..operation(&id, None, &[])
            })
        }),
        1 => id().prop_map(|id| Record::Withdraw { id }),
        4 => (id(), any::<u8>(), of(any::<String>()), time()).prop_map(
            move |(id, number, correlation_id, at)| Record::Accept {
                id,
                task: task(number),
                correlation_id,
                at,
            }
        ),
        1 => (id(), of(any::<u8>()), time())
            .prop_map(move |(id, number, at)| Record::Asked { id, task: number.map(task), at }),
        6 => (id(), vec(item, 0..6), time())
            .prop_map(|(id, items, at)| Record::Settle { id, items, at }),
        1 => (entries(), any::<String>(), time())
            .prop_map(|(entries, message, at)| Record::Skip { entries, message, at }),
        1 => (entries(), any::<String>(), time())
            .prop_map(|(entries, message, at)| Record::Defer { entries, message, at }),
        1 => (entries(), any::<String>(), time())
            .prop_map(|(entries, message, at)| Record::Hold { entries, message, at }),
        1 => time().prop_map(|at| Record::Resolve { at }),
        1 => Just(Record::Abandon { endpoints: vec!["www".into()] }),
        1 => (vec((key.clone(), generation), 0..3), time())
            .prop_map(|(entries, at)| Record::Adopt { entries, at }),
        1 => vec(key, 0..3).prop_map(|keys| Record::Forget { keys }),
        1 => any_run().prop_map(Record::Remember),
        1 => (any::<bool>(), 0..90_i64, -5..9_i64).prop_map(|(files, day, amount)| {
            let LedgerKey { scope, counts, window } =
                budget(if files { "files" } else { "tags" }, day);
            Record::Spend { scope, counts, window, amount }
        }),
        1 => (any::<bool>(), 0..90_i64, any_told()).prop_map(|(files, day, told)| {
            let LedgerKey { scope, counts, window } =
                budget(if files { "files" } else { "tags" }, day);
            Record::Tell { scope, counts, told: Told { window, ..told } }
        }),
        1 => any::<String>().prop_map(|revision| Record::Applied { revision }),
    ]
}
