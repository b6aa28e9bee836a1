//! What changed between two revisions.

use super::fixture::{between, declare, plan, project, publish, purge, withdraw};
use crate::git::fixture::{Node, Repo};
use crate::site::fixture::{Ran, site};

#[test]
fn added_modified_deleted_renamed() {
    let repo = Repo::new();
    let mut files = project(&[
        ("same", "1"),
        ("changed", "1"),
        ("gone", "1"),
        ("old/name", "1"),
    ]);
    repo.commit(&files);
    publish(&mut files, "changed", "2");
    publish(&mut files, "new", "1");
    withdraw(&mut files, "gone");
    withdraw(&mut files, "old/name");
    publish(&mut files, "new/name", "1");
    files.remove(b"public/new".as_slice());
    repo.commit(&files);
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        [
            "added site/docs/new/name",
            "content_changed site/docs/changed",
            "content_deleted site/docs/gone",
            "content_deleted site/docs/old/name",
        ]
    );
    // And back.
    assert_eq!(
        between(&repo, "HEAD", "HEAD~1"),
        [
            "added site/docs/gone",
            "added site/docs/old/name",
            "content_changed site/docs/changed",
            "content_deleted site/docs/new/name",
        ]
    );
}

#[test]
fn a_mode_is_no_content() {
    let repo = Repo::new();
    let mut files = project(&[("run", "1")]);
    repo.commit(&files);
    files.insert(b"public/run".to_vec(), Node::Program(b"1".to_vec()));
    repo.commit(&files);
    assert_eq!(between(&repo, "HEAD~1", "HEAD"), [""; 0]);
}

#[test]
fn a_file_becomes_a_folder() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1")]);
    repo.commit(&files);
    withdraw(&mut files, "a");
    publish(&mut files, "a/index.html", "1");
    repo.commit(&files);
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        [
            "added site/docs/a/index.html",
            "added site/docs/a/index.html",
            "content_deleted site/docs/a",
        ]
    );
}

#[test]
fn many_commits_are_one_comparison() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1"), ("c", "1")]);
    repo.commit(&files);
    for text in ["2", "3", "1"] {
        // Back to what it was: no change.
        publish(&mut files, "a", text);
        repo.commit(&files);
    }
    publish(&mut files, "brief", "1");
    repo.commit(&files);
    withdraw(&mut files, "brief");
    publish(&mut files, "b", "2");
    repo.commit(&files);
    assert_eq!(
        between(&repo, "HEAD~5", "HEAD"),
        ["content_changed site/docs/b"]
    );
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        [
            "content_changed site/docs/b",
            "content_deleted site/docs/brief"
        ]
    );
}

#[test]
fn a_merge_is_what_its_tree_is() {
    let repo = Repo::new();
    let base = project(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let root = repo.commit(&base);
    let mut left = base.clone();
    publish(&mut left, "a", "2");
    let left_id = repo.commit_on(&left, &[root]);
    let mut right = base.clone();
    publish(&mut right, "b", "2");
    let right_id = repo.commit_on(&right, &[root]);
    let mut merged = left.clone();
    publish(&mut merged, "b", "2");
    // What neither side has.
    publish(&mut merged, "c", "evil");
    repo.commit_on(&merged, &[left_id, right_id]);
    assert_eq!(
        between(&repo, "HEAD^1", "HEAD"),
        ["content_changed site/docs/b", "content_changed site/docs/c"]
    );
    assert_eq!(
        between(&repo, "HEAD^2", "HEAD"),
        ["content_changed site/docs/a", "content_changed site/docs/c"]
    );
    assert_eq!(between(&repo, &root.to_string(), "HEAD").len(), 3);
    // Siblings: neither is the other's ancestor.
    assert_eq!(
        between(&repo, &left_id.to_string(), &right_id.to_string()),
        ["content_changed site/docs/a", "content_changed site/docs/b"]
    );
}

#[test]
fn a_revert_undoes() {
    let repo = Repo::new();
    let before = project(&[("a", "1"), ("b", "1")]);
    repo.commit(&before);
    let mut after = before.clone();
    publish(&mut after, "a", "2");
    withdraw(&mut after, "b");
    repo.commit(&after);
    repo.commit(&before);
    assert_eq!(between(&repo, "HEAD~2", "HEAD"), [""; 0]);
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        ["added site/docs/b", "content_changed site/docs/a"]
    );
}

#[test]
fn manifests_have_a_history_too() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1")]);
    declare(&mut files, &purge("1"));
    repo.commit(&files);
    declare(&mut files, &purge("2"));
    repo.commit(&files);
    declare(&mut files, &format!("{}---\n{}", purge("2"), site("")));
    repo.commit(&files);
    declare(&mut files, &site("baseUrl: https://www.example.com/b/"));
    repo.commit(&files);
    let sale = "purge/sale/file/https://www.example.com/sale";
    assert_eq!(
        between(&repo, "HEAD~3", "HEAD~2"),
        [format!("revision_changed {sale}")]
    );
    // A site declared since: all of it is new.
    assert_eq!(between(&repo, "HEAD~2", "HEAD~1"), ["added site/docs/a"]);
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        ["added site/docs/a", "content_deleted site/docs/a"]
    );
}

