//! Fits Markdown into a limit: parts are cut by whole lines and stay closed, and what is left out is
//! counted.

use crate::plan::number;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// In UTF-16 code units: no forge counts more for a text, and each is at most 4 bytes, which is how
    /// GitHub limits comments.
    Characters(usize),
    /// In bytes of UTF-8.
    Bytes(usize),
}

impl Limit {
    /// GitHub refuses comments of more than 65,536 characters. The rest is for the marker.
    pub const COMMENT: Self = Self::Characters(65_000);
    /// GitHub Actions drops a step's summary of more than 1 MiB.
    pub const STEP_SUMMARY: Self = Self::Bytes(1_000_000);

    pub const fn amount(self) -> usize {
        match self {
            Self::Characters(amount) | Self::Bytes(amount) => amount,
        }
    }

    /// What is left of it after a text.
    #[must_use]
    pub fn less(self, text: &str) -> Self {
        let left = self.amount().saturating_sub(self.of(text));
        match self {
            Self::Characters(_) => Self::Characters(left),
            Self::Bytes(_) => Self::Bytes(left),
        }
    }

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
    pub(super) front: String,
    pub(super) lines: Vec<Line>,
    pub(super) back: &'static str,
    /// Around the line that says how much is missing.
    pub(super) more: [&'static str; 2],
    /// What a line counts as.
    pub(super) noun: &'static str,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) text: String,
    /// How much it counts for; headings count for nothing.
    pub(super) counts: usize,
}

impl Line {
    pub(super) fn one(text: String) -> Self {
        Self { text, counts: 1 }
    }
}

#[derive(Debug)]
pub(super) struct Cut {
    pub(super) text: String,
    /// How much was left out, of [`Part::noun`].
    pub(super) missing: usize,
}

impl Part {
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

    /// As many lines as fit into `room`, or nothing if not even one does.
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

/// Least units for a part; if there is less for each, the last ones are left out.
const MIN_SHARE: usize = 300;

/// Cuts parts to fit into `room` together. Each gets the same share, and what one does not need goes to
/// the others.
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
