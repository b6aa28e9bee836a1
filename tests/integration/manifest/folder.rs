//! Which files of a folder are read.

use std::fs;
use std::path::Path;

use purgit::manifest::{LoadError, Parsed, load};
use purgit::yaml::MAX_FILE_BYTES;

use super::{ENDPOINT, PROJECT, purge};

const URL: &str = "endpoint: www\nfiles: [https://www.example.com/a]";

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(root.path(), path, text);
    }
    root
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn named(name: &str) -> String {
    purge(URL).replace("name: it", &format!("name: {name}"))
}

/// Names of the purges that were read.
fn names(parsed: &Parsed) -> Vec<&str> {
    let project = parsed.project.as_ref().expect("a project");
    project.purges.iter().map(|purge| &*purge.name).collect()
}

fn messages(parsed: &Parsed) -> Vec<&str> {
    parsed
        .problems
        .iter()
        .map(|found| found.message.as_str())
        .collect()
}

/// A `purgit.yaml` with an endpoint and these globs.
fn root_file(globs: &str) -> String {
    format!("{PROJECT}spec: {{ manifests: {globs} }}\n---\n{ENDPOINT}")
}

#[test]
fn the_default_globs_find_manifests_at_any_depth() {
    let root = folder(&[
        ("purgit.yaml", PROJECT),
        ("purges/www.yaml", ENDPOINT),
        ("purges/a.yaml", &named("a")),
        ("purges/x/y/b.yaml", &named("b")),
        ("purges/x/.hidden.yaml", &named("c")),
        ("purges/notes.txt", "not: [yaml"),
        ("purges/.git/d.yaml", "not: [yaml"),
        ("elsewhere/e.yaml", "not: [yaml"),
    ]);
    let parsed = load(root.path()).unwrap();
    assert_eq!(messages(&parsed), [""; 0]);
    assert_eq!(names(&parsed), ["a", "b", "c"]);
    assert_eq!(parsed.counts.files, 5);
}

#[test]
fn a_star_stays_within_its_folder_and_no_file_is_read_twice() {
    let globs = "['cdn/*.yaml', './cdn/*/b.yaml', '{cdn,x/y}/*.yaml', 'cdn/a.yaml', 'purgit.yaml']";
    let root = folder(&[
        ("purgit.yaml", &root_file(globs)),
        ("cdn/a.yaml", &named("a")),
        ("cdn/z/b.yaml", &named("b")),
        ("cdn/z/c.yaml", "not: [yaml"),
        ("cdn/z/z/b.yaml", "not: [yaml"),
        ("x/y/d.yaml", &named("d")),
        ("x/e.yaml", "not: [yaml"),
    ]);
    let parsed = load(root.path()).unwrap();
    assert_eq!(names(&parsed), ["a", "b", "d"]);
    assert_eq!(messages(&parsed), [""; 0]);
}

#[test]
fn state_and_status_are_no_manifests() {
    let root = folder(&[
        (
            "purgit.yaml",
            &format!(
                "{PROJECT}spec: {{ manifests: ['**/*'], state: {{ file: s/state }} }}\n---\n{ENDPOINT}"
            ),
        ),
        ("s/state", "not: [yaml"),
        ("purgit.status.yaml", "not: [yaml"),
        ("a", &named("a")),
    ]);
    let parsed = load(root.path()).unwrap();
    assert_eq!(messages(&parsed), [""; 0]);
    assert_eq!(names(&parsed), ["a"]);
}

#[test]
fn a_glob_without_a_match_is_a_warning() {
    let root = folder(&[("purgit.yaml", &root_file("[nowhere/*.yaml]"))]);
    let parsed = load(root.path()).unwrap();
    assert_eq!(
        messages(&parsed),
        ["the glob `nowhere/*.yaml` matches no file"]
    );
    assert!(parsed.project.is_some());
}

#[test]
fn the_usual_folder_may_be_missing_where_the_root_file_declares_something() {
    let bare = format!("{PROJECT}---\n{ENDPOINT}");
    let whole = format!("{bare}---\n{}", named("a"));
    for (text, expected) in [
        (&bare, &["the glob `purges/**/*.yaml` matches no file"][..]),
        (&whole, &[]),
    ] {
        let root = folder(&[("purgit.yaml", text)]);
        assert_eq!(messages(&load(root.path()).unwrap()), expected);
    }
}

