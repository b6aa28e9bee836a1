//! A document for people, line by line. Everything added is escaped and stays on its line, and colour is
//! a separate parameter: text from others can forge neither.

use std::fmt::{self, Display, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use crate::escape::Line;

pub const BOLD: Style = Style::new().bold();
pub const DIM: Style = Style::new().dimmed();
pub const GREEN: Style = AnsiColor::Green.on_default();
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
pub const RED: Style = AnsiColor::Red.on_default();

#[derive(Debug, Clone, Default)]
pub struct Page {
    text: String,
    line: Line,
    /// Where the current line begins.
    begin: usize,
    /// Columns at which lines wrap, between words.
    width: Option<usize>,
}

/// Extra indent of a wrapped line's rest, in columns.
const HANGING: usize = 2;

impl Page {
    /// Wraps lines at `width` columns; longer words stay whole.
    pub fn of_width(width: Option<usize>) -> Self {
        Self {
            width,
            ..Self::default()
        }
    }

    pub fn add(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(Escaped(self), "{text}");
        self
    }

    /// Adds to the current line, in a style. Colour must only repeat what the words say.
    pub fn paint(&mut self, style: Style, text: impl Display) -> &mut Self {
        let _ = write!(self.text, "{style}");
        self.add(text);
        let _ = write!(self.text, "{style:#}");
        self
    }

    pub fn end(&mut self) {
        if let Some(width) = self.width {
            self.wrap(width);
        }
        self.text.push('\n');
        self.begin = self.text.len();
        self.line = Line::default();
    }

    /// Wraps the current line.
    fn wrap(&mut self, width: usize) {
        if columns(&self.text[self.begin..]) <= width {
            return;
        }
        let line = self.text.split_off(self.begin);
        let indent = line.len() - line.trim_start_matches(' ').len() + HANGING;
        let mut column = 0;
        for (index, word) in line.split(' ').enumerate() {
            let needed = columns(word);
            // CI systems act on `::` at the start of a line.
            let may_break = column > indent && needed > 0 && !word.starts_with("::");
            if index > 0 && may_break && column + 1 + needed > width {
                self.text.truncate(self.text.trim_end_matches(' ').len());
                self.text.push('\n');
                self.text.extend(std::iter::repeat_n(' ', indent));
                column = indent;
            } else if index > 0 {
                self.text.push(' ');
                column += 1;
            }
            self.text.push_str(word);
            column += needed;
        }
    }

    pub fn line(&mut self, text: impl Display) {
        self.add(text).end();
    }

    /// The text with ANSI styles; the printer strips them if needed.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Columns that a text takes on a terminal, without its styles.
pub fn columns(text: &str) -> usize {
    anstream::adapter::strip_str(text).map(str::width).sum()
}

/// Escapes what is written to a page.
struct Escaped<'a>(&'a mut Page);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.line.push(&mut self.0.text, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_stays_on_its_line_and_in_its_colour() {
        let mut page = Page::default();
        page.paint(RED, "Failed").line(" a\nNo changes\u{1b}[0m");
        page.add(':').line(format_args!("{}error::x", ':'));
        page.paint(BOLD, "::").end();
        assert_eq!(
            page.as_str(),
            "\u{1b}[31mFailed\u{1b}[0m a\\u{a}No changes\\u{1b}[0m\n\
             :\\u{3a}error::x\n\u{1b}[1m:\\u{3a}\u{1b}[0m\n"
        );
    }

    #[test]
    fn a_wide_line_is_broken_between_words_and_hangs() {
        let mut page = Page::of_width(Some(16));
        page.paint(BOLD, "Note:").line(" 名前 of a site ::x");
        page.line("  https://www.example.com/ short");
        page.line("exactly 16 wide.");
        assert_eq!(
            anstream::adapter::strip_str(page.as_str()).to_string(),
            "Note: 名前 of a\n  site ::x\n  https://www.example.com/\n    short\nexactly 16 wide.\n"
        );
    }
}
