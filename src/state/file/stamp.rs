//! [io] A position as bytes, so that another process can compare it with the files.

use super::journal_file::JournalFile;
use super::paths::{self, Paths};
use super::position::Position;
use super::snapshot;
use crate::cache::{FileStat, Time, push_sized, take, take_sized};
use crate::state::journal::{End, Mark};
use crate::state::{Seq, Stamp};

impl Position {
    /// A file no older than `horizon` could be written again without its time changing.
    pub(super) fn stamp(&self, horizon: Time) -> Stamp {
        let stats = [self.stat, self.journal.stat];
        let is_racy = stats.iter().flatten().any(|stat| stat.is_racy(horizon));
        let mut bytes = vec![u8::from(is_racy)];
        for stat in stats {
            bytes.push(u8::from(stat.is_some()));
            stat.inspect(|stat| stat.write(&mut bytes));
        }
        push_sized(&mut bytes, self.snapshot.lineage.as_bytes());
        for number in [
            self.snapshot.seq.0,
            self.snapshot.bytes,
            self.snapshot.crc.into(),
            self.journal.end.seq.0,
            self.journal.end.bytes,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Stamp(bytes)
    }

    /// Parses a stamp; also returns whether its times are too recent to prove anything.
    fn of_stamp(stamp: &Stamp) -> Option<(Self, bool)> {
        let mut ahead = stamp.0.as_slice();
        let flag = |ahead: &mut &[u8]| Some(take(ahead)? == [1]);
        let number = |ahead: &mut &[u8]| Some(u64::from_le_bytes(take(ahead)?));
        let stat = |ahead: &mut &[u8]| -> Option<Option<FileStat>> {
            Some(match flag(ahead)? {
                true => Some(FileStat::read(ahead)?),
                false => None,
            })
        };
        let ahead = &mut ahead;
        let is_racy = flag(ahead)?;
        let (snapshot, journal) = (stat(ahead)?, stat(ahead)?);
        let lineage = str::from_utf8(take_sized(ahead)?).ok()?;
        let seq = Seq(number(ahead)?);
        let (bytes, crc) = (number(ahead)?, u32::try_from(number(ahead)?).ok()?);
        let position = Self {
            snapshot: Mark::new(lineage, seq, bytes, crc),
            stat: snapshot,
            journal: JournalFile {
                file: None,
                stat: journal,
                end: End {
                    seq: Seq(number(ahead)?),
                    bytes: number(ahead)?,
                },
            },
        };
        Some((position, is_racy))
    }
}

/// The current position, if the files are unchanged since the stamp, which may come from any process.
pub(super) fn resume(
    paths: &Paths,
    known: Option<Position>,
    horizon: Time,
    stamp: &Stamp,
) -> std::io::Result<Option<Position>> {
    // A process knows its own writes. Only stamps of others may be too recent.
    let known = known.filter(|known| known.stamp(horizon) == *stamp);
    let known = known.map(|known| (known, false));
    let Some((mut at, is_racy)) = known.or_else(|| Position::of_stamp(stamp)) else {
        return Ok(None);
    };
    let stat = paths::stat(&paths.snapshot)?;
    let is_same = stat == at.stat && !is_racy;
    if !is_same && !snapshot::is_still(&paths.snapshot, &at.snapshot)? {
        return Ok(None);
    }
    at.stat = stat;
    let is_same = is_same || at.journal.stat.is_none();
    Ok((is_same && at.journal.is_still(&paths.journal)?).then_some(at))
}
