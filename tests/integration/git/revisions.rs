//! From a revision's name to its commit, or to an error that says what to do.

use git2::{Signature, Time};
use purgit::content::Selection;
use purgit::git::{GitError, Repository, Revision, TreeCounts};
use tempfile::TempDir;

use super::fixture::{Repo, files, run_git, url};

/// A repository with three commits, a tag and a branch.
/// How many files are others or new at the second revision.
fn added(open: &Repository, from: &Revision, to: &Revision) -> usize {
    let all = Selection::everything();
    let mut counts = TreeCounts::new(String::new(), &|files, _| Some(files.len()));
    let changed = open.changed_files(&from.tree, &to.tree, "", &all, None, &mut counts);
    changed.unwrap().unwrap().after.len()
}

fn repo() -> Repo {
    let repo = Repo::new();
    let first = repo.commit(&files(&[("a", "1")]));
    repo.commit(&files(&[("a", "2")]));
    repo.commit(&files(&[("a", "3")]));
    {
        let commit = repo.git.find_commit(first).unwrap();
        let who = Signature::new("Test", "test@example.com", &Time::new(0, 0)).unwrap();
        repo.git
            .tag("v1.0", commit.as_object(), &who, "annotated", false)
            .unwrap();
        repo.git.branch("release/spring", &commit, false).unwrap();
        repo.git
            .reference("refs/remotes/origin/trunk", first, false, "")
            .unwrap();
    }
    repo
}

fn hint(error: &GitError) -> String {
    error.hint().unwrap_or_default()
}

#[test]
fn every_way_to_name_a_commit_leads_to_it() {
    let repo = repo();
    let open = repo.open();
    let first = open.resolve("HEAD~2").unwrap().commit.unwrap();
    assert_eq!(first.id.len(), 40);
    assert!(first.id.starts_with(&first.short));
    assert_eq!(first.time.timestamp(), 1_700_000_000);
    for name in [
        "v1.0",
        "release/spring",
        "origin/trunk",
        "main~2",
        "@^^",
        "main^{/test}~2",
        &first.id,
        &first.short,
        "refs/tags/v1.0",
        "v1.0^{commit}",
        "main@{0}~2",
    ] {
        assert_eq!(
            open.resolve(name).unwrap().commit.unwrap().id,
            first.id,
            "{name}"
        );
    }
}

#[test]
fn an_upstream_is_a_revision() {
    let repo = repo();
    let mut config = repo.git.config().unwrap();
    config
        .set_str("remote.origin.url", "file:///nowhere")
        .unwrap();
    config
        .set_str("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*")
        .unwrap();
    config.set_str("branch.main.remote", "origin").unwrap();
    config
        .set_str("branch.main.merge", "refs/heads/trunk")
        .unwrap();
    let open = repo.open();
    assert_eq!(
        open.resolve("@{u}").unwrap().commit,
        open.resolve("origin/trunk").unwrap().commit
    );
}

#[test]
fn unknown_names_come_with_what_was_perhaps_meant() {
    let repo = repo();
    let open = repo.open();
    for (name, meant) in [
        ("mian", "`main`"),
        ("trunk", "`origin/trunk`"),
        ("trunk~3", "`origin/trunk~3`"),
        ("v1.1", "`v1.0`"),
        ("spring", "`release/spring`"),
    ] {
        let error = open.resolve(name).unwrap_err();
        assert_eq!(error.to_string(), format!("there is no revision `{name}`"));
        assert!(hint(&error).contains(meant), "{name}: {}", hint(&error));
    }
    for name in [
        "HEAD~30",
        "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
        "",
        "a b",
        "-x",
        "@{u}",
        "HEAD@{99}",
    ] {
        let error = open.resolve(name).unwrap_err();
        assert!(
            matches!(error, GitError::UnknownRevision { .. }),
            "{name}: {error:?}"
        );
        assert!(hint(&error).contains("git"), "{name}");
    }
}

