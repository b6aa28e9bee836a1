//! Applies records to a snapshot without loading all of it: lines of entries that no record mentions
//! are copied unchanged. So one change among a million entries costs one copy of the file.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read as _, Seek, SeekFrom, Write};
use std::ops::Range;

use rayon::prelude::*;

use super::names::{KeyText, Names};
use super::read::entry;
use super::{from_bytes, write_entry, write_head, write_tail};
use crate::entry::{EntryKey, TargetKind};
use crate::state::{Observed, PendingOperation, Record, STATE_VERSION, Seq, State};
use crate::url::CdnUrl;

/// The line before the entries, the line after them, and the line of an empty list.
const OPEN: &[u8] = b"\"entries\": [\n";
const CLOSE: &[u8] = b"],\n";
const NONE: &[u8] = b"\"entries\": [],\n";

const AFTER: &[u8] = b"\n],\n\"due\": [";

const INDENT: &str = "  {";

/// Bytes searched as one block: many lines, yet little memory.
const BLOCK_BYTES: u64 = 256 * 1024;

/// Bytes at the end of a snapshot searched first for the end of the entries: what most runs leave
/// after them.
const TAIL_BYTES: u64 = 64 * 1024;

const COPY_BYTES: u64 = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub(in crate::state) enum Unspliced {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("the snapshot's lines are not in the form that this version writes")]
    OtherForm,
}

/// Where an entry's line is, or would be.
struct Place {
    key: EntryKey,
    /// Empty if the entry has no line.
    line: Range<u64>,
}

impl Place {
    fn new(key: &EntryKey, line: Range<u64>) -> Self {
        Self {
            key: key.clone(),
            line,
        }
    }
}

/// Writes the snapshot with the records applied; returns its lineage and last number.
pub(in crate::state) fn splice(
    mut snapshot: impl BufRead + Seek,
    records: Vec<Record>,
    mut out: impl Write,
) -> Result<(String, Seq), Unspliced> {
    let (mut state, lines) = frame(&mut snapshot)?;
    let touched: Vec<_> = touched(&state, &records).into_iter().collect();
    let places = find(&mut snapshot, &lines, &touched, &mut state)?;
    state.extend(records);

    let mut bytes = Vec::new();
    write_head(&mut bytes, &state);
    out.write_all(&bytes)?;
    // A separator goes before each line except the first.
    let (mut at, mut separator): (_, &[u8]) = (lines.start, b"[\n");
    out.write_all(&OPEN[..OPEN.len() - 2])?;
    let mut buffer = Vec::with_capacity(usize::try_from(COPY_BYTES).unwrap_or_default());
    let mut copy = |out: &mut dyn Write, separator: &[u8], range: Range<u64>| {
        let last = if range.end == lines.end { 1 } else { 2 };
        snapshot.seek(SeekFrom::Start(range.start))?;
        out.write_all(separator)?;
        let mut left = (range.end - range.start).saturating_sub(last);
        while left > 0 {
            buffer.clear();
            let mut ahead = snapshot.by_ref().take(left.min(COPY_BYTES));
            let count = ahead.read_to_end(&mut buffer)? as u64;
            if count == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            out.write_all(&buffer)?;
            left -= count;
        }
        Ok(())
    };
    for Place { key, line } in places {
        if at < line.start {
            copy(&mut out, separator, at..line.start)?;
            separator = b",\n";
        }
        at = line.end;
        if let Some(observed) = state.entries.get(&key) {
            bytes.clear();
            write_entry(&mut bytes, &key, observed);
            out.write_all(separator)?;
            out.write_all(&bytes)?;
            separator = b",\n";
        }
    }
    if at < lines.end {
        copy(&mut out, separator, at..lines.end)?;
        separator = b",\n";
    }
    out.write_all(if separator == b"[\n" { b"[" } else { b"\n" })?;
    out.write_all(CLOSE)?;
    bytes.clear();
    write_tail(&mut bytes, &state);
    out.write_all(&bytes)?;
    out.flush()?;
    Ok((state.lineage, Seq(state.serial)))
}

