//! A folder and the tree of the same files list the same, whatever is in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::*;
use purgit::content::disk::list;
use purgit::content::{ContentFile, Rules, Selection, StatCache, blob_id};
use purgit::git::{Changed, TreeCounts, TreeId};

use crate::git::fixture::{Files, Node, Repo, as_path, write};

/// Names that are easy to get wrong, and few, so that links hit something.
const NAMES: [&str; 16] = [
    "a",
    "b",
    "A",
    "a-b",
    "a.b",
    "é",
    "e\u{301}",
    "a b",
    "q\"'",
    "n\nl",
    "b\\s",
    ".h",
    ".well-known",
    "x.map",
    "名.html",
    "%41",
];

const TARGETS: [&str; 16] = [
    "a",
    "b",
    "../a",
    "../b/a",
    ".",
    "..",
    "a/b",
    "./a//b/",
    "../../a",
    "/etc/hostname",
    "x.map",
    "A/../b",
    "b/../..",
    ".h",
    "a/",
    "gone",
];

fn path() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(NAMES.as_slice()), 1..4)
        .prop_map(|parts| parts.join("/").into_bytes())
}

fn node() -> impl Strategy<Value = Node> {
    let text = prop::sample::select(vec!["", "one", "two", "a\r\nb\r\n"])
        .prop_map(|text| text.as_bytes().to_vec());
    prop_oneof![
        4 => text.clone().prop_map(Node::File),
        1 => text.prop_map(Node::Program),
        2 => prop::sample::select(TARGETS.as_slice()).prop_map(|target| Node::Link(target.as_bytes().to_vec())),
    ]
}

/// Patterns, in a `.gitignore` somewhere.
fn ignore_file() -> impl Strategy<Value = (Vec<u8>, Node)> {
    let lines = [
        "a", "/b", "*.map", "!x.map", "a/", "**/b", "é", "# no", "a-b/*", "!a",
    ];
    let text = prop::collection::vec(prop::sample::select(lines.to_vec()), 1..4)
        .prop_map(|lines| lines.join("\n"));
    (prop::option::of(path()), text).prop_map(|(folder, text)| {
        let mut path = folder.map(|mut folder| {
            folder.push(b'/');
            folder
        });
        let path = path.get_or_insert_default();
        path.extend_from_slice(b".gitignore");
        (path.clone(), Node::File(text.into_bytes()))
    })
}

/// Any set of files that can exist: none below another.
fn tree() -> impl Strategy<Value = Files> {
    let nodes = prop::collection::vec((path(), node()), 0..24);
    let ignores = prop::collection::vec(ignore_file(), 0..3);
    (nodes, ignores).prop_map(|(nodes, ignores)| {
        let mut files = Files::new();
        for (path, node) in nodes.into_iter().chain(ignores) {
            put(&mut files, path, node);
        }
        files
    })
}

/// Adds a file unless it cannot be beside the others.
fn put(files: &mut Files, path: Vec<u8>, node: Node) {
    let above = |short: &[u8], long: &[u8]| {
        long.len() > short.len() && long.starts_with(short) && long[short.len()] == b'/'
    };
    if !files
        .keys()
        .any(|other| above(other, &path) || above(&path, other))
    {
        files.insert(path, node);
    }
}

fn rules() -> impl Strategy<Value = Rules> {
    let globs = vec![
        "**",
        "a/**",
        "*.html",
        "**/*.map",
        "**/a",
        "a",
        ".well-known/**",
        "{a,b}/*",
        "é/",
    ];
    let globs = || {
        prop::collection::vec(
            prop::sample::select(globs.clone()).prop_map(str::to_owned),
            0..3,
        )
    };
    (globs(), globs(), any::<bool>(), any::<bool>()).prop_map(
        |(include, exclude, gitignore, hidden)| Rules {
            include,
            exclude,
            gitignore,
            hidden,
        },
    )
}

/// What a file counts for, in a way that tells files apart.
fn weight(path: &str) -> usize {
    1 + path.len() % 5
}

