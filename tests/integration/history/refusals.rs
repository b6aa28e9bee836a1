//! What cannot be told is an error that says what to do, and never "no changes".

use std::fs;

use tempfile::TempDir;

use super::fixture::{declare, plan, plan_in, project, publish, two_commits};
use crate::git::fixture::{Node, Repo, run_git, url};
use crate::site::fixture::{Folder, Ran, site};

fn refused(ran: &Ran, message: &str, hint: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    assert!(ran.stderr.contains(message), "{message}: {ran:?}");
    assert!(
        ran.stderr.contains("hint: ") && ran.stderr.contains(hint),
        "{hint}: {ran:?}"
    );
}

#[test]
fn revisions_that_are_none() {
    let repo = two_commits();
    let release = repo.git.revparse_single("HEAD~1").unwrap();
    repo.git
        .tag_lightweight("release-1", &release, false)
        .unwrap();
    for (since, message, hint) in [
        (
            "relaese-1",
            "there is no revision `relaese-1`",
            "did you mean `release-1`?",
        ),
        (
            "mian",
            "there is no revision `mian`",
            "did you mean `main`?",
        ),
        ("quite-another", "there is no revision", "git fetch"),
        ("HEAD~9", "there is no revision `HEAD~9`", "git"),
        (
            &"0".repeat(40),
            "which stands for no commit",
            "a new branch has no base",
        ),
        (
            "HEAD~1..HEAD",
            "`HEAD~1..HEAD` is a range",
            "`--since HEAD~1 --to HEAD`",
        ),
        ("", "no revision", "git"),
    ] {
        refused(&plan(&repo, &["--since", since]), message, hint);
        refused(
            &plan(&repo, &["--since", "HEAD~1", "--to", since]),
            message,
            hint,
        );
    }
}

#[test]
fn a_tree_is_no_commit() {
    let repo = two_commits();
    let ran = plan(&repo, &["--since", "HEAD:public"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(
        ran.stderr.contains("`HEAD:public` is not a commit"),
        "{ran:?}"
    );
}

#[test]
fn no_repository() {
    let folder = Folder::new("");
    folder.publish(&["a"]);
    let hint = "plan against the state, without `--since`";
    refused(
        &folder.run(&["plan", "--since", "HEAD"]),
        "not in a git repository",
        hint,
    );
    refused(
        &folder.run(&["plan", "--since", "HEAD", "--to", "HEAD"]),
        "not in a git repository",
        hint,
    );
}

#[test]
fn a_shallow_clone() {
    let repo = two_commits();
    let base = repo.git.revparse_single("HEAD~1").unwrap().id().to_string();
    let place = TempDir::new().unwrap();
    let clone = place.path().join("clone");
    let arguments = [
        "clone",
        "-q",
        "--depth",
        "1",
        &url(repo.path()),
        clone.to_str().unwrap(),
    ];
    if run_git(place.path(), &arguments).is_none() {
        return;
    }
    for since in [base.as_str(), "HEAD~1", "HEAD^"] {
        refused(
            &plan_in(&clone, &["--since", since]),
            "in this shallow clone",
            "fetch-depth: 0",
        );
    }
    let ran = plan_in(&clone, &["--since", "HEAD"]);
    assert_eq!((ran.code, ran.changes()), (0, vec![]));
}

#[test]
fn content_that_git_knows_nothing_of() {
    let repo = Repo::new();
    let mut files = project(&[]);
    files.insert(b".gitignore".to_vec(), Node::File(b"/public\n".to_vec()));
    repo.commit(&files);
    files.insert(b"readme".to_vec(), Node::File(Vec::new()));
    repo.commit(&files);
    repo.check_out();
    let hint = "a built site has no history";
    let revisions = &["--since", "HEAD~1", "--to", "HEAD"];
    refused(&plan(&repo, revisions), "`public` is not in git", hint);
    let ran = plan(&repo, &["--since", "HEAD"]);
    refused(&ran, "there is no content folder", "build the site first");
    fs::create_dir(repo.path().join("public")).unwrap();
    fs::write(repo.path().join("public/a"), "1").unwrap();
    for arguments in [&["--since", "HEAD~1"][..], &["--since", "HEAD"], revisions] {
        refused(&plan(&repo, arguments), "`public` is not in git", hint);
    }
}

#[test]
fn no_content_root_at_the_other_end() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1")]);
    repo.commit(&files);
    declare(&mut files, &site("content: { root: pubilc }"));
    repo.commit(&files);
    for to in ["HEAD", "main"] {
        refused(
            &plan(&repo, &["--since", "HEAD~1", "--to", to]),
            &format!("site `docs`: there is no folder `pubilc` at `{to}`"),
            "correct `content.root`",
        );
    }
    declare(
        &mut files,
        &site("content: { root: pubilc }\nsuspend: true"),
    );
    repo.commit(&files);
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.code, 0, "what is suspended is left alone: {ran:?}");
}

