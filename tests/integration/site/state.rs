//! Entries of a site in the state file, and on the screen.

use proptest::prelude::*;
use purgit::entry::{EntryKey, Generation, Owner, Target};
use purgit::state::format::{from_bytes, to_bytes};
use purgit::state::{Observed, State};
use purgit::url::CdnUrl;

use super::fixture::Folder;

const ODD: [&str; 14] = [
    "a b",
    "100%.txt",
    "%2e%2e",
    "a?b#c",
    "\"q\"'s",
    "\u{e9}",
    "e\u{301}",
    "line\nbreak\r",
    "esc\u{1b}[31mred",
    "bell\u{7}\u{7f}",
    "back\\slash",
    "foo../[1]",
    "\u{202e}abc\u{200b}",
    " \u{1f600} ",
];

#[test]
fn odd_names_survive_the_state() {
    let folder = Folder::new("");
    folder.publish(&ODD);
    let state = folder.purged();
    assert_eq!(state.entries.len(), ODD.len());
    let read = from_bytes(&to_bytes(&state), "state").unwrap();
    assert_eq!(read, state);
    assert_eq!(folder.changes(&read), [""; 0]);
}

#[test]
fn odd_names_survive_the_commands_and_do_not_touch_the_terminal() {
    let folder = Folder::new("");
    folder.publish(&ODD);
    let ran = folder.run(&["state", "baseline"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, 0);
    folder.remove("public");
    folder.publish(&["a"]);
    for arguments in [&["plan"][..], &["status"]] {
        let ran = folder.run(arguments);
        let hostile = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(
            !ran.stdout.contains(hostile) && !ran.stderr.contains(hostile),
            "{ran:?}"
        );
    }
    let ran = folder.run(&["plan", "--format", "json"]);
    assert_eq!(ran.changes().len(), ODD.len() + 1);
}

proptest! {
    #[test]
    fn any_name_survives_the_state(path in "[^/\0]{1,12}(/[^/\0]{1,12}){0,2}") {
        let base = CdnUrl::directory("https://www.example.com/").unwrap();
        let key = EntryKey {
            owner: Owner::Site("docs".into()),
            path: Some(path.as_str().into()),
            target: Target::File(base.below(&path).unwrap()),
            endpoint: "www".into(),
        };
        let observed = Observed { generation: Some(Generation::recorded("1")), ..Observed::default() };
        let state = State { serial: 1, lineage: "x".to_owned(), entries: [(key, observed)].into(), ..State::default() };
        prop_assert_eq!(from_bytes(&to_bytes(&state), "state").unwrap(), state);
    }
}
