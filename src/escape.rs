//! Makes text from manifests, file names, state, CDNs and git safe to show: it cannot move the
//! cursor, start a new line, reorder or hide the text around it, or act as a command of a program
//! that reads a log.
//!
//! Everything printed is escaped here exactly once: by the command line's printer for messages, by
//! [`crate::output::page::Page`] for documents, by [`Shown`] in reports written to files, and by
//! [`json`]. A format with its own markup escapes that in addition, as `diagnostic::github` does.
//! Escaping twice changes nothing.

use std::borrow::{Borrow, Cow};
use std::fmt::{self, Write as _};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize};

/// Whether a character is invisible or reorders the text around it: everything that Unicode calls a format
/// character, ignorable, or a line or paragraph separator. Variation selectors are allowed: they only
/// change the shape of the letter before.
pub(crate) const fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}'
            | '\u{e01f0}'..='\u{e0fff}'
    )
}

/// Finds what to escape in one line: invisible characters, and marks that programs act on, which are
/// `##[…]` and `##vso[…]` anywhere, `::…::` at the start of a line (CI runners), and code fences
/// (Markdown that contains a log).
#[derive(Debug, Clone)]
pub struct Line {
    before: [char; 2],
    blank: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            before: [' '; 2],
            blank: true,
        }
    }
}

impl Line {
    /// Whether the next character of the line must be escaped.
    fn escapes(&mut self, c: char) -> bool {
        let [_, last] = self.before;
        let is_mark = match c {
            ':' => self.blank && last == ':',
            '#' => last == '#',
            '`' | '~' => self.before == [c; 2],
            _ => c.is_control() || is_hidden(c),
        };
        self.before = [last, if is_mark { ' ' } else { c }];
        self.blank &= c == ':' || c.is_whitespace();
        is_mark
    }

    /// Appends a part of the line to `out`, escaped.
    pub fn push(&mut self, out: &mut String, text: &str) {
        self.push_as(out, text, |out, c| out.extend(c.escape_unicode()));
    }

    fn push_as(&mut self, out: &mut String, text: &str, escape: impl Fn(&mut String, char)) {
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            // Most text is plain and copied as a whole.
            let plain = rest.bytes().take_while(|byte| is_plain(*byte)).count();
            if plain > 0 {
                out.push_str(&rest[..plain]);
                self.before = [' '; 2];
                self.blank &= rest.as_bytes()[..plain].iter().all(|byte| *byte == b' ');
                rest = &rest[plain..];
                continue;
            }
            if self.escapes(first) {
                escape(out, first);
            } else {
                out.push(first);
            }
            rest = &rest[first.len_utf8()..];
        }
    }
}

/// Whether [`Line::escapes`] never acts on this character.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b':' | b'#' | b'`' | b'~')
}

/// Escapes a text as a single line, for people.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    Line::default().push(&mut out, text);
    out
}

/// The same JSON; what could act on a terminal or a log becomes `\uXXXX`.
pub fn json(document: &str) -> Cow<'_, str> {
    let is_harmless = document.bytes().all(|byte| byte < 0x7f)
        && !["##", "```", "~~~"]
            .iter()
            .any(|mark| document.contains(mark));
    if is_harmless {
        return Cow::Borrowed(document);
    }
    let mut out = String::with_capacity(document.len());
    for text in document.split_inclusive('\n') {
        let (text, end) = text
            .strip_suffix('\n')
            .map_or((text, ""), |text| (text, "\n"));
        Line::default().push_as(&mut out, text, |out, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        });
        out.push_str(end);
    }
    Cow::Owned(out)
}

/// Escaped text for reports that are written to files. [`line()`] made it, also after reading it back.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Shown(String);

impl<T: AsRef<str>> From<T> for Shown {
    fn from(text: T) -> Self {
        Self(line(text.as_ref()))
    }
}

impl PartialEq<&str> for Shown {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl Borrow<str> for Shown {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Deref for Shown {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_text_is_escaped_and_the_rest_is_left() {
        for text in [
            "https://www.example.com/a?b=%20#c",
            "größer 名前 ❤\u{fe0f} a::b",
            "a # b ` c ``d`` ~",
        ] {
            assert_eq!(line(text), text);
        }
        for (text, shown) in [
            (
                "\u{1b}[2J\r\t\u{7f}\u{9b}",
                "\\u{1b}[2J\\u{d}\\u{9}\\u{7f}\\u{9b}",
            ),
            ("a\nNo changes", "a\\u{a}No changes"),
            (
                "\u{202e}a\u{2066}\u{200b}\u{2028}",
                "\\u{202e}a\\u{2066}\\u{200b}\\u{2028}",
            ),
            ("::error::x", ":\\u{3a}error::x"),
            (" \u{a0}::error::x", " \u{a0}:\\u{3a}error::x"),
            ("a ##[error]x ##vso[x]", "a #\\u{23}[error]x #\\u{23}vso[x]"),
            ("###[", "#\\u{23}#["),
            ("````x```", "``\\u{60}`x``\\u{60}"),
            ("~~~", "~~\\u{7e}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(line(text), shown);
            assert_eq!(line(shown), shown, "twice is once");
        }
    }

    #[test]
    fn pieces_are_escaped_like_the_whole() {
        for text in ["::error::x", "##[error]x", "```", "a\u{1b}\n#", "  ::x"] {
            let (mut out, mut state) = (String::new(), Line::default());
            for c in text.chars() {
                state.push(&mut out, c.encode_utf8(&mut [0; 4]));
            }
            assert_eq!(out, line(text));
        }
    }

    #[test]
    fn json_stays_the_same_document() {
        let text = "\u{1b}\n::x ##[error] ``` \u{7f}\u{9b}\u{202e}\u{2028}\u{e0041} é";
        let document = serde_json::to_string_pretty(&[text, "plain"]).unwrap_or_default();
        let shown = json(&document);
        let hidden = |c: char| c != '\n' && (c.is_control() || is_hidden(c));
        assert!(!shown.contains(hidden) && !shown.contains("##["), "{shown}");
        assert!(shown.contains("\\udb40\\udc41"), "{shown}");
        let read: Vec<String> = serde_json::from_str(&shown).unwrap_or_default();
        assert_eq!(read, [text, "plain"]);
    }
}