#[test]
fn a_submodule_is_refused_by_name() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1")]);
    repo.commit(&files);
    files.insert(b"public/vendor/theme".to_vec(), Node::Submodule);
    repo.commit(&files);
    repo.check_out();
    for arguments in [
        &["--since", "HEAD~1", "--to", "HEAD"][..],
        &["--since", "HEAD"],
        &["--since", "HEAD~1"],
    ] {
        refused(&plan(&repo, arguments), "vendor/theme", "content.exclude");
    }
    // Left out, it does not matter.
    declare(
        &mut files,
        &site("content: { root: public, exclude: ['vendor/**'] }"),
    );
    repo.commit(&files);
    let ran = plan(&repo, &["--since", "HEAD", "--to", "HEAD"]);
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[test]
fn manifests_that_were_not_valid_then() {
    let repo = Repo::new();
    let good = project(&[("a", "1")]);
    let mut bad = good.clone();
    declare(&mut bad, &site("endpoint: nowhere"));
    repo.commit(&bad);
    repo.commit(&good);
    repo.check_out();
    let message = "the manifests at `HEAD~1` have errors; the first is: purges/site.yaml:";
    refused(
        &plan(&repo, &["--since", "HEAD~1"]),
        message,
        "name a later revision",
    );
    refused(
        &plan(&repo, &["--since", "HEAD", "--to", "HEAD~1"]),
        message,
        "",
    );
}

#[test]
fn no_project_at_the_other_end() {
    let repo = Repo::new();
    repo.commit(&crate::git::fixture::files(&[("public/a", "1")]));
    repo.commit(&project(&[("a", "1")]));
    repo.check_out();
    refused(
        &plan(&repo, &["--since", "HEAD", "--to", "HEAD~1"]),
        "there is no `purgit.yaml` at `HEAD~1`",
        "",
    );
}

#[test]
fn two_files_with_one_url_then() {
    let repo = Repo::new();
    let mut files = project(&[("a.html", "1"), ("a/index.html", "1")]);
    declare(
        &mut files,
        &site("redirect: true\nstripExtensions: ['.html']"),
    );
    repo.commit(&files);
    files.remove(b"public/a.html".as_slice());
    repo.commit(&files);
    repo.check_out();
    refused(
        &plan(&repo, &["--since", "HEAD~1"]),
        "`a.html` and `a/index.html` both map to",
        "",
    );
}

#[test]
fn a_new_file_with_the_url_of_one_that_stays() {
    let repo = Repo::new();
    let mut files = project(&[("a.html", "1"), ("b", "1")]);
    declare(&mut files, &site("stripExtensions: ['.html']"));
    repo.commit(&files);
    publish(&mut files, "a", "2");
    repo.commit(&files);
    repo.check_out();
    for to in [&["--to", "HEAD"][..], &[]] {
        let ran = plan(&repo, &[&["--since", "HEAD~1"], to].concat());
        refused(&ran, "`a` and `a.html` both map to", "rename a file");
    }
}

#[test]
fn names_that_are_not_utf_8() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1")]);
    files.insert(b"public/caf\xe9".to_vec(), Node::File(Vec::new()));
    repo.commit(&files);
    let ran = plan(&repo, &["--since", "HEAD", "--to", "HEAD"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.to_lowercase().contains(r"caf\xe9"), "{ran:?}");
}
