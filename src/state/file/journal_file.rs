//! [io] The journal's file. Complete lines are never rewritten; new ones are appended.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::paths::{self, MAX_STATE_BYTES};
use crate::cache::FileStat;
use crate::state::journal::{self, End, JournalError, Mark};
use crate::state::replace::{self, folder, sync_folder};
use crate::state::{Record, Seq};

#[derive(Debug)]
pub(super) struct JournalFile {
    /// Open for writing after the first append.
    pub(super) file: Option<File>,
    pub(super) stat: Option<FileStat>,
    /// End of the last complete line. Bytes after it come from a write that never finished.
    pub(super) end: End,
}

impl JournalFile {
    pub(super) fn read(
        path: &Path,
        snapshot: &Mark,
        take: impl FnMut(Record),
    ) -> Result<Self, JournalError> {
        let mut journal = Self {
            file: None,
            stat: None,
            end: End {
                seq: snapshot.seq,
                bytes: 0,
            },
        };
        if let Some((file, _)) = replace::open_regular(path)? {
            let stat = FileStat::of(&file.metadata()?);
            // Records appended after this point are left for the next read.
            let bytes = BufReader::new(file.take(stat.size.min(MAX_STATE_BYTES)));
            journal.stat = Some(stat);
            journal.end = journal::read(bytes, snapshot, take)?;
        }
        Ok(journal)
    }

    /// Reads the records added since the last read. The snapshot must be unchanged.
    pub(super) fn read_on(
        &self,
        path: &Path,
        snapshot: &Mark,
        take: impl FnMut(Record),
    ) -> Result<Self, JournalError> {
        let (false, Some((mut file, _))) = (self.is_empty(), replace::open_regular(path)?) else {
            return Self::read(path, snapshot, take);
        };
        let stat = FileStat::of(&file.metadata()?);
        file.seek(SeekFrom::Start(self.end.bytes))?;
        let added = stat.size.saturating_sub(self.end.bytes);
        let bytes = BufReader::new(file.take(added));
        Ok(Self {
            file: None,
            stat: Some(stat),
            end: journal::read_on(bytes, snapshot, &self.end, take)?,
        })
    }

    pub(super) fn is_still(&self, path: &Path) -> io::Result<bool> {
        Ok(paths::stat(path)? == self.stat)
    }

    /// Durably appends a line whose last record has number `last`. The first line names `snapshot`.
    pub(super) fn append(
        &mut self,
        path: &Path,
        snapshot: &Mark,
        line: &[u8],
        last: Seq,
    ) -> io::Result<()> {
        if self.end.bytes == 0 {
            self.write(path, &journal::continues(snapshot), snapshot.seq)?;
            sync_folder(folder(path))?;
        }
        self.write(path, line, last)
    }

    fn write(&mut self, path: &Path, line: &[u8], last: Seq) -> io::Result<()> {
        let mut options = File::options();
        options.create(true).truncate(false).write(true);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(options.open(path)?),
        };
        if self.stat.is_some_and(|stat| stat.size > self.end.bytes) {
            file.set_len(self.end.bytes)?;
        }
        file.seek(SeekFrom::Start(self.end.bytes))?;
        if let Err(error) = file.write_all(line).and_then(|()| file.sync_data()) {
            // This line was reported to no caller as written.
            let _ = file.set_len(self.end.bytes);
            return Err(error);
        }
        self.stat = Some(FileStat::of(&file.metadata()?));
        self.end.seq = last;
        self.end.bytes += line.len() as u64;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.end.bytes == 0
    }

    pub(super) fn seq(&self) -> Seq {
        self.end.seq
    }

    pub(super) fn bytes(&self) -> u64 {
        self.end.bytes
    }

    /// Removes the file. All its records are in the snapshot, so a file that stays does no harm.
    pub(super) fn remove(&mut self, path: &Path) {
        self.file = None;
        if fs::remove_file(path).is_ok() {
            self.stat = None;
            self.end.bytes = 0;
        }
    }
}
