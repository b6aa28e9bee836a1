//! Nothing in a text of others breaks out of the markup, calls people, refers, closes or leads
//! elsewhere.

use purgit::output::markdown::{Limit, plan};

use super::document::{document, read_as_github_does, refused, value};

/// What stands in every text of others, and nowhere in a text of ours.
const MARK: &str = "HOSTILE";

/// Each tries to be something else than text.
const TEXTS: [&str; 22] = [
    "@team/all #1 GH-1 a/b#2 closes #3, fixes #4",
    "8bb52b56a156888eb5636bae31ca5c86735231b1",
    "https://evil.example/ www.evil.example evil@example.com",
    "[x](https://evil.example) ![x](//evil.example) [x]: //evil.example",
    "<a href='//evil.example'>x</a><script>x</script><!--",
    "--></summary></details><details><img src=x>",
    "```\n```\n</details>\n/close\n@team",
    "~~~\n/approve\n~~~",
    "`@team` ``@team`` ` `` ``` ````",
    "`",
    "``",
    "| a | b |\n|---|---|\n| c |",
    "\\| \\` \\",
    "$x$ $`x`$ $$x$$ :+1: ~~x~~ **x** _x_ [^1]",
    "::error::x ##[error]x",
    "\u{202e}x\u{200b}\u{1b}[2J\r\n\t\u{2028}",
    "$(touch x) `touch x`; touch x 'x' \"x\"",
    "@@ -1 +1 @@",
    "größe/名前/😀/e\u{301}",
    "   ",
    "",
    "- [ ] x\n> x\n# x\n1. x",
];

fn hostile(at: usize) -> String {
    let text = TEXTS[at % TEXTS.len()];
    let long = if at.is_multiple_of(13) {
        "ä😀/`".repeat(700)
    } else {
        String::new()
    };
    match at % 3 {
        0 => format!("{text}{MARK}{at}{long}"),
        1 => format!("{MARK}{at}{long}{text}"),
        _ => format!("{text}{long}{MARK}{at}{text}"),
    }
}

fn assert_harmless(markdown: &str, limit: Limit) {
    assert!(
        limit.of(markdown) <= limit.amount(),
        "{limit:?}: {}",
        limit.of(markdown)
    );
    let seen = read_as_github_does(markdown);
    let all = || format!("{seen:#?}\n{markdown}");
    assert_eq!(seen.others, [""; 0], "{}", all());
    assert!(!seen.prose.contains(MARK), "{}", all());
    assert!(
        !seen.prose.contains(['@', '`', '$', '|']) && !seen.prose.contains("://"),
        "{}",
        all()
    );
    assert!(seen.rows.iter().all(|cells| *cells == 3), "{}", all());
    // Commands of a forge stand at the start of a line.
    assert!(
        !markdown.lines().any(|line| line.starts_with('/')),
        "{}",
        all()
    );
    for (language, text) in &seen.blocks {
        assert!(["diff", "sh"].contains(&language.as_str()), "{}", all());
        assert!(
            !text.contains("```") && !text.contains("</details>\n"),
            "{}",
            all()
        );
        let starts = text
            .lines()
            .all(|line| line.starts_with(['+', '-', '!', '#', '@', ' ', 'p']));
        assert!(starts, "{}", all());
    }
    let mut open = 0;
    for html in &seen.html {
        match html.trim_end() {
            "</details>" => open -= 1,
            opening => {
                let rest = opening
                    .strip_prefix("<details")
                    .unwrap_or_else(|| panic!("{}", all()));
                let rest = rest.strip_prefix(" open").unwrap_or(rest);
                let words = rest
                    .strip_prefix("><summary>")
                    .unwrap_or_else(|| panic!("{}", all()));
                let words = words
                    .strip_suffix("</summary>")
                    .unwrap_or_else(|| panic!("{}", all()));
                assert!(
                    !words.contains(['<', '&', '@']) && !words.contains(MARK),
                    "{}",
                    all()
                );
                open += 1;
            }
        }
        assert!((0..=1).contains(&open), "{}", all());
    }
    assert_eq!(open, 0, "{}", all());
    let (language, typed) = seen.blocks.last().expect("what to type");
    assert_eq!(language, "sh", "{}", all());
    assert!(typed.starts_with("purgit apply "), "{}", all());
    assert_eq!(typed.lines().count(), 1, "{}", all());
}

#[test]
fn text_of_others_is_code_at_any_size() {
    for changes in [1, 30, 3000] {
        for first in 0..TEXTS.len() {
            // So many have every text in every place whichever is first.
            if changes > 1 && first % changes.min(11) > 0 || changes == 3000 && first > 0 {
                continue;
            }
            let passed = value(changes, |at| hostile(at + first));
            for value in [refused(passed.clone()), passed] {
                let document = document(&value);
                for limit in [
                    Limit::Characters(4000),
                    Limit::Characters(9000),
                    Limit::COMMENT,
                    Limit::STEP_SUMMARY,
                ] {
                    assert_harmless(&plan(&document, limit), limit);
                }
            }
        }
    }
}

#[test]
fn nothing_to_purge_is_one_line() {
    let mut value = value(0, hostile);
    let markdown = plan(&document(&value), Limit::COMMENT);
    assert_eq!(
        markdown,
        "**Nothing to purge**: 7 entries as last purged; 2 entries under way, which `purgit apply` \
         asks the CDN about.\n"
    );
    value["diagnostics"] = serde_json::json!([{ "severity": "info", "message": "```\n/close" }]);
    let markdown = plan(&document(&value), Limit::COMMENT);
    let seen = read_as_github_does(&markdown);
    assert_eq!(seen.blocks.len(), 1, "{markdown}");
    assert!(seen.prose.starts_with("Nothing to purge"), "{markdown}");
}

/// What a hostile name could do if it were typed.
#[test]
fn what_is_to_be_typed_is_quoted() {
    let document = document(&value(1, |_| "$(touch x)'; y".to_owned()));
    let markdown = plan(&document, Limit::COMMENT);
    let quoted = "'--expect-plan=$(touch x)'\\''; y'";
    assert!(markdown.contains(quoted), "{markdown}");
}
