//! What is listed of a folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use purgit::content::disk::list;
use purgit::content::{ContentError, NoteReason, Rules, Selection, StatCache, blob_id};
use tempfile::TempDir;

use super::selection;
use crate::git::fixture::{Files, as_path, files, run_git, with_link, write};

fn listed(root: &Path, selection: &Selection) -> Vec<String> {
    let listing = list(root, selection, &mut StatCache::in_memory()).unwrap();
    listing.files.into_iter().map(|file| file.path).collect()
}

fn folder(files: &Files) -> TempDir {
    let folder = TempDir::new().unwrap();
    write(folder.path(), files);
    folder
}

#[test]
fn paths_come_in_byte_order_whatever_the_folders() {
    let paths = [
        "a-b/x", "a.b", "a/b", "a0", "B", "a/b-c", "a/b/c", "é", "a b", "q\"\\\n",
    ];
    let paths: Vec<_> = paths.into_iter().filter(|path| *path != "a/b").collect();
    let folder = folder(&files(
        &paths.iter().map(|path| (*path, "x")).collect::<Vec<_>>(),
    ));
    let mut sorted = paths.clone();
    sorted.sort_unstable();
    assert_eq!(listed(folder.path(), &Selection::everything()), sorted);
}

#[test]
fn many_files_in_one_folder_are_listed_in_order() {
    let names: Vec<String> = (0..2000).map(|number| format!("{number:05}")).collect();
    let of: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), name.as_str()))
        .collect();
    let folder = folder(&files(&of));
    assert_eq!(listed(folder.path(), &Selection::everything()), names);
}

#[test]
fn hidden_files_stay_out_unless_asked_for() {
    let folder = folder(&files(&[
        ("a", ""),
        (".env", ""),
        (".git/config", ""),
        (".well-known/acme/token", ""),
        ("b/.hidden/c", ""),
    ]));
    assert_eq!(listed(folder.path(), &Selection::everything()), ["a"]);
    let named = selection(&["**", ".well-known/**"], &[]);
    assert_eq!(
        listed(folder.path(), &named),
        [".well-known/acme/token", "a"]
    );
    let rules = Rules {
        hidden: true,
        ..Rules::default()
    };
    let all = Selection::compile(&rules).unwrap();
    assert_eq!(
        listed(folder.path(), &all),
        [".env", ".well-known/acme/token", "a", "b/.hidden/c"]
    );
}

#[test]
fn names_that_are_not_utf8_are_all_refused_unless_excluded() {
    let mut of = files(&[("a", "")]);
    for path in [&b"gr\xfcn"[..], b"\xff/x", b"ok/\xfe.html"] {
        of.insert(path.to_vec(), crate::git::fixture::Node::File(Vec::new()));
    }
    let folder = folder(&of);
    let error = list(
        folder.path(),
        &Selection::everything(),
        &mut StatCache::in_memory(),
    );
    let Err(ContentError::NotUtf8 { names }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(names, ["gr\\xfcn", "ok/\\xfe.html", "\\xff/x"]);
    assert_eq!(listed(folder.path(), &selection(&["a"], &[])), ["a"]);
}

#[test]
fn a_missing_root_is_not_an_empty_one() {
    let folder = folder(&files(&[("file", "")]));
    let list = |name: &str| {
        list(
            &folder.path().join(name),
            &Selection::everything(),
            &mut StatCache::in_memory(),
        )
    };
    assert!(matches!(
        list("nothing"),
        Err(ContentError::RootMissing { .. })
    ));
    assert!(matches!(
        list("file"),
        Err(ContentError::RootNotFolder { .. })
    ));
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert!(list("empty").unwrap().files.is_empty());
}

#[test]
fn links_inside_are_followed_and_others_named() {
    let mut of = files(&[
        ("v2/index.html", "two"),
        ("v2/img/a.png", "png"),
        ("b", "bee"),
    ]);
    for (path, target) in [
        ("latest", "v2"),
        ("c", "./v2/../b"),
        ("deep/er/link", "../../latest/img/a.png"),
        ("outside", "../elsewhere"),
        ("absolute", "/etc/hostname"),
        ("broken", "nothing"),
        ("through-file", "b/x"),
        ("self", "self"),
        ("v2/up", ".."),
        ("ping", "pong"),
        ("pong", "ping"),
    ] {
        of = with_link(of, path, target);
    }
    let folder = folder(&of);
    let listing = list(
        folder.path(),
        &Selection::everything(),
        &mut StatCache::in_memory(),
    )
    .unwrap();
    let found: Vec<_> = listing
        .files
        .iter()
        .map(|file| (file.path.as_str(), file.id))
        .collect();
    let (png, two, bee) = (blob_id(b"png"), blob_id(b"two"), blob_id(b"bee"));
    assert_eq!(
        found,
        [
            ("b", bee),
            ("c", bee),
            ("deep/er/link", png),
            ("latest/img/a.png", png),
            ("latest/index.html", two),
            ("v2/img/a.png", png),
            ("v2/index.html", two),
        ]
    );
    let notes: Vec<_> = listing
        .notes
        .iter()
        .map(|note| {
            let kind = match note.reason {
                NoteReason::LinkLeavesRoot { .. } => "leaves",
                NoteReason::LinkBroken { .. } => "broken",
                NoteReason::LinkLoop { .. } => "loop",
                NoteReason::Submodule | NoteReason::NotUtf8 => "in git only",
                NoteReason::Special { .. } => "special",
            };
            (note.path.as_str(), kind)
        })
        .collect();
    assert_eq!(
        notes,
        [
            ("absolute", "leaves"),
            ("broken", "broken"),
            ("latest/up", "loop"),
            ("outside", "leaves"),
            ("ping", "loop"),
            ("pong", "loop"),
            ("self", "loop"),
            ("through-file", "broken"),
            ("v2/up", "loop"),
        ]
    );
}

#[test]
fn links_that_fan_out_end() {
    // Each folder links to the next, twice; and the last back to the first.
    let mut of = files(&[("d9/file", "x")]);
    for level in 0..9 {
        for side in ["l", "r"] {
            let path = format!("d{level}/{side}");
            of = with_link(of, &path, &format!("../d{}", level + 1));
        }
    }
    of = with_link(of, "d9/back", "../d0");
    let folder = folder(&of);
    let below_first = selection(&["d0/**/file"], &[]);
    assert_eq!(listed(folder.path(), &below_first).len(), 1 << 9);
}

#[test]
fn a_pipe_and_a_socket_are_named() {
    let folder = folder(&files(&[("a", "")]));
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    symlink("socket", folder.path().join("to-socket")).unwrap();
    let listing = list(
        folder.path(),
        &Selection::everything(),
        &mut StatCache::in_memory(),
    )
    .unwrap();
    let notes: Vec<_> = listing.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "`socket` is a socket, not a file",
            "`to-socket` is a socket, not a file"
        ]
    );
    drop(socket);
}

