//! What only files can do wrong: links, modes, foreign edits, a full disk, a killed writer, torn and
//! damaged journals, a snapshot that was replaced.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use purgit::entry::{EntryKey, Generation, Owner};
use purgit::state::file::{FileStore, MIN_FOLD_BYTES};
use purgit::state::format::to_bytes;
use purgit::state::recorder::LEASE;
use purgit::state::{Lease, Record, Seq, Stamp, State, StateError, StateStore, Tail};
use tempfile::TempDir;

use super::state_fixture::{any_record, any_start, at, confirmed, file, holder, sample};

fn project() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join(".purgit/state.json");
    (folder, path)
}

/// A project with the sample as its snapshot.
fn written() -> (TempDir, PathBuf) {
    let (folder, path) = project();
    fs::create_dir(folder.path().join(".purgit")).expect("made");
    fs::write(&path, to_bytes(&sample())).expect("written");
    (folder, path)
}

fn journal(path: &Path) -> PathBuf {
    path.with_extension("json.journal")
}

fn lease(store: &FileStore) -> Box<dyn Lease> {
    store.lease(&holder("apply"), LEASE).expect("free")
}

/// The records that make the sample of nothing, about.
fn first() -> Vec<Record> {
    let begin = Record::Begin {
        lineage: sample().lineage,
    };
    vec![begin, adopt("/a.png")]
}

fn adopt(path: &str) -> Record {
    Record::Adopt {
        entries: vec![(file("spring", path), Generation::recorded("r2"))],
        at: at(1),
    }
}

fn state(path: &Path) -> State {
    let loaded = FileStore::new(path.to_owned()).load().expect("readable");
    State::clone(&loaded.state)
}

fn after(mut state: State, records: &[Record]) -> State {
    state.extend(records.iter().cloned());
    state
}

/// A run that records this and ends.
fn run(path: &Path, records: &[Record]) -> State {
    let store = FileStore::new(path.to_owned());
    let lease = lease(&store);
    let seq = store.load().expect("readable").seq;
    let seq = store.append(&*lease, seq, records).expect("appended");
    store.compact(&*lease, seq).expect("folded");
    assert!(!journal(path).exists());
    state(path)
}

/// A run that records this, one append for each, and is killed.
fn killed(path: &Path, records: &[Record]) -> State {
    let store = FileStore::new(path.to_owned());
    let lease = lease(&store);
    let mut seq = store.load().expect("readable").seq;
    for record in records {
        let one = std::slice::from_ref(record);
        seq = store.append(&*lease, seq, one).expect("appended");
    }
    state(path)
}

/// What a state's folder has while something is recorded and not folded.
const WITH_JOURNAL: [&str; 4] = [
    ".gitignore",
    "state.json",
    "state.json.journal",
    "state.json.lock",
];

/// Names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|item| {
            item.expect("an item")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn the_first_run_makes_a_folder_whose_state_is_committed() {
    let (folder, path) = project();
    let own = folder.path().join(".purgit");
    killed(&path, &first());
    let all = [".gitignore", "state.json.journal", "state.json.lock"];
    assert_eq!(names(&own), all);
    run(&path, &[adopt("/b.png")]);
    let all = [".gitignore", "state.json", "state.json.lock"];
    assert_eq!(names(&own), all);
    let ignored = fs::read_to_string(own.join(".gitignore")).expect("readable");
    assert_eq!(ignored, "*.journal\n*.lock\n*.purgit-tmp\n");
    // The number of the last lease, and nobody who holds it.
    let lock = fs::read_to_string(own.join("state.json.lock")).expect("readable");
    assert_eq!(lock, "{\"epoch\":2}\n");
}

#[test]
fn what_git_was_not_told_is_made_good() {
    let (folder, path) = project();
    fs::create_dir(folder.path().join(".purgit")).expect("made");
    let ignored = folder.path().join(".purgit/.gitignore");
    for (before, after) in [
        (
            "*.lock\n*.purgit-tmp\n",
            "*.journal\n*.lock\n*.purgit-tmp\n",
        ),
        // The disk was full.
        ("", "*.journal\n*.lock\n*.purgit-tmp\n"),
        ("mine\n", "mine\n"),
    ] {
        fs::write(&ignored, before).expect("written");
        drop(lease(&FileStore::new(path.clone())));
        assert_eq!(fs::read_to_string(&ignored).expect("readable"), after);
    }
}

