//! How wide and long a report for people may be. The width is a parameter: a pipe has none, so nothing is
//! cut there.

use super::number;
use super::page::{Page, columns};
use crate::escape;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Layout {
    /// Columns of the terminal; `None` without one.
    pub width: Option<usize>,
    /// Whether to list everything, in full.
    pub all: bool,
}

impl Layout {
    pub(super) fn page(self) -> Page {
        Page::of_width(self.width)
    }

    /// Columns that a line of a list is cut to.
    pub(super) fn cut(self) -> Option<usize> {
        self.width.filter(|_| !self.all)
    }

    /// The first items, those left out, and the last ones; about `shown` items are shown.
    pub(super) fn fold<T>(self, items: &[T], shown: usize) -> (&[T], &[T], &[T]) {
        // Leaving out one line would save none.
        if self.cut().is_none() || items.len() <= shown + 1 {
            return (items, &[], &[]);
        }
        let (first, rest) = items.split_at(shown - shown / 4);
        let (left_out, last) = rest.split_at(rest.len() - shown / 4);
        (first, left_out, last)
    }

    /// Prints a folded list, with a line for what is left out.
    pub(super) fn list<T>(
        self,
        page: &mut Page,
        items: &[T],
        shown: usize,
        indent: &str,
        print: impl Fn(&mut Page, &T),
    ) {
        let (first, left_out, last) = self.fold(items, shown);
        for item in first {
            print(page, item);
        }
        if !left_out.is_empty() {
            let more = number(left_out.len());
            page.line(format_args!("{indent}… {more} more: `--all`"));
        }
        for item in last {
            print(page, item);
        }
    }
}

/// Escapes a text, and cuts out its middle if it is wider than `most` columns.
pub fn cut(text: &str, most: usize) -> String {
    let text = escape::line(text);
    if columns(&text) <= most {
        return text;
    }
    let room = most.saturating_sub(1);
    // The end of a URL says more than its start.
    let front = front(text.chars(), room / 3);
    let head: String = text.chars().take(front).collect();
    let back = self::front(text.chars().rev(), room - columns(&head));
    let begin = text
        .chars()
        .rev()
        .take(back)
        .map(char::len_utf8)
        .sum::<usize>();
    let (left_out, tail) = text[head.len()..].split_at(text.len() - head.len() - begin);
    // Half a percent escape says nothing.
    let of_escape = |text: &str| {
        let at = text.rfind('%').map(|at| text.len() - at);
        at.filter(|length| *length < ESCAPE_BYTES)
    };
    let head = &head[..head.len() - of_escape(&head).unwrap_or(0)];
    let rest = of_escape(left_out).map_or(0, |begun| ESCAPE_BYTES - begun);
    format!("{head}…{}", tail.get(rest..).unwrap_or(tail))
}

const ESCAPE_BYTES: usize = "%E5".len();

/// How many characters fit into `room` columns.
fn front(letters: impl Iterator<Item = char>, room: usize) -> usize {
    let mut used = 0;
    let fits = |letter: &char| {
        used += columns(letter.encode_utf8(&mut [0; 4]));
        used <= room
    };
    letters.take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_in_its_middle_by_columns() {
        let url = "https://www.example.com/pictures/city.png";
        assert_eq!(cut(url, 41), url);
        assert_eq!(cut(url, 20), "https:…ures/city.png");
        assert_eq!(cut("名前名前名前", 8), "名…名前");
        assert_eq!(cut("a\u{202e}b", 20), "a\\u{202e}b");
        assert_eq!(cut("abc", 0), "…");
        assert_eq!(cut("/%E5%90%8D%E5%89%8D.png", 14), "/%E5…%8D.png");
        assert_eq!(cut("/%E5%90%8D%E5%89%8D.png", 13), "/%E5…%8D.png");
        assert_eq!(cut("/%E5%90%8D%E5%89%8D.png", 11), "/…%8D.png");
    }

    #[test]
    fn long_lists_are_folded_on_a_terminal_only() {
        let items: Vec<_> = (0..100).collect();
        let terminal = Layout {
            width: Some(80),
            all: false,
        };
        let (first, left_out, last) = terminal.fold(&items, 20);
        assert_eq!((first.len(), left_out.len(), last.len()), (15, 80, 5));
        assert_eq!(terminal.fold(&items[..21], 20).0.len(), 21);
        let all = Layout {
            all: true,
            ..terminal
        };
        for layout in [all, Layout::default()] {
            assert_eq!(layout.fold(&items, 20).0.len(), 100);
        }
    }
}
