//! [io] The snapshot's file: read as a whole, identified by its checksum, rewritten with the
//! journal's records.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, Write};
use std::path::Path;

use super::FileStore;
use super::journal_file::JournalFile;
use super::paths::{MAX_STATE_BYTES, Paths, Refused};
use crate::state::format::{self, Unspliced};
use crate::state::journal::Mark;
use crate::state::{Seq, State, StateError, replace};

pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some((file, length)) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(MAX_STATE_BYTES).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

pub(super) fn parse(bytes: Option<&[u8]>, place: &str) -> Result<(Mark, State), StateError> {
    let Some(bytes) = bytes else {
        return Ok((Mark::none(), State::default()));
    };
    let state = format::from_bytes(bytes, place)?;
    let mark = Mark::new(
        &state.lineage,
        Seq(state.serial),
        bytes.len() as u64,
        crc32fast::hash(bytes),
    );
    Ok((mark, state))
}

/// Whether the file still holds the snapshot with this mark. Does not parse it.
pub(super) fn is_still(path: &Path, mark: &Mark) -> io::Result<bool> {
    let Some((file, length)) = open(path)? else {
        return Ok(*mark == Mark::none());
    };
    if length != mark.bytes {
        return Ok(false);
    }
    let mut measured = Measured::new(io::sink());
    io::copy(&mut BufReader::new(file), &mut measured)?;
    Ok(measured.is(mark))
}

/// Rewrites the snapshot with this mark, with all records of the journal in it.
pub(super) fn fold(
    store: &FileStore,
    paths: &Paths,
    before: &Mark,
    file: &mut File,
) -> Result<Mark, Refused> {
    if let Some((snapshot, _)) = open(&paths.snapshot)? {
        let mut records = Vec::new();
        JournalFile::read(&paths.journal, before, |record| records.push(record))
            .map_err(|error| store.unreadable(paths, error))?;
        let mut measured = Measured::new(BufWriter::new(&mut *file));
        match format::splice(BufReader::new(snapshot), records, &mut measured) {
            Ok((lineage, seq)) => return Ok(measured.mark(&lineage, seq)),
            Err(Unspliced::Io(error)) => return Err(error.into()),
            Err(Unspliced::OtherForm) => {}
        }
        drop(measured);
        file.rewind()?;
        file.set_len(0)?;
    }
    let (state, position) = store.read(paths)?;
    if position.snapshot != *before {
        return Err(StateError::Conflict(paths.snapshot.display().to_string()).into());
    }
    let mut measured = Measured::new(BufWriter::new(file));
    measured.write_all(&format::to_bytes(&state))?;
    measured.flush()?;
    Ok(measured.mark(&state.lineage, Seq(state.serial)))
}

/// Refuses a file above the limit; returns its length in bytes too.
fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match replace::open_regular(path)? {
        Some((_, length)) if length > MAX_STATE_BYTES => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("{length} bytes, limit {MAX_STATE_BYTES}"),
        )),
        found => Ok(found),
    }
}

/// Counts and checksums the bytes written through it.
struct Measured<W> {
    inner: W,
    bytes: u64,
    crc: crc32fast::Hasher,
}

impl<W> Measured<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            bytes: 0,
            crc: crc32fast::Hasher::new(),
        }
    }

    fn mark(self, lineage: &str, seq: Seq) -> Mark {
        Mark::new(lineage, seq, self.bytes, self.crc.finalize())
    }

    fn is(self, mark: &Mark) -> bool {
        (self.bytes, self.crc.finalize()) == (mark.bytes, mark.crc)
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.crc.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
