//! A plan for people: short when it is small, folded when it is long, no wider than the terminal.

use purgit::output::json::v1;
use purgit::output::layout::Layout;
use purgit::output::markdown::{self, Limit};
use purgit::output::page::columns;
use purgit::output::{PlanReport, number, text};

use super::super::state_fixture::at;
use super::{Paper, directory, file, files, purge};

fn rendered(paper: &Paper, width: Option<usize>, all: bool) -> String {
    let plan = paper.plan();
    let report = PlanReport {
        plan: &plan,
        timestamp: at(0),
    };
    let page = text::plan(report, Layout { width, all });
    anstream::adapter::strip_str(page.as_str())
        .to_string()
        .replace(&plan.id, "[ID]")
}

fn spring(changes: usize) -> Paper {
    Paper::new(vec![purge("spring", files(changes), vec![])])
}

#[test]
fn one_change_takes_a_few_lines() {
    insta::assert_snapshot!(rendered(&spring(1), Some(80), false), @"
    Plan: 1 entry to purge (1 file)
      [www] 1 request; quota of the day: 1 of 2,000 files

    purge/spring on www
      + file https://www.example.com/00000.png  added

    Checks: 4 passed
    Plan id: [ID]
    ");
}

#[test]
fn nothing_to_do_takes_two() {
    let mut paper = spring(3);
    paper.confirm(&files(3), "r2");
    insta::assert_snapshot!(rendered(&paper, Some(80), false), @"
    No changes: nothing to purge, 3 entries as last purged
    Plan id: [ID]
    ");
}

#[test]
fn a_long_list_is_folded_on_a_terminal_and_nowhere_else() {
    let mut paper = spring(1900);
    paper.force("max-urls");
    insta::assert_snapshot!(rendered(&paper, Some(80), false), @"
    Plan: 1,900 entries to purge (1,900 files)
      [www] 19 requests; quota of the day: 1,900 of 2,000 files

    purge/spring on www
      + file https://www.example.com/00000.png  added
      + file https://www.example.com/00001.png  added
      + file https://www.example.com/00002.png  added
      + file https://www.example.com/00003.png  added
      + file https://www.example.com/00004.png  added
      + file https://www.example.com/00005.png  added
      + file https://www.example.com/00006.png  added
      + file https://www.example.com/00007.png  added
      + file https://www.example.com/00008.png  added
      + file https://www.example.com/00009.png  added
      + file https://www.example.com/00010.png  added
      + file https://www.example.com/00011.png  added
      + file https://www.example.com/00012.png  added
      + file https://www.example.com/00013.png  added
      + file https://www.example.com/00014.png  added
      … 1,880 more: `--all`
      + file https://www.example.com/01895.png  added
      + file https://www.example.com/01896.png  added
      + file https://www.example.com/01897.png  added
      + file https://www.example.com/01898.png  added
      + file https://www.example.com/01899.png  added

    Checks: 4 passed
    Plan id: [ID]
    ");
    for (width, all) in [(None, false), (Some(80), true)] {
        let text = rendered(&paper, width, all);
        let listed = text.lines().filter(|line| line.starts_with("  + file "));
        assert_eq!(listed.count(), 1900, "{text}");
        assert!(!text.contains('…'), "{text}");
    }
    assert_eq!(
        rendered(&spring(20), Some(80), false).matches('…').count(),
        0
    );
}

#[test]
fn many_manifests_are_folded_too() {
    let purges = (0..300).map(|number| {
        let urls = files(number + 1).split_off(number);
        purge(&format!("p{number:03}"), urls, vec![directory("/d/")])
    });
    let text = rendered(&Paper::new(purges.collect()), Some(80), false);
    assert!(
        text.contains("\n… 294 more manifests with 588 entries: `--all`\n"),
        "{text}"
    );
    assert!(text.contains("\npurge/p000 on www, 2 entries\n"), "{text}");
    assert!(text.contains("\npurge/p299 on www, 2 entries\n"), "{text}");
    assert!(text.lines().count() < 40, "{text}");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let long = format!("/{}/city.png", "pictures/".repeat(30));
    let targets = vec![file(&long), file("/名前/名前.png?größe=1"), file("/short")];
    let mut paper = Paper::new(vec![purge("spring", targets.clone(), vec![directory("/")])]);
    paper.confirm(&targets, "an earlier revision with a name of some length");
    for width in [120, 80, 60, 40] {
        let text = rendered(&paper, Some(width), false);
        // What cannot be broken is a word.
        let fits = |line: &&str| columns(line) <= width || !line.trim_start().contains(' ');
        let wider: Vec<_> = text.lines().filter(|line| !fits(line)).collect();
        assert!(wider.is_empty(), "{width}: {wider:#?}\n{text}");
        let short = "https://www.example.com/short";
        assert_eq!(text.contains(short), width > 40, "{width}:\n{text}");
        assert!(
            text.contains("city.png"),
            "{width}: the end of a URL tells most:\n{text}"
        );
    }
    let all = rendered(&paper, Some(40), true);
    assert!(all.contains(&long) && rendered(&paper, None, false).contains(&long));
}

#[test]
fn a_refusal_says_so_first_and_what_to_type_last() {
    let paper = Paper::new(vec![purge("all", vec![], vec![directory("/")])]);
    insta::assert_snapshot!(rendered(&paper, None, false), @"
    Plan: 1 entry to purge (1 directory); refused, see the checks
      [www] 1 request; quota of the day: 1 of 500 directories

    purge/all on www
      + directory https://www.example.com/  added

    Checks: 3 passed, 1 failed
      failed max-directories    [www] https://www.example.com/ is a root directory: all of it; 1 directory in one plan, limit 50; --force=max-directories:www
    To purge all the same, add `--force=max-directories:www` to `purgit apply`
    Plan id: [ID]
    ");
}

/// Nothing, one, some and many: long, non-ASCII and hostile names in every format.
#[test]
fn every_format_tells_the_same() {
    const NAMES: [&str; 4] = [
        "/größe/名前/😀",
        "/<b>|`@team`|</b>/```",
        "/[x](//evil.example)/$(touch x)",
        "/long",
    ];
    for changes in [0, 1, 30, 3000] {
        let targets = (0..changes).map(|at| {
            let long = "a/".repeat(if at % NAMES.len() == 3 { 500 } else { 1 });
            file(&format!("{}/{long}{at}", NAMES[at % NAMES.len()]))
        });
        let mut paper = Paper::new(vec![purge("spring", targets.collect(), vec![])]);
        for check in ["quota", "max-urls"] {
            paper.force(check);
        }
        let plan = paper.plan();
        let document = v1::plan(PlanReport {
            plan: &plan,
            timestamp: at(0),
        });
        let json = serde_json::to_value(&document).unwrap();
        assert_eq!(json["summary"]["purge"], changes);
        assert_eq!(json["changes"].as_array().unwrap().len(), changes);
        let counted = number(changes);
        let files = if changes == 1 { "file" } else { "files" };
        for (width, all) in [
            (None, false),
            (Some(80), true),
            (Some(80), false),
            (Some(40), false),
        ] {
            let text = rendered(&paper, width, all);
            let lines = text.lines();
            let listed = lines.filter(|line| line.starts_with("  + file")).count();
            let said = match changes {
                0 => "No changes: nothing to purge".to_owned(),
                _ => format!("({counted} {files})"),
            };
            let joined = text.replace("\n  ", " ");
            assert!(joined.lines().next().unwrap().contains(&said), "{text}");
            if all || width.is_none() {
                assert_eq!(listed, changes, "{text}");
            } else {
                assert_eq!(listed, changes.min(20), "{text}");
                assert!(text.lines().count() < 40, "{text}");
                let more = format!("… {} more: `--all`", number(changes.saturating_sub(20)));
                assert_eq!(text.contains(&more), changes > 20, "{text}");
            }
        }
        let whole = markdown::plan(&document, Limit::STEP_SUMMARY);
        let listed = whole.lines().filter(|line| line.starts_with("+ file "));
        assert_eq!(listed.count(), changes);
        let comment = markdown::plan(&document, Limit::COMMENT);
        let said = match changes {
            0 => "**Nothing to purge**.\n".to_owned(),
            _ => format!("### Purges {counted} {files} on `www`\n"),
        };
        for text in [&whole, &comment] {
            assert!(text.starts_with(&said), "{text}");
        }
    }
}