#[test]
fn what_is_not_one_commit_is_told_apart() {
    let repo = repo();
    let open = repo.open();
    let zeros = "0".repeat(40);
    assert!(matches!(
        open.resolve(&zeros),
        Err(GitError::ZeroRevision { .. })
    ));
    assert!(matches!(
        open.resolve("HEAD:a"),
        Err(GitError::NotACommit { .. })
    ));
    assert!(matches!(
        open.resolve("HEAD^{tree}"),
        Err(GitError::NotACommit { .. })
    ));
    let range = open.resolve("v1.0...").unwrap_err();
    assert_eq!(hint(&range), "use `--since v1.0 --to HEAD`");
}

#[test]
fn an_abbreviation_of_several_objects_is_ambiguous() {
    let repo = repo();
    // Blobs until two share four digits.
    let mut seen = std::collections::HashSet::new();
    let prefix = (0..100_000)
        .find_map(|number: u32| {
            let id = repo
                .git
                .blob(number.to_string().as_bytes())
                .unwrap()
                .to_string();
            let prefix = id[..4].to_owned();
            (!seen.insert(prefix.clone())).then_some(prefix)
        })
        .unwrap();
    let error = repo.open().resolve(&prefix).unwrap_err();
    assert!(
        matches!(error, GitError::AmbiguousRevision { .. }),
        "{error:?}"
    );
}

#[test]
fn an_unborn_head_is_an_empty_tree() {
    let repo = Repo::new();
    let open = repo.open();
    let head = open.head().unwrap();
    assert_eq!(head.commit, None);
    assert!(
        open.list_tree(&head.tree, "", &Selection::everything())
            .unwrap()
            .files
            .is_empty()
    );
    assert!(matches!(
        open.resolve("main"),
        Err(GitError::UnknownRevision { .. })
    ));
    assert!(matches!(
        open.resolve("HEAD~1"),
        Err(GitError::UnknownRevision { .. })
    ));
    repo.commit(&files(&[("a", "1")]));
    let after = repo.open().head().unwrap();
    assert_eq!(added(&repo.open(), &head, &after), 1);
}

#[test]
fn a_shallow_clone_says_how_to_get_the_rest() {
    let origin = repo();
    let folder = TempDir::new().unwrap();
    let clone = folder.path().join("clone");
    let from = url(origin.path());
    let to = clone.to_str().unwrap();
    if run_git(folder.path(), &["clone", "-q", "--depth", "1", &from, to]).is_none() {
        return;
    }
    let open = Repository::discover(&clone).unwrap();
    assert!(open.is_shallow().unwrap());
    let head = open.head().unwrap();
    assert_eq!(
        open.list_tree(&head.tree, "", &Selection::everything())
            .unwrap()
            .files
            .len(),
        1
    );
    let old = origin.open().resolve("HEAD~2").unwrap().commit.unwrap().id;
    for name in ["HEAD~1", "HEAD^", "main~2", &old] {
        let error = open.resolve(name).unwrap_err();
        assert!(
            matches!(error, GitError::Shallow { .. }),
            "{name}: {error:?}"
        );
        assert!(hint(&error).contains("fetch-depth: 0") && hint(&error).contains("--unshallow"));
    }
}

#[test]
fn a_partial_clone_lists_without_the_bytes_and_says_when_it_needs_them() {
    let origin = repo();
    run_git(origin.path(), &["config", "uploadpack.allowFilter", "true"]);
    let folder = TempDir::new().unwrap();
    let clone = folder.path().join("clone");
    let from = url(origin.path());
    let to = clone.to_str().unwrap();
    if run_git(
        folder.path(),
        &["clone", "-q", "--bare", "--filter=blob:none", &from, to],
    )
    .is_none()
    {
        return;
    }
    let open = Repository::discover(&clone).unwrap();
    let (first, last) = (open.resolve("main~2").unwrap(), open.head().unwrap());
    assert_eq!(added(&open, &first, &last), 1);
    let error = open.read_file(&first.tree, "a", 100).unwrap_err();
    assert!(matches!(error, GitError::MissingObject { .. }), "{error:?}");
    // The hint is true.
    run_git(
        &clone,
        &["fetch", "-q", "--refetch", "--no-filter", "origin"],
    );
    let open = Repository::discover(&clone).unwrap();
    assert_eq!(
        open.read_file(&first.tree, "a", 100).unwrap().as_deref(),
        Some(&b"1"[..])
    );
}