/// The state without its entries, and the byte range of the entries' lines.
fn frame(snapshot: &mut (impl BufRead + Seek)) -> Result<(State, Range<u64>), Unspliced> {
    let mut frame = Vec::new();
    let mut lines = 0..0;
    loop {
        let start = frame.len();
        let length = snapshot.read_until(b'\n', &mut frame)? as u64;
        lines.start += length;
        match &frame[start..] {
            OPEN => {
                frame.truncate(start);
                let (end, tail) = tail(snapshot, lines.start)?;
                lines.end = end;
                frame.extend_from_slice(NONE);
                frame.extend_from_slice(&tail);
                break;
            }
            NONE => {
                lines.end = lines.start;
                snapshot.read_to_end(&mut frame)?;
                break;
            }
            [] => return Err(Unspliced::OtherForm),
            _ => {}
        }
    }
    if !frame.starts_with(format!("{{\n\"version\": {STATE_VERSION},\n").as_bytes()) {
        return Err(Unspliced::OtherForm);
    }
    let state = from_bytes(&frame, "").map_err(|_| Unspliced::OtherForm)?;
    Ok((state, lines))
}

/// Where the entries that begin at `start` end, and the bytes after them. Searches backwards, because
/// little comes after them.
fn tail(snapshot: &mut (impl BufRead + Seek), start: u64) -> Result<(u64, Vec<u8>), Unspliced> {
    let end = snapshot.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    let mut size = TAIL_BYTES;
    loop {
        let from = end.saturating_sub(size).max(start);
        snapshot.seek(SeekFrom::Start(from))?;
        bytes.clear();
        snapshot.read_to_end(&mut bytes)?;
        // A line end within a text is escaped.
        if let Some(at) = bytes.windows(AFTER.len()).rposition(|all| all == AFTER) {
            let lines = at + 1;
            return Ok((from + lines as u64, bytes.split_off(lines + CLOSE.len())));
        }
        if from == start {
            return Err(Unspliced::OtherForm);
        }
        size *= 4;
    }
}

fn touched(state: &State, records: &[Record]) -> BTreeSet<EntryKey> {
    fn keys<T>(entries: &[(EntryKey, T)]) -> impl Iterator<Item = EntryKey> {
        entries.iter().map(|(key, _)| key.clone())
    }
    let operations = state.pending_operations.iter();
    let mut touched: BTreeSet<_> = operations.flat_map(|one| keys(&one.entries)).collect();
    for record in records {
        match record {
            Record::Intend(PendingOperation { entries, .. })
            | Record::Skip { entries, .. }
            | Record::Defer { entries, .. }
            | Record::Hold { entries, .. } => touched.extend(keys(entries)),
            Record::Prove { entries } => touched.extend(keys(entries)),
            Record::Adopt { entries, .. } => touched.extend(keys(entries)),
            Record::Forget { keys } => touched.extend(keys.iter().cloned()),
            // These concern no entry, or entries of operations.
            Record::Begin { .. }
            | Record::Due { .. }
            | Record::Withdraw { .. }
            | Record::Accept { .. }
            | Record::Asked { .. }
            | Record::Settle { .. }
            | Record::Resolve { .. }
            | Record::Abandon { .. }
            | Record::Remember(_)
            | Record::Spend { .. }
            | Record::Tell { .. }
            | Record::Applied { .. } => {}
        }
    }
    touched
}

/// Finds the lines of `touched` and reads them into the state. All processors search.
fn find(
    snapshot: &mut (impl BufRead + Seek),
    lines: &Range<u64>,
    touched: &[EntryKey],
    state: &mut State,
) -> Result<Vec<Place>, Unspliced> {
    let mut places = Vec::with_capacity(touched.len());
    let mut last: Option<EntryKey> = None;
    let mut at = lines.start;
    let mut blocks = Vec::new();
    blocks.resize_with(rayon::current_num_threads(), Block::default);
    snapshot.seek(SeekFrom::Start(at))?;
    while at < lines.end {
        for block in &mut blocks {
            block.start = at;
            block.bytes.clear();
            let mut ahead = snapshot.by_ref().take(lines.end - at);
            let mut most = ahead.by_ref().take(BLOCK_BYTES);
            most.read_to_end(&mut block.bytes)?;
            ahead.read_until(b'\n', &mut block.bytes)?;
            at += block.bytes.len() as u64;
        }
        // The last ones may be empty.
        blocks.retain(|block| !block.bytes.is_empty());
        if blocks.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let search = |block: &Block| block.search(touched, lines.end);
        let searched: Vec<_> = blocks.par_iter().map(search).collect();
        for (block, searched) in blocks.iter().zip(searched) {
            let searched = searched?;
            if last.is_some_and(|last| last >= searched.first) {
                // In a file sorted by hand, a key may be anywhere.
                return Err(Unspliced::OtherForm);
            }
            let between = touched[places.len()..searched.before].iter();
            places.extend(between.map(|key| Place::new(key, block.start..block.start)));
            places.extend(searched.places);
            state.entries.extend(searched.entries);
            last = Some(searched.last);
        }
    }
    let rest = touched[places.len()..].iter();
    places.extend(rest.map(|key| Place::new(key, at..at)));
    Ok(places)
}

