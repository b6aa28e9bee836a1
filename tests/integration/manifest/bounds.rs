//! Sizes, depths and expansions: what is refused, and that what is just below is not.

use std::fmt::Write as _;

use purgit::manifest::{ManifestFile, Reading};
use purgit::yaml::problem::{MAX_PROBLEMS, Problems};
use purgit::yaml::{
    Bounds, MAX_ALIASED_NODES, MAX_DEPTH, MAX_FILE_BYTES, Stream, read as read_yaml,
};

use super::{messages, purge, read_with};

const SMALL: Bounds = Bounds {
    bytes: 100,
    depth: 3,
    nodes: 10,
    aliased: 5,
};

/// Number of errors and of documents that were given up.
fn errors(text: &str, bounds: &Bounds) -> (usize, usize) {
    let problems = Problems::default();
    let Stream { unreadable, .. } = read_yaml(text, bounds, &problems);
    (problems.errors(), unreadable)
}

#[test]
fn bytes_are_counted() {
    let text = |length: usize| format!("a: {}", "x".repeat(length - 3));
    assert_eq!(errors(&text(100), &SMALL), (0, 0));
    assert_eq!(errors(&text(101), &SMALL), (1, 1));
}

#[test]
fn depth_is_counted_in_both_notations() {
    assert_eq!(errors("[[[x]]]", &SMALL), (0, 0));
    assert_eq!(errors("[[[[x]]]]", &SMALL), (1, 1));
    assert_eq!(errors("a:\n  b:\n    c: x", &SMALL), (0, 0));
    assert_eq!(errors("a:\n  b:\n    c:\n      - x", &SMALL), (1, 1));
}

#[test]
fn depth_is_counted_through_aliases() {
    assert_eq!(errors("[&a [x], [*a]]", &SMALL), (0, 0));
    assert_eq!(errors("[&a [x], [[*a]]]", &SMALL), (1, 1));
    // The depth of an alias counts for the anchor around it, too.
    assert_eq!(errors("[&a [x], &b [*a], *b]", &SMALL), (0, 0));
    assert_eq!(errors("[&a [x], &b [*a], [*b]]", &SMALL), (1, 1));
}

#[test]
fn nodes_are_counted_over_the_whole_file() {
    assert_eq!(errors("[1, 2, 3, 4, 5, 6, 7, 8, 9]", &SMALL), (0, 0));
    assert_eq!(errors("[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", &SMALL), (1, 1));
    assert_eq!(errors("[1, 2, 3, 4]\n---\n[1, 2, 3, 4]", &SMALL), (0, 0));
    assert_eq!(errors("[1, 2, 3, 4]\n---\n[1, 2, 3, 4, 5]", &SMALL), (1, 1));
}

#[test]
fn aliases_cost_what_they_unfold_to() {
    let bounds = Bounds {
        nodes: 100,
        ..SMALL
    };
    assert_eq!(errors("[&a [1, 2, 3, 4], *a]", &bounds), (0, 0));
    assert_eq!(errors("[&a [1, 2, 3, 4, 5], *a]", &bounds), (1, 1));
    assert_eq!(errors("[&a 1, *a, *a, *a, *a, *a]", &bounds), (0, 0));
    assert_eq!(errors("[&a 1, *a, *a, *a, *a, *a, *a]", &bounds), (1, 1));
}

#[test]
fn an_alias_bomb_is_refused_by_its_budget() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..20 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{below}]").unwrap();
    }
    assert!(bomb.len() < 2048);
    let found = messages(&bomb);
    let expected = format!("the aliases expand to too many values, limit {MAX_ALIASED_NODES}");
    assert_eq!(found, [expected]);
}

#[test]
fn an_alias_inside_its_own_anchor_is_refused() {
    let found = messages("a: &a [*a]\n");
    assert_eq!(found, ["the alias is inside the value that it repeats"]);
}

#[test]
fn deep_nesting_is_refused_and_reading_goes_on() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let found = messages(&format!("{}\n---\nkind: Purges\n", deep(100_000)));
    assert_eq!(
        found[0],
        format!("nested too deeply, limit {MAX_DEPTH} levels")
    );
    assert!(
        found.contains(&"unknown `kind: Purges`".to_owned()),
        "{found:?}"
    );
    let bounds = Bounds::default();
    assert_eq!(errors(&deep(MAX_DEPTH), &bounds), (0, 0));
    assert_eq!(errors(&deep(MAX_DEPTH + 1), &bounds), (1, 1));
}

#[test]
fn an_oversized_file_is_refused_with_its_size() {
    let mut reading = Reading::with_bounds(SMALL);
    reading.add(ManifestFile::new("purgit.yaml", vec![b'#'; 101]));
    let parsed = reading.finish();
    assert_eq!(
        parsed.problems[0].message,
        "the file has 101 bytes, limit 100"
    );
    assert_eq!(Bounds::default().bytes, MAX_FILE_BYTES);
}

#[test]
fn problems_over_the_limit_are_counted() {
    let urls = |count: usize| format!("endpoint: www\nfiles:{}", "\n- nothing".repeat(count));
    let full = read_with(&purge(&urls(MAX_PROBLEMS)));
    assert_eq!(full.problems.len(), MAX_PROBLEMS);
    let over = read_with(&purge(&urls(MAX_PROBLEMS + 7)));
    assert_eq!(over.problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(
        over.problems[MAX_PROBLEMS].message,
        format!("7 more errors are not shown, limit {MAX_PROBLEMS}")
    );
    assert_eq!(over.counts.errors, MAX_PROBLEMS + 7);
    assert!(over.project.is_none());
}

#[test]
fn warnings_never_hide_errors() {
    let mut text = String::new();
    for number in 0..=MAX_PROBLEMS {
        text.push_str(&purge("endpoint: www").replace("name: it", &format!("name: n{number}")));
        text.push_str("---\n");
    }
    text.push_str("kind: Purges\n");
    let parsed = read_with(&text);
    let unknown = parsed
        .problems
        .iter()
        .find(|found| found.message.contains("Purges"));
    assert!(unknown.is_some());
    assert_eq!(parsed.counts.warnings, MAX_PROBLEMS + 1);
}