#[test]
fn a_users_folder_is_left_alone() {
    let folder = TempDir::new().expect("a folder");
    run(&folder.path().join("state.json"), &first());
    assert_eq!(names(folder.path()), ["state.json", "state.json.lock"]);
}

#[test]
fn reading_touches_nothing() {
    let (folder, path) = written();
    let store = FileStore::new(path);
    store.load().expect("readable");
    store.tail(Seq(1)).expect("readable");
    assert_eq!(names(&folder.path().join(".purgit")), ["state.json"]);
}

#[test]
fn a_journal_has_one_line_per_append_and_says_what_it_follows() {
    let (_folder, path) = written();
    let store = FileStore::new(path.clone());
    let lease = lease(&store);
    let seq = Seq(1);
    let seq = store
        .append(&*lease, seq, &[adopt("/1"), adopt("/2")])
        .expect("appended");
    store
        .append(&*lease, seq, &[adopt("/3")])
        .expect("appended");
    let text = fs::read_to_string(journal(&path)).expect("readable");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0][8..].starts_with(" 1 {\"continues\":{\"version\":2,"),
        "{text}"
    );
    assert!(lines[1][8..].starts_with(" 2 [{\"adopt\":{"), "{text}");
    assert!(lines[2][8..].starts_with(" 4 [{\"adopt\":{"), "{text}");
    for line in lines {
        let checksum = format!("{:08x}", crc32fast::hash(&line.as_bytes()[8..]));
        assert_eq!(line[..8], checksum);
    }
}

#[test]
fn a_killed_run_leaves_a_journal_that_the_next_one_goes_on_with() {
    let (_folder, path) = written();
    let expected = after(sample(), &[adopt("/1"), adopt("/2")]);
    assert_eq!(killed(&path, &[adopt("/1"), adopt("/2")]), expected);
    let expected = after(expected, &[adopt("/3")]);
    assert_eq!(killed(&path, &[adopt("/3")]), expected);
    let expected = after(expected, &[adopt("/4")]);
    assert_eq!(run(&path, &[adopt("/4")]), expected);
    assert_eq!(fs::read(&path).expect("readable"), to_bytes(&expected));
}

/// Cut at every byte: what was reported as written stays, and nothing is made up.
#[test]
fn a_torn_last_line_counts_as_not_there() {
    let (_folder, path) = written();
    let before = killed(&path, &[adopt("/1")]);
    let length = fs::read(journal(&path)).expect("readable").len();
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    let group = [adopt("/2"), adopt("/3")];
    store.append(&*held, Seq(2), &group).expect("appended");
    drop(held);
    let bytes = fs::read(journal(&path)).expect("readable");
    for cut in length..bytes.len() {
        fs::write(journal(&path), &bytes[..cut]).expect("written");
        assert_eq!(state(&path), before, "cut at {cut}");
        // A hole in it, as a crash of the machine may leave.
        let mut hole = bytes[..cut].to_vec();
        hole[length..].fill(0);
        fs::write(journal(&path), &hole).expect("written");
        assert_eq!(state(&path), before, "hole up to {cut}");
        let goes_on = killed(&path, &[adopt("/4")]);
        assert_eq!(
            goes_on,
            after(before.clone(), &[adopt("/4")]),
            "cut at {cut}"
        );
    }
    // Also the first line, of which nothing depends yet.
    for cut in 0..60 {
        fs::write(journal(&path), &bytes[..cut]).expect("written");
        assert_eq!(state(&path), sample());
        assert_eq!(killed(&path, &[adopt("/1")]), before, "cut at {cut}");
    }
}

#[track_caller]
fn refused(path: &Path, what: &str) -> StateError {
    let store = FileStore::new(path.to_owned());
    let error = store.load().expect_err(what);
    let held = lease(&store);
    let bytes = fs::read(journal(path)).expect("readable");
    for seq in 0..9 {
        store
            .append(&*held, Seq(seq), &[adopt("/9")])
            .expect_err(what);
        store.compact(&*held, Seq(seq)).expect_err(what);
    }
    assert_eq!(fs::read(journal(path)).expect("readable"), bytes, "{what}");
    error
}