#[test]
fn globs_stay_below_the_root() {
    for (glob, message) in [
        ("../*.yaml", "the path must not leave the root (`..`)"),
        ("/etc/*.yaml", "the path must be relative to the root"),
        (
            "a/[",
            "not a valid glob: unclosed character class; missing ']'",
        ),
    ] {
        let root = folder(&[("purgit.yaml", &root_file(&format!("['{glob}']")))]);
        let parsed = load(root.path()).unwrap();
        assert!(
            messages(&parsed).contains(&message),
            "{:?}",
            messages(&parsed)
        );
    }
}

#[test]
fn a_folder_without_a_project_says_how_to_start_one() {
    let root = folder(&[]);
    let error = load(root.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("there is no `purgit.yaml` in `")
    );
    assert!(error.hint().unwrap().contains("`purgit init`"));

    let root = folder(&[("purgit.yml", PROJECT)]);
    let error = load(root.path()).unwrap_err();
    assert_eq!(
        error.hint().unwrap(),
        "rename `purgit.yml` to `purgit.yaml`"
    );

    let error = load(&root.path().join("nowhere")).unwrap_err();
    assert!(matches!(error, LoadError::Unreadable { .. }));
}

#[test]
fn an_oversized_file_is_refused_without_being_read() {
    let root = folder(&[("purgit.yaml", &root_file("['*.yaml']"))]);
    let length = u64::try_from(MAX_FILE_BYTES).unwrap() * 1000;
    let file = fs::File::create(root.path().join("a.yaml")).unwrap();
    file.set_len(length).unwrap();
    let parsed = load(root.path()).unwrap();
    let message = format!("cannot read `a.yaml`: it has {length} bytes, limit {MAX_FILE_BYTES}");
    assert_eq!(messages(&parsed), [message]);
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_name_that_is_not_utf_8_is_named() {
        let root = folder(&[("purgit.yaml", &root_file("['*.yaml']"))]);
        let name = OsStr::from_bytes(b"caf\xe9.yaml");
        fs::write(root.path().join(name), named("a")).unwrap();
        let parsed = load(root.path()).unwrap();
        assert_eq!(
            messages(&parsed),
            ["the file name `caf\u{fffd}.yaml` is not valid UTF-8"]
        );
        assert!(parsed.project.is_none());
    }

    #[test]
    fn links_are_followed_inside_the_root_only() {
        let outside = folder(&[
            ("secret.yaml", "not: [yaml"),
            ("d/secret.yaml", "not: [yaml"),
        ]);
        let root = folder(&[
            ("purgit.yaml", &root_file("['purges/**/*.yaml']")),
            ("real/a.yaml", &named("a")),
            ("purges/b.yaml", &named("b")),
        ]);
        let link = |to: &Path, from: &str| symlink(to, root.path().join(from)).unwrap();
        link(&root.path().join("real"), "purges/folder");
        link(&root.path().join("real/a.yaml"), "purges/again.yaml");
        link(&outside.path().join("secret.yaml"), "purges/out.yaml");
        link(&outside.path().join("d"), "purges/out");
        let parsed = load(root.path()).unwrap();
        assert_eq!(names(&parsed), ["a", "b"]);
        let out = "leads out of the project and is not followed";
        assert_eq!(
            messages(&parsed),
            [
                format!("the link `purges/out` {out}"),
                format!("the link `purges/out.yaml` {out}")
            ]
        );
    }

    #[test]
    fn a_loop_of_links_is_named() {
        let root = folder(&[
            ("purgit.yaml", &root_file("['purges/**/*.yaml']")),
            ("purges/a.yaml", &named("a")),
        ]);
        symlink(root.path(), root.path().join("purges/loop")).unwrap();
        symlink("self", root.path().join("purges/self")).unwrap();
        symlink("self.yaml", root.path().join("purges/self.yaml")).unwrap();
        let parsed = load(root.path()).unwrap();
        let found = messages(&parsed);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(
            found[0],
            "the link `purges/loop` leads to a folder above it"
        );
        assert!(
            found[1].starts_with("cannot read `purges/self.yaml`: "),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_no_regular_file_is_named() {
        let root = folder(&[("purgit.yaml", &root_file("['*.yaml']"))]);
        symlink("/dev/null", root.path().join("null.yaml")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(root.path().join("s.yaml"));
        let parsed = load(root.path()).unwrap();
        assert!(socket.is_ok());
        assert_eq!(
            messages(&parsed),
            [
                "the link `null.yaml` leads out of the project and is not followed",
                "cannot read `s.yaml`: it is not a regular file",
            ]
        );
    }
}
