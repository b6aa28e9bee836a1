//! What differs between two trees.

use purgit::content::{ContentError, Rules, Selection, blob_id};
use purgit::git::GitError;

use super::fixture::{Files, Node, Repo, files, run_git, with_link};

/// Changes as text: `+` new, `-` gone, `*` another content.
fn changed(repo: &Repo, from: &str, to: &str, prefix: &str) -> Result<Vec<String>, GitError> {
    let open = repo.open();
    let (from, to) = (open.resolve(from)?, open.resolve(to)?);
    let changes = open.changed_paths(&from.tree, &to.tree, prefix, &Selection::everything())?;
    let sign = |change: &purgit::git::ChangedPath| match (change.before, change.after) {
        (None, _) => '+',
        (_, None) => '-',
        _ => '*',
    };
    Ok(changes
        .iter()
        .map(|change| format!("{}{}", sign(change), change.path))
        .collect())
}

#[test]
fn renames_case_and_odd_names_are_told_as_gone_and_new() {
    let repo = Repo::new();
    repo.commit(&files(&[
        ("old name", "same"),
        ("Readme", "x"),
        ("é/q\"\\\n", "1"),
        ("f", "x"),
        ("d/x", "x"),
    ]));
    repo.commit(&files(&[
        ("new name", "same"),
        ("README", "x"),
        ("é/q\"\\\n", "2"),
        ("f/x", "x"),
        ("d", "x"),
    ]));
    assert_eq!(
        changed(&repo, "HEAD~1", "HEAD", "").unwrap(),
        [
            "+README",
            "-Readme",
            "+d",
            "-d/x",
            "-f",
            "+f/x",
            "+new name",
            "-old name",
            "*é/q\"\\\n"
        ]
    );
    assert_eq!(changed(&repo, "HEAD~1", "HEAD", "é").unwrap(), ["*q\"\\\n"]);
}

#[test]
fn modes_and_reverts_are_no_change() {
    let repo = Repo::new();
    let mut of = files(&[("a", "x"), ("b", "y")]);
    repo.commit(&of);
    of.insert(b"a".to_vec(), Node::Program(b"x".to_vec()));
    repo.commit(&of);
    assert!(changed(&repo, "HEAD~1", "HEAD", "").unwrap().is_empty());
    repo.commit(&files(&[("a", "changed")]));
    repo.commit(&of);
    assert!(changed(&repo, "HEAD~3", "HEAD", "").unwrap().is_empty());
}

#[test]
fn merges_compare_trees_not_commits() {
    let repo = Repo::new();
    let base = repo.commit(&files(&[("a", "0"), ("b", "0")]));
    let ours = repo.commit_on(&files(&[("a", "1"), ("b", "0")]), &[base]);
    let theirs = repo.commit_on(&files(&[("a", "0"), ("b", "1")]), &[base]);
    repo.commit_on(&files(&[("a", "1"), ("b", "1")]), &[ours, theirs]);
    assert_eq!(changed(&repo, "HEAD^1", "HEAD", "").unwrap(), ["*b"]);
    assert_eq!(changed(&repo, "HEAD^2", "HEAD", "").unwrap(), ["*a"]);
    assert_eq!(
        changed(&repo, &base.to_string(), "HEAD", "").unwrap(),
        ["*a", "*b"]
    );
}

#[test]
fn a_root_that_comes_or_goes_is_all_new_or_gone() {
    let repo = Repo::new();
    repo.commit(&files(&[("x", "")]));
    repo.commit(&files(&[("x", ""), ("public/a", ""), ("public/b", "")]));
    assert_eq!(
        changed(&repo, "HEAD~1", "HEAD", "public").unwrap(),
        ["+a", "+b"]
    );
    assert_eq!(
        changed(&repo, "HEAD", "HEAD~1", "public/").unwrap(),
        ["-a", "-b"]
    );
    assert!(matches!(
        changed(&repo, "HEAD", "HEAD", "x"),
        Err(GitError::Content(ContentError::RootNotFolder { .. }))
    ));
}

#[test]
fn what_an_unchanged_link_stands_for_can_change() {
    let repo = Repo::new();
    let links = |of: Files| with_link(with_link(of, "latest", "v2"), "deep/er/one", "../../v2/a");
    repo.commit(&links(files(&[("v2/a", "1"), ("deep/er/two", "")])));
    repo.commit(&links(files(&[
        ("v2/a", "2"),
        ("v2/b", "2"),
        ("deep/er/two", ""),
    ])));
    let all = ["*deep/er/one", "*latest/a", "+latest/b", "*v2/a", "+v2/b"];
    assert_eq!(changed(&repo, "HEAD~1", "HEAD", "").unwrap(), all);
    // A folder in place of the link, with the same files.
    repo.commit(&with_link(
        files(&[
            ("v2/a", "2"),
            ("v2/b", "2"),
            ("latest/a", "2"),
            ("latest/b", "3"),
            ("deep/er/two", ""),
        ]),
        "deep/er/one",
        "../../v2/a",
    ));
    assert_eq!(changed(&repo, "HEAD~1", "HEAD", "").unwrap(), ["*latest/b"]);
}

#[test]
fn a_submodule_matters_when_it_changes_and_is_selected() {
    let repo = Repo::new();
    repo.commit(&files(&[("a", "1")]));
    let mut of = files(&[("a", "2")]);
    of.insert(b"themes/x".to_vec(), Node::Submodule);
    repo.commit(&of);
    let error = changed(&repo, "HEAD~1", "HEAD", "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "submodules are not part of the tree: `themes/x`"
    );
    let rules = Rules {
        exclude: vec!["themes/".into()],
        ..Rules::default()
    };
    let selection = Selection::compile(&rules).unwrap();
    let open = repo.open();
    let (from, to) = (open.resolve("HEAD~1").unwrap(), open.head().unwrap());
    let changes = open
        .changed_paths(&from.tree, &to.tree, "", &selection)
        .unwrap();
    assert_eq!((changes.len(), changes[0].after), (1, Some(blob_id(b"2"))));
    of.insert(b"a".to_vec(), Node::File(b"3".to_vec()));
    repo.commit(&of);
    assert_eq!(changed(&repo, "HEAD~1", "HEAD", "").unwrap(), ["*a"]);
}

#[test]
fn git_diff_says_the_same() {
    let repo = Repo::new();
    let before = files(&[
        ("a/b", "1"),
        ("a.b", "1"),
        ("é/x y", "1"),
        ("gone/x", "1"),
        ("same", "1"),
    ]);
    let after = files(&[
        ("a/b", "2"),
        ("a.b", "1"),
        ("é/x y", "2"),
        ("new/x", "1"),
        ("same", "1"),
    ]);
    repo.commit(&before);
    repo.commit(&after);
    let arguments = [
        "diff",
        "-z",
        "--no-renames",
        "--name-status",
        "HEAD~1",
        "HEAD",
    ];
    let Some(text) = run_git(repo.path(), &arguments) else {
        return;
    };
    let mut parts = text.split_terminator('\0');
    let mut expected = Vec::new();
    while let (Some(status), Some(path)) = (parts.next(), parts.next()) {
        let sign = match status {
            "A" => '+',
            "D" => '-',
            _ => '*',
        };
        expected.push(format!("{sign}{path}"));
    }
    assert_eq!(changed(&repo, "HEAD~1", "HEAD", "").unwrap(), expected);
}