#[test]
fn a_damaged_journal_is_reported_and_kept() {
    let (_folder, path) = written();
    killed(&path, &[adopt("/1"), adopt("/2"), adopt("/3")]);
    let good = fs::read(journal(&path)).expect("readable");
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    let last = good.len() - lines[3].len();
    for place in 0..last {
        let mut bad = good.clone();
        bad[place] ^= 1;
        fs::write(journal(&path), &bad).expect("written");
        let loaded = FileStore::new(path.clone()).load();
        assert!(
            matches!(loaded, Err(StateError::Journal { .. })),
            "{place}: {loaded:?}"
        );
    }
    for (what, bad) in [
        ("a line is gone", [lines[0], lines[1], lines[3]].concat()),
        ("the first line is gone", lines[1..].concat()),
        (
            "a line is there twice",
            [lines[0], lines[1], lines[1], lines[2]].concat(),
        ),
        (
            "lines are swapped",
            [lines[0], lines[2], lines[1], lines[3]].concat(),
        ),
        ("something else", b"# notes\n# more\n".to_vec()),
    ] {
        fs::write(journal(&path), &bad).expect("written");
        let error = refused(&path, what);
        assert!(
            matches!(error, StateError::Journal { .. }),
            "{what}: {error:?}"
        );
        let hint = error.hint().expect("a hint");
        assert!(hint.contains("state.json.journal"), "{hint}");
    }
    fs::write(journal(&path), &good).expect("written");
    assert_eq!(state(&path).serial, 4);
}

#[test]
fn a_journal_of_a_newer_version_is_not_touched() {
    let (_folder, path) = written();
    killed(&path, &[adopt("/1")]);
    let text = fs::read_to_string(journal(&path)).expect("readable");
    let line = text.lines().next().expect("a line");
    let newer = line[8..].replace("\"version\":2", "\"version\":7");
    let newer = format!("{:08x}{newer}\n", crc32fast::hash(newer.as_bytes()));
    fs::write(journal(&path), newer).expect("written");
    let error = refused(&path, "a newer version");
    assert!(
        matches!(error, StateError::TooNew { found: 7, .. }),
        "{error:?}"
    );
}

#[test]
fn a_journal_beside_a_snapshot_that_was_replaced_is_noticed() {
    let (_folder, path) = written();
    let whole = killed(&path, &[adopt("/1")]);
    let good = fs::read(&path).expect("readable");
    let mut other = sample();
    other
        .entries
        .insert(file("spring", "/other"), confirmed("r1"));
    let newer = State {
        serial: 2,
        ..other.clone()
    };
    let foreign = State {
        lineage: "00000000-0000-0000-0000-00000000000b".to_owned(),
        ..sample()
    };
    for state in [other, newer, foreign, State::default()] {
        fs::write(&path, to_bytes(&state)).expect("written");
        let error = refused(&path, "replaced");
        assert!(matches!(error, StateError::Journal { .. }), "{error:?}");
        assert_eq!(fs::read(&path).expect("readable"), to_bytes(&state));
    }
    fs::remove_file(&path).expect("removed");
    refused(&path, "removed");
    // Nothing was lost.
    fs::write(&path, good).expect("written");
    assert_eq!(state(&path), whole);
    // Or the journal goes.
    fs::remove_file(journal(&path)).expect("removed");
    assert_eq!(state(&path), sample());
}

#[test]
fn a_crash_while_folding_loses_nothing_and_adds_nothing_twice() {
    let (_folder, path) = written();
    let before = fs::read(&path).expect("readable");
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    store
        .append(&*held, Seq(1), &[adopt("/1")])
        .expect("appended");
    // What the journal holds at the last moment before the switch is not to be had from outside, so
    // it is kept by a link.
    let kept = path.with_extension("kept");
    fs::hard_link(journal(&path), &kept).expect("linked");
    store.compact(&*held, Seq(2)).expect("folded");
    drop(held);
    let folded = fs::read(&path).expect("readable");
    let expected = after(sample(), &[adopt("/1")]);

    // Before the switch, and after it, with the journal still there.
    for snapshot in [before, folded] {
        fs::write(&path, &snapshot).expect("written");
        fs::copy(&kept, journal(&path)).expect("copied");
        assert_eq!(state(&path), expected);
        let more = after(expected.clone(), &[adopt("/2")]);
        assert_eq!(killed(&path, &[adopt("/2")]), more);
        let more = after(more, &[adopt("/3")]);
        assert_eq!(run(&path, &[adopt("/3")]), more);
    }
}

