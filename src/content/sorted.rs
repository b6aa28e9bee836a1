//! Files in order, from wherever they are kept.

use super::{ContentFile, ContentId};

/// Files, sorted by path, that can be looked at before they are taken.
pub trait SortedFiles: Iterator<Item = ContentFile> {
    /// The file at hand.
    fn peek(&self) -> Option<(&[u8], ContentId)>;
    /// Leaves it and goes on.
    fn pass(&mut self);
}

impl SortedFiles for std::vec::IntoIter<ContentFile> {
    fn peek(&self) -> Option<(&[u8], ContentId)> {
        let file = self.as_slice().first()?;
        Some((file.path.as_bytes(), file.id))
    }

    fn pass(&mut self) {
        self.next();
    }
}
