//! Adopting the present, with the real binary.

use super::fixture::{Folder, site};

/// More than what a first plan passes without a hint.
fn many() -> Vec<String> {
    (0..120).map(|number| format!("p{number}")).collect()
}

fn large() -> Folder {
    let folder = Folder::new("");
    let names = many();
    folder.publish(&names.iter().map(String::as_str).collect::<Vec<_>>());
    folder
}

#[test]
fn a_large_first_plan_hints_at_it() {
    let folder = large();
    let ran = folder.run(&["plan"]);
    assert!(
        ran.stdout.contains("`purgit state baseline site/docs`"),
        "{ran:?}"
    );
    let small = Folder::new("");
    small.publish(&["a"]);
    assert!(!small.run(&["plan"]).stdout.contains("baseline"));
}

#[test]
fn a_large_plan_of_a_site_that_was_purged_before_does_not() {
    let folder = Folder::new("");
    folder.publish(&["a"]);
    let state = folder.purged();
    let names = many();
    folder.publish(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let plan = folder.plan(&state);
    assert_eq!((plan.changes.len(), plan.noop), (120, 1));
    assert_eq!(plan.diagnostics, []);
}

#[test]
fn after_it_the_plan_is_empty_and_changes_are_found() {
    let folder = large();
    let ran = folder.run(&["state", "baseline"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(
        ran.stdout,
        "Adopted 120 entries as purged; nothing was sent\n"
    );
    let ran = folder.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(!ran.stdout.contains("baseline"), "{ran:?}");
    folder.write("public/p7", "other");
    folder.remove("public/p8");
    let ran = folder.run(&["plan", "--format", "json", "--detailed-exitcode"]);
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.changes(),
        [
            "content_changed site/docs/p7",
            "content_deleted site/docs/p8"
        ]
    );
    // Adopted too: what changed and what is gone.
    assert!(
        folder
            .run(&["state", "baseline"])
            .stdout
            .starts_with("Adopted 1 entry ")
    );
    assert_eq!(folder.run(&["plan", "--detailed-exitcode"]).code, 0);
    let before = std::fs::read(folder.path().join(".purgit/state.json")).unwrap();
    assert!(
        folder
            .run(&["state", "baseline"])
            .stdout
            .starts_with("Adopted 0 entries ")
    );
    let after = std::fs::read(folder.path().join(".purgit/state.json")).unwrap();
    assert!(before == after);
}

#[test]
fn it_can_be_about_some_only() {
    let two = format!(
        "{}---\n{}",
        site(""),
        site("content: { root: other }").replace("docs", "more")
    );
    let folder = Folder::with(&two);
    folder.publish(&["a/1", "a/2", "b/1"]);
    folder.write("other/x", "x");
    let ran = folder.run(&["state", "baseline", "site/docs/a", "site/more"]);
    assert!(ran.stdout.starts_with("Adopted 3 entries "), "{ran:?}");
    let ran = folder.run(&["plan", "--format", "json"]);
    assert_eq!(ran.changes(), ["added site/docs/b/1"]);
    let ran = folder.run(&["state", "baseline", "site/docs/c"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr
            .contains("no entry has an address like `site/docs/c`"),
        "{ran:?}"
    );
}

#[test]
fn what_is_gone_can_be_named() {
    let folder = Folder::new("");
    folder.publish(&["a", "b", "c"]);
    folder.run(&["state", "baseline"]);
    folder.remove("public/b");
    folder.remove("public/c");
    let ran = folder.run(&["state", "baseline", "site/docs/b"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = folder.run(&["plan", "--format", "json"]);
    assert_eq!(ran.changes(), ["content_deleted site/docs/c"]);
}
