//! Which files are content.

use std::fs;
use std::os::unix::fs::symlink;

use super::fixture::{Folder, run};

/// The paths of the files that are wanted.
fn paths(folder: &Folder) -> Vec<String> {
    let entries = folder.desired().entries;
    let mut paths: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.key.path.as_deref().map(str::to_owned))
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

#[test]
fn everything_but_what_is_hidden() {
    let folder = Folder::new("");
    folder.publish(&[
        "a",
        "b/c",
        ".htaccess",
        ".git/config",
        "b/.hidden/d",
        "e.map",
    ]);
    assert_eq!(paths(&folder), ["a", "b/c", "e.map"]);
}

#[test]
fn hidden_files_on_demand_but_never_git() {
    let folder = Folder::new("content: { root: public, hidden: true }");
    folder.publish(&["a", ".well-known/x", ".git/config"]);
    assert_eq!(paths(&folder), [".well-known/x", "a"]);
}

#[test]
fn globs_choose() {
    let folder = Folder::new(
        "content: { root: public, include: ['**/*.html', 'img/**'], exclude: ['**/*.map', 'img/raw/**'] }",
    );
    folder.publish(&[
        "a.html",
        "b/c.html",
        "b/c.css",
        "img/x.png",
        "img/x.map",
        "img/raw/y.png",
    ]);
    assert_eq!(paths(&folder), ["a.html", "b/c.html", "img/x.png"]);
}

#[test]
fn gitignore_counts_on_demand() {
    for (choice, expected) in [
        ("false", &["a", "b/c", "b/d.log", "x.log"][..]),
        ("true", &["a", "b/d.log"]),
    ] {
        let folder = Folder::new(&format!("content: {{ root: public, gitignore: {choice} }}"));
        folder.publish(&["a", "b/c", "b/d.log", "x.log"]);
        folder.write("public/.gitignore", "*.log\n");
        folder.write("public/b/.gitignore", "!d.log\n/c\n");
        assert_eq!(paths(&folder), expected, "gitignore: {choice}");
    }
}

#[test]
fn links_within_the_root_are_content_and_others_are_told() {
    let folder = Folder::new("");
    folder.publish(&["a", "b/c"]);
    folder.write("secret", "x");
    let public = folder.path().join("public");
    symlink("a", public.join("link")).unwrap();
    symlink("b", public.join("folder")).unwrap();
    symlink("../secret", public.join("out")).unwrap();
    symlink("nowhere", public.join("broken")).unwrap();
    symlink("..", public.join("b/up")).unwrap();
    assert_eq!(paths(&folder), ["a", "b/c", "folder/c", "link"]);
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for expected in [
        "`out` is a link out of the content root",
        "`broken` is a broken link",
    ] {
        assert!(ran.stderr.contains(expected), "{ran:?}");
    }
}

#[test]
fn names_that_are_not_utf_8_are_refused_by_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new("");
    folder.publish(&["a"]);
    fs::write(
        folder
            .path()
            .join("public")
            .join(OsStr::from_bytes(b"caf\xe9.html")),
        "x",
    )
    .unwrap();
    for arguments in [&["plan"][..], &["state", "baseline"]] {
        let ran = run(folder.path(), arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(
            ran.stderr.contains(r"caf\xe9.html") || ran.stderr.contains(r"caf\xE9.html"),
            "{ran:?}"
        );
        assert!(
            ran.stderr.contains("docs") && ran.stderr.contains("hint:"),
            "{ran:?}"
        );
    }
}

#[test]
fn a_root_that_is_a_file_is_an_error() {
    let folder = Folder::new("content: { root: public/a }");
    folder.publish(&["a"]);
    let ran = folder.run(&["plan"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("not a folder"), "{ran:?}");
}
