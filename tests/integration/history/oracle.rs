//! Random histories against brute force, and a large one against git.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use git2::Oid;
use proptest::prelude::*;
use proptest::sample::Index;
use purgit::diff::Change;
use purgit::entry::{EntryKey, Owner, Target};
use purgit::error::chain;
use purgit::plan::Plan;
use purgit::plan::select::Selection;
use purgit::reconcile;
use purgit::state::{Attempt, Observed, Outcome, State};
use purgit::url::CdnUrl;
use purgit::view::{Detail, StateView};
use purgit::workspace::sides::Sides;

use super::fixture::{declare, project, publish};
use crate::git::fixture::{Files, Node, Repo, run_git};
use crate::site::fixture::site;

/// By path below the site: what changed.
type Found = BTreeMap<String, &'static str>;

/// What the library plans between two revisions, which must be the same whether all entries are made
/// or what is unchanged is only counted.
fn planned(repo: &Repo, from: &str, to: &str, state: &State) -> Result<Found, String> {
    let whole = plan(repo, from, to, state, Detail::Everything);
    assert_eq!(plan(repo, from, to, state, Detail::Differences), whole);
    let found = |change: &Change| {
        let path = change.key.path.as_deref().unwrap().to_owned();
        (path, change.reason.as_str())
    };
    Ok(whole?.changes.iter().map(found).collect())
}

fn plan(repo: &Repo, from: &str, to: &str, state: &State, detail: Detail) -> Result<Plan, String> {
    let (project, sides) = Sides::between(repo.path(), from, to).unwrap();
    let now: DateTime<Utc> = crate::site::fixture::now();
    let mut view = StateView::from(state.clone());
    if detail == Detail::Differences {
        view.pack(&project);
    }
    let both = sides.compare(&project, &mut view, detail, now);
    let both = both.map_err(|error| chain(&error))?;
    let all = Selection::default();
    Ok(reconcile::plan(&project, "", &both, &view, &all, &[], now).unwrap())
}

/// A state in which the last purge of these names failed.
fn with_failed(names: &[usize]) -> State {
    let base = CdnUrl::directory("https://www.example.com/").unwrap();
    let entry = |name: &usize| {
        let key = EntryKey {
            owner: Owner::Site("docs".into()),
            path: Some(NAMES[*name].into()),
            target: Target::File(base.below(NAMES[*name]).unwrap()),
            endpoint: "www".into(),
        };
        let attempt = Attempt {
            generation: None,
            outcome: Outcome::Failed,
            at: crate::site::fixture::now(),
            message: None,
        };
        let observed = Observed {
            attempt: Some(attempt),
            ..Observed::default()
        };
        (key, observed)
    };
    State {
        entries: names.iter().map(entry).collect(),
        ..State::default()
    }
}

/// What differs, by looking at everything.
fn brute(from: &Files, to: &Files) -> Found {
    let contents = |files: &Files| -> BTreeMap<String, Vec<u8>> {
        let site = files.iter().filter_map(|(path, node)| {
            let path = String::from_utf8(path.clone()).unwrap();
            let path = path.strip_prefix("public/")?.to_owned();
            let hidden = path.split('/').any(|name| name.starts_with('.'));
            match node {
                Node::File(bytes) | Node::Program(bytes) if !hidden => Some((path, bytes.clone())),
                Node::File(_) | Node::Program(_) | Node::Link(_) | Node::Submodule => None,
            }
        });
        site.collect()
    };
    let (from, to) = (contents(from), contents(to));
    let paths: BTreeSet<_> = from.keys().chain(to.keys()).collect();
    let differing = paths.into_iter().filter_map(|path| {
        let what = match (from.get(path), to.get(path)) {
            (None, Some(_)) => "added",
            (Some(_), None) => "content_deleted",
            (one, other) if one != other => "content_changed",
            _ => return None,
        };
        Some((path.clone(), what))
    });
    differing.collect()
}

#[derive(Debug, Clone)]
enum Step {
    /// Writes a file: which name, which of a few texts, whether it can be run.
    Write(usize, u8, bool),
    Remove(Index),
    /// Under another name.
    Rename(Index, usize),
    /// Go on from an earlier commit.
    Branch(Index),
    /// Of the present with an earlier commit, where the present wins.
    Merge(Index),
    Commit,
}

/// What the site declares besides: with aliases, two files can have one URL.
const SPECS: [&str; 3] = [
    "",
    "index: index.txt\nredirect: true",
    "index: a\nredirect: true\nstripExtensions: ['.x']",
];

const NAMES: [&str; 13] = [
    "d.x",
    "a",
    "b",
    "d/a",
    "d/b",
    "d/e/c",
    "d/e/f/g",
    "\u{e9}",
    "e\u{301}",
    "x y/100%",
    ".hidden/a",
    "index.txt",
    "d/index.txt",
];

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..NAMES.len(), 0..4_u8, any::<bool>()).prop_map(|(name, text, run)| Step::Write(name, text, run)),
        2 => any::<Index>().prop_map(Step::Remove),
        2 => (any::<Index>(), 0..NAMES.len()).prop_map(|(which, name)| Step::Rename(which, name)),
        1 => any::<Index>().prop_map(Step::Branch),
        1 => any::<Index>().prop_map(Step::Merge),
        4 => Just(Step::Commit),
    ]
}

fn site_paths(files: &Files) -> Vec<Vec<u8>> {
    let paths = files
        .keys()
        .filter(|path| path.starts_with(b"public/") && !path.ends_with(b"/keep"));
    paths.cloned().collect()
}

fn put(files: &mut Files, name: usize, node: Node) {
    files.insert(format!("public/{}", NAMES[name]).into_bytes(), node);
}

