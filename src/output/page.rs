//! A document for people, line by line. Everything that is added is escaped and stays on its line, and
//! colour is added by name only: what a report repeats of others can forge neither.

use std::fmt::{self, Display, Write};

use anstyle::{AnsiColor, Style};

use crate::escape::Line;

/// What stands out.
pub const BOLD: Style = Style::new().bold();
/// What matters less.
pub const DIM: Style = Style::new().dimmed();
/// What is well.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// What is to be looked at.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What is not well.
pub const RED: Style = AnsiColor::Red.on_default();

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Page {
    text: String,
    line: Line,
}

impl Page {
    /// Adds to the current line.
    pub fn add(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(Escaped(self), "{text}");
        self
    }

    /// Adds to the current line, in a style. Colour only repeats what the words say.
    pub fn paint(&mut self, style: Style, text: impl Display) -> &mut Self {
        let _ = write!(self.text, "{style}");
        self.add(text);
        let _ = write!(self.text, "{style:#}");
        self
    }

    /// Ends the current line.
    pub fn end(&mut self) {
        self.text.push('\n');
        self.line = Line::default();
    }

    /// Adds to the current line and ends it.
    pub fn line(&mut self, text: impl Display) {
        self.add(text).end();
    }

    /// With ANSI styles; whoever prints it strips them where they do not belong.
    pub fn as_str(&self) -> &str {
        &self.text
    }
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
}
