//! Foreign text inside Markdown is always code, so that it cannot be a link, a mention, a reference, a
//! command or markup.
//!
//! [`crate::escape`] leaves no line breaks and at most two backticks in a row, so three of them always
//! make a fence.

use crate::escape;

pub(super) const FENCE: &str = "```";

/// Longest foreign text shown in full, in characters: one line must not crowd out the rest.
pub(super) const MAX_SHOWN: usize = 300;

/// Longest name or id shown in full, in characters: purgit's own have at most 71.
pub(super) const MAX_NAME: usize = 80;

/// Longest word of a command shown in full, in characters: purgit's own are shorter.
const MAX_WORD: usize = 120;

/// A name or an id, within prose or a cell.
pub(super) fn name(text: &str) -> String {
    span(text, MAX_NAME)
}

/// A longer text, within prose or a cell.
pub(super) fn text(text: &str) -> String {
    span(text, MAX_SHOWN)
}

/// A code span. `|` would end a table's cell even in code.
fn span(text: &str, limit: usize) -> String {
    let shown = shortened(&escape::line(text), limit).replace('|', "\\u{7c}");
    let edge = |c: Option<char>| matches!(c, None | Some(' ' | '`'));
    let pad = match edge(shown.chars().next()) || edge(shown.chars().next_back()) {
        true => " ",
        false => "",
    };
    let fence = if shown.contains('`') { FENCE } else { "`" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

/// A line of a fenced block. `sign` comes first because some forges look for commands at the start of
/// a line.
pub(super) fn line(sign: char, text: &str) -> String {
    format!("{}\n", escape::line(&format!("{sign} {text}")))
}

/// A target or a message within a line of a fenced block.
pub(super) fn shown(text: &str) -> String {
    shortened(&escape::line(text), MAX_SHOWN)
}

/// A word of a command, quoted for a shell if needed.
pub(super) fn word(text: &str) -> String {
    let text = shortened(&escape::line(text), MAX_WORD);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match text.chars().all(is_plain) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// Cuts out the middle of a text that is too long.
fn shortened(text: &str, limit: usize) -> String {
    let characters = text.chars().count();
    if characters <= limit {
        return text.to_owned();
    }
    let front: String = text.chars().take(limit * 2 / 3).collect();
    let back = text.chars().skip(characters - limit / 4);
    format!("{front}…{}", back.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_what_they_are_given() {
        for (given, shown) in [
            ("www", "`www`"),
            ("", "`  `"),
            (" a ", "`  a  `"),
            ("a`b", "```a`b```"),
            ("`a``", "``` `a`` ```"),
            ("a```b", "```a``\\u{60}b```"),
            ("a|b\\|c", "`a\\u{7c}b\\\\u{7c}c`"),
            ("@team #1\n/close", "`@team #1\\u{a}/close`"),
        ] {
            assert_eq!(name(given), shown);
        }
        let long = name(&"ä".repeat(MAX_NAME + 1));
        assert_eq!(long, format!("`{}…{}`", "ä".repeat(53), "ä".repeat(20)));
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(word("--force=quota:www"), "--force=quota:www");
        assert_eq!(word("$(x)'; y"), "'$(x)'\\''; y'");
    }
}