#[test]
fn gitignore_counts_as_a_choice_and_for_names_below_the_root() {
    let of = files(&[
        (".git/HEAD", ""),
        (".gitignore", "\u{feff}public/\n*.tmp\n/public/drafts/\n"),
        ("public/.gitignore", "!keep.tmp\nnested/*.log\r\n"),
        ("public/a.html", ""),
        ("public/a.tmp", ""),
        ("public/keep.tmp", ""),
        ("public/drafts/d.html", ""),
        ("public/nested/x.log", ""),
        ("public/nested/x.html", ""),
        ("public/nested/.gitignore", "x.html"),
    ]);
    let folder = folder(&of);
    let root = folder.path().join("public");
    assert_eq!(listed(&root, &Selection::everything()).len(), 6);
    let rules = Rules {
        gitignore: true,
        ..Rules::default()
    };
    let selection = Selection::compile(&rules).unwrap();
    assert_eq!(listed(&root, &selection), ["a.html", "keep.tmp"]);
}

#[test]
fn gitignore_counts_below_links_too_and_as_git_counts_it() {
    let of = files(&[
        (
            ".gitignore",
            "# comment\n\\#x\n*.log\n!keep.log\nbuild/\n/top\na/**/z\ntrail \n[ab].txt\n",
        ),
        ("v1/.gitignore", "!b.log\nsecret\n/c/*\n!/c/d\n"),
        ("v1/b.log", ""),
        ("v1/a.log", ""),
        ("v1/secret", ""),
        ("v1/n/secret", ""),
        ("v1/c/d", ""),
        ("v1/c/e", ""),
        ("v1/top", ""),
        ("v1/a.txt", ""),
        ("build/keep.log", ""),
        ("x/build", ""),
        ("keep.log", ""),
        ("top", ""),
        ("#x", ""),
        ("a/1/2/z", ""),
        ("trail", ""),
        ("c.txt", ""),
    ]);
    let folder = folder(&with_link(of.clone(), "latest", "v1"));
    if run_git(folder.path(), &["init", "-q"]).is_none() {
        return;
    }
    let known = run_git(
        folder.path(),
        &["ls-files", "-co", "--exclude-per-directory=.gitignore"],
    )
    .unwrap();
    let mut expected: Vec<String> = Vec::new();
    for path in known
        .lines()
        .filter(|path| !path.ends_with(".gitignore") && *path != "latest")
    {
        expected.push(path.to_owned());
        expected.extend(
            path.strip_prefix("v1/")
                .map(|below| format!("latest/{below}")),
        );
    }
    expected.sort_unstable();
    let rules = Rules {
        gitignore: true,
        ..Rules::default()
    };
    assert_eq!(
        listed(folder.path(), &Selection::compile(&rules).unwrap()),
        expected
    );
}

#[test]
fn ids_are_those_of_git_hash_object() {
    let names = ["a", "b c", "é", "big"];
    let big = "0123456789".repeat(200_000);
    let texts = ["", "x\r\n", "\u{0}", &big];
    let of: Vec<_> = names
        .iter()
        .zip(texts)
        .map(|(name, text)| (*name, text))
        .collect();
    let folder = folder(&files(&of));
    let listing = list(
        folder.path(),
        &Selection::everything(),
        &mut StatCache::in_memory(),
    )
    .unwrap();
    for file in listing.files {
        let path = as_path(file.path.as_bytes()).to_str().unwrap();
        let Some(id) = run_git(folder.path(), &["hash-object", "--no-filters", path]) else {
            return;
        };
        assert_eq!(id.trim(), file.id.to_string(), "{path}");
    }
}

#[test]
fn folders_nested_as_deep_as_paths_allow_are_listed() {
    let folder = TempDir::new().unwrap();
    // Short of the limit of 4,096 bytes for a path.
    let deep = "d/".repeat(1800) + "file";
    write(folder.path(), &files(&[(&deep, "x")]));
    assert_eq!(listed(folder.path(), &Selection::everything()), [deep]);
}