/// All commits of a random history, with their files.
fn carry_out(repo: &Repo, spec: &str, steps: &[Step]) -> Vec<(Oid, Files)> {
    // One file is always there, so that the site never counts as one without history.
    let mut files = project(&[("keep", "1")]);
    declare(&mut files, &site(spec));
    let mut commits = vec![(repo.commit(&files), files.clone())];
    let mut parents = vec![commits[0].0];
    for step in steps {
        match step {
            Step::Write(name, text, run) => {
                let bytes = vec![b'0' + text];
                put(
                    &mut files,
                    *name,
                    if *run {
                        Node::Program(bytes)
                    } else {
                        Node::File(bytes)
                    },
                );
            }
            Step::Remove(which) => {
                let paths = site_paths(&files);
                if !paths.is_empty() {
                    files.remove(which.get(&paths));
                }
            }
            Step::Rename(which, name) => {
                let paths = site_paths(&files);
                if !paths.is_empty() {
                    let node = files.remove(which.get(&paths)).unwrap();
                    put(&mut files, *name, node);
                }
            }
            Step::Branch(which) => {
                let (id, then) = which.get(&commits);
                (files, parents) = (then.clone(), vec![*id]);
            }
            Step::Merge(which) => {
                let (id, then) = which.get(&commits).clone();
                for (path, node) in then {
                    files.entry(path).or_insert(node);
                }
                if !parents.contains(&id) {
                    parents.push(id);
                }
            }
            Step::Commit => {
                let id = repo.commit_on(&files, &parents);
                commits.push((id, files.clone()));
                parents = vec![id];
            }
        }
    }
    commits
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]
    #[test]
    fn any_two_revisions_of_any_history(
        steps in proptest::collection::vec(any_step(), 1..40),
        pairs in proptest::collection::vec((any::<Index>(), any::<Index>()), 3),
        failed in proptest::collection::vec(0..NAMES.len(), 0..3),
        spec in 0..SPECS.len(),
    ) {
        let repo = Repo::new();
        let commits = carry_out(&repo, SPECS[spec], &steps);
        for (one, other) in pairs {
            let ((from, before), (to, after)) = (one.get(&commits), other.get(&commits));
            let (from, to) = (from.to_string(), to.to_string());
            match planned(&repo, &from, &to, &State::default()) {
                Ok(found) => prop_assert_eq!(found, brute(before, after)),
                Err(error) => prop_assert!(spec > 0 && error.contains("both map to"), "{error}"),
            }
            let _ = planned(&repo, &from, &to, &with_failed(&failed));
        }
    }
}

/// Files of the large repository.
const MANY: usize = 2000;

/// A small generator of numbers, always the same.
fn numbers() -> impl FnMut(usize) -> usize {
    let mut seed = 0x9e37_79b9_u64;
    move |below| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    }
}

fn large_name(number: usize) -> String {
    let folder = [
        "blog",
        "\u{4e0a}\u{6d77}",
        "caf\u{e9}",
        "a b",
        "q\"uote",
        "tab\t",
    ][number % 6];
    format!("{folder}/{}/p{number}.html", number % 37)
}

#[test]
fn a_large_history_as_git_sees_it() {
    let repo = Repo::new();
    let mut next = numbers();
    let mut files = project(&[]);
    for number in 0..MANY {
        publish(&mut files, &large_name(number), &format!("{}", number % 50));
    }
    repo.commit(&files);
    let mut fresh = MANY;
    for round in 0..4 {
        for _ in 0..100 {
            let paths = site_paths(&files);
            let path = paths[next(paths.len())].clone();
            match next(4) {
                0 => {
                    files.remove(&path);
                }
                1 => {
                    // Moved, with its content: git would call it a rename.
                    let node = files.remove(&path).unwrap();
                    let moved = format!("public/{}", large_name(fresh));
                    files.insert(moved.into_bytes(), node);
                    fresh += 1;
                }
                2 => {
                    publish(&mut files, &large_name(fresh), "new");
                    fresh += 1;
                }
                _ => {
                    files.insert(path, Node::File(format!("round {round}").into_bytes()));
                }
            }
        }
        if round == 2 {
            // A whole folder moves.
            let below = b"public/blog/";
            let moved: Vec<_> = site_paths(&files)
                .into_iter()
                .filter(|path| path.starts_with(below))
                .collect();
            for path in moved {
                let node = files.remove(&path).unwrap();
                files.insert([b"public/news/", &path[below.len()..]].concat(), node);
            }
        }
        repo.commit(&files);
    }
    for (from, to) in [
        ("HEAD~4", "HEAD"),
        ("HEAD~1", "HEAD"),
        ("HEAD", "HEAD~3"),
        ("HEAD~1", "HEAD~2"),
    ] {
        let arguments = [
            "diff",
            "-z",
            "--no-renames",
            "--name-status",
            from,
            to,
            "--",
            "public",
        ];
        let Some(text) = run_git(repo.path(), &arguments) else {
            return;
        };
        let parts: Vec<_> = text.split('\0').filter(|part| !part.is_empty()).collect();
        let expected: Found = parts
            .chunks(2)
            .map(|pair| {
                let what = match pair[0] {
                    "A" => "added",
                    "D" => "content_deleted",
                    "M" => "content_changed",
                    other => panic!("{other}"),
                };
                (pair[1].strip_prefix("public/").unwrap().to_owned(), what)
            })
            .collect();
        assert!(expected.len() > 20, "{}", expected.len());
        let found = planned(&repo, from, to, &State::default());
        assert_eq!(found.unwrap(), expected, "{from} {to}");
    }
}
