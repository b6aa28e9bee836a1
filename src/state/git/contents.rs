//! [io] Reads the files of the ref as a state, and applies records to them.

use std::io::Cursor;

use super::head::{self, Head};
use super::inner::{Inner, locked};
use super::position::{JOURNAL, Next, Position, SNAPSHOT, appends, folds};
use crate::git::own_ref::{Files, Tip};
use crate::state::format;
use crate::state::journal::{self, Mark};
use crate::state::{Record, Seq, State, StateError};

impl Inner {
    pub(super) fn read(&self, tip: Option<Tip>) -> Result<Position, StateError> {
        let failed = self.failed("read");
        let mut position = Position {
            tip,
            files: Files::new(),
            head: Head::of_snapshot(Seq(0), 0),
        };
        let Some(tip) = tip else {
            return Ok(position);
        };
        position.files = self.own.files(tip).map_err(&failed)?;
        if let Some(id) = position.files.get(head::FILE) {
            let bytes = self.own.read(*id).map_err(&failed)?;
            position.head = Head::read(&bytes, &self.own.place())?;
        } else if let Some(id) = position.files.get(SNAPSHOT) {
            // Someone added this file by hand.
            let bytes = self.own.read(*id).map_err(&failed)?;
            let state = format::from_bytes(&bytes, &self.own.place())?;
            position.head = Head::of_snapshot(Seq(state.serial), bytes.len() as u64);
        } else {
            let reason = format!("it has neither `{SNAPSHOT}` nor `{}`", head::FILE);
            return Err(self.corrupt(reason));
        }
        *locked(&self.head) = Some((tip, position.head.clone()));
        Ok(position)
    }

    fn snapshot(&self, at: &Position) -> Result<Option<Vec<u8>>, StateError> {
        let id = at.files.get(SNAPSHOT);
        let bytes = id.map(|id| self.own.read(*id)).transpose();
        bytes.map_err(self.failed("read"))
    }

    pub(super) fn records(&self, at: &Position) -> Result<Vec<Record>, StateError> {
        let mark = Mark::new("", at.head.snapshot, 0, 0);
        let mut bytes = journal::continues(&mark);
        for id in appends(&at.files) {
            bytes.extend(self.own.read(id).map_err(self.failed("read"))?);
        }
        let mut records = Vec::new();
        match journal::read(bytes.as_slice(), &mark, |record| records.push(record)) {
            Ok(end) if end.seq == at.head.seq && end.bytes == bytes.len() as u64 => Ok(records),
            Ok(end) => Err(self.corrupt(format!(
                "its records end with {}, not with {}",
                end.seq.0, at.head.seq.0
            ))),
            Err(error) => Err(self.corrupt(format!("its records: {error}"))),
        }
    }

    pub(super) fn state(&self, at: &Position) -> Result<State, StateError> {
        let mut state = match self.snapshot(at)? {
            Some(bytes) => format::from_bytes(&bytes, &self.own.place())?,
            None => State::default(),
        };
        if state.serial != at.head.snapshot.0 {
            let (found, said) = (state.serial, at.head.snapshot.0);
            return Err(self.corrupt(format!("`{SNAPSHOT}` ends with {found}, not with {said}")));
        }
        state.extend(self.records(at)?);
        Ok(state)
    }

    /// The next commit: `records` added by `command`, and everything folded when that is due.
    pub(super) fn with(
        &self,
        at: &Position,
        records: &[Record],
        at_the_end: bool,
        command: &str,
    ) -> Result<Next, StateError> {
        let failed = self.failed("write");
        let mut next = at.same(format!("purgit {command}: ends"));
        if !records.is_empty() {
            let first = at.head.seq.after(1);
            let last = at.head.seq.after(records.len());
            let line = journal::append(first, records);
            // Names sort like numbers.
            let path = format!("{JOURNAL}{:020}", first.0);
            next.files
                .insert(path, self.own.write(&line).map_err(&failed)?);
            next.head.seq = last;
            next.head.journal_bytes += line.len() as u64;
            next.message = format!("purgit {command}: records {} to {}", first.0, last.0);
        }
        if folds(&next.files, &next.head, at_the_end) {
            let mut all = self.records(at)?;
            all.extend(records.iter().cloned());
            let bytes = self.folded(at, all)?;
            next.files.retain(|path, _| !path.starts_with(JOURNAL));
            let id = self.own.write(&bytes).map_err(&failed)?;
            next.files.insert(SNAPSHOT.to_owned(), id);
            next.head.snapshot = next.head.seq;
            next.head.snapshot_bytes = bytes.len() as u64;
            next.head.journal_bytes = 0;
        }
        Ok(next)
    }

    fn folded(&self, at: &Position, records: Vec<Record>) -> Result<Vec<u8>, StateError> {
        let mut state = State::default();
        if let Some(bytes) = self.snapshot(at)? {
            let mut out = Vec::with_capacity(bytes.len());
            if format::splice(Cursor::new(&bytes), records.clone(), &mut out).is_ok() {
                return Ok(out);
            }
            state = format::from_bytes(&bytes, &self.own.place())?;
        }
        state.extend(records);
        Ok(format::to_bytes(&state))
    }
}