#[derive(Default)]
struct Block {
    start: u64,
    bytes: Vec<u8>,
}

/// The result of a search for touched entries in a block.
struct Searched {
    first: EntryKey,
    last: EntryKey,
    /// How many touched entries come before `first`.
    before: usize,
    /// Of the touched entries from `first` to `last`.
    places: Vec<Place>,
    entries: Vec<(EntryKey, Observed)>,
}

impl Block {
    /// `touched` is sorted; `lines_end` is the end of the snapshot's last entry line.
    fn search(&self, touched: &[EntryKey], lines_end: u64) -> Result<Searched, Unspliced> {
        let all = std::str::from_utf8(&self.bytes).map_err(|_| Unspliced::OtherForm)?;
        let mut names = Names::default();
        let (mut places, mut entries) = (Vec::new(), Vec::new());
        let mut first: Option<(EntryKey, usize)> = None;
        let mut before: Option<LineKey<'_>> = None;
        let mut ahead = [].iter().peekable();
        let mut last_line = "";
        let mut at = self.start;
        for line in all.split_inclusive('\n') {
            let end = at + line.len() as u64;
            let separator = if end == lines_end { "\n" } else { ",\n" };
            let line = line.strip_suffix(separator);
            let line = line.filter(|line| line.starts_with(INDENT));
            let line = line.ok_or(Unspliced::OtherForm)?;
            let key = match LineKey::plain(line) {
                Some(key) => key,
                None => LineKey::Read(read(&mut names, line)?.0),
            };
            if before.is_some_and(|before| before.text() >= key.text()) {
                return Err(Unspliced::OtherForm);
            }
            if first.is_none() {
                let before = touched.partition_point(|one| KeyText::of(one) < key.text());
                ahead = touched[before..].iter().peekable();
                first = Some((read(&mut names, line)?.0, before));
            }
            while let Some(new) = ahead.next_if(|one| KeyText::of(one) < key.text()) {
                places.push(Place::new(new, at..at));
            }
            if let Some(known) = ahead.next_if(|one| KeyText::of(one) == key.text()) {
                entries.push(read(&mut names, line)?);
                places.push(Place::new(known, at..end));
            }
            at = end;
            before = Some(key);
            last_line = line;
        }
        let (first, before) = first.ok_or(Unspliced::OtherForm)?;
        Ok(Searched {
            first,
            last: read(&mut names, last_line)?.0,
            before,
            places,
            entries,
        })
    }
}

/// What identifies the entry of a line.
enum LineKey<'a> {
    /// Borrowed from the line.
    Plain(KeyText<'a>),
    Read(EntryKey),
}

impl<'a> LineKey<'a> {
    /// The key of a plain line: a confirmed file without escapes, as in nearly all lines.
    fn plain(line: &'a str) -> Option<Self> {
        let text = |name: &str, line: &'a str| line.strip_prefix(name)?.split_once('"');
        let (address, rest) = text("  {\"address\":\"", line)?;
        let (endpoint, rest) = text(",\"endpoint\":\"", rest)?;
        let (target, rest) = text(",\"kind\":\"file\",\"target\":\"", rest)?;
        let (_, rest) = text(",\"generation\":\"", rest)?;
        let (_, rest) = text(",\"confirmed_at\":\"", rest)?;
        let is_plain = rest == "}" && !line.contains('\\') && CdnUrl::is_plain(target);
        let key = KeyText::read(address, TargetKind::File, target, endpoint)?;
        is_plain.then_some(Self::Plain(key))
    }

    fn text(&self) -> KeyText<'_> {
        match self {
            Self::Plain(text) => *text,
            Self::Read(key) => KeyText::of(key),
        }
    }
}

fn read(names: &mut Names, line: &str) -> Result<(EntryKey, Observed), Unspliced> {
    let line = serde_json::from_str(line).map_err(|_| Unspliced::OtherForm)?;
    entry(names, line).map_err(|_| Unspliced::OtherForm)
}