#[test]
fn before_the_project_everything_is_added() {
    let repo = Repo::new();
    repo.commit(&crate::git::fixture::files(&[("public/a", "1")]));
    repo.commit(&project(&[("a", "1")]));
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.changes(), ["added site/docs/a"]);
    assert!(
        ran.stderr.contains("there is no `purgit.yaml` at `HEAD~1`"),
        "{ran:?}"
    );
}

#[test]
fn names_are_what_they_are() {
    let names = [
        "\u{4e0a}\u{6d77}/\u{e9} e\u{301}",
        "a\"b\\c",
        "tab\there",
        "new\nline",
        "100%",
    ];
    let repo = Repo::new();
    // Git quotes such names on its screen; trees have them as they are.
    repo.git
        .config()
        .unwrap()
        .set_bool("core.quotePath", true)
        .unwrap();
    let mut files = project(&[("a", "1")]);
    repo.commit(&files);
    for name in names {
        publish(&mut files, name, "1");
    }
    repo.commit(&files);
    let mut expected: Vec<_> = names
        .iter()
        .map(|name| format!("added site/docs/{name}"))
        .collect();
    expected.sort_unstable();
    assert_eq!(between(&repo, "HEAD~1", "HEAD"), expected);
    repo.check_out();
    let ran = plan(&repo, &["--since", "HEAD~1"]);
    assert_eq!(ran.changes(), expected);
    assert_eq!(ran.json()["base"]["git"]["dirty"], false);
}

#[test]
fn exit_codes_are_those_of_any_plan() {
    let repo = Repo::new();
    let names: Vec<String> = (0..20).map(|number| format!("p{number}")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let mut files = project(&all);
    repo.commit(&files);
    publish(&mut files, "p1", "2");
    repo.commit(&files);
    for name in &names[..10] {
        publish(&mut files, name, "3");
    }
    repo.commit(&files);
    for (arguments, code) in [
        (
            &["--since", "HEAD", "--to", "HEAD", "--detailed-exitcode"][..],
            0,
        ),
        (&["--since", "HEAD~2", "--to", "HEAD~1"], 0),
        (
            &["--since", "HEAD~2", "--to", "HEAD~1", "--detailed-exitcode"],
            2,
        ),
        // Half of all entries change.
        (
            &["--since", "HEAD~1", "--to", "HEAD", "--detailed-exitcode"],
            4,
        ),
        (&["--since", "no-such-branch"], 1),
        (&["--to", "HEAD"], 64),
    ] {
        let ran = plan(&repo, arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    }
    // The arithmetic is about what was there at the base.
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert!(
        ran.stdout
            .contains("50.0% of entries change, limit 30% (10/20)"),
        "{ran:?}"
    );
}

#[test]
fn emptied_is_refused() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1")]);
    files.insert(b"other".to_vec(), Node::File(Vec::new()));
    repo.commit(&files);
    withdraw(&mut files, "a");
    withdraw(&mut files, "b");
    repo.commit(&files);
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.code, 4);
    assert!(
        ran.stdout
            .contains("site/docs has no files, 2 entries would go"),
        "{ran:?}"
    );
}

/// The plan as JSON, without its time.
fn timeless(ran: &Ran) -> serde_json::Value {
    let mut plan = ran.json();
    plan["timestamp"].take();
    plan
}

#[test]
fn what_is_remembered_of_trees_changes_no_plan() {
    let repo = Repo::new();
    let names: Vec<_> = (0..40)
        .map(|number| format!("d{}/f{number}", number % 4))
        .collect();
    let names: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let mut files = project(&names);
    repo.commit(&files);
    publish(&mut files, "d1/f1", "2");
    repo.commit(&files);
    let planned = || timeless(&plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]));
    let first = planned();
    assert_eq!(first["summary"]["noop"], 39);
    let counts = repo.path().join(".purgit/cache/docs.counts");
    let remembered = std::fs::read(&counts).unwrap();
    assert_eq!(planned(), first);
    assert_eq!(std::fs::read(&counts).unwrap(), remembered);
    for damage in [&b""[..], b"no counts", &remembered[..remembered.len() / 2]] {
        std::fs::write(&counts, damage).unwrap();
        assert_eq!(planned(), first);
    }
    // By other rules, other files count.
    declare(
        &mut files,
        &site("content: { root: public, exclude: ['d2/'] }"),
    );
    repo.commit(&files);
    publish(&mut files, "d1/f1", "3");
    repo.commit(&files);
    assert_eq!(planned()["summary"]["noop"], 29);
}
