//! `[io]` Files that may only seem changed, since git converts them between tree and disk.

use super::{History, HistoryError, Past, files};
use crate::content::ContentFile;
use crate::desired::Contents;
use crate::manifest::resource::Site;

/// Changed files of a site that are looked at: one that is converted says what there is to say.
const MAX_ASKED: usize = 100;

impl History {
    /// What a reader should know of files on disk that are others than before, and than at the
    /// revision `end`, which is checked out.
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
                let path = match root.as_str() {
                    "" => file.path.clone(),
                    root => format!("{root}/{}", file.path),
                };
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

/// Files that are there on both sides, with another content. Both are sorted by path.
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
