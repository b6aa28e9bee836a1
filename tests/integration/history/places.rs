//! Repositories of all sorts.

use std::fs;

use tempfile::TempDir;

use super::fixture::{between, plan, plan_in, project, publish};
use crate::git::fixture::{Files, Repo, files, run_git, url, with_link};

const CHANGED: &str = "content_changed site/docs/a";

/// Two commits that differ in `a`.
fn commit_two(repo: &Repo) -> Files {
    let mut files = project(&[("a", "1"), ("b", "1")]);
    repo.commit(&files);
    publish(&mut files, "a", "2");
    repo.commit(&files);
    files
}

#[test]
fn a_bare_repository_compares_revisions() {
    let repo = Repo::bare();
    commit_two(&repo);
    assert_eq!(between(&repo, "HEAD~1", "HEAD"), [CHANGED]);
    let elsewhere = TempDir::new().unwrap();
    let folder = repo.path().to_str().unwrap();
    let ran = plan_in(
        elsewhere.path(),
        &["-C", folder, "--since", "main~1", "--to", "main"],
    );
    assert_eq!(ran.changes(), [CHANGED]);
    assert!(!repo.path().join(".purgit").exists());
    // There are no files to compare with.
    let ran = plan(&repo, &["--since", "HEAD~1"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
}

#[test]
fn a_linked_work_tree_has_its_own_head_and_files() {
    let repo = Repo::new();
    commit_two(&repo);
    let place = TempDir::new().unwrap();
    let linked = place.path().join("linked");
    let mut options = git2::WorktreeAddOptions::new();
    let first = repo
        .git
        .revparse_single("HEAD~1")
        .unwrap()
        .peel_to_commit()
        .unwrap();
    let branch = repo
        .git
        .branch("other", &first, false)
        .unwrap()
        .into_reference();
    options.reference(Some(&branch));
    repo.git
        .worktree("linked", &linked, Some(&options))
        .unwrap();
    let ran = plan_in(&linked, &["--since", "HEAD", "--detailed-exitcode"]);
    assert_eq!((ran.code, ran.changes()), (0, vec![]), "{ran:?}");
    let ran = plan_in(&linked, &["--since", "main"]);
    assert_eq!(ran.changes(), [CHANGED]);
    assert_eq!(ran.json()["base"]["git"]["dirty"], false);
    fs::write(linked.join("public/b"), "2").unwrap();
    let ran = plan_in(&linked, &["--since", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/b"]);
}

#[test]
fn a_project_in_a_folder_of_the_repository() {
    let repo = Repo::new();
    let inside = |of: Files| -> Files {
        let below = of
            .into_iter()
            .map(|(path, node)| ([b"web/www/", &path[..]].concat(), node));
        let mut all = files(&[("public/decoy", "1"), ("web/other", "1")]);
        all.extend(below);
        all
    };
    repo.commit(&inside(project(&[("a", "1"), ("b", "1")])));
    repo.commit(&inside(project(&[("a", "2"), ("b", "1")])));
    repo.check_out();
    let folder = repo.path().join("web/www");
    for (arguments, dirty) in [
        (&["--since", "HEAD~1"][..], false),
        (&["--since", "HEAD~1", "--to", "HEAD"], false),
    ] {
        // Also from below the project, and by `-C`.
        for (place, more) in [
            (folder.clone(), None),
            (folder.join("public"), None),
            (repo.path().to_owned(), Some(["-C", "web/www"])),
        ] {
            let arguments: Vec<&str> = more.iter().flatten().chain(arguments).copied().collect();
            let ran = plan_in(&place, &arguments);
            assert_eq!(ran.changes(), [CHANGED], "{arguments:?} {ran:?}");
            assert_eq!(ran.json()["base"]["git"]["dirty"], dirty);
        }
    }
}

#[test]
fn content_below_a_link_in_git_is_followed() {
    let repo = Repo::new();
    let of = |text| {
        let mut files = with_link(project(&[("x", "1")]), "public/linked", "x");
        publish(&mut files, "x", text);
        files
    };
    repo.commit(&of("1"));
    repo.commit(&of("2"));
    assert_eq!(
        between(&repo, "HEAD~1", "HEAD"),
        [
            "content_changed site/docs/linked",
            "content_changed site/docs/x"
        ]
    );
}

#[test]
fn the_plan_id_is_the_same_in_every_clone() {
    let repo = Repo::new();
    commit_two(&repo);
    repo.check_out();
    let id = |ran: crate::site::fixture::Ran| ran.json()["plan_id"].as_str().unwrap().to_owned();
    let mine = id(plan(&repo, &["--since", "HEAD~1"]));
    assert_eq!(
        id(plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"])),
        mine
    );
    let place = TempDir::new().unwrap();
    for name in ["one", "a longer path/two"] {
        let folder = place.path().join(name);
        if run_git(
            place.path(),
            &["clone", "-q", &url(repo.path()), folder.to_str().unwrap()],
        )
        .is_none()
        {
            return;
        }
        assert_eq!(id(plan_in(&folder, &["--since", "HEAD~1"])), mine);
        // Another way to say the same revision.
        assert_eq!(id(plan_in(&folder, &["--since", "origin/main^"])), mine);
    }
    assert_ne!(id(plan(&repo, &["--since", "HEAD"])), mine);
}
