//! Records as lines of text: one line per append, each with a checksum and the number of its first
//! record. Pure: bytes in, bytes out.
//!
//! ```text
//! 5f0c21aa 41 {"continues":{"version":2,"lineage":"…","bytes":24513,"crc":"9a1b…"}}
//! 0d3371fe 42 [{"intend":{…}},{"spend":{…}}]
//! 77aa01c3 44 [{"accept":{…}}]
//! ```
//! A `continues` line names the snapshot that the next records follow. It is the first line, and it
//! is written again before each fold into a new snapshot.

use std::borrow::Cow;
use std::io::{self, BufRead};

use serde::{Deserialize, Serialize};

use super::{Record, STATE_VERSION, Seq};

/// Digits of the CRC-32 checksum at the start of each line.
const CHECKSUM_DIGITS: usize = 8;

/// Identifies a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    version: u32,
    pub(super) lineage: String,
    #[serde(skip)]
    pub(super) seq: Seq,
    pub(super) bytes: u64,
    pub(super) crc: u32,
}

impl Mark {
    pub(super) fn new(lineage: &str, seq: Seq, bytes: u64, crc: u32) -> Self {
        Self {
            version: STATE_VERSION,
            lineage: lineage.to_owned(),
            seq,
            bytes,
            crc,
        }
    }

    pub(super) fn none() -> Self {
        Self::new("", Seq(0), 0, 0)
    }
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    continues: Cow<'a, Mark>,
}

pub(super) fn continues(mark: &Mark) -> Vec<u8> {
    let continues = Cow::Borrowed(mark);
    line(mark.seq, &Head { continues })
}

/// The line of an append whose first record has number `first`.
pub(super) fn append(first: Seq, records: &[Record]) -> Vec<u8> {
    line(first, records)
}

fn line(seq: Seq, content: &(impl Serialize + ?Sized)) -> Vec<u8> {
    let mut out = vec![b'0'; CHECKSUM_DIGITS];
    out.extend_from_slice(format!(" {} ", seq.0).as_bytes());
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(&mut out, content);
    let checksum = checksum(&out[CHECKSUM_DIGITS..]);
    out[..CHECKSUM_DIGITS].copy_from_slice(checksum.as_bytes());
    out.push(b'\n');
    out
}

fn checksum(bytes: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(bytes))
}

#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a newer purgit wrote it, with state version {0}")]
    TooNew(u32),
    #[error("{0}")]
    Broken(String),
}

/// Where the complete lines end. Nothing after that was reported as written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) seq: Seq,
    pub(super) bytes: u64,
}

/// Passes the records that are not yet in the snapshot with this mark to `take`. Ignores a torn last
/// line.
pub(super) fn read(
    journal: impl BufRead,
    mark: &Mark,
    take: impl FnMut(Record),
) -> Result<End, JournalError> {
    let reader = Reader {
        mark,
        is_named: false,
        last: None,
        bytes: 0,
    };
    reader.read(journal, take)
}

/// Continues after the end of an earlier read.
pub(super) fn read_on(
    journal: impl BufRead,
    mark: &Mark,
    end: &End,
    take: impl FnMut(Record),
) -> Result<End, JournalError> {
    let reader = Reader {
        mark,
        is_named: true,
        last: Some(end.seq),
        bytes: end.bytes,
    };
    reader.read(journal, take)
}

struct Reader<'a> {
    mark: &'a Mark,
    /// Whether a `continues` line named this snapshot.
    is_named: bool,
    last: Option<Seq>,
    bytes: u64,
}

impl Reader<'_> {
    fn read(
        mut self,
        mut journal: impl BufRead,
        mut take: impl FnMut(Record),
    ) -> Result<End, JournalError> {
        let mut line = Vec::new();
        while journal.read_until(b'\n', &mut line)? > 0 {
            if let Some((seq, content)) = checked(&line) {
                match parse(content).map_err(|reason| self.broken(&reason))? {
                    Parsed::Continues(found) => self.continues(seq, &found)?,
                    Parsed::Records(records) => self.records(seq, records, &mut take)?,
                }
                self.bytes += line.len() as u64;
                line.clear();
            } else if journal.fill_buf()?.is_empty() && !contains_valid_line(&line) {
                break;
            } else {
                return Err(self.broken("is damaged"));
            }
        }
        if self.last.is_some() && !self.is_named {
            return Err(foreign());
        }
        Ok(End {
            seq: self.last.unwrap_or(self.mark.seq),
            bytes: self.bytes,
        })
    }

    fn continues(&mut self, seq: Seq, found: &Mark) -> Result<(), JournalError> {
        if found.version > STATE_VERSION {
            return Err(JournalError::TooNew(found.version));
        }
        if self.last.is_some_and(|last| last != seq) {
            return Err(self.broken("does not follow"));
        }
        self.is_named |= seq == self.mark.seq
            && found.lineage == self.mark.lineage
            && (found.bytes, found.crc) == (self.mark.bytes, self.mark.crc);
        self.last = Some(seq);
        Ok(())
    }

    fn records(
        &mut self,
        first: Seq,
        records: Vec<Record>,
        take: &mut impl FnMut(Record),
    ) -> Result<(), JournalError> {
        let Some(before) = self.last.filter(|last| last.after(1) == first) else {
            return Err(self.broken("does not follow"));
        };
        let until = before.after(records.len());
        if until > self.mark.seq && !self.is_named {
            return Err(foreign());
        }
        let known = self.mark.seq.0.saturating_sub(before.0);
        let known = usize::try_from(known).unwrap_or(usize::MAX);
        records.into_iter().skip(known).for_each(take);
        self.last = Some(until);
        Ok(())
    }

    fn broken(&self, what: &str) -> JournalError {
        JournalError::Broken(match self.last {
            Some(last) => format!("the line after record {} {what}", last.0),
            None => format!("the first line {what}"),
        })
    }
}

fn foreign() -> JournalError {
    JournalError::Broken("it follows another state, or another version of it".to_owned())
}

/// Number and content of a line whose checksum is right.
fn checked(line: &[u8]) -> Option<(Seq, &[u8])> {
    let line = line.strip_suffix(b"\n")?;
    let (found, rest) = line.split_at_checked(CHECKSUM_DIGITS)?;
    if checksum(rest).as_bytes() != found {
        return None;
    }
    let rest = rest.strip_prefix(b" ")?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let seq = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
    Some((Seq(seq), &rest[space + 1..]))
}

/// Whether what looks like a torn line contains a valid one; then the journal is damaged.
fn contains_valid_line(line: &[u8]) -> bool {
    let Some(content) = line.iter().position(|byte| matches!(byte, b'[' | b'{')) else {
        return false;
    };
    let mut values = serde_json::Deserializer::from_slice(&line[content..]).into_iter();
    let Some(Ok(serde::de::IgnoredAny)) = values.next() else {
        return false;
    };
    let end = content + values.byte_offset();
    end + 1 < line.len() && checked(&[&line[..end], b"\n"].concat()).is_some()
}

enum Parsed {
    Continues(Mark),
    Records(Vec<Record>),
}

fn parse(content: &[u8]) -> Result<Parsed, String> {
    let parsed = match content.starts_with(b"[") {
        true => serde_json::from_slice(content).map(Parsed::Records),
        false => serde_json::from_slice(content)
            .map(|head: Head<'_>| Parsed::Continues(head.continues.into_owned())),
    };
    parsed.map_err(|error| format!("cannot be read: {error}"))
}
