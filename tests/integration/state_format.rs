//! The state as bytes: what a file looks like, what survives, and every reason to refuse.

use std::collections::BTreeMap;
use std::fs;

use insta::assert_snapshot;
use proptest::prelude::*;
use purgit::entry::{EntryKey, Generation, TargetKind};
use purgit::operation::Task;
use purgit::state::file::FileStore;
use purgit::state::format::{Digest, digest, from_bytes, to_bytes};
use purgit::state::recorder::LEASE;
use purgit::state::transition::ItemOutcome;
use purgit::state::{Outcome, PendingOperation, Record, Seq, State, StateError, StateStore as _};
use serde_json::json;

use super::state_fixture::{
    any_state, at, budget, confirmed, file, holder, one_off, operation, sample,
};

fn text(state: &State) -> String {
    String::from_utf8(to_bytes(state)).expect("JSON is UTF-8")
}

#[track_caller]
fn reason(bytes: &str) -> String {
    match from_bytes(bytes.as_bytes(), "state.json") {
        Err(StateError::Corrupt { place, reason }) => {
            assert_eq!(place, "state.json");
            reason
        }
        other => panic!("not refused as corrupt: {other:?}"),
    }
}

#[test]
fn a_file_reads_well_in_a_diff() {
    let text = text(&sample()).replace(env!("CARGO_PKG_VERSION"), "X.Y.Z");
    assert_snapshot!(text, @r#"
    {
    "version": 2,
    "serial": 1,
    "lineage": "00000000-0000-0000-0000-000000000001",
    "tool_version": "X.Y.Z",
    "last_applied": "5dbe3a1",
    "entries": [
      {"address":"purge/spring/file/https://www.example.com/a.png","endpoint":"www","kind":"file","target":"https://www.example.com/a.png","generation":"r1","confirmed_at":"2026-11-18T11:06:41Z"},
      {"address":"purge/spring/file/https://www.example.com/b.png","endpoint":"www","kind":"file","target":"https://www.example.com/b.png","generation":null,"confirmed_at":null,"attempt":{"generation":"r1","outcome":"Failed","at":"2026-11-18T11:06:42Z","message":"the CDN said no"}},
      {"address":"purge/spring/directory/https://www.example.com/c/","endpoint":"www","kind":"directory","target":"https://www.example.com/c/","generation":"r1","confirmed_at":"2026-11-18T11:06:41Z"}
    ],
    "due": [
      {"address":"purge/-/everything","endpoint":"www","kind":"everything","generation":"r2","forced":true,"at":"2026-11-18T11:06:45Z"},
      {"address":"purge/spring/file/https://www.example.com/b.png","endpoint":"www","kind":"file","target":"https://www.example.com/b.png","generation":null,"at":"2026-11-18T11:06:45Z"}
    ],
    "pending_operations": [
      {"id":"00000000-0000-0000-0000-000000000002","endpoint":"www","intended_at":"2026-11-18T11:06:43Z","task":{"id":"00000000-0000-0000-0000-000000000003"},"accepted_at":"2026-11-18T11:06:44Z","sends":1,"entries":[
        {"address":"purge/spring/file/https://www.example.com/d.png","kind":"file","target":"https://www.example.com/d.png","generation":"r1"},
        {"address":"purge/spring/file/https://www.example.com/e.png","kind":"file","target":"https://www.example.com/e.png","generation":"r1"}
      ]}
    ],
    "ledger": [
      {"scope":"account","counts":"files","window":"2026-11-18T11:06:40Z","amount":7}
    ],
    "history": [
      {"at":"2026-11-18T11:06:49Z","plan_id":"sha256:00","outcomes":{"Failed":1,"Succeeded":2},"requests":1,"exit_code":3}
    ]
    }
    "#);
}

#[test]
fn an_empty_state_is_short() {
    let text = text(&State::default()).replace(env!("CARGO_PKG_VERSION"), "X.Y.Z");
    assert_snapshot!(text, @r#"
    {
    "version": 2,
    "serial": 0,
    "lineage": "",
    "tool_version": "X.Y.Z",
    "last_applied": null,
    "entries": [],
    "due": [],
    "pending_operations": [],
    "ledger": [],
    "history": []
    }
    "#);
}

#[test]
fn an_added_entry_is_an_added_line() {
    let before = sample();
    let mut after = before.clone();
    after
        .entries
        .insert(file("spring", "/aa.png"), confirmed("r1"));
    let (before, after) = (text(&before), text(&after));
    let added: Vec<&str> = after
        .lines()
        .filter(|line| !before.contains(line))
        .collect();
    assert_eq!(added.len(), 1, "{added:?}");
    assert!(before.lines().all(|line| after.contains(line)));
}

#[test]
fn what_a_newer_minor_format_adds_survives() {
    let written = text(&sample())
        .replace("\"serial\": 1,", "\"serial\": 1,\n\"leases\": {\"b\":1},")
        .replace("\"kind\":\"file\"", "\"verified\":true,\"kind\":\"file\"");
    let state = from_bytes(written.as_bytes(), "state.json").expect("a state");
    assert_eq!(state.unknown["leases"], json!({"b": 1}));
    assert_eq!(state.entries, sample().entries);
    let again = text(&state);
    assert!(again.contains("\"leases\": {\"b\":1}"), "{again}");
}

#[test]
fn an_outcome_of_a_newer_format_is_unknown() {
    let written = text(&sample()).replace("\"Failed\"", "\"Verified\"");
    let state = from_bytes(written.as_bytes(), "state.json").expect("a state");
    let observed = &state.entries[&file("spring", "/b.png")];
    let attempt = observed.attempt.as_ref().expect("an attempt");
    assert_eq!(attempt.outcome, Outcome::Unknown);
    assert_eq!(state.history[0].outcomes[&Outcome::Unknown], 1);
}

#[test]
fn a_newer_version_is_told_apart_from_a_broken_file() {
    for newer in [
        text(&sample()).replace("\"version\": 2", "\"version\": 7"),
        "{\"version\": 7, \"entries\": {\"by\": \"url\"}}".to_owned(),
    ] {
        let error = from_bytes(newer.as_bytes(), "state.json").expect_err("refused");
        assert!(
            matches!(error, StateError::TooNew { found: 7, .. }),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            "state.json has state version 7, and this purgit reads up to 2"
        );
    }
}

#[test]
fn broken_and_foreign_files_are_refused_with_place_and_reason() {
    let good = text(&sample());
    let twice = {
        let line = good
            .lines()
            .find(|line| line.contains("/a.png"))
            .expect("a line");
        good.replace(line, &format!("{line}\n{line}"))
    };
    let merge = good.replace(
        "\"serial\": 1,",
        "<<<<<<< HEAD\n\"serial\": 1,\n=======\n\"serial\": 2,\n>>>>>>> x",
    );
    let cases = [
        String::new(),
        " \n".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "{\"version\": 2}".to_owned(),
        "{\"format_version\": \"1.0\", \"terraform_version\": \"1\"}".to_owned(),
        "<html>".to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("{good}x"),
        good.replace("\"version\": 2", "\"version\": 0"),
        good.replace("\"version\": 2", "\"version\": \"1\""),
        good.replace("\"serial\": 1", "\"serial\": -1"),
        good.replace("\"serial\": 1,", "\"serial\": 1, \"serial\": 1,"),
        good.replacen("\"target\":\"https://www", "\"target\":\"https://img", 1),
        good.replacen("purge/spring/file", "purge/spring/directory", 1),
        good.replacen("purge/spring", "purge/", 1),
        good.replacen("purge/spring", "pond/spring", 1),
        good.replacen("\"target\":\"https:", "\"target\":\"ftp:", 1),
        good.replacen("\"confirmed_at\":\"2026", "\"confirmed_at\":\"soon", 1),
        twice,
        merge,
    ];
    let reasons: Vec<String> = cases.iter().map(|case| reason(case)).collect();
    assert_snapshot!(reasons.join("\n"), @r#"
    it is empty
    it is empty
    1:0: invalid type: sequence, expected an object with `version`, `serial`, `lineage`, `entries`
    1:2: `version` is missing
    1:14: `serial` is missing
    1:51: `version` is missing
    1:1: expected value
    13:124: EOF while parsing a string
    29:1: trailing characters
    `version` is 0
    2:14: invalid type: string "1", expected u64
    3:12: invalid value: integer `-1`, expected u64
    3:21: `serial` is there twice
    8:191: the address `purge/spring/file/https://www.example.com/a.png` does not fit its kind `file` and target `https://img.example.com/a.png`
    8:196: the address `purge/spring/directory/https://www.example.com/a.png` does not fit its kind `file` and target `https://www.example.com/a.png`
    8:185: the address `purge//file/https://www.example.com/a.png` does not fit its kind `file` and target `https://www.example.com/a.png`
    8:190: the address `pond/spring/file/https://www.example.com/a.png` does not fit its kind `file` and target `https://www.example.com/a.png`
    8:189: the entry `purge/spring/file/https://www.example.com/a.png` has a bad `target`: the URL must be absolute and start with `https://` or `http://`
    8:190: input contains invalid characters
    12:1: the entry `purge/spring/file/https://www.example.com/a.png` of endpoint `www` is there twice
    line 3 is a git conflict marker
    "#);
}

#[test]
fn every_refusal_says_what_to_do() {
    let conflict = from_bytes(b"{\n<<<<<<< HEAD\n", "state.json").expect_err("refused");
    assert_snapshot!(conflict.to_string(), @"state.json is not a purgit state: line 2 is a git conflict marker");
    assert_snapshot!(conflict.hint().unwrap_or_default(), @"take either side, e.g. `git checkout --theirs -- state.json`: at worst some URLs are purged once more");
    let torn = from_bytes(b"{", "state.json").expect_err("refused");
    assert_snapshot!(torn.hint().unwrap_or_default(), @"restore it, e.g. `git checkout HEAD -- state.json`, or move it away to start anew; purgit leaves it as it is");
}

fn change_operation(state: &mut State, change: impl Fn(&mut PendingOperation)) {
    let mut operations: Vec<_> = state.pending_operations.iter().cloned().collect();
    operations.iter_mut().for_each(change);
    state.pending_operations = operations.into();
}

/// A file of version 1, which knew `url` where it is `target` now.
const VERSION_1: &str = r#"{
"version": 1,
"serial": 7,
"lineage": "00000000-0000-0000-0000-000000000001",
"tool_version": "0.1.0",
"entries": [
  {"address":"purge/spring/file/https://www.example.com/a.png","endpoint":"www","kind":"file","url":"https://www.example.com/a.png","generation":"r1","confirmed_at":"2026-11-18T11:06:41Z"},
  {"address":"purge/spring/file/https://www.example.com/b.png","endpoint":"www","kind":"file","url":"https://www.example.com/b.png","generation":null,"confirmed_at":null,"attempt":{"generation":"r1","outcome":"Failed","at":"2026-11-18T11:06:42Z","message":"the CDN said no"}},
  {"address":"purge/spring/directory/https://www.example.com/c/","endpoint":"www","kind":"directory","url":"https://www.example.com/c/","generation":"r1","confirmed_at":"2026-11-18T11:06:41Z"}
],
"pending_operations": [
  {"id":"00000000-0000-0000-0000-000000000002","endpoint":"www","intended_at":"2026-11-18T11:06:43Z","task":{"id":"00000000-0000-0000-0000-000000000003"},"accepted_at":"2026-11-18T11:06:44Z","entries":[
    {"address":"purge/spring/file/https://www.example.com/d.png","kind":"file","url":"https://www.example.com/d.png","generation":"r1"},
    {"address":"purge/spring/file/https://www.example.com/e.png","kind":"file","url":"https://www.example.com/e.png","generation":"r1"}
  ]}
],
"quota": [],
"history": [
  {"at":"2026-11-18T11:06:49Z","plan_id":"sha256:00","outcomes":{"Failed":1,"Succeeded":2},"requests":1,"exit_code":3}
]
}
"#;

#[test]
fn version_1_is_read_and_written_as_version_2() {
    let mut expected = State {
        serial: 7,
        last_applied: None,
        due: BTreeMap::new(),
        ledger: BTreeMap::new(),
        ..sample()
    };
    change_operation(&mut expected, |operation| operation.sends = 0);
    let state = from_bytes(VERSION_1.as_bytes(), "state.json").expect("a state");
    assert_eq!(state, expected);
    let written = text(&state);
    assert!(written.starts_with("{\n\"version\": 2,\n"), "{written}");
    assert!(!written.contains("\"url\""), "{written}");
    assert_eq!(
        from_bytes(written.as_bytes(), "state.json").expect("a state"),
        state
    );
}

#[test]
fn the_digest_is_about_what_a_plan_is_made_from() {
    let state = sample();
    let same = {
        let mut state = state.clone();
        state.serial = 9;
        state.lineage.push('x');
        state.history.clear();
        for observed in state.entries.values_mut() {
            observed.confirmed_at = Some(at(99));
        }
        change_operation(&mut state, |operation| operation.accepted_at = None);
        state.ledger.clear();
        state.told.clear();
        state.last_applied = None;
        for due in state.due.values_mut() {
            due.at = at(99);
        }
        state
    };
    assert_eq!(digest(&state), digest(&same));
    assert!(digest(&state).starts_with("sha256:"));

    let key = file("spring", "/a.png");
    let changes: [fn(&mut State); 9] = [
        |state| state.pending_operations = Vec::new().into(),
        |state| change_operation(state, |operation| operation.task = None),
        |state| change_operation(state, |operation| drop(operation.entries.pop())),
        |state| drop(state.due.pop_first()),
        |state| {
            for due in state.due.values_mut() {
                due.forced = false;
            }
        },
        |state| {
            for due in state.due.values_mut() {
                due.generation = Some(Generation::recorded("r3"));
            }
        },
        |state| drop(state.entries.pop_first()),
        |state| {
            for observed in state.entries.values_mut() {
                observed.attempt = None;
            }
        },
        |state| {
            for observed in state.entries.values_mut() {
                observed.generation = Some(Generation::recorded("r2"));
            }
        },
    ];
    assert!(state.entries.contains_key(&key));
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = state.clone();
        change(&mut other);
        assert_ne!(digest(&state), digest(&other), "change {number}");
    }
}

proptest! {
    #[test]
    fn a_part_of_the_digest_can_be_taken_away_again(state in any_state(), other in any_state()) {
        let (mut sum, part) = (Digest::of(&state), Digest::of(&other));
        sum = sum.plus(part);
        for (key, observed) in &state.entries {
            sum = sum.minus(Digest::of_entry(key, observed));
        }
        for (key, due) in &state.due {
            sum = sum.minus(Digest::of_due(key, due));
        }
        for operation in &state.pending_operations {
            sum = sum.minus(Digest::of_operation(operation));
        }
        prop_assert_eq!(sum, part);
    }

    #[test]
    fn any_state_round_trips_byte_for_byte(state in any_state()) {
        let bytes = to_bytes(&state);
        let read = from_bytes(&bytes, "state.json").expect("readable");
        prop_assert_eq!(&read, &state);
        prop_assert_eq!(to_bytes(&read), bytes);
        prop_assert_eq!(digest(&read), digest(&state));
    }

    #[test]
    fn a_truncated_file_is_corrupt(state in any_state(), cut in any::<prop::sample::Index>()) {
        let bytes = to_bytes(&state);
        // Without its final newline a file is still whole.
        let length = cut.index(bytes.len() - 1);
        let error = from_bytes(&bytes[..length], "state.json").expect_err("refused");
        prop_assert!(matches!(error, StateError::Corrupt { .. }), "{:?}", error);
    }

    #[test]
    fn flipped_bytes_never_panic(
        state in any_state(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = to_bytes(&state);
        for (index, byte) in flips {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(read) = from_bytes(&bytes, "state.json") {
            prop_assert!(from_bytes(&to_bytes(&read), "state.json").is_ok());
        }
    }

    #[test]
    fn random_bytes_are_corrupt(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let error = from_bytes(&bytes, "state.json").expect_err("refused");
        prop_assert!(matches!(error, StateError::Corrupt { .. }), "{:?}", error);
    }
}

/// One record of each kind.
fn records() -> Vec<Record> {
    let (a, b) = (file("spring", "/a"), file("spring", "/b"));
    let tag = one_off(TargetKind::Tag, "news");
    let id = || "1".to_owned();
    let task = Task {
        id: "t".to_owned(),
        details: json!({"place": "/x"}),
    };
    let r1 = || Some(Generation::recorded("r1"));
    let item = |key: &EntryKey, outcome, message: Option<&str>| ItemOutcome {
        target: key.target.clone(),
        outcome,
        message: message.map(str::to_owned),
    };
    let items = vec![
        item(&a, Outcome::Succeeded, None),
        item(&b, Outcome::Succeeded, None),
        item(&tag, Outcome::Failed, Some("no")),
    ];
    let budget = budget("files", 0);
    vec![
        Record::Begin { lineage: id() },
        Record::Due {
            at: at(1),
            forced: true,
            entries: vec![(a.clone(), r1()), (tag.clone(), None)],
        },
        Record::Intend(operation("1", None, &[a.clone(), b.clone()])),
        Record::Withdraw { id: id() },
        Record::Accept {
            id: id(),
            task: task.clone(),
            correlation_id: Some("c".to_owned()),
            at: at(2),
        },
        Record::Asked {
            id: id(),
            task: Some(task),
            at: at(3),
        },
        Record::Settle {
            id: id(),
            at: at(4),
            items,
        },
        Record::Skip {
            at: at(5),
            message: "no".to_owned(),
            entries: vec![(a.clone(), None)],
        },
        Record::Defer {
            at: at(5),
            message: "until 16:00".to_owned(),
            entries: vec![(b.clone(), r1())],
        },
        Record::Resolve { at: at(6) },
        Record::Abandon {
            endpoints: vec!["www".into()],
        },
        Record::Adopt {
            at: at(7),
            entries: vec![(a.clone(), Generation::Declared)],
        },
        Record::Forget { keys: vec![a] },
        Record::Remember(sample().history.remove(0)),
        Record::Spend {
            scope: budget.scope,
            counts: budget.counts,
            window: budget.window,
            amount: -2,
        },
        Record::Applied { revision: id() },
        Record::Hold {
            at: at(5),
            message: "the origin answers 404".to_owned(),
            entries: vec![(b, r1())],
        },
    ]
}

/// A journal that an older purgit left is read by a newer one.
#[test]
fn a_journal_looks_the_same_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = FileStore::new(folder.path().join("state.json"));
    let lease = store.lease(&holder("apply"), LEASE).expect("free");
    let mut seq = Seq(0);
    for record in records() {
        seq = store.append(&*lease, seq, &[record]).expect("appended");
    }
    let text = fs::read_to_string(folder.path().join("state.json.journal")).expect("readable");
    let (_, text) = text.split_once('\n').expect("the line of its snapshot");
    assert_snapshot!(text, @r#"
    45de3842 1 [{"begin":{"lineage":"1"}}]
    53fc9323 2 [{"due":{"at":"2026-11-18T11:06:41Z","forced":true,"entries":[{"address":"purge/spring/file/https://www.example.com/a","endpoint":"www","kind":"file","target":"https://www.example.com/a","generation":"r1"},{"address":"purge/-/tag/news","endpoint":"www","kind":"tag","target":"news","generation":null}]}}]
    b1347d41 3 [{"intend":{"id":"1","endpoint":"www","intended_at":"2026-11-18T11:06:43Z","sends":1,"entries":[{"address":"purge/spring/file/https://www.example.com/a","kind":"file","target":"https://www.example.com/a","generation":"r1"},{"address":"purge/spring/file/https://www.example.com/b","kind":"file","target":"https://www.example.com/b","generation":"r1"}]}}]
    6e3d0580 4 [{"withdraw":{"id":"1"}}]
    1847870c 5 [{"accept":{"id":"1","task":{"id":"t","details":{"place":"/x"}},"correlation_id":"c","at":"2026-11-18T11:06:42Z"}}]
    e6e8c569 6 [{"asked":{"id":"1","task":{"id":"t","details":{"place":"/x"}},"at":"2026-11-18T11:06:43Z"}}]
    56b12185 7 [{"settle":{"id":"1","at":"2026-11-18T11:06:44Z","items":[{"outcome":"Succeeded","kind":"file","targets":["https://www.example.com/a","https://www.example.com/b"]},{"outcome":"Failed","message":"no","kind":"tag","targets":["news"]}]}}]
    9f8edcc5 8 [{"skip":{"at":"2026-11-18T11:06:45Z","message":"no","entries":[{"address":"purge/spring/file/https://www.example.com/a","endpoint":"www","kind":"file","target":"https://www.example.com/a","generation":null}]}}]
    515565de 9 [{"defer":{"at":"2026-11-18T11:06:45Z","message":"until 16:00","entries":[{"address":"purge/spring/file/https://www.example.com/b","endpoint":"www","kind":"file","target":"https://www.example.com/b","generation":"r1"}]}}]
    cd2fd7a7 10 [{"resolve":{"at":"2026-11-18T11:06:46Z"}}]
    a809e474 11 [{"abandon":{"endpoints":["www"]}}]
    da92496f 12 [{"adopt":{"at":"2026-11-18T11:06:47Z","entries":[{"address":"purge/spring/file/https://www.example.com/a","endpoint":"www","kind":"file","target":"https://www.example.com/a","generation":"declared"}]}}]
    46df8109 13 [{"forget":{"entries":[{"address":"purge/spring/file/https://www.example.com/a","endpoint":"www","kind":"file","target":"https://www.example.com/a","generation":null}]}}]
    9558bafd 14 [{"remember":{"at":"2026-11-18T11:06:49Z","plan_id":"sha256:00","outcomes":{"Failed":1,"Succeeded":2},"requests":1,"exit_code":3}}]
    7f937121 15 [{"spend":{"scope":"account","counts":"files","window":"2026-11-18T11:06:40Z","amount":-2}}]
    3d22e624 16 [{"applied":{"revision":"1"}}]
    fe2927ba 17 [{"hold":{"at":"2026-11-18T11:06:45Z","message":"the origin answers 404","entries":[{"address":"purge/spring/file/https://www.example.com/b","endpoint":"www","kind":"file","target":"https://www.example.com/b","generation":"r1"}]}}]
    "#);
}
