//! Relative links: the file exists, and so does the heading behind `#`.

use std::collections::BTreeMap;

use super::{docs, read, repository};

/// A page without its fenced blocks, where `#` starts a comment and `](` is code.
pub(super) fn prose(text: &str) -> String {
    let mut fenced = false;
    let lines = text.lines().filter(|line| {
        let fence = line.starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// GitHub's anchors of a page's headings: a repeated one gets a number.
fn anchors(text: &str) -> Vec<String> {
    let mut seen = BTreeMap::new();
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let words = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            let anchor = kept.collect::<String>().replace(' ', "-");
            let times = seen.entry(anchor.clone()).or_insert(0);
            *times += 1;
            match *times {
                1 => anchor,
                times => format!("{anchor}-{}", times - 1),
            }
        })
        .collect()
}

/// What is wrong with a link, seen from the page at `path`.
fn problem(path: &str, target: &str) -> Option<String> {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let linked = match file {
        "" => repository().join(path),
        _ => repository().join(path).with_file_name(file),
    };
    if !linked.exists() {
        return Some(format!("{path}: {target}: no such file"));
    }
    if anchor.is_empty() {
        return None;
    }
    let known = std::fs::read_to_string(&linked).map(|text| anchors(&text));
    let found = known.is_ok_and(|known| known.iter().any(|known| known == anchor));
    (!found).then(|| format!("{path}: {target}: no such heading"))
}

/// Where the links of a page lead to, within the repository.
fn relative(text: &str) -> Vec<String> {
    let prose = prose(text);
    let starts = prose.match_indices("](").map(|(at, _)| &prose[at + 2..]);
    let targets = starts.map(|rest| rest.split(')').next().unwrap().to_owned());
    targets.filter(|target| !target.contains("://")).collect()
}

#[test]
fn links_resolve() {
    let pages = ["README.md", "CHANGELOG.md", "examples/README.md"].map(str::to_owned);
    let mut links = 0;
    for path in pages.into_iter().chain(docs()) {
        let targets = relative(&read(&path));
        links += targets.len();
        let problems: Vec<_> = targets.iter().filter_map(|to| problem(&path, to)).collect();
        assert!(problems.is_empty(), "{problems:#?}");
    }
    assert!(links > 50, "{links}");
}

#[test]
fn broken_links_are_found() {
    let page =
        "# Once\n[a](x.md)\n```sh\n# Code\n[b](y.md)\n```\n## `Twice`, or\n# Once\n[c](https://d/)";
    assert_eq!(anchors(page), ["once", "twice-or", "once-1"]);
    assert_eq!(relative(page), ["x.md"]);
    let problem = |target| problem("docs/README.md", target);
    assert_eq!(problem("../README.md#start"), None);
    assert_eq!(problem("../examples"), None);
    assert!(problem("missing.md").is_some());
    assert!(problem("../README.md#missing").is_some());
    assert!(problem("../examples#start").is_some());
}
