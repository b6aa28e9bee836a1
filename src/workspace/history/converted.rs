//! `[io]` Notes about files that may only look changed because git converts them on checkout.

use super::{History, HistoryError, Past, files, joined};
use crate::content::ContentFile;
use crate::desired::Contents;
use crate::manifest::resource::Site;

/// Most changed files checked per site; one converted file is enough for a note.
const MAX_ASKED: usize = 100;

impl History {
    /// For files on disk that differ from the past and from the revision `end`, which is checked out.
    pub(super) fn notes_of_converted(
        &self,
        sites: &[Site],
        end: &Past,
        before: &Contents,
        contents: &Contents,
    ) -> Result<Vec<String>, HistoryError> {
        let mut notes = Vec::new();
        for site in sites {
            for file in changed(files(before, site), files(contents, site)).take(MAX_ASKED) {
                let root = self.below(&site.content.root.to_string_lossy());
                let path = joined(&root, &file.path);
                let committed = self.repository.file_id(&end.revision.tree, &path)?;
                let differs = committed.is_some_and(|id| id != file.id);
                if differs && self.repository.converts(&path)? {
                    notes.push(format!(
                        "site `{}`: git may convert `{path}` on checkout (line ends, LFS), so that its \
                         bytes on disk are not those committed; it counts as changed. To compare what \
                         is committed, add `--to HEAD`",
                        site.name
                    ));
                    break;
                }
            }
        }
        Ok(notes)
    }
}

/// Files that exist on both sides with different content. Both sides are sorted by path.
fn changed<'c>(
    before: &'c [ContentFile],
    after: &'c [ContentFile],
) -> impl Iterator<Item = &'c ContentFile> {
    let mut known = before.iter().peekable();
    after.iter().filter(move |file| {
        while known.next_if(|known| known.path < file.path).is_some() {}
        let known = known.next_if(|known| known.path == file.path);
        known.is_some_and(|known| known.id != file.id)
    })
}
