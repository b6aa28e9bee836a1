//! Fitting Markdown into a limit: what may be cut is cut line by line, what is left out is counted,
//! and what was opened is closed.

use crate::plan::number;

/// Most that a document may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// In characters, as UTF-16 counts them (two for one beyond U+FFFF): no reader counts more of
    /// them, and as many never exceed 4 bytes each, which is what GitHub measures comments by.
    Characters(usize),
    /// In bytes of UTF-8.
    Bytes(usize),
}

impl Limit {
    /// Of a comment: GitHub refuses more than 65,536 characters. The rest is for whoever posts it.
    pub const COMMENT: Self = Self::Characters(65_000);
    /// Of a step's summary in GitHub Actions, which drops one of more than 1 MiB as a whole.
    pub const STEP_SUMMARY: Self = Self::Bytes(1_000_000);

    /// The number of units.
    pub const fn amount(self) -> usize {
        match self {
            Self::Characters(amount) | Self::Bytes(amount) => amount,
        }
    }

    /// What is left of it beside a text.
    #[must_use]
    pub fn less(self, text: &str) -> Self {
        let left = self.amount().saturating_sub(self.of(text));
        match self {
            Self::Characters(_) => Self::Characters(left),
            Self::Bytes(_) => Self::Bytes(left),
        }
    }

    /// How many units a text has.
    pub fn of(self, text: &str) -> usize {
        match self {
            Self::Characters(_) => text.chars().map(char::len_utf16).sum(),
            Self::Bytes(_) => text.len(),
        }
    }
}

/// A part that may be cut.
#[derive(Debug)]
pub(super) struct Part {
    /// Opens it.
    pub(super) front: String,
    /// Each a whole line.
    pub(super) lines: Vec<Line>,
    /// Closes it.
    pub(super) back: &'static str,
    /// Around the line that says how much is missing.
    pub(super) more: [&'static str; 2],
    /// What its lines count for.
    pub(super) noun: &'static str,
}

/// A line of a part.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// How much it counts for: headings within a part count for nothing.
    pub(super) counts: usize,
}

impl Line {
    /// A line that counts for one.
    pub(super) fn one(text: String) -> Self {
        Self { text, counts: 1 }
    }
}

/// How a part came out.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) text: String,
    /// How much was left out, of [`Part::noun`].
    pub(super) missing: usize,
}

impl Part {
    /// What its lines count for together.
    pub(super) fn counts(&self) -> usize {
        self.lines.iter().map(|line| line.counts).sum()
    }

    pub(super) fn size(&self, limit: Limit) -> usize {
        let lines = self.lines.iter().map(|line| limit.of(&line.text));
        limit.of(&self.front) + lines.sum::<usize>() + limit.of(self.back)
    }

    fn missing(&self, missing: usize) -> String {
        let [before, behind] = self.more;
        format!(
            "{before}… {} more {}s{behind}\n",
            number(missing),
            self.noun
        )
    }

    fn nothing(&self) -> Cut {
        Cut {
            text: String::new(),
            missing: self.counts(),
        }
    }

    /// As many lines as fit into `room`, or nothing where not even one does.
    fn cut(&self, room: usize, limit: Limit) -> Cut {
        let all = self.counts();
        let whole = self.size(limit) <= room;
        let closing = match whole {
            true => limit.of(self.back),
            false => limit.of(self.back) + limit.of(&self.missing(all)),
        };
        let (mut text, mut shown) = (self.front.clone(), 0);
        let mut used = limit.of(&text) + closing;
        for line in &self.lines {
            used += limit.of(&line.text);
            if used > room {
                break;
            }
            text.push_str(&line.text);
            shown += line.counts;
        }
        if shown == 0 && all > 0 {
            return self.nothing();
        }
        if shown < all {
            text.push_str(&self.missing(all - shown));
        }
        text.push_str(self.back);
        Cut {
            text,
            missing: all - shown,
        }
    }
}

/// Units that a part needs to say anything; where there is less for each, the last are left out.
const MIN_SHARE: usize = 300;

/// Cuts parts so that they fit into `room` together: each gets the same share, and what one does not
/// need is for the others.
pub(super) fn fit(parts: &[Part], room: usize, limit: Limit) -> Vec<Cut> {
    let sizes: Vec<_> = parts.iter().map(|part| part.size(limit)).collect();
    let is_whole = sizes.iter().sum::<usize>() <= room;
    let shown = match is_whole {
        true => parts.len(),
        false => parts.len().min((room / MIN_SHARE).max(1)),
    };
    let mut order: Vec<_> = (0..shown).collect();
    order.sort_by_key(|&at| sizes[at]);
    let mut cuts: Vec<_> = parts.iter().map(Part::nothing).collect();
    let mut left = room;
    for (done, &at) in order.iter().enumerate() {
        cuts[at] = parts[at].cut(left / (shown - done), limit);
        left -= limit.of(&cuts[at].text);
    }
    cuts
}
