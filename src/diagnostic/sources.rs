//! The texts that problems point into. Turns offsets into lines and columns, and secrets into
//! `[secret]`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::Place;
use crate::escape::Line;

/// Characters shown before a place; with the rest they fill a terminal's line.
const WINDOW_BEFORE: usize = 60;
/// Characters shown from the start of a place.
const WINDOW_AFTER: usize = 100;
/// Columns count characters up to this many bytes from a line's start, then bytes: counting is linear, and
/// a file of one line may have a thousand problems.
const EXACT_COLUMN_BYTES: usize = 64 * 1024;
/// Replaces a text that may be a credential.
const MASK: &str = "[secret]";

#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<Arc<str>, SourceText>);

impl Sources {
    pub fn insert(&mut self, source: SourceText) {
        self.0.insert(source.path.clone(), source);
    }

    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(|path| &**path)
    }

    pub fn get(&self, path: &str) -> Option<&SourceText> {
        self.0.get(path)
    }

    pub fn iter(&self) -> impl Iterator<Item = &SourceText> {
        self.0.values()
    }
}

#[derive(Debug, Clone)]
pub struct SourceText {
    path: Arc<str>,
    text: String,
    /// Byte offsets of line starts, computed for the first problem.
    lines: OnceLock<Vec<usize>>,
    /// Ranges that must not be shown, sorted once complete.
    secrets: Vec<Range<usize>>,
}

impl SourceText {
    pub fn new(path: impl Into<Arc<str>>, text: String) -> Self {
        Self {
            path: path.into(),
            text,
            lines: OnceLock::new(),
            secrets: Vec::new(),
        }
    }

    pub fn path(&self) -> &Arc<str> {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// The lines of the text, with secrets masked.
    pub fn shown_lines(&self) -> Vec<String> {
        let mut start = 0;
        let lines = self.text.split_inclusive('\n').map(|line| {
            let mut shown = Masked::new(self, start);
            shown.copy_to(start + line.trim_end_matches(['\n', '\r']).len());
            start += line.len();
            shown.out
        });
        lines.collect()
    }

    /// Marks ranges that no snippet may show.
    pub fn mask(&mut self, ranges: impl IntoIterator<Item = Range<usize>>) {
        self.secrets.extend(ranges);
        self.secrets.sort_unstable_by_key(|range| range.start);
    }

    pub fn place(&self, span: Range<usize>) -> Place {
        let (line, column) = self.position(span.start);
        let (end_line, end_column) = self.position(span.end.max(span.start));
        Place {
            file: self.path.clone(),
            line,
            column,
            end_line,
            end_column,
            span,
        }
    }

    fn line_starts(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let breaks = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0)
                .chain(breaks.map(|(at, _)| at + 1))
                .collect()
        })
    }

    fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start <= offset).max(1);
        let start = starts.get(line - 1).copied().unwrap_or(0);
        let exact_end = offset.min(start + EXACT_COLUMN_BYTES);
        let characters = self.text.as_bytes()[start..exact_end]
            .iter()
            .filter(|byte| !is_continuation(**byte))
            .count();
        (line, characters + (offset - exact_end) + 1)
    }

    /// The first line of a place, shortened, and the place's range in it.
    pub(super) fn snippet(&self, place: &Place) -> (String, Range<usize>) {
        let starts = self.line_starts();
        let line_start = starts.get(place.line - 1).copied().unwrap_or(0);
        let line_end = starts
            .get(place.line)
            .map_or(self.text.len(), |next| next - 1);
        let line = self.text[line_start..line_end].trim_end_matches('\r');
        let line_end = line_start + line.len();
        let start = self.floor(place.span.start.clamp(line_start, line_end));
        let end = self.floor(place.span.end.clamp(start, line_end));

        let window_start = step_back(&self.text[line_start..start], WINDOW_BEFORE) + line_start;
        let window_end = step_on(&self.text[start..line_end], WINDOW_AFTER) + start;
        let mut shown = Masked::new(self, window_start);
        if window_start > line_start {
            shown.out.push('…');
        }
        let from = shown.copy_to(start);
        let to = shown.copy_to(end.min(window_end));
        shown.copy_to(window_end);
        if window_end < line_end {
            shown.out.push('…');
        }
        (shown.out, from..to)
    }

    /// The character boundary at or before an offset.
    fn floor(&self, mut offset: usize) -> usize {
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

/// Copies a text from left to right, escaping it and masking secrets.
struct Masked<'s> {
    source: &'s SourceText,
    at: usize,
    out: String,
    line: Line,
}

impl<'s> Masked<'s> {
    fn new(source: &'s SourceText, at: usize) -> Self {
        Self {
            source,
            at,
            out: String::new(),
            line: Line::default(),
        }
    }

    /// Copies up to `end`; returns the position in the copy.
    fn copy_to(&mut self, end: usize) -> usize {
        let first = self
            .source
            .secrets
            .partition_point(|secret| secret.end <= self.at);
        for secret in &self.source.secrets[first..] {
            if secret.start >= end {
                break;
            }
            if secret.start >= self.at {
                self.push(secret.start);
            }
            // A second part of the same secret needs no second mask.
            if !self.out.ends_with(MASK) {
                self.out.push_str(MASK);
            }
            self.at = self.at.max(secret.end.min(end));
        }
        if self.at < end {
            self.push(end);
            self.at = end;
        }
        self.out.len()
    }

    /// Tabs are kept: the renderer turns them into spaces.
    fn push(&mut self, end: usize) {
        for (number, text) in self.source.text[self.at..end].split('\t').enumerate() {
            self.out.push_str(if number > 0 { "\t" } else { "" });
            self.line.push(&mut self.out, text);
        }
    }
}

/// Offset `count` characters before the end.
fn step_back(text: &str, count: usize) -> usize {
    text.char_indices()
        .rev()
        .take(count)
        .last()
        .map_or(text.len(), |(at, _)| at)
}

/// Offset `count` characters after the start.
fn step_on(text: &str, count: usize) -> usize {
    text.char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at)
}

const fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
