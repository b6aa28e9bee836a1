//! What differs between two trees.

use std::collections::BTreeSet;

use purgit::content::{ContentFile, Rules, Selection, blob_id};
use purgit::git::{Changed, GitError, TreeCounts};

use super::fixture::{Files, Node, Repo, files, run_git, with_link};

/// What differs, where the trees tell.
fn compared(
    repo: &Repo,
    (from, to): (&str, &str),
    prefix: &str,
    selection: &Selection,
) -> Result<Option<Changed>, GitError> {
    let open = repo.open();
    let (from, to) = (open.resolve(from)?, open.resolve(to)?);
    let mut counts = TreeCounts::new(String::new(), &|files, _| Some(files.len()));
    open.changed_files(&from.tree, &to.tree, prefix, selection, None, &mut counts)
}

/// Changes as text: `+` new, `-` gone, `*` another content.
fn changed(repo: &Repo, from: &str, to: &str, prefix: &str) -> Result<Vec<String>, GitError> {
    let all = Selection::everything();
    let changed = compared(repo, (from, to), prefix, &all)?.expect("trees that tell");
    let paths = |files: &[ContentFile]| -> BTreeSet<String> {
        files.iter().map(|file| file.path.clone()).collect()
    };
    let (before, after) = (paths(&changed.before), paths(&changed.after));
    let sign = |path: &String| match (before.contains(path), after.contains(path)) {
        (false, _) => '+',
        (_, false) => '-',
        _ => '*',
    };
    let paths = before.union(&after);
    Ok(paths.map(|path| format!("{}{path}", sign(path))).collect())
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
fn trees_without_the_root_must_be_listed() {
    let repo = Repo::new();
    repo.commit(&files(&[("x", "")]));
    repo.commit(&files(&[("x", ""), ("public/a", ""), ("public/b", "")]));
    let all = Selection::everything();
    for (from, to, root) in [
        ("HEAD~1", "HEAD", "public"),
        ("HEAD", "HEAD~1", "public/"),
        ("HEAD", "HEAD", "x"),
    ] {
        let changed = compared(&repo, (from, to), root, &all).unwrap();
        assert_eq!(changed, None, "{from} {to} {root}");
    }
}

#[test]
fn where_there_are_links_the_trees_do_not_tell() {
    let repo = Repo::new();
    let links = |of: Files| with_link(with_link(of, "latest", "v2"), "deep/er/one", "../../v2/a");
    repo.commit(&links(files(&[("v2/a", "1"), ("deep/er/two", "")])));
    repo.commit(&links(files(&[("v2/a", "2"), ("deep/er/two", "")])));
    repo.commit(&files(&[("v2/a", "2"), ("deep/er/two", "")]));
    let ends = [("HEAD~2", "HEAD~1"), ("HEAD~1", "HEAD"), ("HEAD", "HEAD~1")];
    for ends in ends {
        let all = Selection::everything();
        assert_eq!(compared(&repo, ends, "", &all).unwrap(), None, "{ends:?}");
        assert_eq!(compared(&repo, ends, "deep", &all).unwrap(), None);
        let rules = Rules {
            exclude: vec!["latest".into(), "latest/".into(), "deep/".into()],
            ..Rules::default()
        };
        let others = Selection::compile(&rules).unwrap();
        assert!(compared(&repo, ends, "", &others).unwrap().is_some());
        assert!(compared(&repo, ends, "v2", &all).unwrap().is_some());
    }
}

#[test]
fn where_there_are_submodules_the_trees_do_not_tell() {
    let repo = Repo::new();
    repo.commit(&files(&[("a", "1")]));
    let mut of = files(&[("a", "2")]);
    of.insert(b"themes/x".to_vec(), Node::Submodule);
    repo.commit(&of);
    let ends = ("HEAD~1", "HEAD");
    let all = Selection::everything();
    assert_eq!(compared(&repo, ends, "", &all).unwrap(), None);
    let rules = Rules {
        exclude: vec!["themes/".into()],
        ..Rules::default()
    };
    let others = Selection::compile(&rules).unwrap();
    let changed = compared(&repo, ends, "", &others).unwrap().unwrap();
    assert_eq!(changed.after.len(), 1);
    assert_eq!(changed.after[0].id, blob_id(b"2"));
}

#[test]
fn what_is_the_same_is_counted_and_what_is_open_is_told() {
    let repo = Repo::new();
    let of = [("a/1", "x"), ("a/2", "x"), ("b/c/3", "x"), ("b/4", "x")];
    repo.commit(&files(&of));
    repo.commit(&files(&[&of[1..], &[("b/5", "x")]].concat()));
    let repository = repo.open();
    let tree = |name| repository.resolve(name).unwrap().tree;
    let (from, to) = (tree("HEAD~1"), tree("HEAD"));
    let all = Selection::everything();
    let compare = |open: &[&str]| {
        let open = open.iter().map(|path| (*path).into()).collect();
        let mut counts = TreeCounts::new(String::new(), &|files, _| {
            Some(files.iter().map(String::len).sum())
        });
        let changed = repository.changed_files(&from, &to, "", &all, Some(&open), &mut counts);
        let changed = changed.unwrap().unwrap();
        (changed.before.len(), changed.after.len(), changed.same)
    };
    assert_eq!(compare(&[]), (1, 1, 3 + 5 + 3));
    assert_eq!(compare(&["b/c/3", "a", "no/such"]), (2, 2, 3 + 3));
    assert_eq!(compare(&["a/1", "b/5"]), (1, 1, 3 + 5 + 3));
}

#[test]
fn a_file_without_a_count_makes_the_trees_not_tell() {
    let repo = Repo::new();
    repo.commit(&files(&[("a/x", "1"), ("b", "1")]));
    repo.commit(&files(&[("a/x", "1"), ("b", "2")]));
    let repository = repo.open();
    let tree = |name| repository.resolve(name).unwrap().tree;
    let (from, to) = (tree("HEAD~1"), tree("HEAD"));
    let all = Selection::everything();
    let is_x = |path: &String| path.ends_with('x');
    let tally = |files: &[String], _: &[String]| (!files.iter().any(is_x)).then_some(files.len());
    let mut counts = TreeCounts::new(String::new(), &tally);
    for prefix in ["", "a"] {
        let changed = repository.changed_files(&from, &to, prefix, &all, None, &mut counts);
        assert_eq!(changed.unwrap(), None);
    }
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