#[test]
fn an_edit_by_hand_during_a_run_is_a_conflict_whatever_the_times_say() {
    let (_folder, path) = written();
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    store
        .append(&*held, Seq(1), &[adopt("/1")])
        .expect("appended");
    let before = fs::metadata(&path)
        .expect("there")
        .modified()
        .expect("a time");

    // Same length, same inode, same time.
    let good = fs::read_to_string(&path).expect("readable");
    let edited = good.replace("/a.png", "/z.png");
    fs::write(&path, &edited).expect("written");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(before))
        .expect("set");
    for _ in 0..2 {
        let error = store
            .append(&*held, Seq(2), &[adopt("/2")])
            .expect_err("refused");
        assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
        let error = store.compact(&*held, Seq(2)).expect_err("refused");
        assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), edited);
        fs::remove_file(&path).expect("removed");
        let error = store.compact(&*held, Seq(2)).expect_err("refused");
        assert!(matches!(error, StateError::Conflict(_)), "{error:?}");
        assert!(!path.exists());
        fs::write(&path, &edited).expect("written");
    }

    // Put back, it is as before.
    fs::write(&path, good).expect("written");
    store
        .append(&*held, Seq(2), &[adopt("/2")])
        .expect("appended");
    store.compact(&*held, Seq(3)).expect("folded");
    assert_eq!(state(&path), after(sample(), &[adopt("/1"), adopt("/2")]));
}

#[test]
fn a_foreign_edit_of_the_journal_fences_the_writer_off() {
    let (_folder, path) = written();
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    store
        .append(&*held, Seq(1), &[adopt("/1")])
        .expect("appended");
    let kept = fs::read(journal(&path)).expect("readable");
    fs::remove_file(journal(&path)).expect("removed");
    let error = store
        .append(&*held, Seq(2), &[adopt("/2")])
        .expect_err("refused");
    assert!(matches!(error, StateError::Fenced(_)), "{error:?}");
    assert!(!journal(&path).exists());
    fs::write(journal(&path), kept).expect("written");
    store
        .append(&*held, Seq(2), &[adopt("/2")])
        .expect("appended");
}

#[test]
fn a_long_journal_is_folded_before_the_run_ends() {
    let (_folder, path) = written();
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    let mut expected = sample();
    let mut seq = Seq(1);
    let large = |number: u8| Record::Applied {
        revision: char::from(number).to_string().repeat(12_000_000),
    };
    for number in b'a'..b'd' {
        assert!(number == b'a' || journal(&path).exists());
        seq = store
            .append(&*held, seq, &[large(number)])
            .expect("appended");
        expected.extend([large(number)]);
        assert_eq!(state(&path), expected);
    }
    assert!(36_000_000 > MIN_FOLD_BYTES && !journal(&path).exists());
    let known = fs::metadata(&path).expect("there").len();
    assert!(known > 12_000_000, "{known}");
    seq = store.append(&*held, seq, &[adopt("/1")]).expect("appended");
    store.compact(&*held, seq).expect("folded");
    assert_eq!(state(&path), after(expected, &[adopt("/1")]));
}

fn stamp(path: &Path) -> Stamp {
    let store = FileStore::new(path.to_owned());
    store.load().expect("readable");
    store.stamp().expect("loaded")
}

fn holds(path: &Path, stamp: &Stamp) -> bool {
    let store = FileStore::new(path.to_owned());
    store.holds(stamp).expect("readable")
}

#[test]
fn a_stamp_is_of_a_snapshot_with_its_journal() {
    let (_folder, path) = project();
    let mut stamps = vec![stamp(&path)];
    killed(&path, &first());
    stamps.push(stamp(&path));
    run(&path, &[adopt("/1")]);
    stamps.push(stamp(&path));
    killed(&path, &[adopt("/2")]);
    stamps.push(stamp(&path));
    killed(&path, &[adopt("/3")]);
    for stamp in &stamps {
        assert!(!holds(&path, stamp), "{stamp:?}");
    }
    run(&path, &[adopt("/4")]);
    let last = stamp(&path);
    assert!(holds(&path, &last));
    // A process that was killed before its first whole line said nothing, but nobody knows that.
    fs::write(journal(&path), "12").expect("written");
    assert!(!holds(&path, &last));
}

#[test]
fn a_journal_just_written_is_read_again_by_other_processes() {
    let (_folder, path) = written();
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    let seq = store.load().expect("readable").seq;
    store.append(&*held, seq, &[adopt("/1")]).expect("appended");
    let stamp = store.stamp().expect("written");
    assert!(store.holds(&stamp).expect("readable"));
    // It may be written again within the tick of the file system's clock.
    assert!(!holds(&path, &stamp));
}