/// Two listings without what is the same in both.
fn by_listing(
    repo: &purgit::git::Repository,
    [from, to]: [&TreeId; 2],
    selection: &Selection,
    open: &BTreeSet<Arc<str>>,
) -> Changed {
    let files = |tree| repo.list_tree(tree, "", selection).unwrap().files;
    let (mut before, mut after) = (files(from), files(to));
    let is_left = |file: &ContentFile| !open.contains(file.path.as_str());
    let both: Vec<_> = before
        .iter()
        .filter(|file| is_left(file) && after.contains(file))
        .cloned()
        .collect();
    before.retain(|file| !both.contains(file));
    after.retain(|file| !both.contains(file));
    Changed {
        before,
        after,
        same: both.iter().map(|file| weight(&file.path)).sum(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn disk_and_tree_agree(files in tree(), rules in rules(), below in prop::option::of(prop::sample::select(NAMES.as_slice()))) {
        let repo = Repo::new();
        let commit = repo.commit(&files);
        write(repo.path(), &files);
        let selection = Selection::compile(&rules).unwrap();
        let prefix = below.unwrap_or_default();
        let root = repo.path().join(prefix);
        let open = repo.open();
        let revision = open.resolve(&commit.to_string()).unwrap();
        let tree = open.list_tree(&revision.tree, prefix, &selection);
        // A link out of the repository is no root in a tree, whatever it leads to on disk.
        let inside = root.canonicalize().is_ok_and(|root| root.starts_with(repo.path().canonicalize().unwrap()));
        let absolute = matches!(files.get(prefix.as_bytes()), Some(Node::Link(target)) if target.starts_with(b"/"));
        if inside && !absolute {
            let disk = list(&root, &selection, &mut StatCache::in_memory());
            match (disk, tree) {
                (Ok(disk), Ok(tree)) => {
                    prop_assert_eq!(&disk.files, &tree.files);
                    prop_assert_eq!(&disk.notes, &tree.notes);
                    for file in &disk.files {
                        let path = root.join(as_path(file.path.as_bytes()));
                        prop_assert_eq!(blob_id(&std::fs::read(&path).unwrap()), file.id);
                    }
                    prop_assert!(disk.files.is_sorted_by(|a, b| a.path < b.path));
                }
                (disk, tree) => prop_assert!(disk.is_err() && tree.is_err(), "{disk:?} {tree:?}"),
            }
        }
    }

    #[test]
    fn changes_are_the_difference_of_two_listings(
        history in prop::collection::vec(tree(), 1..4),
        edits in prop::collection::vec((path(), prop::option::of(node())), 0..6),
        rules in rules(),
        open in prop::collection::btree_set(path(), 0..3),
        without_links in any::<bool>(),
    ) {
        let repo = Repo::new();
        let selection = Selection::compile(&rules).unwrap();
        let mut edited = history.last().cloned().unwrap_or_default();
        for (path, node) in edits {
            match node {
                Some(node) => put(&mut edited, path, node),
                None => drop(edited.remove(&path)),
            }
        }
        let mut history: Vec<_> = history.into_iter().chain([edited]).collect();
        let is_link = |node: &Node| matches!(node, Node::Link(_));
        if without_links {
            for files in &mut history {
                files.retain(|_, node| !is_link(node));
            }
        }
        let open: BTreeSet<Arc<str>> = open.iter().map(|path| String::from_utf8_lossy(path).into()).collect();
        let repository = repo.open();
        let trees: Vec<_> = history.iter().map(|files| {
            let id = repo.commit(files).to_string();
            (files, repository.resolve(&id).unwrap().tree)
        }).collect();
        let mut counts = TreeCounts::new("here".to_owned(), &|files, _| Some(files.iter().map(|path| weight(path)).sum()));
        for (one, from) in &trees {
            for (other, to) in &trees {
                let changed = repository.changed_files(from, to, "", &selection, Some(&open), &mut counts).unwrap();
                if let Some(changed) = changed {
                    prop_assert_eq!(changed, by_listing(&repository, [from, to], &selection, &open));
                } else {
                    let has_links = one.values().chain(other.values()).any(is_link);
                    prop_assert!(has_links || selection.honours_gitignore());
                }
            }
        }
    }
}
