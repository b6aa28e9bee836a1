//! What the base of a comparison may hold: what could not be content there is left out, with a note.

use super::fixture::{declare, plan, project, publish};
use crate::git::fixture::{Files, Node, Repo};
use crate::site::fixture::{Ran, site};

/// Plans against the commit before, to the work tree and to the last commit.
#[track_caller]
fn since_before(repo: &Repo) -> [Ran; 2] {
    repo.check_out();
    [
        &["--since", "HEAD~1"][..],
        &["--since", "HEAD~1", "--to", "HEAD"],
    ]
    .map(|arguments| {
        let ran = plan(repo, arguments);
        assert!(matches!(ran.code, 0 | 4), "{arguments:?} {ran:?}");
        ran
    })
}

/// Two commits; the first one holds something that cannot be content.
fn unusable_then(name: &[u8], node: Node, exclude: &str) -> Repo {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1")]);
    files.insert([b"public/", name].concat(), node);
    repo.commit(&files);
    match exclude {
        "" => drop(files.remove([b"public/", name].concat().as_slice())),
        exclude => declare(
            &mut files,
            &site(&format!(
                "content: {{ root: public, exclude: ['{exclude}'] }}"
            )),
        ),
    }
    publish(&mut files, "a", "2");
    repo.commit(&files);
    repo
}

#[test]
fn a_name_that_is_not_utf_8_was_never_purged() {
    for exclude in ["", "caf*"] {
        let repo = unusable_then(b"caf\xe9", Node::File(Vec::new()), exclude);
        if exclude.is_empty() {
            let ran = plan(&repo, &["--since", "HEAD", "--to", "HEAD~1"]);
            assert_eq!(
                ran.code, 1,
                "where it is wanted, it stays an error: {ran:?}"
            );
        }
        for ran in since_before(&repo) {
            assert_eq!(ran.changes(), ["content_changed site/docs/a"], "{ran:?}");
            assert!(ran.stderr.contains("site `docs` at `HEAD~1`"), "{ran:?}");
            assert!(ran.stderr.contains("no URL can be made of it"), "{ran:?}");
        }
    }
}

#[test]
fn the_files_of_a_submodule_were_never_purged() {
    for exclude in ["", "vendor/**"] {
        let repo = unusable_then(b"vendor/theme", Node::Submodule, exclude);
        for ran in since_before(&repo) {
            assert_eq!(ran.changes(), ["content_changed site/docs/a"], "{ran:?}");
            assert!(
                ran.stderr.contains("`vendor/theme` is a submodule"),
                "{ran:?}"
            );
        }
    }
}

#[test]
fn a_content_root_that_did_not_exist_was_empty() {
    let repo = Repo::new();
    let mut files = project(&[]);
    repo.commit(&files);
    publish(&mut files, "a", "1");
    repo.commit(&files);
    for ran in since_before(&repo) {
        assert_eq!(ran.changes(), ["added site/docs/a"], "{ran:?}");
        assert!(ran.stderr.contains("it counts as empty"), "{ran:?}");
    }
    // Nor one that was a file, or another repository.
    for node in [Node::File(b"1".to_vec()), Node::Submodule] {
        let repo = Repo::new();
        let mut then: Files = project(&[]);
        then.insert(b"public".to_vec(), node);
        repo.commit(&then);
        repo.commit(&files);
        for ran in since_before(&repo) {
            assert_eq!(ran.changes(), ["added site/docs/a"], "{ran:?}");
            assert!(ran.stderr.contains("it counts as empty"), "{ran:?}");
        }
    }
}

#[test]
fn a_file_without_a_url_was_never_purged() {
    let long = format!("{}/", "long".repeat(50)).repeat(50) + "file";
    let repo = unusable_then(long.as_bytes(), Node::File(Vec::new()), "");
    // No file system holds such a path.
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.changes(), ["content_changed site/docs/a"], "{ran:?}");
    assert!(ran.stderr.contains("no URL can be made of"), "{ran:?}");
    let ran = plan(&repo, &["--since", "HEAD", "--to", "HEAD~1"]);
    assert_eq!(
        ran.code, 1,
        "where it is wanted, it stays an error: {ran:?}"
    );
}

#[test]
fn own_files_are_no_content_in_any_tree() {
    let repo = Repo::new();
    let mut files = project(&[("a", "1")]);
    let whole = site("content: { root: ., hidden: true }");
    let own = |files: &mut Files, text: &str| {
        declare(files, &format!("# {text}\n{whole}"));
        for path in ["purgit.status.yaml", ".purgit/notes"] {
            let text = format!("kind: Status\n# {text}\n");
            files.insert(path.as_bytes().to_vec(), Node::File(text.into_bytes()));
        }
    };
    own(&mut files, "one");
    repo.commit(&files);
    own(&mut files, "two");
    repo.commit(&files);
    // Compared by trees, by listing both of them, and with the work tree.
    for arguments in [
        &["--since", "HEAD~1", "--to", "HEAD"][..],
        &["--since", "HEAD~1", "--to", "HEAD", "--target", "site/docs"],
    ] {
        let ran = plan(&repo, arguments);
        assert_eq!((ran.code, ran.changes()), (0, vec![]), "{ran:?}");
        assert_eq!(ran.json()["summary"]["noop"], 1, "{ran:?}");
    }
    repo.check_out();
    let ran = plan(&repo, &["--since", "HEAD~1"]);
    assert_eq!((ran.code, ran.changes()), (0, vec![]), "{ran:?}");
    publish(&mut files, "a", "2");
    repo.commit(&files);
    for ran in since_before(&repo) {
        assert_eq!(
            ran.changes(),
            ["content_changed site/docs/public/a"],
            "{ran:?}"
        );
    }
}

#[test]
fn a_content_root_that_links_lead_to_is_the_same_in_a_tree_and_on_disk() {
    let repo = Repo::new();
    let of = |text: &str, target: &str| {
        let mut files = project(&[]);
        declare(&mut files, &site("content: { root: web/current }"));
        files.insert(
            b"web/builds/1/a".to_vec(),
            Node::File(text.as_bytes().to_vec()),
        );
        files.insert(
            b"web/current".to_vec(),
            Node::Link(target.as_bytes().to_vec()),
        );
        files
    };
    repo.commit(&of("1", "builds/1"));
    repo.commit(&of("2", "builds/1"));
    for ran in since_before(&repo) {
        assert_eq!(ran.changes(), ["content_changed site/docs/a"], "{ran:?}");
    }
    repo.commit(&of("2", "../../elsewhere"));
    let ran = plan(&repo, &["--since", "HEAD~1", "--to", "HEAD"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("leads out of the project"), "{ran:?}");
}
