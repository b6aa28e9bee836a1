//! What trees list, and the bytes of their files.

use purgit::content::{ContentError, Rules, Selection, blob_id};
use purgit::git::GitError;

use super::fixture::{Node, Repo, files, with_link};

fn paths(repo: &Repo, prefix: &str) -> Result<Vec<String>, GitError> {
    let open = repo.open();
    let listing = open.list_tree(&open.head()?.tree, prefix, &Selection::everything())?;
    Ok(listing.files.into_iter().map(|file| file.path).collect())
}

#[test]
fn a_prefix_may_lead_through_links_but_not_out() {
    let repo = Repo::new();
    let mut of = files(&[("releases/1/a", "x"), ("releases/1/b/c", "y"), ("file", "")]);
    for (path, target) in [("public", "releases/1"), ("out", ".."), ("gone", "nothing")] {
        of = with_link(of, path, target);
    }
    repo.commit(&of);
    for prefix in [
        "public",
        "releases/1",
        "/public/",
        "./public",
        "public/b/..",
    ] {
        assert_eq!(paths(&repo, prefix).unwrap(), ["a", "b/c"], "{prefix}");
    }
    assert_eq!(paths(&repo, "public/b").unwrap(), ["c"]);
    for prefix in ["out", "gone", "nothing", "releases/2", "file/x"] {
        let error = paths(&repo, prefix).unwrap_err();
        assert!(
            match error {
                GitError::Content(ContentError::RootMissing { .. }) => prefix != "out",
                GitError::Content(ContentError::RootOutside { .. }) => prefix == "out",
                _ => false,
            },
            "{prefix}"
        );
    }
}

#[test]
fn names_that_are_not_utf8_are_refused_by_name() {
    let repo = Repo::new();
    let mut of = files(&[("a", "x")]);
    of.insert(b"gr\xfcn/x".to_vec(), Node::File(Vec::new()));
    repo.commit(&of);
    let error = paths(&repo, "").unwrap_err();
    assert_eq!(
        error.to_string(),
        "not UTF-8, so no URL can be made of it: `gr\\xfcn/x`"
    );
}

#[test]
fn submodules_are_refused_by_name_unless_excluded() {
    let repo = Repo::new();
    let mut of = files(&[("a", "x")]);
    of.insert(b"themes/x".to_vec(), Node::Submodule);
    repo.commit(&of);
    for prefix in ["", "themes", "themes/x", "themes/x/y"] {
        let error = paths(&repo, prefix).unwrap_err();
        assert!(
            matches!(error, GitError::Content(ContentError::Submodules { .. })),
            "{prefix}"
        );
        assert!(error.hint().unwrap().contains("exclude"));
    }
    let rules = Rules {
        exclude: vec!["themes/**".into()],
        ..Rules::default()
    };
    let open = repo.open();
    let listing = open.list_tree(
        &open.head().unwrap().tree,
        "",
        &Selection::compile(&rules).unwrap(),
    );
    assert_eq!(listing.unwrap().files.len(), 1);
}

#[test]
fn bare_repositories_list_and_read() {
    let repo = Repo::bare();
    let of = files(&[
        ("purges/a.yaml", "a: 1"),
        ("purges/b.yaml", "b: 22"),
        ("x", "y"),
    ]);
    repo.commit(&with_link(of, "link.yaml", "purges/a.yaml"));
    let open = repo.open();
    let tree = open.head().unwrap().tree;
    assert_eq!(open.work_tree(), None);
    let listing = open
        .list_tree(&tree, "purges", &Selection::everything())
        .unwrap();
    assert_eq!(listing.files[1].id, blob_id(b"b: 22"));
    let rules = Rules {
        include: vec!["**/*.yaml".into()],
        ..Rules::default()
    };
    let yaml = Selection::compile(&rules).unwrap();
    let sources = open.read_files(&tree, "", &yaml, 100).unwrap();
    let expected = [
        ("link.yaml", "a: 1"),
        ("purges/a.yaml", "a: 1"),
        ("purges/b.yaml", "b: 22"),
    ];
    assert_eq!(
        sources,
        expected.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    );
    assert_eq!(
        open.read_file(&tree, "x", 1).unwrap().as_deref(),
        Some(&b"y"[..])
    );
    assert_eq!(open.read_file(&tree, "purges", 9).unwrap(), None);
    assert_eq!(open.read_file(&tree, "nothing", 9).unwrap(), None);
    let error = open.read_files(&tree, "", &yaml, 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`purges/b.yaml` has 5 bytes, more than 4"
    );
}
