//! What does not fit is left out and counted, at the limit to the character.

use purgit::output::markdown::{Limit, plan};
use serde_json::json;

use super::document::{document, read_as_github_does, refused, value};

fn url(at: usize) -> String {
    format!("https://www.example.com/größe/名前-😀-{at}.png")
}

const NO_LIMIT: Limit = Limit::Characters(usize::MAX);

type Unit = fn(usize) -> Limit;
type Count = fn(&str) -> usize;

/// Both units, with what counts them independently.
const UNITS: [(Unit, Count); 2] = [
    (Limit::Characters, |text| text.encode_utf16().count()),
    (Limit::Bytes, str::len),
];

#[test]
fn a_plan_that_just_fits_is_whole() {
    for changes in [1, 30, 3000] {
        for value in [value(changes, url), refused(value(changes, url))] {
            let document = document(&value);
            let whole = plan(&document, NO_LIMIT);
            assert!(!whole.contains("Left out"), "{whole}");
            for (limit, count) in UNITS {
                let size = count(&whole);
                assert_eq!(plan(&document, limit(size)), whole);
                assert_eq!(plan(&document, limit(size + 1)), whole);
                let cut = plan(&document, limit(size - 1));
                assert!(cut.contains("Left out for their length"), "{cut}");
                assert!(count(&cut) < size, "{} of {size}", count(&cut));
            }
        }
    }
}

#[test]
fn limits_are_kept_and_used() {
    let document = document(&refused(value(3000, url)));
    for (limit, count) in UNITS {
        for size in (3000..70_000).step_by(1777) {
            let cut = plan(&document, limit(size));
            let used = count(&cut);
            assert!(used <= size, "{used} of {size}");
            // Whole lines, and what says what is missing.
            assert!(used + 1500 > size, "{used} of {size}");
            assert!(cut.contains("30 safety checks failed"), "{cut}");
            assert!(cut.ends_with("\n```\n"), "{cut}");
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let document = document(&value(3000, url));
    let cut = plan(&document, Limit::Characters(20_000));
    let seen = read_as_github_does(&cut);
    let lines = seen.blocks.iter().flat_map(|(_, text)| text.lines());
    let shown = lines.filter(|line| line.contains("file      ")).count();
    assert!(shown > 50, "{shown}\n{cut}");
    let missing = 3000 - shown;
    let said = format!("{},{:03} of 3,000 changes", missing / 1000, missing % 1000);
    assert!(seen.prose.contains(&said), "{said}: {}", seen.prose);
}

#[test]
fn a_cut_plan_golden() {
    let mut value = value(30, |at| format!("t{at}"));
    for part in ["diagnostics", "manifest_changes", "commits", "quota"] {
        value[part] = json!([]);
    }
    let document = document(&refused(value));
    let size = plan(&document, NO_LIMIT).len();
    let cut = plan(&document, Limit::Bytes(size - 400));
    insta::assert_snapshot!(cut, @"");
}
