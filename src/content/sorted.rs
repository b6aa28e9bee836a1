//! Files in path order, from any storage.

use super::{ContentFile, ContentId};

pub trait SortedFiles: Iterator<Item = ContentFile> {
    fn peek(&self) -> Option<(&[u8], ContentId)>;
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
