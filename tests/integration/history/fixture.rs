//! Projects in real repositories, planned from history by the binary.

use std::path::Path;

use crate::git::fixture::{Files, Node, Repo, files, write};
use crate::site::fixture::{MANIFESTS, NO_API, Ran, root_file, run, site};

/// A `Purge` with a revision, of one file.
pub(crate) fn purge(revision: &str) -> String {
    format!(
        "\
apiVersion: purgit/v1alpha1
kind: Purge
metadata: {{ name: sale }}
spec:
  endpoint: www
  revision: {revision}
  files: [https://www.example.com/sale]
"
    )
}

/// A project with a site of `public`, in which these files are.
pub(crate) fn project(of: &[(&str, &str)]) -> Files {
    let mut all = files(of)
        .into_iter()
        .map(|(path, node)| ([b"public/", path.as_slice()].concat(), node))
        .collect();
    declare(&mut all, &site(""));
    all
}

/// Sets the manifests.
pub(crate) fn declare(all: &mut Files, manifests: &str) {
    let root = root_file(NO_API);
    all.extend(files(&[("purgit.yaml", &root), (MANIFESTS, manifests)]));
}

/// Puts a file into the site.
pub(crate) fn publish(all: &mut Files, path: &str, text: &str) {
    let path = format!("public/{path}");
    all.insert(path.into_bytes(), Node::File(text.as_bytes().to_vec()));
}

/// Takes a file out of the site.
pub(crate) fn withdraw(all: &mut Files, path: &str) {
    let path = format!("public/{path}");
    assert!(all.remove(path.as_bytes()).is_some(), "{path}");
}

/// A project of two commits, checked out; the second changes `a`, and `b` stays.
pub(crate) fn two_commits() -> Repo {
    let repo = Repo::new();
    let mut files = project(&[("a", "1"), ("b", "1")]);
    repo.commit(&files);
    publish(&mut files, "a", "2");
    repo.commit(&files);
    repo.check_out();
    repo
}

/// Plans in JSON, from a repository's top.
pub(crate) fn plan(repo: &Repo, arguments: &[&str]) -> Ran {
    plan_in(repo.path(), arguments)
}

/// Plans in JSON.
pub(crate) fn plan_in(folder: &Path, arguments: &[&str]) -> Ran {
    run(folder, &[&["plan", "--format", "json"], arguments].concat())
}

/// The changes between two revisions, which must not depend on the work tree.
pub(crate) fn between(repo: &Repo, from: &str, to: &str) -> Vec<String> {
    let ran = plan(repo, &["--since", from, "--to", to]);
    assert!(matches!(ran.code, 0 | 4), "{ran:?}");
    assert_eq!(ran.json()["base"]["git"]["dirty"], false);
    ran.changes()
}

/// The work tree holds what is committed, and these files besides.
pub(crate) fn check_out(repo: &Repo, more: &Files) {
    repo.check_out();
    write(repo.path(), more);
}