#[test]
fn a_stamp_holds_for_the_bytes_it_was_given_for() {
    let (folder, path) = written();
    let given = stamp(&path);
    // The same bytes in another file are the same state.
    let before = fs::metadata(&path)
        .and_then(|found| found.modified())
        .expect("a time");
    let text = fs::read_to_string(&path).expect("readable");
    fs::remove_file(&path).expect("removed");
    assert!(!holds(&path, &given));
    fs::write(&path, &text).expect("written");
    assert!(holds(&path, &given));

    // Same length and time, in place and by rename.
    let beside = folder.path().join("beside");
    let mut known = "/a.png";
    for (target, name) in [(&path, "/y.png"), (&beside, "/z.png")] {
        let given = stamp(&path);
        let edited = fs::read_to_string(&path)
            .expect("readable")
            .replace(known, name);
        known = name;
        fs::write(target, &edited).expect("written");
        let file = fs::File::options().write(true).open(target);
        file.and_then(|file| file.set_modified(before))
            .expect("set");
        fs::rename(target, &path).expect("moved");
        assert!(!holds(&path, &given), "{name}");
    }
}

#[test]
fn bytes_that_are_no_stamp_hold_for_nothing() {
    let (_folder, path) = written();
    let given = stamp(&path);
    for length in 0..given.0.len() {
        assert!(
            !holds(&path, &Stamp(given.0[..length].to_vec())),
            "{length}"
        );
    }
}

#[test]
fn who_knows_the_state_by_its_stamp_appends_without_reading_it() {
    let (_folder, path) = written();
    let given = stamp(&path);
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    assert!(store.holds(&given).expect("readable"));
    let expected = after(state(&path), &[adopt("/1")]);
    store
        .append(&*held, Seq(1), &[adopt("/1")])
        .expect("appended");
    store.compact(&*held, Seq(2)).expect("folded");
    assert_eq!(state(&path), expected);
}

#[test]
fn a_foreign_file_is_reported_and_kept() {
    let (folder, path) = project();
    fs::create_dir(folder.path().join(".purgit")).expect("made");
    for content in ["", "{\"a\": 1}", "\u{0}\u{1}"] {
        fs::write(&path, content).expect("written");
        let store = FileStore::new(path.clone());
        let error = store.load().expect_err("refused");
        assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
        let held = lease(&store);
        let error = store.append(&*held, Seq(0), &first()).expect_err("refused");
        assert!(matches!(error, StateError::Corrupt { .. }), "{error:?}");
        assert_eq!(fs::read_to_string(&path).expect("readable"), content);
    }
}

