//! Finding repositories, and what is checked out.

use std::fs;
use std::os::unix::fs::symlink;

use purgit::content::disk::list;
use purgit::content::{Selection, StatCache};
use purgit::git::{GitError, Repository};
use tempfile::TempDir;

use super::fixture::{Node, Repo, files, run_git, skipped, url, write};

#[test]
fn no_repository_is_an_error_with_a_way_out() {
    let folder = TempDir::new().unwrap();
    let error = Repository::discover(&folder.path().join("not/there")).unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("without `--since`"));
}

#[test]
fn formats_that_cannot_be_read_are_said_so() {
    for format in ["--object-format=sha256", "--ref-format=reftable"] {
        let folder = TempDir::new().unwrap();
        if run_git(folder.path(), &["init", "-q", format, "."]).is_none() {
            return;
        }
        let error = Repository::discover(folder.path()).unwrap_err();
        assert!(
            matches!(error, GitError::UnsupportedFormat { .. }),
            "{format}: {error:?}"
        );
    }
}

#[test]
fn a_repository_of_another_user_is_refused_as_git_does() {
    let repo = Repo::new();
    // Only root can give files away.
    if std::os::unix::fs::chown(repo.path(), Some(12345), None).is_err()
        || std::os::unix::fs::chown(repo.git.path(), Some(12345), None).is_err()
    {
        skipped("this needs root");
        return;
    }
    let error = Repository::discover(repo.path()).unwrap_err();
    assert!(matches!(error, GitError::Ownership { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("safe.directory"));
}

#[test]
fn paths_are_told_from_the_top_of_the_work_tree() {
    let repo = Repo::new();
    write(
        repo.path(),
        &files(&[("site/public/é/a", ""), ("other/x", "")]),
    );
    let away = TempDir::new().unwrap();
    symlink(repo.path(), away.path().join("alias")).unwrap();
    symlink("site/public", repo.path().join("link")).unwrap();
    let open = repo.open();
    let relative = |path: &str| open.relative(&repo.path().join(path)).unwrap();
    for (path, expected) in [
        ("", ""),
        (".", ""),
        ("site/public/é", "site/public/é"),
        ("site/./public/", "site/public"),
        ("other/../site", "site"),
        ("not/yet/there", "not/yet/there"),
        ("link", "link"),
    ] {
        assert_eq!(relative(path), expected, "{path}");
    }
    assert_eq!(
        open.relative(&away.path().join("alias/site")).unwrap(),
        "site"
    );
    assert!(matches!(
        open.relative(away.path()),
        Err(GitError::Outside { .. })
    ));
    let bare = Repo::bare();
    assert!(matches!(
        bare.open().relative(bare.path()),
        Err(GitError::Bare { .. })
    ));
}

#[test]
fn linked_work_trees_and_submodules_are_repositories_of_their_own() {
    let repo = Repo::new();
    repo.commit(&files(&[("public/a", "1")]));
    repo.check_out();
    let folder = TempDir::new().unwrap();
    let linked = folder.path().join("linked");
    repo.git.worktree("linked", &linked, None).unwrap();
    let open = Repository::discover(&linked.join("public")).unwrap();
    assert_eq!(open.relative(&linked.join("public/a")).unwrap(), "public/a");
    assert!(open.relative(repo.path()).is_err());
    assert!(!open.is_dirty(&[""]).unwrap());
    fs::write(linked.join("public/a"), "2").unwrap();
    assert!(open.is_dirty(&[""]).unwrap() && !repo.open().is_dirty(&[""]).unwrap());

    let outer = Repo::new();
    outer.commit(&files(&[("x", "1")]));
    outer.check_out();
    let inner = url(repo.path());
    if run_git(
        outer.path(),
        &["submodule", "--quiet", "add", &inner, "site"],
    )
    .is_none()
    {
        return;
    }
    let open = Repository::discover(&outer.path().join("site/public")).unwrap();
    assert_eq!(
        open.relative(&outer.path().join("site/public")).unwrap(),
        "public"
    );
    assert_eq!(open.head().unwrap().tree, repo.open().head().unwrap().tree);
    // On disk a submodule is a folder like any other.
    let all = Selection::everything();
    let listing = list(outer.path(), &all, &mut StatCache::in_memory()).unwrap();
    let paths: Vec<_> = listing
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(paths, ["site/public/a", "x"]);
}

#[test]
fn dirt_is_what_is_not_in_head_below_the_paths() {
    let repo = Repo::new();
    repo.commit(&files(&[
        ("public/a", "1"),
        ("public[x]/b", "1"),
        (".gitignore", "*.tmp\n"),
    ]));
    repo.check_out();
    let open = repo.open();
    assert!(!open.is_dirty(&[""]).unwrap());
    fs::write(repo.path().join("public/ignored.tmp"), "").unwrap();
    assert!(!open.is_dirty(&["public"]).unwrap());
    fs::write(repo.path().join("public[x]/b"), "22").unwrap();
    assert!(!open.is_dirty(&["public"]).unwrap());
    assert!(open.is_dirty(&["public", "public[x]"]).unwrap() && open.is_dirty(&[""]).unwrap());
    fs::write(repo.path().join("public/new"), "").unwrap();
    assert!(open.is_dirty(&["public"]).unwrap());
    assert!(!open.is_dirty(&[]).unwrap() && !Repo::bare().open().is_dirty(&[""]).unwrap());
}

#[test]
fn a_sparse_checkout_lists_whole_trees() {
    let repo = Repo::new();
    repo.commit(&files(&[("in/a", "1"), ("out/b", "1")]));
    repo.check_out();
    if run_git(repo.path(), &["sparse-checkout", "set", "in"]).is_none() {
        return;
    }
    assert!(!repo.path().join("out").exists());
    let open = repo.open();
    let head = open.head().unwrap();
    assert_eq!(
        open.list_tree(&head.tree, "", &Selection::everything())
            .unwrap()
            .files
            .len(),
        2
    );
    assert!(!open.is_dirty(&["in"]).unwrap());
}

#[test]
fn conversions_are_known_by_path() {
    let repo = Repo::new();
    let attributes = "*.png filter=lfs -text\n*.txt text eol=crlf\n*.bin binary\n*.md text=auto\n";
    let mut of = files(&[(".gitattributes", attributes)]);
    of.insert(b"x".to_vec(), Node::File(Vec::new()));
    repo.commit(&of);
    repo.check_out();
    let open = repo.open();
    let converts = |path: &str| open.converts(path).unwrap();
    assert!(converts("a/b.png") && converts("a.txt") && converts("a.md"));
    assert!(!converts("a.bin") && !converts("a.html"));
    repo.git
        .config()
        .unwrap()
        .set_str("core.autocrlf", "true")
        .unwrap();
    let open = repo.open();
    assert!(open.converts("a.html").unwrap() && !open.converts("a.bin").unwrap());
}
