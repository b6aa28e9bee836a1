//! Sorted paths, each stored as the difference from the previous one: length of the shared prefix
//! (u32), length of the rest (u32), the rest; little endian.

use super::take;

#[derive(Debug, Default)]
pub(crate) struct PathWriter {
    last: String,
}

impl PathWriter {
    /// Appends a path, unless it is longer than any file system allows.
    pub(crate) fn push(&mut self, into: &mut Vec<u8>, path: &str) -> Option<()> {
        let both = self.last.bytes().zip(path.bytes());
        let shared = both.take_while(|(a, b)| a == b).count();
        let rest = &path.as_bytes()[shared..];
        let length = u32::try_from(rest.len()).ok()?;
        into.extend_from_slice(&u32::try_from(shared).ok()?.to_le_bytes());
        into.extend_from_slice(&length.to_le_bytes());
        into.extend_from_slice(rest);
        self.last.clear();
        self.last.push_str(path);
        Some(())
    }
}

#[derive(Debug, Default)]
pub(crate) struct PathReader {
    path: Vec<u8>,
}

impl PathReader {
    pub(crate) fn path(&self) -> &[u8] {
        &self.path
    }

    pub(crate) fn advance(&mut self, from: &mut &[u8]) -> Option<()> {
        let shared = usize::try_from(u32::from_le_bytes(take(from)?)).ok()?;
        let rest = usize::try_from(u32::from_le_bytes(take(from)?)).ok()?;
        let (name, ahead) = from.split_at_checked(rest)?;
        *from = ahead;
        self.path.truncate(shared);
        self.path.extend_from_slice(name);
        Some(())
    }
}
