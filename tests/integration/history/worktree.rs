//! From a revision to the files on disk.

use std::fs;

use super::fixture::{check_out, declare, plan, project, purge, two_commits};
use crate::git::fixture::{Files, Repo, files, run_git, write};
use crate::site::fixture::site;

#[test]
fn a_clean_work_tree_is_the_commit() {
    let repo = two_commits();
    let ran = plan(&repo, &["--since", "HEAD", "--detailed-exitcode"]);
    assert_eq!((ran.code, ran.changes()), (0, vec![]), "{ran:?}");
    let git = &ran.json()["base"]["git"];
    assert_eq!((&git["dirty"], &git["from"]), (&false.into(), &git["to"]));
    let ran = plan(&repo, &["--since", "HEAD~1"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/a"]);
    let git = &ran.json()["base"]["git"];
    let id = repo.git.revparse_single("HEAD~1").unwrap().id().to_string();
    assert_eq!((&git["dirty"], &git["from"]), (&false.into(), &id.into()));
}

#[test]
fn what_is_not_committed_is_planned_and_said() {
    for (what, expected) in [
        (
            &[("public/a", "3")][..],
            &["content_changed site/docs/a"][..],
        ),
        (&[("public/new", "1")], &["added site/docs/new"]),
        (
            &[("purges/site.yaml", "")],
            &["added site/docs/a", "content_deleted site/docs/a"],
        ),
        (
            &[("purges/more.yaml", "")],
            &["added purge/sale/file/https://www.example.com/sale"],
        ),
    ] {
        let repo = two_commits();
        let (path, text) = what[0];
        let text = match path {
            "purges/site.yaml" => {
                fs::remove_file(repo.path().join("public/b")).unwrap();
                site("baseUrl: https://www.example.com/x/")
            }
            "purges/more.yaml" => purge("1"),
            _ => text.to_owned(),
        };
        write(repo.path(), &files(&[(path, &text)]));
        let ran = plan(&repo, &["--since", "HEAD"]);
        let mut changes = ran.changes();
        changes.retain(|change| !change.ends_with("/b"));
        assert_eq!(changes, expected, "{path}");
        assert_eq!(ran.json()["base"]["git"]["dirty"], true, "{path}");
        let ran = repo_text(&repo, &["--since", "HEAD"]);
        assert!(
            ran.contains("Warning: the work tree has uncommitted changes"),
            "{path}: {ran}"
        );
        // Between revisions, the work tree does not matter.
        let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
        assert_eq!(ran.changes(), ["content_changed site/docs/a"]);
        assert_eq!(ran.json()["base"]["git"]["dirty"], false);
    }
}

fn repo_text(repo: &Repo, arguments: &[&str]) -> String {
    crate::site::fixture::run(repo.path(), &[&["plan"], arguments].concat()).stdout
}

#[test]
fn what_is_no_content_and_no_manifest_is_not_dirty() {
    let repo = two_commits();
    write(
        repo.path(),
        &files(&[
            ("notes", "1"),
            ("public/.hidden", "1"),
            ("purgit.status.yaml", ""),
        ]),
    );
    fs::remove_file(repo.path().join("purgit.status.yaml")).unwrap();
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!(ran.json()["base"]["git"]["dirty"], false, "{ran:?}");
}

#[test]
fn staged_but_gone_is_told_by_the_files() {
    let repo = two_commits();
    fs::remove_file(repo.path().join("public/b")).unwrap();
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!(ran.changes(), ["content_deleted site/docs/b"]);
    assert_eq!(ran.json()["base"]["git"]["dirty"], true);
}

#[test]
fn broken_manifests_on_disk_do_not_matter_between_revisions() {
    let repo = two_commits();
    write(repo.path(), &files(&[("purges/site.yaml", "kind: [")]));
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(
        (ran.code, ran.changes()),
        (0, vec!["content_changed site/docs/a".to_owned()])
    );
    fs::remove_file(repo.path().join("purgit.yaml")).unwrap();
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/a"]);
    assert_eq!(plan(&repo, &["--since", "HEAD~1"]).code, 1);
}

#[test]
fn without_a_commit_everything_is_added() {
    let repo = Repo::new();
    let files = project(&[("a", "1")]);
    check_out_nothing(&repo, &files);
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!(ran.changes(), ["added site/docs/a"], "{ran:?}");
    let git = &ran.json()["base"]["git"];
    assert_eq!((&git["from"], &git["dirty"]), (&"".into(), &true.into()));
}

fn check_out_nothing(repo: &Repo, files: &Files) {
    write(repo.path(), files);
}

#[test]
fn a_manifest_committed_broken_only_makes_the_work_tree_dirty() {
    let repo = two_commits();
    let mut broken = project(&[("a", "2"), ("b", "1")]);
    declare(&mut broken, "kind: [");
    repo.commit(&broken);
    check_out(&repo, &project(&[("a", "2"), ("b", "1")]));
    let ran = plan(&repo, &["--since", "HEAD~1"]);
    assert_eq!(ran.json()["base"]["git"]["dirty"], true, "{ran:?}");
    for arguments in [
        &["--since", "HEAD"][..],
        &["--since", "HEAD~1", "--to", "HEAD"],
    ] {
        let ran = plan(&repo, arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
        assert!(
            ran.stderr.contains("the manifests at `HEAD` have errors"),
            "{ran:?}"
        );
        assert!(ran.stderr.contains("purges/site.yaml:1:"), "{ran:?}");
    }
}

#[test]
fn a_sparse_checkout_is_no_mass_delete() {
    let repo = two_commits();
    if run_git(repo.path(), &["reset", "-q", "--hard"]).is_none() {
        return;
    }
    run_git(
        repo.path(),
        &["sparse-checkout", "set", "--no-cone", "/*", "!/public/b"],
    )
    .unwrap();
    assert!(!repo.path().join("public/b").exists());
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(
        ran.stderr.contains("`public/b`") && ran.stderr.contains("--to HEAD"),
        "{ran:?}"
    );
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/a"]);
}

#[test]
fn what_git_converts_on_checkout_is_named() {
    let repo = Repo::new();
    let mut of = project(&[("a.txt", "1\n"), ("b.html", "1\n")]);
    of.extend(files(&[(".gitattributes", "*.txt text eol=crlf\n")]));
    repo.commit(&of);
    repo.check_out();
    // As a checkout would leave it.
    fs::write(repo.path().join("public/a.txt"), "1\r\n").unwrap();
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/a.txt"]);
    let said = "git may convert `public/a.txt` on checkout";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert!(ran.stderr.contains("`--to HEAD`"), "{ran:?}");
    let ran = plan(&repo, &["--since", "HEAD", "--to", "HEAD"]);
    assert_eq!((ran.changes(), ran.stderr.as_str()), (vec![], ""));

    // Nothing is said of what is committed, or not converted.
    fs::write(repo.path().join("public/a.txt"), "1\n").unwrap();
    fs::write(repo.path().join("public/b.html"), "2\n").unwrap();
    let ran = plan(&repo, &["--since", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/b.html"]);
    assert_eq!(ran.stderr, "");
}
