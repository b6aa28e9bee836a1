//! `--target` and `--exclude`: what a pattern is like.

use purgit::plan::select::{SelectError, Selection};

use super::{Paper, directory, file, purge};

fn selection(targets: &[&str], excludes: &[&str]) -> Selection {
    let owned = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    Selection::new(&owned(targets), &owned(excludes)).unwrap()
}

fn like(pattern: &str, address: &str) -> bool {
    selection(&[pattern], &[]).selects(address)
}

#[test]
fn a_pattern_is_an_address_or_the_front_of_one() {
    const FILE: &str = "purge/spring/file/https://www.example.com/a/b.png";
    const FOLDER: &str = "purge/spring/directory/https://www.example.com/a/";
    let rows = [
        (FILE, FILE, true),
        ("purge", FILE, true),
        ("purge/spring", FILE, true),
        ("purge/spring/", FILE, true),
        ("purge/spring/file", FILE, true),
        ("purge/spring/file/https://www.example.com", FILE, true),
        ("purge/spring/file/https://www.example.com/a/", FILE, true),
        // Whole names only.
        ("purge/spr", FILE, false),
        ("purge/spring/file/https://www.example.com/a/b", FILE, false),
        ("spring", FILE, false),
        ("purge/spring/directory", FILE, false),
        ("purge/Spring", FILE, false),
        // A trailing slash makes no difference.
        (FOLDER, FOLDER, true),
        (
            "purge/spring/directory/https://www.example.com/a",
            FOLDER,
            true,
        ),
        (
            "purge/spring/directory/https://www.example.com/a/b",
            FOLDER,
            false,
        ),
        ("site/docs/index.html", "site/docs/index.html", true),
        ("site/docs/a", "site/docs/a/index.html", true),
    ];
    for (pattern, address, expected) in rows {
        assert_eq!(like(pattern, address), expected, "{pattern} {address}");
    }
}

#[test]
fn a_star_is_any_text_slashes_too() {
    const FILE: &str = "purge/spring/file/https://www.example.com/a/b.png";
    let rows = [
        ("*", true),
        ("*.png", true),
        ("*/b.png", true),
        ("purge/*/file", true),
        ("purge/spring/file/*/a/*", true),
        ("purge/spr*", true),
        ("**", true),
        ("*spring**png", true),
        ("*.jpg", false),
        ("*/spring", true),
        ("purge/*/directory", false),
    ];
    for (pattern, expected) in rows {
        assert_eq!(like(pattern, FILE), expected, "{pattern}");
    }
}

#[test]
fn what_stands_in_urls_means_itself() {
    for odd in [
        "?v=1", "[1]", "{a,b}", "!x", "~", "%5B", "(1)", "+", "$", "^", "|", "\\d",
    ] {
        let address = format!("purge/spring/file/https://www.example.com/a{odd}");
        assert!(like(&address, &address), "{odd}");
        assert!(like(&format!("*{odd}"), &address), "{odd}");
        for other in ["ax", "a", "a1", "aa", "ab", "av=1"] {
            let other = format!("purge/spring/file/https://www.example.com/{other}");
            assert!(!like(&address, &other), "{odd} {other}");
        }
    }
}

#[test]
fn what_is_no_address_is_refused() {
    for text in ["", "/", "///"] {
        let refused = Selection::new(&[text.to_owned()], &[]);
        assert_eq!(
            refused.unwrap_err(),
            SelectError::BadPattern(text.to_owned())
        );
    }
}

fn paper() -> Paper {
    let files = || vec![file("/a.png?v=1"), file("/b.png")];
    Paper::new(vec![
        purge("autumn", files(), Vec::new()),
        purge("spring", files(), vec![directory("/d/")]),
    ])
}

#[test]
fn excludes_win_over_targets_and_the_plan_says_that_it_is_not_all() {
    let rows: [(&[&str], &[&str], usize, bool); 6] = [
        (&[], &[], 5, true),
        (&["purge/spring"], &[], 3, false),
        (
            &[
                "purge/spring",
                "purge/autumn/file/https://www.example.com/b.png",
            ],
            &[],
            4,
            false,
        ),
        (&[], &["*/directory"], 4, false),
        (&["purge/spring"], &["*?v=1"], 2, false),
        (&["*"], &[], 5, true),
    ];
    for (targets, excludes, changes, complete) in rows {
        let mut paper = paper();
        paper.selection = selection(targets, excludes);
        let plan = paper.plan();
        assert_eq!(
            (plan.changes.len(), plan.complete),
            (changes, complete),
            "{targets:?}"
        );
        let notes: Vec<_> = plan
            .diagnostics
            .into_iter()
            .map(|note| note.message)
            .collect();
        let left_out = match 5 - changes {
            0 => vec![],
            1 => vec!["1 change left out by `--target` or `--exclude`".to_owned()],
            more => vec![format!(
                "{more} changes left out by `--target` or `--exclude`"
            )],
        };
        assert_eq!(notes, left_out);
    }
}

#[test]
fn a_pattern_that_is_like_nothing_is_an_error_and_not_an_empty_plan() {
    for (targets, excludes) in [(vec!["purge/sprin"], vec![]), (vec![], vec!["*.jpg"])] {
        let mut paper = paper();
        paper.selection = selection(&targets, &excludes);
        let pattern = targets.iter().chain(&excludes).next().unwrap();
        let error = paper.try_plan().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("no entry has an address like `{pattern}`")
        );
    }
    // One that is confirmed is like something, though nothing is to be done about it.
    let mut paper = paper();
    paper.confirm(&[file("/b.png")], "r2");
    paper.selection = selection(&["purge/spring/file/https://www.example.com/b.png"], &[]);
    assert!(paper.plan().is_empty());
}

#[test]
fn an_address_may_be_given_as_it_was_printed() {
    let address = "site/docs/a\u{202e}b\n.html";
    assert!(like(address, address));
    assert!(like("site/docs/a\\u{202e}b\\u{a}.html", address));
    assert!(like("site/docs/a\\u{202e}*", address));
    assert!(!like("site/docs/a\\u{200b}b\\u{a}.html", address));
}
