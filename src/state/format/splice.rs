//! Applies records to a snapshot without loading all of it: lines of entries that no record mentions
//! are copied unchanged. So one change among a million entries costs one copy of the file.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read as _, Seek, SeekFrom, Write};
use std::ops::Range;

use super::names::{KeyText, Names};
use super::read::entry;
use super::{from_bytes, write_entry, write_head, write_tail};
use crate::entry::{EntryKey, TargetKind};
use crate::state::{Observed, Record, STATE_VERSION, Seq, State};
use crate::url::CdnUrl;

/// The line before the entries, the line after them, and the line of an empty list.
const OPEN: &[u8] = b"\"entries\": [\n";
const CLOSE: &[u8] = b"],\n";
const NONE: &[u8] = b"\"entries\": [],\n";

/// How every entry line begins.
const INDENT: &[u8] = b"  {";

/// Bytes that are searched as one block: many lines, yet little memory.
const BLOCK_BYTES: u64 = 1024 * 1024;

/// Why records were not spliced in.
#[derive(Debug)]
pub(in crate::state) enum Unspliced {
    Io(io::Error),
    /// The snapshot's lines are not in the form that this version writes.
    OtherForm,
}

impl From<io::Error> for Unspliced {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Where an entry's line is, or would be.
struct Place {
    key: EntryKey,
    /// Empty if the entry has no line.
    line: Range<u64>,
}

/// Writes the snapshot with the records applied; returns its lineage and last number.
pub(in crate::state) fn splice(
    mut snapshot: impl BufRead + Seek,
    records: Vec<Record>,
    mut out: impl Write,
) -> Result<(String, Seq), Unspliced> {
    let (mut state, lines) = frame(&mut snapshot)?;
    let mut touched = BTreeSet::new();
    touch(&state, &records, &mut touched);
    let places = find(&mut snapshot, &lines, touched, &mut state)?;
    state.extend(records);

    let mut bytes = Vec::new();
    write_head(&mut bytes, &state);
    out.write_all(&bytes)?;
    // A separator goes before each line except the first.
    let (mut at, mut separator): (_, &[u8]) = (lines.start, b"[\n");
    out.write_all(&OPEN[..OPEN.len() - 2])?;
    let mut copy = |out: &mut dyn Write, separator: &[u8], range: Range<u64>| {
        let last = if range.end == lines.end { 1 } else { 2 };
        snapshot.seek(SeekFrom::Start(range.start))?;
        out.write_all(separator)?;
        let length = (range.end - range.start).saturating_sub(last);
        io::copy(&mut snapshot.by_ref().take(length), out)
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
fn frame(snapshot: &mut impl BufRead) -> Result<(State, Range<u64>), Unspliced> {
    let (mut frame, mut line) = (Vec::new(), Vec::new());
    let (mut at, mut lines) = (0, None);
    let mut inside = false;
    loop {
        line.clear();
        let length = snapshot.read_until(b'\n', &mut line)? as u64;
        if length == 0 {
            break;
        }
        if inside && line.starts_with(INDENT) {
            at += length;
            continue;
        }
        match line.as_slice() {
            CLOSE if inside => {
                inside = false;
                lines = lines.map(|lines: Range<u64>| lines.start..at);
                frame.extend_from_slice(NONE);
            }
            _ if inside => return Err(Unspliced::OtherForm),
            OPEN if lines.is_none() => {
                inside = true;
                lines = Some(at + length..at);
            }
            NONE if lines.is_none() => {
                lines = Some(at..at);
                frame.extend_from_slice(NONE);
            }
            _ => frame.extend_from_slice(&line),
        }
        at += length;
    }
    if !frame.starts_with(format!("{{\n\"version\": {STATE_VERSION},\n").as_bytes()) {
        return Err(Unspliced::OtherForm);
    }
    let state = from_bytes(&frame, "").map_err(|_| Unspliced::OtherForm)?;
    Ok((state, lines.ok_or(Unspliced::OtherForm)?))
}

/// Collects the entries that the records may change.
fn touch(state: &State, records: &[Record], touched: &mut BTreeSet<EntryKey>) {
    let operations = state.pending_operations.iter();
    touched.extend(operations.flat_map(|one| one.entries.iter().map(|(key, _)| key.clone())));
    for record in records {
        match record {
            Record::Intend(operation) => {
                touched.extend(operation.entries.iter().map(|(key, _)| key.clone()));
            }
            Record::Skip { entries, .. }
            | Record::Defer { entries, .. }
            | Record::Hold { entries, .. } => {
                touched.extend(entries.iter().map(|(key, _)| key.clone()));
            }
            Record::Prove { entries } => {
                touched.extend(entries.iter().map(|(key, _)| key.clone()));
            }
            Record::Adopt { entries, .. } => {
                touched.extend(entries.iter().map(|(key, _)| key.clone()));
            }
            Record::Forget { keys } => touched.extend(keys.iter().cloned()),
            // These are about no entry, or about the entries of operations.
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
}

/// Finds the lines of `touched` and reads them into the state.
fn find(
    snapshot: &mut (impl BufRead + Seek),
    lines: &Range<u64>,
    touched: BTreeSet<EntryKey>,
    state: &mut State,
) -> Result<Vec<Place>, Unspliced> {
    let mut places = Vec::with_capacity(touched.len());
    let mut touched = touched.into_iter().peekable();
    let mut names = Names::default();
    let mut last: Option<EntryKey> = None;
    let mut at = lines.start;
    let mut block = Vec::new();
    snapshot.seek(SeekFrom::Start(at))?;
    while at < lines.end {
        block.clear();
        let left = lines.end - at;
        let mut ahead = snapshot.by_ref().take(left);
        ahead.by_ref().take(BLOCK_BYTES).read_to_end(&mut block)?;
        ahead.read_until(b'\n', &mut block)?;
        let all = std::str::from_utf8(&block).map_err(|_| Unspliced::OtherForm)?;
        let mut before = last.take().map(LineKey::Read);
        let mut last_line = "";
        for line in all.split_inclusive('\n') {
            let end = at + line.len() as u64;
            let separator = if end == lines.end { "\n" } else { ",\n" };
            let line = line.strip_suffix(separator).ok_or(Unspliced::OtherForm)?;
            let key = match LineKey::plain(line) {
                Some(key) => key,
                None => LineKey::Read(read(&mut names, line)?.0),
            };
            if before.is_some_and(|before| before.text() >= key.text()) {
                // In a file sorted by hand, a key may be anywhere.
                return Err(Unspliced::OtherForm);
            }
            while let Some(new) = touched.next_if(|one| KeyText::of(one) < key.text()) {
                places.push(Place {
                    key: new,
                    line: at..at,
                });
            }
            if let Some(known) = touched.next_if(|one| KeyText::of(one) == key.text()) {
                state.entries.extend([read(&mut names, line)?]);
                places.push(Place {
                    key: known,
                    line: at..end,
                });
            }
            at = end;
            before = Some(key);
            last_line = line;
        }
        // Kept as owned data because the block is dropped.
        last = Some(read(&mut names, last_line)?.0);
    }
    places.extend(touched.map(|key| Place { key, line: at..at }));
    Ok(places)
}

/// What identifies the entry of a line.
enum LineKey<'a> {
    /// Borrowed from the line.
    Plain(KeyText<'a>),
    Read(EntryKey),
}

impl<'a> LineKey<'a> {
    /// The key of a plain line: a confirmed file without escapes, as nearly all lines of a large
    /// state are.
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

/// Parses one entry line.
fn read(names: &mut Names, line: &str) -> Result<(EntryKey, Observed), Unspliced> {
    let line = serde_json::from_str(line).map_err(|_| Unspliced::OtherForm)?;
    entry(names, line).map_err(|_| Unspliced::OtherForm)
}