#[test]
fn a_snapshot_that_was_written_by_hand_or_by_version_1_is_folded_as_any_other() {
    let canonical = String::from_utf8(to_bytes(&sample())).expect("text");
    let value: serde_json::Value = serde_json::from_str(&canonical).expect("JSON");
    let mut lines: Vec<&str> = canonical.lines().collect();
    let entry = lines
        .iter()
        .position(|line| line.contains("/a.png"))
        .expect("a line");
    lines.swap(entry, entry + 1);
    let old = State {
        due: std::collections::BTreeMap::new(),
        ..sample()
    };
    let version_1 = String::from_utf8(to_bytes(&old))
        .expect("text")
        .replace("\"version\": 2", "\"version\": 1")
        .replace("\"target\":", "\"url\":");
    for text in [
        serde_json::to_string_pretty(&value).expect("JSON"),
        serde_json::to_string(&value).expect("JSON"),
        lines.join("\n"),
        canonical.replace(
            "https://www.example.com/a.png\",\"gen",
            "https:\\/\\/www.example.com/a.png\",\"gen",
        ),
        canonical.replace('\n', "\r\n"),
        canonical.replacen("  {\"address", "\n   {\"address", 2),
        canonical.trim_end().to_owned(),
        version_1.clone(),
    ] {
        let (_folder, path) = written();
        fs::write(&path, &text).expect("written");
        let before = if text == version_1 {
            old.clone()
        } else {
            sample()
        };
        assert_eq!(state(&path), before, "{text}");
        let expected = after(before, &[adopt("/a.png"), adopt("/aa.png")]);
        assert_eq!(
            run(&path, &[adopt("/a.png"), adopt("/aa.png")]),
            expected,
            "{text}"
        );
        let written = fs::read(&path).expect("readable");
        assert_eq!(written, to_bytes(&expected), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Lines that no record is about are copied, and it looks as if all were written anew.
    #[test]
    fn folding_is_the_same_as_writing_everything(
        start in any_start(),
        records in vec(any_record(), 1..8),
    ) {
        let (_folder, path) = written();
        fs::write(&path, to_bytes(&start)).unwrap();
        let expected = after(start, &records);
        prop_assert_eq!(&run(&path, &records), &expected);
        let bytes = String::from_utf8(fs::read(&path).unwrap()).unwrap();
        let expected = String::from_utf8(to_bytes(&expected)).unwrap();
        prop_assert_eq!(bytes, expected);
    }
}

/// So long that its lines are searched block by block, and what follows them too.
#[test]
fn a_long_snapshot_is_folded_as_any_other() {
    let mut start = sample();
    let name =
        |number: usize| format!("/{number:05}-a-name-that-makes-lines-as-long-as-they-are.png");
    let entries = (0..12_000)
        .step_by(2)
        .map(|number| (file("spring", &name(number)), confirmed("r1")));
    start.entries.extend(entries);
    let due: Vec<_> = (0..1_000)
        .map(|number| (file("spring", &name(number)), None))
        .collect();
    let due = Record::Due {
        entries: due,
        forced: true,
        at: at(1),
    };
    let start = after(start, &[due]);
    let all = |numbers: &mut dyn Iterator<Item = usize>| Record::Adopt {
        entries: numbers
            .map(|number| (file("spring", &name(number)), Generation::recorded("r2")))
            .collect(),
        at: at(2),
    };
    let forget = Record::Forget {
        keys: (0..12_000)
            .step_by(6)
            .map(|number| file("spring", &name(number)))
            .collect(),
    };
    for records in [
        vec![adopt("/00"), adopt("/zz")],
        vec![all(&mut (1..12_000).step_by(2))],
        vec![
            all(&mut (0..12_000).step_by(998)),
            all(&mut (1..12_000).step_by(200)),
            forget,
        ],
    ] {
        let (_folder, path) = written();
        let bytes = to_bytes(&start);
        assert!(bytes.len() > 1024 * 1024, "{}", bytes.len());
        fs::write(&path, bytes).expect("written");
        let expected = after(start.clone(), &records);
        assert_eq!(run(&path, &records), expected);
        assert!(fs::read(&path).expect("readable") == to_bytes(&expected));
    }
}

#[test]
fn a_url_that_was_spelt_otherwise_by_hand_is_the_same_entry() {
    let key = |name: &str| EntryKey {
        owner: Owner::Site("docs".into()),
        path: Some(name.into()),
        ..file("", &format!("/docs/{name}"))
    };
    let mut start = sample();
    for name in ["a", "b", "c"] {
        start.entries.insert(key(name), confirmed("r1"));
    }
    for spelt in [
        "https://www.example.com:443/docs/b",
        "HTTPS://www.example.com/docs/b",
        "https://WWW.example.com/docs/b",
        "https://www.example.com/docs/%62",
        "https:\\/\\/www.example.com/docs/b",
    ] {
        let (_folder, path) = written();
        let text = String::from_utf8(to_bytes(&start)).expect("text");
        let spelt = text.replace("https://www.example.com/docs/b", spelt);
        assert_ne!(spelt, text);
        fs::write(&path, spelt).expect("written");
        assert_eq!(state(&path), start);
        let again = Record::Adopt {
            entries: vec![(key("b"), Generation::recorded("r2"))],
            at: at(1),
        };
        let expected = after(start.clone(), std::slice::from_ref(&again));
        assert_eq!(run(&path, &[again]), expected);
    }
}

#[test]
fn a_line_that_no_record_is_about_stays_as_it_is() {
    let (_folder, path) = written();
    let text = String::from_utf8(to_bytes(&sample())).expect("text");
    let of_newer = text.replace(
        "\"kind\":\"directory\"",
        "\"kind\":\"directory\",\"verified\":true",
    );
    fs::write(&path, &of_newer).expect("written");
    run(&path, &[adopt("/b.png")]);
    let folded = fs::read_to_string(&path).expect("readable");
    assert!(folded.contains("\"verified\":true"), "{folded}");
}

#[test]
fn what_cannot_be_written_leaves_nothing_behind() {
    // A folder where the file should be.
    let (folder, path) = project();
    fs::create_dir_all(&path).expect("made");
    let store = FileStore::new(path.clone());
    let error = store.load().expect_err("refused");
    assert!(
        matches!(error, StateError::Io { action: "read", .. }),
        "{error:?}"
    );
    let held = lease(&store);
    store.append(&*held, Seq(0), &first()).expect_err("refused");
    drop(held);
    let all = [".gitignore", "state.json", "state.json.lock"];
    assert_eq!(names(&folder.path().join(".purgit")), all);

    // A folder where the journal should be.
    let (folder, path) = written();
    fs::create_dir(journal(&path)).expect("made");
    FileStore::new(path.clone()).load().expect_err("refused");
    assert_eq!(
        names(&folder.path().join(".purgit")),
        ["state.json", "state.json.journal"]
    );

    // A file where the folder should be.
    let below = folder.path().join("file");
    fs::write(&below, "x").expect("written");
    let store = FileStore::new(below.join("state.json"));
    let error = store.lease(&holder("apply"), LEASE).expect_err("refused");
    assert!(
        matches!(error, StateError::Io { action: "lock", .. }),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(&below).expect("readable"), "x");
}

#[test]
fn a_read_only_state_is_not_replaced() {
    let (folder, path) = written();
    let mut permissions = fs::metadata(&path).expect("there").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).expect("set");
    let store = FileStore::new(path.clone());
    let held = lease(&store);
    let seq = store
        .append(&*held, Seq(1), &[adopt("/1")])
        .expect("appended");
    let error = store.compact(&*held, seq).expect_err("refused");
    let StateError::Io { source, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
    assert_eq!(fs::read(&path).expect("readable"), to_bytes(&sample()));
    // What was recorded is not lost.
    assert_eq!(state(&path), after(sample(), &[adopt("/1")]));
    assert_eq!(names(&folder.path().join(".purgit")), WITH_JOURNAL);
}

#[test]
fn a_leftover_of_a_killed_writer_goes_with_the_next_lease() {
    let (folder, path) = project();
    let own = folder.path().join(".purgit");
    fs::create_dir(&own).expect("made");
    fs::write(own.join(".state.json.x1.purgit-tmp"), "half").expect("written");
    fs::write(own.join(".other.json.x1.purgit-tmp"), "half").expect("written");
    let _held = lease(&FileStore::new(path));
    let names = names(&own);
    assert!(
        !names.contains(&".state.json.x1.purgit-tmp".to_owned()),
        "{names:?}"
    );
    assert!(
        names.contains(&".other.json.x1.purgit-tmp".to_owned()),
        "{names:?}"
    );
}

#[test]
fn a_tail_is_read_beside_a_writer_that_is_killed() {
    let (_folder, path) = written();
    let reader = FileStore::new(path.clone());
    reader.load().expect("readable");
    killed(&path, &[adopt("/1")]);
    let whole = fs::read(journal(&path)).expect("readable");
    let torn = [&whole[..], b"0000"].concat();
    fs::write(journal(&path), torn).expect("written");
    let tail = reader.tail(Seq(1)).expect("readable");
    assert_eq!(tail, Tail::Records(vec![adopt("/1")]));
    assert_eq!(
        reader.tail(Seq(2)).expect("readable"),
        Tail::Records(vec![])
    );
    killed(&path, &[adopt("/2")]);
    let tail = reader.tail(Seq(2)).expect("readable");
    assert_eq!(tail, Tail::Records(vec![adopt("/2")]));
}

#[cfg(unix)]
mod unix {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::process::{Command, Stdio};
    use std::{env, io};

    use super::*;

    const HOLD_LOCK: &str = "PURGIT_TEST_HOLD_LOCK";
    const FULL_DISK: &str = "PURGIT_TEST_FULL_DISK";

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").permissions().mode() & 0o7777
    }

    #[test]
    fn the_mode_of_the_file_is_kept() {
        let (folder, path) = project();
        let plain = folder.path().join("plain");
        fs::write(&plain, "").expect("written");
        run(&path, &first());
        assert_eq!(mode(&path), mode(&plain), "as any new file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o664)).expect("set");
        run(&path, &[adopt("/1")]);
        assert_eq!(mode(&path), 0o664);
    }

    #[test]
    fn a_link_is_written_through() {
        let (folder, path) = project();
        fs::create_dir(folder.path().join(".purgit")).expect("made");
        let kept = folder.path().join("kept.json");
        // It leads nowhere yet.
        symlink("../kept.json", &path).expect("linked");
        for records in [first(), vec![adopt("/1")]] {
            let store = FileStore::new(path.clone());
            let held = lease(&store);
            let seq = store.load().expect("readable").seq;
            let seq = store.append(&*held, seq, &records).expect("appended");
            assert!(journal(&kept).exists());
            store.compact(&*held, seq).expect("folded");
        }
        assert!(fs::symlink_metadata(&path).expect("there").is_symlink());
        assert!(fs::metadata(&kept).expect("there").is_file());
        assert_eq!(state(&kept).serial, 3);
    }

    #[test]
    fn a_loop_of_links_and_a_device_are_refused() {
        let (folder, path) = project();
        fs::create_dir(folder.path().join(".purgit")).expect("made");
        symlink("state.json", &path).expect("linked");
        let store = FileStore::new(path.clone());
        let error = store.lease(&holder("apply"), LEASE).expect_err("refused");
        assert!(matches!(error, StateError::Io { .. }), "{error:?}");

        fs::remove_file(&path).expect("removed");
        symlink("/dev/null", &path).expect("linked");
        let error = store.load().expect_err("refused");
        assert!(matches!(error, StateError::Io { .. }), "{error:?}");
    }

    /// Runs one test of this binary again, in a process of its own.
    fn child(test: &str, variable: &str, path: &Path, shell: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
            .arg(env::current_exe().expect("this binary"))
            .args([
                "--exact",
                "--nocapture",
                &format!("state_file::unix::{test}"),
            ])
            .env(variable, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    #[test]
    fn a_killed_process_leaves_no_lease_behind() {
        let (_folder, path) = project();
        let mut process = child("holds_the_lease_in_a_child", HOLD_LOCK, &path, "")
            .spawn()
            .expect("spawned");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let held = output
            .lines()
            .map_while(Result::ok)
            .any(|line| line.contains("held"));
        assert!(held, "the child does not hold the lease");

        let store = FileStore::new(path.clone());
        let error = store.lease(&holder("watch"), LEASE).expect_err("refused");
        assert!(error.to_string().contains("`purgit apply`"), "{error}");
        process.kill().expect("killed");
        process.wait().expect("gone");
        let held = store.lease(&holder("watch"), LEASE).expect("free again");
        assert_eq!(held.epoch(), 2);
        // What it recorded is there.
        assert_eq!(state(&path).serial, 2);
    }

    /// The other side of the test above; alone it does nothing.
    #[test]
    fn holds_the_lease_in_a_child() {
        let Some(path) = env::var_os(HOLD_LOCK) else {
            return;
        };
        let store = FileStore::new(path.into());
        let held = lease(&store);
        store.append(&*held, Seq(0), &first()).expect("appended");
        println!("held");
        // Until the parent kills us or goes away itself.
        io::stdin().lines().for_each(drop);
    }

    #[test]
    fn a_full_disk_leaves_the_state_as_it_was() {
        let (folder, path) = written();
        // No file may grow over a few blocks, which is as good as a full disk.
        let output = child(
            "writes_to_a_full_disk_in_a_child",
            FULL_DISK,
            &path,
            "trap '' XFSZ; ulimit -f 8;",
        )
        .output()
        .expect("ran");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("refused: cannot write"), "{text}");
        assert!(!text.contains("not refused"), "{text}");
        assert_eq!(fs::read(&path).expect("readable"), to_bytes(&sample()));
        assert_eq!(state(&path), after(sample(), &[adopt("/1"), adopt("/2")]));
        assert_eq!(names(&folder.path().join(".purgit")), WITH_JOURNAL);
    }

    /// The other side of the test above; alone it does nothing.
    #[test]
    fn writes_to_a_full_disk_in_a_child() {
        let Some(path) = env::var_os(FULL_DISK) else {
            return;
        };
        let store = FileStore::new(path.into());
        let held = lease(&store);
        let seq = store
            .append(&*held, Seq(1), &[adopt("/1")])
            .expect("appended");
        let large = Record::Applied {
            revision: "x".repeat(100_000),
        };
        match store.append(&*held, seq, &[large]) {
            Err(error @ StateError::Io { .. }) => println!("refused: {error}"),
            other => println!("not refused: {other:?}"),
        }
        // There is space for less.
        store.append(&*held, seq, &[adopt("/2")]).expect("appended");
    }
}
